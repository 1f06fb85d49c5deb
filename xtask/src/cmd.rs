//! Running other programs.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().expect("xtask is in the workspace").to_path_buf()
}

/// A command line, split at spaces, to be run in the workspace's folder.
pub(crate) fn command(line: &str) -> Command {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().expect("a program's name"));
    command.args(words).current_dir(root()).stdin(Stdio::null());
    command
}

/// Runs a command with its output shown; true if it succeeds.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    eprintln!("$ {}", shown(command));
    match command.status() {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("cannot run it: {error}");
            false
        }
    }
}

/// Runs a command with its output thrown away; true if it succeeds.
pub(crate) fn succeeds_quietly(command: &mut Command) -> bool {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Runs a command, shows each line of its standard output and hands it to `see`; true if it
/// succeeds.
pub(crate) fn watched(command: &mut Command, mut see: impl FnMut(&str)) -> bool {
    eprintln!("$ {}", shown(command));
    let child = command.stdout(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        eprintln!("cannot run it");
        return false;
    };
    let output = child.stdout.take().expect("standard output is piped");
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        eprintln!("{line}");
        see(&line);
    }
    child.wait().is_ok_and(|status| status.success())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
