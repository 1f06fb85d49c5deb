//! One request runs a script: by Debian's `webhook`, and by an exec handler of the agent.

use super::scene::{Scene, free_port};
use crate::http::Call;
use crate::process::{Process, find, until};
use crate::report::Report;
use crate::trouble::{During as _, Trouble};
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(15);

/// Plays the suite.
pub(super) async fn play(report: &mut Report, bruit: &Path, folder: &Path) -> Result<(), Trouble> {
    report.step("webhook, an exec handler, and an agent beside both");
    let port = free_port()?;
    let hook = script(folder, "hook", "printf '%s' \"$1\" > \"$2.new\"; mv \"$2.new\" \"$2\"")?;
    let mut webhook = start(folder, &hook, port).await?;
    let handler = script(
        folder,
        "handler",
        "{ cat; printf '|%s|%s|%s' \"$BRUIT_METHOD\" \"$BRUIT_TARGET\" \"$BRUIT_SUBSCRIPTION\"; } \
         > \"$1.new\"; mv \"$1.new\" \"$1\"",
    )?;
    let [by_hook, by_handler] = ["by-hook", "by-handler"].map(|name| folder.join(name));
    let failing = script(folder, "failing", "echo why it fails >&2; exit 3")?;
    let settings = format!(
        "[[subscription]]\nname = \"hook\"\npattern = \"hooks/**\"\n\
         endpoint = \"http://127.0.0.1:{port}\"\n\
         [[subscription]]\nname = \"handler\"\npattern = \"hooks/**\"\nmode = \"exec\"\n\
         command = [{:?}, {:?}]\n\
         [[subscription]]\nname = \"failing\"\npattern = \"failing\"\nmode = \"exec\"\n\
         command = [{:?}]\n",
        handler, by_handler, failing
    );
    let scene = Scene::start(bruit, folder, &settings, 3).await?;

    report.step("one request runs both scripts");
    let body = json!({"rev": "4f3a", "file": by_hook}).to_string().into_bytes();
    let summary = scene.send(
        report,
        Call {
            method: "POST",
            target: "/all/hooks/deploy?by=ci",
            headers: vec![("Content-Type", "application/json"), ("X-Token", "abc")],
            body: body.clone(),
        },
    );
    let summary = summary.await?;
    report.check(summary.of("hook") == ("delivered", Some(200)), "webhook answered 200");
    report.check(summary.of("handler").0 == "delivered", "the handler ended with 0");
    let text = written(&by_hook).await?;
    report.check(text == "4f3a", &format!("the hook's script got {text:?} out of the body"));
    let text = written(&by_handler).await?;
    let mut expected = String::from_utf8_lossy(&body).into_owned();
    expected += "|POST|/hooks/deploy?by=ci|handler";
    report.check(text == expected, &format!("the handler got {text:?}"));

    report.step("a handler that fails is a dead letter with its last words");
    let call = Call { method: "POST", target: "/all/failing", headers: vec![], body: vec![] };
    let summary = scene.send(report, call).await?;
    report.check(summary.of("failing").0 == "failed", "the receipt says failed");
    let dead = scene.ask("/v1/deliveries?state=failed").await?;
    let reason = dead[0]["reason"].as_str().unwrap_or_default().to_owned();
    report.check(reason.contains("why it fails"), &format!("kept, with {reason:?}"));

    scene.stop().await?;
    webhook.check_running()?;
    drop(webhook);
    Ok(())
}

fn script(folder: &Path, name: &str, text: &str) -> Result<PathBuf, Trouble> {
    let file = folder.join(format!("{name}.sh"));
    fs::write(&file, format!("#!/bin/sh\nset -eu\n{text}\n")).during(name)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).during(name)?;
    Ok(file)
}

/// A `webhook` whose hook runs a script with a value and a file from the body, if a header says
/// the word.
async fn start(folder: &Path, script: &Path, port: u16) -> Result<Process, Trouble> {
    let program = find("webhook", "webhook")?;
    let argument = |name: &str| json!({"source": "payload", "name": name});
    let rule = json!({"match": {"type": "value", "value": "abc",
        "parameter": {"source": "header", "name": "X-Token"}}});
    let hooks = json!([{"id": "deploy", "execute-command": script, "trigger-rule": rule,
        "include-command-output-in-response": true,
        "pass-arguments-to-command": [argument("rev"), argument("file")]}]);
    let file = folder.join("hooks.json");
    fs::write(&file, hooks.to_string()).during("hooks.json")?;
    let mut command = Command::new(program);
    command.arg("-hooks").arg(&file).args(["-ip", "127.0.0.1", "-verbose"]);
    command.args(["-port", &port.to_string()]);
    let mut process = Process::start("webhook", &mut command, folder)?;
    until("webhook listens", PATIENCE, async || {
        process.check_running()?;
        Ok(TcpStream::connect(("127.0.0.1", port)).await.ok().map(drop))
    })
    .await?;
    Ok(process)
}

/// What a script has written.
async fn written(file: &Path) -> Result<String, Trouble> {
    let what = format!("{} is there", file.display());
    until(what, PATIENCE, async || Ok(fs::read_to_string(file).ok().filter(|t| !t.is_empty())))
        .await
}
