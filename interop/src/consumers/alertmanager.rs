//! An event on a topic becomes an alert, by Alertmanager's own API.

use super::scene::{Scene, free_port};
use crate::http::{Call, get};
use crate::process::{Process, find, until};
use crate::report::Report;
use crate::trouble::{During as _, Trouble};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const YML: &str = include_str!("../../consumers/alertmanager.yml");
const PATIENCE: Duration = Duration::from_secs(30);

/// Plays the suite.
pub(super) async fn play(report: &mut Report, bruit: &Path, folder: &Path) -> Result<(), Trouble> {
    report.step("Alertmanager, and an agent beside it");
    let addr = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), free_port()?);
    let mut alertmanager = start(folder, addr).await?;
    let settings = format!(
        "app = \"http://{addr}\"\nsubscribe = [\"api/v2/alerts\"]\n\
         [[subscription]]\nname = \"wrong\"\npattern = \"alerts/wrong\"\n\
         endpoint = \"http://{addr}/api/v2\"\n"
    );
    let scene = Scene::start(bruit, folder, &settings, 2).await?;

    report.step("POST /api/v2/alerts, sent to all");
    let alert = json!([{"labels": {"alertname": "Disk", "host": "db-1"},
        "annotations": {"summary": "90 % full"}}]);
    let summary = scene.send(report, post("/all/api/v2/alerts", &alert)).await?;
    report.check(summary.of("app") == ("delivered", Some(200)), "the receipt says 200");
    let alerts = get(addr, &addr.to_string(), "/api/v2/alerts").await?;
    let alerts: Value = serde_json::from_slice(&alerts.body).during("the alerts")?;
    report.check(
        alerts[0]["labels"]["host"] == "db-1" && alerts.as_array().map(Vec::len) == Some(1),
        &format!("Alertmanager has the alert {}", alerts[0]["labels"]),
    );

    report.step("what Alertmanager refuses is a dead letter at once");
    let summary = scene.send(report, post("/all/api/v2/alerts", &json!({"not": "a list"}))).await?;
    report.check(summary.of("app") == ("failed", Some(400)), "the receipt says failed, 400");
    let summary = scene.send(report, post("/all/alerts/wrong", &alert)).await?;
    report.check(summary.of("wrong").0 == "failed", "a path that it does not have, too");
    let dead = scene.ask("/v1/deliveries?state=failed").await?;
    let count = dead.as_array().map_or(0, Vec::len);
    report.check(count == 2, &format!("{count} dead letters are kept"));

    scene.stop().await?;
    alertmanager.ask_to_end()?;
    alertmanager.ended().await
}

async fn start(folder: &Path, addr: SocketAddr) -> Result<Process, Trouble> {
    let program = find("prometheus-alertmanager", "prometheus-alertmanager")?;
    let file = folder.join("alertmanager.yml");
    std::fs::write(&file, YML).during("alertmanager.yml")?;
    let mut command = Command::new(program);
    command.arg(format!("--config.file={}", file.display()));
    command.arg(format!("--storage.path={}", folder.join("alertmanager").display()));
    command.arg(format!("--web.listen-address={addr}")).arg("--cluster.listen-address=");
    let mut process = Process::start("alertmanager", &mut command, folder)?;
    until("Alertmanager is ready", PATIENCE, async || {
        process.check_running()?;
        let answer = get(addr, &addr.to_string(), "/-/ready").await;
        Ok(answer.ok().filter(|answer| answer.status == 200))
    })
    .await?;
    Ok(process)
}

fn post<'a>(target: &'a str, body: &Value) -> Call<'a> {
    let headers = vec![("Content-Type", "application/json")];
    Call { method: "POST", target, headers, body: body.to_string().into_bytes() }
}
