//! What the README and the pages of `docs/` show is true: each ```` ```console ```` block is run,
//! in order, in one shell for each page.
//!
//! A line that starts with `$ ` is a command; one that ends with `\` goes on in the next line. The
//! lines below it, up to the next command, are what it prints; `[..]` stands for any text. A
//! command without such lines may print what it likes. Each must end with status 0. A block that
//! starts with ```` ```toml file=NAME ```` is written to that file.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod common;

use common::{bruit, folder};
use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[derive(Debug, Default, PartialEq, Eq)]
struct Step {
    command: String,
    expected: Vec<String>,
}

/// The commands of all `console` blocks, and those that write files.
fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let (mut is_inside, mut is_file, mut goes_on) = (false, false, false);
    for line in text.lines() {
        if line.starts_with("```") {
            if is_file {
                steps.last_mut().unwrap().command += "END";
            }
            is_inside = line == "```console";
            is_file = false;
            if let Some((_, name)) = line.split_once(" file=") {
                is_file = true;
                let command = format!("cat > {name} <<'END'\n");
                steps.push(Step { command, expected: Vec::new() });
            }
            continue;
        }
        if is_file {
            steps.last_mut().unwrap().command += &format!("{line}\n");
        }
        if !is_inside {
            continue;
        }
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { command: command.to_owned(), expected: Vec::new() });
        } else if goes_on {
            let step = steps.last_mut().unwrap();
            step.command += "\n";
            step.command += line;
        } else {
            let step = steps.last_mut().expect("a block starts with a command");
            step.expected.push(line.to_owned());
        }
        let step = steps.last().unwrap();
        goes_on = step.expected.is_empty() && step.command.ends_with('\\');
    }
    steps
}

/// Whether `line` is `pattern`, where `[..]` is any text.
fn is_like(line: &str, pattern: &str) -> bool {
    let mut parts = pattern.split("[..]");
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// One script; what each command prints goes to a file of its own, so that commands in the
/// background do not disturb.
fn script(steps: &[Step]) -> String {
    let mut script = "set -u\ntrap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n".to_owned();
    for (place, step) in steps.iter().enumerate() {
        let command = &step.command;
        write!(script, "{{\n{command}\n}} >{place}.out 2>{place}.err\n").unwrap();
        writeln!(script, "echo $? >{place}.status; [ $(cat {place}.status) = 0 ] || exit 1")
            .unwrap();
    }
    script
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap_or_default()
}

/// Checks what one command printed.
fn check(folder: &Path, place: usize, step: &Step) {
    let (stdout, stderr) =
        (read(folder, &format!("{place}.out")), read(folder, &format!("{place}.err")));
    let status = read(folder, &format!("{place}.status"));
    assert_eq!(status.trim(), "0", "{step:?}\n{stdout}\n{stderr}");
    if step.expected.is_empty() {
        return;
    }
    let lines: Vec<&str> = stdout.lines().collect();
    let is_same = lines.len() == step.expected.len()
        && lines.iter().zip(&step.expected).all(|(line, pattern)| is_like(line, pattern));
    assert!(is_same, "{step:#?}\nprinted\n{stdout}\n{stderr}");
}

/// Runs a page's commands in a folder of their own.
fn run(steps: &[Step]) {
    // The ports are fixed: one run at a time on this machine.
    let lock = std::env::temp_dir().join("bruit-readme.lock");
    let lock = File::options().create(true).append(true).open(lock).unwrap();
    lock.lock().unwrap();
    let folder = folder();
    let program = Path::new(bruit().get_program()).parent().unwrap().to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(program).chain(std::env::split_paths(&path));
    let mut shell = Command::new("bash");
    shell.args(["-c", &script(steps)]).current_dir(folder.path()).stdin(Stdio::null());
    shell.env("PATH", std::env::join_paths(paths).unwrap());
    for name in ["BRUIT_ADDR", "BRUIT_TOKEN", "RUST_LOG", "http_proxy", "ALL_PROXY"] {
        shell.env_remove(name);
    }
    let output = shell.output().unwrap();
    for (place, step) in steps.iter().enumerate() {
        check(folder.path(), place, step);
    }
    assert!(output.status.success(), "{output:?}");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn every_console_block_of_the_readme_is_true() {
    let steps = steps(&std::fs::read_to_string(root().join("README.md")).unwrap());
    assert!(steps.len() > 10, "{steps:?}");
    run(&steps);
}

#[test]
fn every_console_block_of_the_docs_is_true() {
    let mut shown = 0;
    for page in std::fs::read_dir(root().join("docs")).unwrap() {
        let page = page.unwrap().path();
        if page.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let steps = steps(&std::fs::read_to_string(&page).unwrap());
        if !steps.is_empty() {
            eprintln!("{}", page.display());
            run(&steps);
            shown += 1;
        }
    }
    assert!(shown > 0);
}

#[test]
fn blocks_are_taken_apart() {
    let text = "a\n```console\n$ one \\\n  two\nout\n\nmore\n$ three\n```\n```text\n$ no\n```\n\
                ```toml file=f\n$ a\n\nb\n```\n";
    let step = |command: &str, expected: &[&str]| Step {
        command: command.to_owned(),
        expected: expected.iter().map(ToString::to_string).collect(),
    };
    let file = step("cat > f <<'END'\n$ a\n\nb\nEND", &[]);
    assert_eq!(
        steps(text),
        [step("one \\\n  two", &["out", "", "more"]), step("three", &[]), file]
    );
}

#[test]
fn a_wildcard_stands_for_any_text() {
    for (line, pattern, expected) in [
        ("abc", "abc", true),
        ("abc", "ab", false),
        ("abc", "a[..]", true),
        ("abc", "[..]c", true),
        ("a b c d", "a[..]c[..]", true),
        ("a b c d", "a[..]x[..]d", false),
        ("ab", "ab[..]b", false),
    ] {
        assert_eq!(is_like(line, pattern), expected, "{line} {pattern}");
    }
}
