//! What `--help` prints, compared with files. `BRUIT_UPDATE=1` writes them anew.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod common;

use common::run;
use std::path::{Path, PathBuf};

const COMMANDS: [&str; 16] = [
    "", "agent", "demo", "members", "send", "publish", "listen", "subs", "topics", "tag", "join",
    "leave", "status", "keys new", "echo", "version",
];

fn golden(command: &str) -> PathBuf {
    let name = if command.is_empty() { "bruit".to_owned() } else { command.replace(' ', "-") };
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/help/{name}.txt"))
}

#[test]
fn help_is_as_in_the_files() {
    let mut differing = Vec::new();
    for command in COMMANDS {
        let mut args: Vec<&str> = command.split_whitespace().collect();
        args.push("--help");
        let help = run(&args).ok();
        let path = golden(command);
        if std::env::var_os("BRUIT_UPDATE").is_some() {
            std::fs::write(&path, &help).unwrap();
        }
        if std::fs::read_to_string(&path).unwrap_or_default() != help {
            differing.push(path);
        }
    }
    assert!(differing.is_empty(), "BRUIT_UPDATE=1 writes them anew: {differing:?}");
}

#[test]
fn every_command_is_among_the_files() {
    let help = run(&["--help"]).ok();
    let names = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    for line in names.take_while(|line| !line.is_empty()) {
        let name = line.split_whitespace().next().unwrap();
        let is_there = COMMANDS.iter().any(|command| command.split(' ').next() == Some(name));
        assert!(is_there || name == "help", "{name}");
    }
}
