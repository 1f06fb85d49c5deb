//! Real programs, well-behaved and not.

use super::*;
use crate::delivery::tests::{event, with};
use bytes::Bytes;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What a program that is to end by itself has; only a test that fails takes so long.
const LONG: Duration = Duration::from_secs(60);

/// A directory for what programs write, which is their only argument.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn script(&self, text: &str) -> Exec {
        let text = format!("cd \"$1\" || exit 99\n{text}");
        let arguments = ["-c", &text, "handler", self.0.path().to_str().unwrap()];
        Exec { program: "/bin/sh".into(), arguments: arguments.map(str::to_owned).to_vec() }
    }

    async fn run(
        &self,
        text: &str,
        payload: &[u8],
        limit: Duration,
    ) -> Result<ExecAnswer, ExecError> {
        let item = item(payload);
        run(&self.script(text), &item, "test", limit).await
    }

    /// Runs a script that does not end by itself, for as long as it needs to come to
    /// `touch up`; what it said on standard error.
    async fn overrun(&self, text: &str, payload: &[u8]) -> String {
        for limit in [100, 1_000, 10_000, 60_000].map(Duration::from_millis) {
            let stderr = match self.run(text, payload, limit).await {
                Err(ExecError::Timeout { limit: told, stderr_tail }) if told == limit => {
                    stderr_tail
                }
                other => panic!("{other:?}"),
            };
            if self.path("up").exists() {
                return stderr;
            }
        }
        panic!("it does not come up");
    }

    /// The process whose id is in a file, once it is whole.
    async fn process(&self, name: &str) -> u32 {
        let path = self.path(name);
        until(|| {
            let text = std::fs::read_to_string(&path).ok()?;
            text.strip_suffix('\n')?.parse().ok()
        })
        .await
    }
}

fn item(payload: &[u8]) -> Item {
    Item { payload: Bytes::copy_from_slice(payload), ..event(1, "a/b") }
}

async fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let watch = async {
        loop {
            if let Some(seen) = look() {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, watch).await.expect("it does not come")
}

/// Waits until a process is gone, or is there only to be collected.
async fn gone(process: u32) {
    until(|| {
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{process}/stat")) else {
            return Some(());
        };
        let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
        matches!(state, Some('Z' | 'X')).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_handler_gets_the_payload_and_the_environment() {
    let desk = Desk::new();
    let payload: Vec<u8> = (0..=255).cycle().take(1024 * 1024).collect();
    let item = with(item(&payload), &[("x-zone", "eu $HOME"), ("x-nul", "a\0b")]);
    let script = "cat >payload; env >environment; echo fine; echo 'a warning' >&2";
    let answer = run(&desk.script(script), &item, "logs", LONG).await.unwrap();
    let stderr_tail = "a warning\n".to_owned();
    assert_eq!(answer, ExecAnswer { code: Some(0), signal: None, stderr_tail, left_out: 1 });
    assert_eq!(std::fs::read(desk.path("payload")).unwrap(), payload);
    let environment = std::fs::read_to_string(desk.path("environment")).unwrap();
    let lines: Vec<&str> = environment.lines().collect();
    assert!(lines.contains(&"BRUIT_HEADER_X_ZONE=eu $HOME"), "{lines:?}");
    assert!(lines.contains(&"BRUIT_SUBSCRIPTION=logs"), "{lines:?}");
    assert!(lines.contains(&"BRUIT_PATH=a/b"), "{lines:?}");
    let is_expected = |line: &&str| {
        let name = line.split('=').next().unwrap_or_default();
        // The last four are the shell's own.
        let others = ["PATH", "HOME", "LANG", "PWD", "OLDPWD", "SHLVL", "_"];
        name.starts_with("BRUIT_") || others.contains(&name)
    };
    assert!(lines.iter().all(is_expected), "{lines:?}");
}

#[tokio::test]
async fn codes_and_signals_are_told_apart() {
    let desk = Desk::new();
    let answer = desk.run("exit 75", b"", LONG).await.unwrap();
    assert_eq!((answer.code, answer.signal), (Some(75), None));
    let answer = desk.run("kill -KILL $$", b"", LONG).await.unwrap();
    assert_eq!((answer.code, answer.signal), (None, Some(9)));
}

#[tokio::test]
async fn what_cannot_be_started_is_named() {
    let exec = Exec { program: "/nowhere/handler".into(), arguments: Vec::new() };
    let error = run(&exec, &item(b""), "test", LONG).await.unwrap_err().to_string();
    assert!(error.starts_with("/nowhere/handler cannot be started: No such file"), "{error}");
    let exec = Exec { program: "/".into(), arguments: Vec::new() };
    let error = run(&exec, &item(b""), "test", LONG).await.unwrap_err();
    assert!(matches!(error, ExecError::Start { .. }), "{error}");
}

#[tokio::test]
async fn arguments_are_not_read_by_a_shell() {
    let desk = Desk::new();
    let name = desk.path("$(id) *;&");
    let exec = Exec { program: "touch".into(), arguments: vec![name.display().to_string()] };
    let answer = run(&exec, &item(b""), "test", LONG).await.unwrap();
    assert_eq!((answer.code, name.exists()), (Some(0), true));
}

#[tokio::test]
async fn input_need_not_be_read() {
    let desk = Desk::new();
    let payload = vec![7; 1024 * 1024];
    let answer = desk.run("exit 3", &payload, LONG).await.unwrap();
    assert_eq!(answer.code, Some(3));
    let answer = desk.run("exec <&-; sleep 0.1; exit 4", &payload, LONG).await.unwrap();
    assert_eq!(answer.code, Some(4));
    desk.overrun("touch up; sleep 1000", &payload).await;
}

#[tokio::test]
async fn input_and_errors_flow_at_the_same_time() {
    let desk = Desk::new();
    let payload: Vec<u8> = (b'a'..=b'z').cycle().take(1024 * 1024).collect();
    let answer = desk.run("cat >&2", &payload, LONG).await.unwrap();
    let end = &payload[payload.len() - Tail::BYTES_MAX..];
    assert_eq!((answer.code, answer.stderr_tail.as_bytes()), (Some(0), end));
}

#[tokio::test]
async fn one_that_never_ends_is_ended() {
    let desk = Desk::new();
    let tail = desk.overrun("echo $$ >pid; echo here >&2; touch up; sleep 1000", b"").await;
    assert_eq!(tail, "here\n");
    gone(desk.process("pid").await).await;
}

#[tokio::test]
async fn one_that_ends_when_told_has_time_to() {
    let desk = Desk::new();
    let script = "trap 'echo told >&2; exit 0' TERM; touch up; while :; do sleep 0.05; done";
    let tail = desk.overrun(script, b"").await;
    assert!(tail.ends_with("told\n"), "{tail:?}");
}

#[tokio::test]
async fn one_that_prints_without_end_is_ended_and_its_end_kept() {
    let desk = Desk::new();
    let script = "echo $$ >pid; echo again and again >&2; touch up
        while :; do echo again and again >&2; echo out; done";
    let tail = desk.overrun(script, b"").await;
    assert!((1..=Tail::BYTES_MAX).contains(&tail.len()), "{}", tail.len());
    assert!(tail.ends_with("again and again\n"), "{tail:?}");
    gone(desk.process("pid").await).await;
}

#[tokio::test]
async fn one_that_ignores_the_signal_is_killed_with_its_children() {
    let desk = Desk::new();
    let script = "trap '' TERM; echo $$ >pid
        sh -c 'echo $$ >child; while :; do sleep 1000; done' &
        while ! [ -s child ]; do sleep 0.01; done
        touch up; while :; do sleep 1000; done";
    desk.overrun(script, b"").await;
    gone(desk.process("pid").await).await;
    gone(desk.process("child").await).await;
}

/// They hold standard error open, and are not waited for.
#[tokio::test]
async fn what_a_handler_leaves_behind_is_ended() {
    let desk = Desk::new();
    let script = "sh -c 'trap \"\" TERM HUP; echo $$ >child; while :; do sleep 1000; done' &
        while ! [ -s child ]; do sleep 0.01; done; echo left >&2; exit 5";
    let answer = desk.run(script, b"", LONG).await.unwrap();
    assert_eq!((answer.code, &*answer.stderr_tail), (Some(5), "left\n"));
    gone(desk.process("child").await).await;
}

/// A process in a session of its own is not ours to end, and does not hold up the handler.
#[tokio::test]
async fn one_that_leaves_the_group_is_not_waited_for() {
    let desk = Desk::new();
    let script = "setsid sh -c 'echo $$ >child; while ! [ -e stop ]; do sleep 0.01; done' &
        while ! [ -s child ]; do sleep 0.01; done; exit 6";
    let answer = desk.run(script, b"", LONG).await.unwrap();
    assert_eq!(answer.code, Some(6));
    let child = desk.process("child").await;
    assert!(Path::new(&format!("/proc/{child}")).exists());
    std::fs::write(desk.path("stop"), "").unwrap();
    gone(child).await;
}

#[tokio::test]
async fn dropping_the_future_kills_the_group() {
    let desk = Desk::new();
    let exec = desk.script(
        "trap '' TERM; echo $$ >pid; sh -c 'echo $$ >child; sleep 1000; :' & sleep 1000; :",
    );
    let task = tokio::spawn(async move { run(&exec, &item(b""), "test", LONG).await });
    let processes = [desk.process("pid").await, desk.process("child").await];
    task.abort();
    for process in processes {
        gone(process).await;
    }
}
