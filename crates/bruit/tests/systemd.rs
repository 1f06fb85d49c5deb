//! What a service manager is told, by a socket that stands for systemd's.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod common;

use common::{bruit, eventually, folder, ran, signal, wait};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// An agent under a manager.
struct Managed {
    child: Child,
    socket: UnixDatagram,
    told: Vec<String>,
    file: PathBuf,
    ready: serde_json::Value,
    _folder: TempDir,
}

impl Managed {
    fn start(watchdog: Option<Duration>) -> Self {
        let folder = folder();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let file = folder.path().join("a.toml");
        fs::write(&file, "").unwrap();
        let mut command = bruit();
        command.args(["agent", "--profile", "local", "--bind", "127.0.0.1:0"]);
        command.args(["--api", "127.0.0.1:0", "--config"]).arg(&file);
        command.env("NOTIFY_SOCKET", &path).stdout(Stdio::piped()).stderr(Stdio::null());
        if let Some(period) = watchdog {
            command.env("WATCHDOG_USEC", period.as_micros().to_string());
        }
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap();
        Self { child, socket, told: Vec::new(), file, ready, _folder: folder }
    }

    /// Reads messages until one is `wanted`; gives it.
    fn until(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        loop {
            let mut bytes = [0; 4096];
            let length = self.socket.recv(&mut bytes).expect("a message in time");
            let message = String::from_utf8(bytes[..length].to_vec()).unwrap();
            self.told.push(message.clone());
            if wanted(&message) {
                return message;
            }
        }
    }

    fn has_been_told(&self, start: &str) -> bool {
        self.told.iter().any(|message| message.starts_with(start))
    }
}

impl Drop for Managed {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn it_is_told_when_the_agent_is_ready_and_how_it_is() {
    let mut managed = Managed::start(None);
    assert_eq!(managed.until(|_| true), "READY=1\n", "nothing is said before");
    let status = managed.until(|message| message.starts_with("STATUS="));
    assert_eq!(status, "STATUS=1 of 1 members alive, 0 subscriptions, 0 items wait\n");
    let text = "[[subscription]]\nname = 'x'\npattern = 'x'\nmode = 'stream'\n";
    fs::write(&managed.file, text).unwrap();
    signal(&managed.child, "HUP");
    let status = managed.until(|message| message.starts_with("STATUS="));
    assert_eq!(status, "STATUS=1 of 1 members alive, 1 subscriptions, 0 items wait\n");
    assert!(!managed.has_been_told("WATCHDOG"), "no watchdog is asked for");
}

#[test]
fn a_reload_says_when_it_began_and_when_it_ended() {
    let mut managed = Managed::start(None);
    managed.until(|message| message == "READY=1\n");
    let api = managed.ready["api"].as_str().unwrap().to_owned();
    let file = managed.file.clone();
    let reload = |managed: &mut Managed| {
        let began = managed.until(|message| message.starts_with("RELOADING=1\n"));
        let time = began.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").expect("the time with it");
        assert!(time.trim_end().parse::<u64>().unwrap() > 0);
        managed.until(|message| message == "READY=1\n");
    };
    signal(&managed.child, "HUP");
    reload(&mut managed);
    // By a call it is the same, and also where nothing comes of it.
    fs::write(&file, "bind = ").unwrap();
    assert_eq!(ran(bruit().args(["reload", "--addr", &api])).code, 1);
    reload(&mut managed);
}

#[test]
fn the_watchdog_is_fed_as_long_as_the_agent_is_at_work() {
    let mut managed = Managed::start(Some(Duration::from_millis(400)));
    for _ in 0..5 {
        managed.until(|message| message == "WATCHDOG=1\n");
    }
    // A process that does not run feeds it no more.
    signal(&managed.child, "STOP");
    let stopped = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", managed.child.id())).unwrap();
        stat.rsplit(')').next().unwrap().starts_with(" T")
    };
    eventually("it is stopped", stopped);
    managed.socket.set_nonblocking(true).unwrap();
    while managed.socket.recv(&mut [0; 4096]).is_ok() {}
    managed.socket.set_nonblocking(false).unwrap();
    managed.socket.set_read_timeout(Some(Duration::from_millis(800))).unwrap();
    assert!(managed.socket.recv(&mut [0; 4096]).is_err(), "it said something");
    signal(&managed.child, "CONT");
    managed.socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    managed.until(|message| message == "WATCHDOG=1\n");
}

#[test]
fn it_is_told_of_the_end() {
    let mut managed = Managed::start(None);
    managed.until(|message| message == "READY=1\n");
    signal(&managed.child, "TERM");
    managed.until(|message| message.starts_with("STOPPING=1\n"));
    assert_eq!(wait(&mut managed.child), Some(0));
}

#[test]
fn the_unit_is_one() {
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/systemd/bruit.service");
    let text = fs::read_to_string(unit).unwrap();
    // A goodbye (8 s) after the longest drain that is not asked for must have its time.
    assert!(text.contains("\nTimeoutStopSec=45s\n") && text.contains("\nWatchdogSec=30s\n"));
    assert!(text.contains("\nType=notify\nType=notify-reload\n"), "systemd 252 takes the first");
    let has_tool = std::process::Command::new("systemd-analyze").arg("--version").output().is_ok();
    if !has_tool {
        eprintln!("not verified: there is no systemd-analyze here");
        return;
    }
    let folder = folder();
    let copy = folder.path().join("bruit.service");
    // The program need not be installed here.
    fs::write(&copy, text.replace("/usr/bin/bruit", env!("CARGO_BIN_EXE_bruit"))).unwrap();
    let mut verify = std::process::Command::new("systemd-analyze");
    let verified = ran(verify.arg("verify").arg(&copy));
    let unknown =
        |line: &&str| !line.contains("Failed to parse service type, ignoring: notify-reload");
    let complaints: Vec<&str> = verified.stderr.lines().filter(unknown).collect();
    assert_eq!((verified.code, complaints.as_slice()), (0, &[][..]), "{verified:?}");
}
