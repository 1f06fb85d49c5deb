//! Events arrive as `CloudEvents` that the official SDK understands.

use super::scene::Scene;
use crate::http::Call;
use crate::process::{Process, find, until};
use crate::report::Report;
use crate::trouble::{During as _, Trouble};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const RECEIVER: &str = include_str!("../../consumers/receiver.py");
const REQUIREMENTS: &str = include_str!("../../consumers/requirements.txt");
const START_PATIENCE: Duration = Duration::from_secs(20);
const INSTALL_PATIENCE: Duration = Duration::from_secs(90);
const PATIENCE: Duration = Duration::from_secs(15);

/// Plays the suite.
pub(super) async fn play(report: &mut Report, bruit: &Path, folder: &Path) -> Result<(), Trouble> {
    report.step("a receiver on the official Python SDK, and an agent beside it");
    let python = python(folder).await?;
    let file = folder.join("receiver.py");
    std::fs::write(&file, RECEIVER).during("receiver.py")?;
    let mut receiver =
        Process::start("receiver", Command::new(python).arg("-u").arg(&file), folder)?;
    let port = until("the receiver listens", START_PATIENCE, async || {
        receiver.check_running()?;
        Ok(told(&receiver)?.first().and_then(|line| line["port"].as_u64()))
    });
    let port = port.await?;
    let each = |name: &str, mode: &str| {
        format!(
            "[[subscription]]\nname = \"{name}\"\npattern = \"{name}/**\"\nmode = \"{mode}\"\n\
             endpoint = \"http://127.0.0.1:{port}/hook\"\n"
        )
    };
    let filtered = "filter = [\"ce:type=test.made\"]\n";
    let settings = format!(
        "{}{filtered}{}{filtered}",
        each("binary", "cloudevents"),
        each("structured", "cloudevents-structured")
    );
    let scene = Scene::start(bruit, folder, &settings, 2).await?;
    let mut seen = 1;
    for mode in ["binary", "structured"] {
        report.step(&format!("published in binary mode, delivered in {mode} mode"));
        let target = format!("/topics/{mode}/a");
        let summary = scene.send(report, binary(&target)).await?;
        report.check(summary.of(mode) == ("delivered", Some(204)), "the SDK takes it");
        seen += 1;
        check(report, &line(&receiver, seen).await?, mode, &json!({"grüße": [1, "z\u{1f600}"]}));

        report.step(&format!("published in structured mode, delivered in {mode} mode"));
        let summary = scene.send(report, structured(&target)).await?;
        report.check(summary.of(mode) == ("delivered", Some(204)), "the SDK takes it");
        seen += 1;
        check(report, &line(&receiver, seen).await?, mode, &json!({"grüße": [1, "z\u{1f600}"]}));
    }
    report.step("binary data keeps every byte");
    for mode in ["binary", "structured"] {
        let target = format!("/topics/{mode}/a");
        let mut call = binary(&target);
        call.body = (0..=255).collect();
        call.headers.retain(|(name, _)| *name != "Content-Type");
        call.headers.push(("Content-Type", "application/octet-stream"));
        let summary = scene.send(report, call).await?;
        report.check(summary.of(mode) == ("delivered", Some(204)), &format!("{mode}: taken"));
        seen += 1;
        let line = line(&receiver, seen).await?;
        let bytes = line["data"]["base64"].as_str().unwrap_or_default();
        report.check(
            bytes.starts_with("AAECAwQF") && bytes.ends_with("+fr7/P3+/w==") && bytes.len() == 344,
            &format!("{mode}: 256 bytes, {} letters of base64", bytes.len()),
        );
    }
    scene.stop().await?;
    drop(receiver);
    Ok(())
}

/// A Python that has the SDK: `CLOUDEVENTS_PYTHON`, or one made for the suite.
async fn python(folder: &Path) -> Result<PathBuf, Trouble> {
    if let Some(python) = std::env::var_os("CLOUDEVENTS_PYTHON") {
        return Ok(python.into());
    }
    let python = find("python3", "python3-venv")?;
    let made = folder.join("python");
    let requirements = folder.join("requirements.txt");
    std::fs::write(&requirements, REQUIREMENTS).during("requirements.txt")?;
    run(tokio::process::Command::new(python).args(["-m", "venv"]).arg(&made)).await?;
    let python = made.join("bin/python");
    let mut install = tokio::process::Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    install.args(["--retries", "5", "-r"]).arg(&requirements);
    run(&mut install).await?;
    Ok(python)
}

async fn run(command: &mut tokio::process::Command) -> Result<(), Trouble> {
    let what = format!("{:?}", command.as_std());
    let output = tokio::time::timeout(INSTALL_PATIENCE, command.kill_on_drop(true).output());
    let output = output.await.during(&what)?.during(&what)?;
    if output.status.success() {
        return Ok(());
    }
    Err(Trouble::new(format!("{what}: {}", String::from_utf8_lossy(&output.stderr))))
}

/// What the receiver has printed, line by line.
fn told(receiver: &Process) -> Result<Vec<Value>, Trouble> {
    let text = receiver.output()?;
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let lines: Result<Vec<Value>, _> = whole.lines().map(serde_json::from_str).collect();
    lines.during("the receiver's output")
}

/// The last line, once there are `count`.
async fn line(receiver: &Process, count: usize) -> Result<Value, Trouble> {
    until(format!("the receiver has printed {count} lines"), PATIENCE, async || {
        Ok(told(receiver)?.get(count - 1).cloned())
    })
    .await
}

fn binary(target: &str) -> Call<'_> {
    Call {
        method: "POST",
        target,
        headers: vec![
            ("Content-Type", "application/json"),
            ("Ce-Specversion", "1.0"),
            ("Ce-Id", "A 1"),
            ("Ce-Source", "/tests"),
            ("Ce-Type", "test.made"),
            ("Ce-Subject", "Euro%20%E2%82%AC%20%F0%9F%98%80"),
            ("Ce-Time", "2026-11-22T10:11:12.5Z"),
            ("Ce-Zone", "eu"),
        ],
        body: "{\"grüße\":[1,\"z\u{1f600}\"]}".into(),
    }
}

fn structured(target: &str) -> Call<'_> {
    let body = json!({"specversion": "1.0", "id": "A 1", "source": "/tests", "type": "test.made",
        "subject": "Euro \u{20ac} \u{1f600}", "time": "2026-11-22T10:11:12.5Z", "zone": "eu",
        "datacontenttype": "application/json", "data": {"grüße": [1, "z\u{1f600}"]}});
    let headers = vec![("Content-Type", "application/cloudevents+json; charset=utf-8")];
    Call { method: "POST", target, headers, body: body.to_string().into_bytes() }
}

fn check(report: &mut Report, line: &Value, mode: &str, data: &Value) {
    report.check(line["mode"] == mode, &format!("in {} mode", line["mode"]));
    let attributes = &line["attributes"];
    let expected = [
        ("id", "A 1"),
        ("source", "/tests"),
        ("type", "test.made"),
        ("subject", "Euro \u{20ac} \u{1f600}"),
        ("zone", "eu"),
        ("datacontenttype", "application/json"),
    ];
    let holds = expected.iter().all(|(name, value)| attributes[name] == *value);
    let time = attributes["time"].as_str().unwrap_or_default();
    let holds = holds && time.starts_with("2026-11-22 10:11:12.5");
    report.check(holds, &format!("with its attributes: {attributes}"));
    report.check(line["data"] == *data, &format!("and its data: {}", line["data"]));
}
