//! The demo: what it claims happened, and it leaves nothing behind.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod common;

use common::{bruit, eventually, folder, ran, signal, wait};
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}

/// The API of the first agent, as the demo says it.
fn api(text: &str) -> &str {
    let rest = text.split_once("$ bruit members --addr ").unwrap().1;
    rest.lines().next().unwrap()
}

#[test]
fn every_step_happens_and_nothing_is_left() {
    let folder = folder();
    let mut command = bruit();
    command.args(["demo", "--fast", "--no-ui", "--nodes", "4"]).env("TMPDIR", folder.path());
    let ran = ran(&mut command);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", ran.stdout);
    for text in [
        "[1/5] 4 agents found each other",
        "4 of 4 delivered in ",
        "each of the 4 services says that it got DELETE /cache/users/42",
        "all 4 agents know it after ",
        "all 3 others noticed after ",
        "its service got the 3 that it had missed",
        "\nDone. ",
    ] {
        assert!(ran.stdout.contains(text), "{text} in {}", ran.stdout);
    }
    assert!(!ran.stdout.contains('\x1b'), "no colour without a terminal");
    let rows = ran.stdout.lines().filter(|line| line.contains("   alive   ")).count();
    assert_eq!(rows, 4, "{}", ran.stdout);
    assert!(TcpStream::connect(api(&ran.stdout)).is_err(), "an agent is left");
    assert!(is_empty(folder.path()));
}

#[test]
fn it_is_kept_until_it_is_interrupted() {
    let folder = folder();
    let mut command = bruit();
    command.args(["demo", "--fast", "--keep", "--nodes", "3"]).env("TMPDIR", folder.path());
    // Standard input stays open, so that it does not end by itself.
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut text = String::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        text += &line.unwrap();
        text += "\n";
        if text.contains("Enter or Ctrl-C") {
            break;
        }
    }
    TcpStream::connect(api(&text)).expect("it is kept");
    signal(&child, "INT");
    assert_eq!(wait(&mut child), Some(130));
    eventually("the agents are gone", || TcpStream::connect(api(&text)).is_err());
    assert!(is_empty(folder.path()));
}

#[test]
fn agents_end_with_the_demo_even_if_it_is_killed() {
    let folder = folder();
    let mut command = bruit();
    command.args(["demo", "--fast", "--keep", "--nodes", "3"]).env("TMPDIR", folder.path());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.find(|line| line.contains("$ bruit members")).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    eventually("the agents are gone", || TcpStream::connect(api(&line)).is_err());
}

#[test]
fn a_step_that_does_not_happen_is_a_failure_with_logs() {
    let folder = folder();
    let mut command = bruit();
    command.args(["demo", "--no-ui", "--nodes", "3"]).env("TMPDIR", folder.path());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.find(|line| line.contains("$ bruit members")).unwrap();
    let status = ran(bruit().args(["status", "--json", "--addr", api(&line)])).json();
    let pid = status["pid"].to_string();
    assert!(Command::new("kill").args(["-s", "KILL", &pid]).status().unwrap().success());
    let rest: Vec<String> = lines.collect();
    assert!(!rest.iter().any(|line| line.starts_with("Done.")), "{rest:#?}");
    assert_eq!(wait(&mut child), Some(1));
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    for part in ["error: ", " of the demo did not happen", "\n  demo-1: ", "\n  demo-3: "] {
        assert!(stderr.contains(part), "{part} in {stderr}");
    }
    assert!(is_empty(folder.path()));
}

#[test]
fn a_folder_that_cannot_be_written_is_said() {
    let mut command = bruit();
    command.args(["demo", "--fast", "--no-ui"]).env("TMPDIR", "/no/such/folder");
    let ran = ran(&mut command);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("TMPDIR"), "{}", ran.stderr);
}
