//! What goes wrong is said, with what to do about it, and with its exit code.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod common;

use common::{Agent, bruit, eventually, folder, ran, run, wait};
use std::fs;
use std::io::{Read as _, pipe};
use std::net::TcpListener;
use std::process::Stdio;

#[test]
fn no_agent_is_exit_code_3_for_every_command_that_asks_one() {
    // Bound and not listening for HTTP is not it: the port must refuse.
    let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    for command in [
        "members",
        "status",
        "subs",
        "topics",
        "leave",
        "listen",
        "tag a=b",
        "join 127.0.0.1",
        "send PURGE /a",
        "publish a",
    ] {
        let mut args: Vec<&str> = command.split(' ').collect();
        args.extend(["--addr", &addr]);
        let ran = run(&args);
        assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{command}");
        let mut lines = ran.stderr.lines();
        assert_eq!(lines.next(), Some(&*format!("error: no agent answers at {addr}")));
        assert!(lines.any(|line| line.starts_with("  hint: start one with `bruit agent`")));
    }
}

#[test]
fn the_environment_names_the_agent() {
    let ran = ran(bruit().arg("members").env("BRUIT_ADDR", "127.0.0.1:1"));
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("127.0.0.1:1\n"), "{}", ran.stderr);
}

#[test]
fn a_wrong_command_line_is_exit_code_2() {
    for line in [
        "members --no-such-flag",
        "no-such-command",
        "send PURGE",
        "tag a",
        "members --timeout 5",
        "agent --subscribe a/**",
        "agent --app http://127.0.0.1:1",
        "agent --bind 0.0.0.0:0",
        "agent --api 0.0.0.0:0",
        "agent --profile moon",
        "agent --tag a",
        "demo --nodes 2",
        "listen a/b*",
        "keys",
        "echo --status 99",
        "agent -q -v",
    ] {
        let ran = run(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(ran.code, 2, "{line}: {ran:?}");
        assert!(!ran.stderr.is_empty(), "{line}");
    }
}

#[test]
fn gossip_beyond_this_machine_needs_a_key() {
    let ran = run(&["agent", "--bind", "0.0.0.0:0", "--advertise", "10.0.0.1"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("\n  hint: make one with `bruit keys new"), "{}", ran.stderr);
}

#[test]
fn a_name_of_control_characters_is_refused_and_not_printed() {
    let ran = run(&["agent", "--name", "web\x1b[2J"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("web") && !ran.stderr.contains('\x1b'), "{}", ran.stderr);
}

#[test]
fn an_unknown_setting_names_the_nearest() {
    let folder = folder();
    let file = folder.path().join("bruit.toml");
    fs::write(&file, "subscrib = ['a']\n").unwrap();
    let ran = run(&["agent", "--config", file.to_str().unwrap()]);
    assert_eq!(ran.code, 2);
    for part in [file.to_str().unwrap(), "`subscrib`", "\n  hint: did you mean `subscribe`?"] {
        assert!(ran.stderr.contains(part), "{part} in {}", ran.stderr);
    }
    let ran = run(&["agent", "--config", "/no/such/file.toml"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("/no/such/file.toml"), "{}", ran.stderr);
}

#[test]
fn a_flag_overrides_the_file() {
    let folder = folder();
    let file = folder.path().join("bruit.toml");
    fs::write(&file, "name = 'of-the-file'\ntag = { role = 'web' }\napi = '127.0.0.1:1'\n")
        .unwrap();
    let file = file.to_str().unwrap();
    let agent = Agent::start(&["--config", file, "--name", "of-the-flag"]);
    assert_eq!(agent.ready["name"], "of-the-flag");
    let members = agent.run(&["members", "--json", "--tag", "role=web"]).json();
    assert_eq!(members[0]["name"], "of-the-flag");
}

#[test]
fn a_port_in_use_is_named_with_its_remedy() {
    let agent = Agent::start(&[]);
    for (flag, addr) in [("--api", &agent.api), ("--bind", &agent.gossip)] {
        let other = if flag == "--api" { "--bind" } else { "--api" };
        let ran = run(&["agent", flag, addr, other, "127.0.0.1:0"]);
        assert_eq!(ran.code, 1, "{ran:?}");
        let port = addr.rsplit(':').next().unwrap();
        let line = ran.stderr.lines().find(|line| line.starts_with("error: ")).unwrap();
        assert!(line.contains(&format!("port {port}")) && line.contains("in use"), "{line}");
        assert!(ran.stderr.contains(flag), "{}", ran.stderr);
    }
}

#[test]
fn a_state_directory_that_cannot_be_used_is_named() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let data = file.join("data");
    let flags = ["--bind", "127.0.0.1:0", "--api", "127.0.0.1:0", "--data", data.to_str().unwrap()];
    let ran = ran(bruit().arg("agent").args(flags));
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains(data.to_str().unwrap()), "{}", ran.stderr);
    assert!(ran.stderr.contains("\n  hint: give --data"), "{}", ran.stderr);
}

#[test]
fn a_token_is_asked_for() {
    let folder = folder();
    let file = folder.path().join("token");
    fs::write(&file, "a-secret-of-20-bytes\n").unwrap();
    let agent = Agent::start(&["--token-file", file.to_str().unwrap()]);
    let denied = agent.run(&["members"]);
    assert_eq!(denied.code, 6);
    assert!(denied.stderr.contains("--token"), "{}", denied.stderr);
    agent.run(&["members", "--token", "a-secret-of-20-bytes"]).ok();
    let mut command = bruit();
    command.args(["members", "--addr", &agent.api]).env("BRUIT_TOKEN", "a-secret-of-20-bytes");
    ran(&mut command).ok();
}

#[test]
fn what_the_agent_refuses_is_said_with_its_hint() {
    let agent = Agent::start(&[]);
    let ran = agent.run(&["tag", "$mine=1"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.starts_with("error: ") && ran.stderr.contains("reserved"), "{ran:?}");
    let folder = folder();
    let file = folder.path().join("large");
    fs::write(&file, vec![0; 1024 * 1024 + 1]).unwrap();
    let ran = agent.run(&["publish", "a", "-d", &format!("@{}", file.display())]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("1048576 bytes"), "{}", ran.stderr);
}

#[test]
fn a_reader_that_has_gone_ends_a_command_quietly() {
    let agent = Agent::start(&[]);
    for command in ["members", "status --json", "publish a", "version", "keys new"] {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let mut full = bruit();
        full.args(command.split(' ')).env("BRUIT_ADDR", &agent.api).stdout(writer);
        let ran = ran(&mut full);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{command}");
    }
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let mut command = bruit();
    command.arg("listen").env("BRUIT_ADDR", &agent.api).stdout(writer).stderr(Stdio::piped());
    let mut listen = command.spawn().unwrap();
    eventually("listen ends", || {
        agent.run(&["publish", "a"]).ok();
        listen.try_wait().unwrap().is_some()
    });
    assert_eq!(wait(&mut listen), Some(0));
    let mut stderr = String::new();
    listen.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}
