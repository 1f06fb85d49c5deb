//! What `--help` prints, compared with files, and with `docs/cli.md`, which is made of it.
//! `BRUIT_UPDATE=1` writes them anew.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod common;

use common::help::{commands, help};
use common::{folder, ran, run};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

fn folder_of_files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/help")
}

fn file_name(command: &str) -> String {
    let name = if command.is_empty() { "bruit".to_owned() } else { command.replace(' ', "-") };
    format!("{name}.txt")
}

fn is_update() -> bool {
    std::env::var_os("BRUIT_UPDATE").is_some()
}

/// Compares a text with a file, or writes the file.
fn is_as_in(path: &Path, text: &str) -> bool {
    if is_update() {
        std::fs::write(path, text).unwrap();
    }
    std::fs::read_to_string(path).unwrap_or_default() == text
}

#[test]
fn help_is_as_in_the_files() {
    let all = commands();
    assert!(all.len() > 40, "{all:?}");
    let mut expected = BTreeSet::new();
    let mut differing = Vec::new();
    for command in &all {
        let name = file_name(command);
        if !is_as_in(&folder_of_files().join(&name), &help(command)) {
            differing.push(name.clone());
        }
        expected.insert(name);
    }
    let files = std::fs::read_dir(folder_of_files()).unwrap();
    for name in files.map(|file| file.unwrap().file_name().into_string().unwrap()) {
        if expected.contains(&name) {
            continue;
        }
        if is_update() {
            std::fs::remove_file(folder_of_files().join(&name)).unwrap();
        } else {
            differing.push(name);
        }
    }
    assert!(differing.is_empty(), "BRUIT_UPDATE=1 writes them anew: {differing:?}");
}

const HEAD: &str = "\
# Command line

What `--help` prints for every command, in one page. It is made by
`BRUIT_UPDATE=1 cargo test -p bruit --test help`, and a test holds it to the program.

**Which agent.** Commands ask the agent at `--addr` or `BRUIT_ADDR`, else at 127.0.0.1:7070, and
give it the token of `--token` or `BRUIT_TOKEN`. `--curl` prints the equal curl command
instead; the token is named in it, never shown.

**Formats.** `--format table` is for people, `json` (or `--json`) is what the API says, `jsonl` has
a line for each row of a list. `listen` and `tail` write a line for each thing in either. A table is
cut to the width of the terminal, and never in a pipe. `--watch` looks again and again.

**Streams.** Data goes to standard output, messages to standard error. A reader that has gone, as
with `| head`, ends a command with exit code 0. Names and texts of others are made harmless before
a terminal sees them.

**Bodies.** `-d TEXT`, `-d @FILE`, or `-d -` for standard input.

**Colour.** `--color` decides; else `NO_COLOR`, then `CLICOLOR_FORCE` and `FORCE_COLOR`, then
whether it is a terminal.
";

#[test]
fn the_reference_is_made_of_the_help() {
    let mut page = HEAD.to_owned();
    for command in commands() {
        let title = format!("bruit {command}");
        write!(page, "\n## {}\n\n```text\n{}```\n", title.trim(), help(&command)).unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    // Lines of the help may end with spaces; those of a page should not.
    let page: String = page.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    assert!(is_as_in(&path, &page), "BRUIT_UPDATE=1 writes it anew: docs/cli.md");
}

#[test]
fn every_shell_has_a_completion_script() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(&["completion", shell]).ok();
        for word in ["deliveries", "rotate", "concurrency"] {
            assert!(script.contains(word), "{shell} {word}");
        }
    }
    let folder = folder();
    let path = folder.path().join("bruit.bash");
    std::fs::write(&path, run(&["completion", "bash"]).ok()).unwrap();
    ran(Command::new("bash").arg("-n").arg(&path)).ok();
    // What a user gets after `bruit subs p<Tab>`.
    let script = "source \"$1\"; COMP_WORDS=(bruit subs p); COMP_CWORD=2; \
                  _bruit bruit p subs; echo \"${COMPREPLY[@]}\"";
    let completed = ran(Command::new("bash").args(["-c", script, "sh"]).arg(&path)).ok();
    assert_eq!(completed, "pause\n");
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = folder();
    run(&["man", "--out", folder.path().to_str().unwrap()]).ok();
    for command in commands() {
        let name = format!("bruit {command}").trim().replace(' ', "-");
        let path = folder.path().join(format!("{name}.1"));
        let page = std::fs::read_to_string(&path).unwrap();
        assert!(page.contains(&format!(".TH {}", name.to_uppercase())), "{page}");
        for part in [".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS", ".SH \"EXIT STATUS\"", "130"] {
            assert!(page.contains(part), "{name}: {part}\n{page}");
        }
        assert!(page.contains("bruit \\- ") || page.contains(&name.replace('-', "\\-")), "{page}");
        let mut args = vec!["man"];
        args.extend(command.split_whitespace());
        assert_eq!(run(&args).ok(), page);
    }
    let pages = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(pages, commands().len());
    assert_eq!(run(&["man", "no", "such"]).code, 5);
    assert_eq!(run(&["man", "--out", "/no/such/folder"]).code, 1);
    lint(folder.path());
}

/// man(1) finds no fault in the pages, on a machine that can format them.
fn lint(folder: &Path) {
    let mut man = Command::new("man");
    man.args(["--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z"]);
    if man.arg(folder.join("bruit.1")).output().map_or(true, |out| !out.status.success()) {
        eprintln!("man(1) cannot format pages here; they are not looked at");
        return;
    }
    for page in std::fs::read_dir(folder).unwrap() {
        let mut man = Command::new("man");
        man.args(["--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z"]);
        let output = man.arg(page.unwrap().path()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && said.is_empty(), "{said}");
    }
}
