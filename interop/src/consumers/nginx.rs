//! nginx logs every request and keeps every body.

use super::scene::{Scene, free_port};
use crate::http::Call;
use crate::process::{Process, find, until};
use crate::report::Report;
use crate::trouble::{During as _, Trouble};
use serde::Deserialize;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tokio::net::TcpStream;

const CONF: &str = include_str!("../../consumers/nginx.conf");
/// The ports in [`CONF`]: HTTP/1.1, HTTP/2, and the one behind both.
const CONF_PORTS: [&str; 3] = ["10001", "10002", "10003"];
const PATIENCE: Duration = Duration::from_secs(15);

/// A running nginx.
struct Nginx {
    process: Process,
    http1: u16,
    http2: u16,
}

/// A line of its log.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Line {
    method: String,
    target: String,
    protocol: String,
    host: String,
    item: String,
    #[serde(rename = "type")]
    kind: String,
    encoding: String,
    trace: String,
    authorization: String,
    /// The file with the body; empty if there was none.
    body: String,
    connection: String,
}

impl Nginx {
    async fn start(folder: &Path) -> Result<Self, Trouble> {
        let program = find("nginx", "nginx-light")?;
        let ports = [free_port()?, free_port()?, free_port()?];
        let mut conf = CONF.to_owned();
        for (stands_for, port) in CONF_PORTS.into_iter().zip(ports) {
            conf = conf.replace(stands_for, &port.to_string());
        }
        let file = folder.join("nginx.conf");
        std::fs::write(&file, conf).during("nginx.conf")?;
        let mut command = Command::new(program);
        command.arg("-p").arg(folder).arg("-c").arg(&file).args(["-e", "stderr"]);
        let mut process = Process::start("nginx", &mut command, folder)?;
        until("nginx listens", PATIENCE, async || {
            process.check_running()?;
            Ok(TcpStream::connect(("127.0.0.1", ports[0])).await.ok().map(drop))
        })
        .await?;
        Ok(Self { process, http1: ports[0], http2: ports[1] })
    }
}

/// The lines of the log, once there are so many.
async fn lines(folder: &Path, count: usize) -> Result<Vec<Line>, Trouble> {
    let file = folder.join("requests.log");
    until(format!("nginx has logged {count} requests"), PATIENCE, async || {
        let text = std::fs::read_to_string(&file).during("requests.log")?;
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let lines: Result<Vec<Line>, _> = whole.lines().map(serde_json::from_str).collect();
        let lines = lines.during("requests.log")?;
        Ok((lines.len() >= count).then_some(lines))
    })
    .await
}

fn settings(nginx: &Nginx) -> String {
    let Nginx { http1, http2, .. } = nginx;
    format!(
        "[[subscription]]\nname = \"one\"\npattern = \"one/**\"\n\
         endpoint = \"http://127.0.0.1:{http1}\"\n\
         [[subscription]]\nname = \"two\"\npattern = \"two/**\"\nhttp2 = true\n\
         endpoint = \"http://127.0.0.1:{http2}/base\"\nhost = \"site.test\"\n\
         [[subscription]]\nname = \"moved\"\npattern = \"moved\"\n\
         endpoint = \"http://127.0.0.1:{http1}\"\n"
    )
}

/// Bytes that gzip would write, and that no text holds.
const COMPRESSED: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\x07\x00\
    \x86\xa6\x10\x36\x05\x00\x00\x00";
const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Plays the suite.
pub(super) async fn play(report: &mut Report, bruit: &Path, folder: &Path) -> Result<(), Trouble> {
    report.step("nginx, and an agent beside it");
    let mut nginx = Nginx::start(folder).await?;
    let scene = Scene::start(bruit, folder, &settings(&nginx), 3).await?;
    over_http1(report, &scene, folder).await?;
    over_http2(report, &scene, folder).await?;
    refused(report, &scene).await?;
    scene.stop().await?;
    nginx.process.ask_to_end()?;
    nginx.process.ended().await
}

