//! `bruit run`: a service with an agent beside it.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod common;

use common::{Agent, Ran, bruit, eventually, folder, ran, signal, wait};
use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const AGENT: [&str; 6] = ["--bind", "127.0.0.1:0", "--api", "127.0.0.1:0", "--profile", "local"];

/// `bruit run` with an agent on free ports that is subscribed to `cache/**`.
fn beside(flags: &[&str], command: &[&str]) -> Command {
    let mut bruit = bruit();
    bruit.arg("run").args(AGENT).args(["--subscribe", "cache/**"]);
    bruit.args(flags).arg("--").args(command);
    bruit
}

/// A port that was free a moment ago.
fn free_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}

fn program() -> &'static str {
    env!("CARGO_BIN_EXE_bruit")
}

#[test]
fn the_exit_code_is_that_of_the_service() {
    for (script, code) in
        [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143), ("kill -9 $$", 137)]
    {
        let ran = ran(&mut beside(&["--port", "1"], &["sh", "-c", script]));
        assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{script}: {}", ran.stderr);
    }
}

#[test]
fn what_cannot_be_run_is_said() {
    let missing = ran(&mut beside(&["--port", "1"], &["/no/such/program"]));
    assert_eq!(missing.code, 127);
    assert!(missing.stderr.contains("error: cannot run /no/such/program"), "{}", missing.stderr);
    assert_eq!(ran(&mut beside(&["--port", "1"], &["/"])).code, 126);
    for (flags, part) in [
        (&["--name", "a"][..], "--app"),
        (&["--port", "1", "--app", "http://127.0.0.1:1"][..], "--app"),
        (&["--port", "0"][..], "--port"),
    ] {
        let ran = ran(&mut beside(flags, &["true"]));
        assert_eq!(ran.code, 2, "{flags:?}: {ran:?}");
        assert!(ran.stderr.contains(part), "{flags:?}: {}", ran.stderr);
    }
    assert_eq!(common::run(&["run", "--port", "1"]).code, 2, "there is no command");
}

#[test]
fn no_service_runs_without_its_agent() {
    let folder = folder();
    let mark = folder.path().join("mark");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let api = taken.local_addr().unwrap().to_string();
    let mut command = bruit();
    command.args(["run", "--bind", "127.0.0.1:0", "--api", &api, "--port", "1"]);
    let ran = ran(command.args(["--subscribe", "**", "--", "touch"]).arg(&mark));
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("in use") && !mark.exists(), "{}", ran.stderr);
}

/// A running service of the tests: this program's `echo`, slow to start.
fn start(folder: &Path, port: &str, other: &Agent) -> Running {
    let script = format!(
        "echo $BRUIT_ADDR > addr; while ! test -e go; do sleep 0.01; done; \
         exec {} echo --listen 127.0.0.1:{port} > got",
        program()
    );
    let flags = ["--port", port, "--name", "beside", "--join", &other.gossip];
    Running::start(folder, &mut beside(&flags, &["sh", "-c", &script]))
}

/// A process that does not outlive a test that fails, nor does its service.
struct Running(Child);

impl Running {
    fn start(folder: &Path, command: &mut Command) -> Self {
        Self(command.current_dir(folder).stderr(Stdio::piped()).spawn().unwrap())
    }

    fn signal(&self, name: &str) {
        signal(&self.0, name);
    }

    fn end(mut self) -> Ran {
        let code = wait(&mut self.0).unwrap();
        let mut stderr = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        Ran { code, stdout: String::new(), stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            signal(&self.0, "TERM");
            drop(self.0.wait());
        }
    }
}

#[test]
fn items_wait_until_the_service_is_there_and_the_agent_leaves_after_it() {
    let other = Agent::start(&["--name", "other"]);
    let (folder, port) = (folder(), free_port());
    let child = start(folder.path(), &port, &other);
    eventually("the agent beside the service is known", || {
        let members = other.run(&["members", "--name", "beside", "--json"]).json();
        members[0]["subscriptions"][0]["pattern"] == "cache/**"
    });
    let send = ["send", "PURGE", "/cache/a", "--wait", "all", "--timeout", "300ms"];
    assert_eq!(other.run(&send).code, 4, "nothing is delivered yet");
    let addr = fs::read_to_string(folder.path().join("addr")).unwrap();
    let subs = ran(bruit().args(["subs", "--json", "--addr", addr.trim()])).json();
    let local = subs.as_array().unwrap().iter().find(|each| each["node_name"] == "beside").unwrap();
    assert_eq!(
        (&local["local"]["state"], &local["local"]["queued_items"]),
        (&"paused".into(), &1.into())
    );
    fs::write(folder.path().join("go"), "").unwrap();
    let got = || fs::read_to_string(folder.path().join("got")).unwrap_or_default();
    eventually("what waited is delivered", || got().contains("PURGE /cache/a  host"));
    other.run(&["send", "PURGE", "/cache/b", "--wait", "all"]).ok();
    assert_eq!(got().lines().count(), 3, "{}", got());
    child.signal("TERM");
    let ran = child.end();
    assert_eq!(ran.code, 0, "echo ends well on SIGTERM: {}", ran.stderr);
    eventually("the agent has said goodbye", || other.members("left") == ["beside"]);
}

#[test]
fn signals_are_passed_on() {
    let folder = folder();
    let script = "trap 'echo hup >> got' HUP; trap 'echo int >> got; exit 5' INT; touch ready; \
                  while :; do sleep 0.01; done";
    let mut command = beside(&["--port", "1"], &["sh", "-c", script]);
    let child = Running::start(folder.path(), &mut command);
    eventually("the service runs", || folder.path().join("ready").exists());
    let got = || fs::read_to_string(folder.path().join("got")).unwrap_or_default();
    child.signal("HUP");
    eventually("it got SIGHUP", || got() == "hup\n");
    child.signal("INT");
    let ran = child.end();
    assert_eq!((ran.code, got().as_str()), (5, "hup\nint\n"), "{}", ran.stderr);
}

#[test]
fn an_agent_that_is_asked_to_leave_ends_its_service() {
    let folder = folder();
    let script = "echo $BRUIT_ADDR > addr.new; mv addr.new addr; exec sleep 600";
    let mut command = beside(&["--port", "1"], &["sh", "-c", script]);
    let child = Running::start(folder.path(), &mut command);
    let path = folder.path().join("addr");
    eventually("the service runs", || path.exists());
    let addr = fs::read_to_string(path).unwrap();
    ran(bruit().args(["leave", "--addr", addr.trim()])).ok();
    assert_eq!(child.end().code, 143);
}
