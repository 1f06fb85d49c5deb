//! What commands do on a terminal and in a pipe: widths, colours, `--watch`.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod common;

use common::fake::{Fake, Reply};
use common::{Agent, Ran, bruit, eventually, signal, wait};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A terminal of this size, and what has been written to it.
struct Terminal {
    slave: File,
    shown: Arc<Mutex<String>>,
}

impl Terminal {
    fn new(columns: u16, rows: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let slave = File::options().read(true).write(true).open(name).unwrap();
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&slave, size).unwrap();
        let shown = Arc::new(Mutex::new(String::new()));
        let shared = Arc::clone(&shown);
        std::thread::spawn(move || {
            let (mut master, mut some) = (File::from(master), [0; 4096]);
            // An error is the end: nobody has the other side open.
            while let Ok(count @ 1..) = master.read(&mut some) {
                shared.lock().unwrap().push_str(&String::from_utf8_lossy(&some[..count]));
            }
        });
        Self { slave, shown }
    }

    fn spawn(&self, command: &mut Command) -> Child {
        let side = || Stdio::from(self.slave.try_clone().unwrap());
        command.stdin(side()).stdout(side()).stderr(side()).spawn().unwrap()
    }

    fn shown(&self) -> String {
        self.shown.lock().unwrap().replace("\r\n", "\n")
    }

    /// Runs a command to its end; gives its code and what it showed.
    fn run(&self, command: &mut Command) -> (i32, String) {
        let code = wait(&mut self.spawn(command)).unwrap();
        // What was written before the end may be on its way still.
        let end = "the end of it";
        let mut side = &self.slave;
        std::io::Write::write_all(&mut side, end.as_bytes()).unwrap();
        eventually("all is shown", || self.shown().ends_with(end));
        (code, self.shown().trim_end_matches(end).to_owned())
    }
}

fn member(name: &str, state: &str) -> Value {
    json!({
        "id": "00", "name": name, "address": "127.0.0.1:7071", "state": state, "why": "no answer",
        "conflict": false, "metadata": { "role": "web" }, "subscriptions": [], "incarnation": 0,
        "since_seconds": 4.2, "rtt_ms": 0.41, "self": false,
    })
}

fn members() -> Fake {
    Fake::start(|_| Reply::json(&json!([member("web-1", "alive"), member("web-2", "suspect")])))
}

#[test]
fn a_table_is_cut_to_the_terminal_and_never_in_a_pipe() {
    let fake = members();
    let (code, shown) = Terminal::new(40, 24).run(bruit().args(["members", "--addr", &fake.api()]));
    assert_eq!(code, 0);
    let expected = "NODE    ADDRESS          STATE     SINC…\n\
                    web-1   127.0.0.1:7071   \u{1b}[32malive\u{1b}[0m     4s…\n\
                    web-2   127.0.0.1:7071   \u{1b}[33msuspect\u{1b}[0m   4s…\n";
    assert_eq!(shown, expected);
    let piped = fake.run(&["members"]).ok();
    assert!(!piped.contains('…') && !piped.contains('\u{1b}') && piped.contains("no answer"));
    let mut wide = bruit();
    wide.args(["members", "--addr", &fake.api()]).env("COLUMNS", "200");
    let (_, shown) = Terminal::new(40, 24).run(&mut wide);
    assert!(shown.contains("no answer"), "{shown}");
}

#[test]
fn colour_is_a_matter_of_flag_environment_and_terminal() {
    let fake = members();
    let is_colored = |args: &[&str], env: &[(&str, &str)]| {
        let mut command = bruit();
        command.args(["members", "--addr", &fake.api()]).args(args).envs(env.iter().copied());
        let (code, shown) = Terminal::new(80, 24).run(&mut command);
        assert_eq!(code, 0);
        shown.contains("\u{1b}[")
    };
    assert!(is_colored(&[], &[]));
    assert!(!is_colored(&[], &[("NO_COLOR", "1")]));
    assert!(!is_colored(&[], &[("TERM", "dumb")]));
    assert!(!is_colored(&["--color", "never"], &[("FORCE_COLOR", "1")]));
    assert!(is_colored(&["--color", "always"], &[("NO_COLOR", "1")]));
    for (env, expected) in [("FORCE_COLOR", true), ("CLICOLOR_FORCE", true), ("OTHER", false)] {
        let piped =
            common::ran(bruit().args(["members", "--addr", &fake.api()]).env(env, "1")).ok();
        assert_eq!(piped.contains("\u{1b}["), expected, "{env}");
    }
    // Before the command, too.
    let first = common::ran(bruit().args(["--color", "always", "members", "--addr", &fake.api()]));
    assert!(first.ok().contains("\u{1b}["));
}