async fn over_http1(report: &mut Report, scene: &Scene, folder: &Path) -> Result<(), Trouble> {
    report.step("a request over HTTP/1.1 arrives as it was, a compressed body untouched");
    let target = "/all/one/a%2Fb/c%2fd;e?x=1&y=%20&z=%C3%A9";
    let summary = scene.send(
        report,
        Call {
            method: "PUT",
            target,
            headers: vec![
                ("Content-Encoding", "gzip"),
                ("Content-Type", "text/plain"),
                ("Traceparent", TRACE),
                ("Authorization", "Bearer abc"),
            ],
            body: COMPRESSED.to_vec(),
        },
    );
    let summary = summary.await?;
    report.check(summary.of("one") == ("delivered", Some(204)), "the receipt says 204");
    let line = lines(folder, 1).await?.remove(0);
    let body = std::fs::read(&line.body).during(&line.body)?;
    report.check(
        (&*line.method, &*line.target) == ("PUT", &target["/all".len()..]),
        &format!("nginx got {} {}", line.method, line.target),
    );
    report.check(line.protocol == "HTTP/1.1", &format!("by {}", line.protocol));
    report.check(body == COMPRESSED, &format!("with the same {} bytes", body.len()));
    report.check(
        (&*line.encoding, &*line.kind) == ("gzip", "text/plain"),
        &format!("Content-Encoding {}, Content-Type {}", line.encoding, line.kind),
    );
    report.check(line.trace == TRACE, &format!("traceparent {}", line.trace));
    report.check(line.authorization == "Bearer abc", "and Authorization as it was");
    report.check(line.item == summary.id, &format!("Bruit-Item {}", line.item));
    Ok(())
}

async fn over_http2(report: &mut Report, scene: &Scene, folder: &Path) -> Result<(), Trouble> {
    report.step("twenty requests over HTTP/2, one of them with the largest body");
    let large = vec![b'x'; 1024 * 1024];
    let mut delivered = 0;
    for number in 0..20 {
        let body = if number == 7 { large.clone() } else { b"small".to_vec() };
        let target = format!("/all/two/{number}");
        let call = Call { method: "POST", target: &target, headers: Vec::new(), body };
        let summary = scene.send(report, call).await?;
        delivered += usize::from(summary.of("two") == ("delivered", Some(204)));
    }
    report.check(delivered == 20, &format!("{delivered} of 20 are delivered"));
    let lines = lines(folder, 21).await?.split_off(1);
    let targets: Vec<String> = (0..20).map(|number| format!("/base/two/{number}")).collect();
    let got: Vec<String> = lines.iter().map(|line| line.target.clone()).collect();
    report.check(got == targets, "nginx got each once, under the endpoint's prefix");
    report.check(lines.iter().all(|line| line.protocol == "HTTP/2.0"), "all by HTTP/2.0");
    report.check(
        lines.iter().all(|line| line.host.contains("site.test")),
        "all for the host site.test",
    );
    let connections: std::collections::BTreeSet<_> =
        lines.iter().map(|line| &line.connection).collect();
    report.check(
        connections.len() <= 2,
        &format!("on {} connection(s), which stay open", connections.len()),
    );
    let body = std::fs::read(&lines[7].body).during("the large body")?;
    report.check(body == large, &format!("the large body has its {} bytes", body.len()));
    Ok(())
}

async fn refused(report: &mut Report, scene: &Scene) -> Result<(), Trouble> {
    report.step("a redirect is not followed, and kept as a dead letter");
    let call = Call { method: "POST", target: "/all/moved", headers: Vec::new(), body: vec![] };
    let summary = scene.send(report, call).await?;
    report.check(!summary.met, "not all that was waited for came");
    report.check(summary.of("moved") == ("failed", Some(302)), "the receipt says failed, 302");
    let dead = scene.ask("/v1/deliveries?state=failed").await?;
    let dead = dead.as_array().map(Vec::as_slice).unwrap_or_default();
    report.check(
        dead.len() == 1 && dead[0]["status"] == 302 && dead[0]["item"] == summary.id.as_str(),
        &format!("dead letters: {}", dead.len()),
    );
    Ok(())
}
