//! What systemd is told, by a socket that stands for systemd's.

mod common;

use common::{DEADLINE, bruit, signal, wait};
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;

/// Takes messages until one line of them is as wanted; every line so far.
fn until(socket: &UnixDatagram, wanted: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut bytes = [0; 4096];
    while !lines.iter().any(|line: &String| line.starts_with(wanted)) {
        let length = socket.recv(&mut bytes).unwrap_or_else(|e| panic!("{wanted}: {e}; {lines:?}"));
        let text = std::str::from_utf8(&bytes[..length]).unwrap();
        lines.extend(text.lines().map(str::to_owned));
    }
    lines
}

#[test]
fn systemd_is_told_of_start_life_and_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut command = bruit();
    command.args(["agent", "--bind", "127.0.0.1:0", "--api", "127.0.0.1:0"]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "400000").env_remove("WATCHDOG_PID");
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    assert_eq!(until(&socket, "READY=1"), ["READY=1"]);
    for _ in 0..3 {
        until(&socket, "WATCHDOG=1");
    }
    signal(&child, "TERM");
    let last = until(&socket, "STOPPING=1");
    assert!(!last.contains(&"READY=1".to_owned()), "{last:?}");
    assert_eq!(wait(&mut child), Some(0));
}