#[test]
fn a_watch_repaints_a_terminal_until_ctrl_c() {
    let looks = AtomicUsize::new(0);
    let fake = Fake::start(move |_| {
        let look = looks.fetch_add(1, Ordering::SeqCst);
        let all: Vec<Value> =
            (0..20).map(|place| member(&format!("web-{look}-{place:02}"), "alive")).collect();
        Reply::json(&Value::Array(all))
    });
    let terminal = Terminal::new(60, 12);
    let mut command = bruit();
    command.args(["members", "--watch", "100ms", "--addr", &fake.api()]);
    let mut child = terminal.spawn(&mut command);
    eventually("it has looked three times", || terminal.shown().contains("web-2-00"));
    signal(&child, "INT");
    assert_eq!(wait(&mut child), Some(130));
    let shown = terminal.shown();
    assert_eq!(shown.matches("\u{1b}[2J").count(), 1, "cleared once: {shown}");
    let frames: Vec<&str> = shown.split("\u{1b}[H").skip(1).collect();
    assert!(frames.len() >= 3, "{shown}");
    for frame in &frames[..2] {
        let lines: Vec<&str> = frame.trim_end_matches("\u{1b}[J").lines().collect();
        assert_eq!(lines.len(), 11, "the last row stays free: {frame}");
        assert!(lines[0].starts_with("every 100ms; "), "{frame}");
        assert!(lines[10].starts_with("… 12 more lines"), "{frame}");
        assert!(lines.iter().all(|line| line.ends_with("\u{1b}[K")), "{frame}");
    }
}

/// Lines as they come, and the process.
fn watch(agent: &Agent, args: &[&str]) -> (Child, impl Iterator<Item = String> + use<>) {
    let mut command = bruit();
    command.args(args).args(["--watch", "100ms", "--addr", &agent.api]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    (child, lines)
}

fn stop(mut child: Child) -> Ran {
    signal(&child, "INT");
    let code = wait(&mut child).unwrap();
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    Ran { code, stdout: String::new(), stderr }
}

#[test]
fn a_watch_appends_in_a_pipe() {
    let agent = Agent::start(&["--name", "web-1"]);
    let (child, lines) = watch(&agent, &["members"]);
    let lines: Vec<String> = lines.take(5).collect();
    assert_eq!(lines[0], lines[3]);
    assert!(lines[1].starts_with("web-1") && lines[4].starts_with("web-1"), "{lines:?}");
    assert_eq!(lines[2], "");
    assert_eq!(stop(child).code, 130);

    let (child, lines) = watch(&agent, &["members", "--format", "jsonl"]);
    let lines: Vec<String> = lines.take(3).collect();
    let name = |line: &str| serde_json::from_str::<Value>(line).unwrap()["name"].clone();
    assert_eq!((name(&lines[0]), name(&lines[2])), ("web-1".into(), "web-1".into()));
    assert_eq!(lines[1], "");
    assert_eq!(stop(child).code, 130);

    let (child, lines) = watch(&agent, &["members", "--json"]);
    for line in lines.take(3) {
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap()[0]["name"], "web-1");
    }
    assert_eq!(stop(child).code, 130);
}

#[test]
fn a_watch_outlives_the_agent_and_a_first_look_must_succeed() {
    let mut agent = Agent::start(&["--name", "web-1"]);
    let api = agent.api.clone();
    let (child, mut lines) = watch(&agent, &["members", "--json"]);
    assert!(lines.next().unwrap().contains("web-1"));
    agent.signal("TERM");
    assert_eq!(agent.wait(), Some(0));
    let _again = Agent::start(&["--name", "web-2", "--api", &api]);
    assert!(lines.any(|line| line.contains("web-2")));
    let ran = stop(child);
    assert_eq!(ran.code, 130);
    for line in ran.stderr.lines() {
        assert!(line.starts_with("error: ") && line.ends_with("; trying again"), "{line}");
    }
    let nobody = common::run(&["members", "--watch", "--addr", "127.0.0.1:1"]);
    assert_eq!(nobody.code, 3, "{nobody:?}");
    assert_eq!(common::run(&["members", "--watch", "1ms"]).code, 2);
}

#[test]
fn a_reader_that_has_gone_ends_a_watch_and_a_list_quietly() {
    let agent = Agent::start(&[]);
    for command in ["members --watch 100ms", "topics --format jsonl", "man", "completion bash"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut full = bruit();
        full.args(command.split(' ')).env("BRUIT_ADDR", &agent.api).stdout(writer);
        let ran = common::ran(&mut full);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{command}");
    }
}
