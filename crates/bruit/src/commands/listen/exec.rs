//! Runs a command for an item: the body on its standard input, the rest in its environment.

use super::Done;
use crate::client::Item;
use crate::out;
use bytes::Bytes;
use serde_json::json;
use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::time::Instant;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// The variables that tell of an item, as an agent's handlers get them, and the origin's name.
/// Several headers of one name are joined by `, `.
pub(super) fn environment(
    item: &Item,
    origin_name: Option<&str>,
    headers: &[(String, String)],
) -> BTreeMap<String, String> {
    let mut env: BTreeMap<String, String> = BTreeMap::new();
    let time = item.accepted_unix_ms.to_string();
    for (name, value) in [
        ("BRUIT_ITEM_ID", Some(item.id.as_str())),
        ("BRUIT_PATH", Some(&item.path)),
        ("BRUIT_ORIGIN", Some(&item.origin)),
        ("BRUIT_ORIGIN_NAME", origin_name),
        ("BRUIT_TIME_UNIX_MS", Some(&time)),
        ("BRUIT_METHOD", item.method.as_deref()),
        ("BRUIT_TARGET", item.target.as_deref()),
    ] {
        env.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    }
    for (name, value) in headers {
        env.entry(variable(name))
            .and_modify(|all| *all += &format!(", {value}"))
            .or_insert_with(|| value.clone());
    }
    // What no environment can hold is left out.
    env.retain(|_, value| !value.contains('\0'));
    env
}

/// `x-team` is `BRUIT_HEADER_X_TEAM`.
fn variable(header: &str) -> String {
    let letter = |letter: char| match letter {
        'a'..='z' => letter.to_ascii_uppercase(),
        'A'..='Z' | '0'..='9' => letter,
        _ => '_',
    };
    format!("BRUIT_HEADER_{}", header.chars().map(letter).collect::<String>())
}

/// Runs the command to its end. What it prints goes to standard output, or, where that is for
/// JSON, to standard error.
pub(super) async fn run(
    program: &str,
    arguments: &[String],
    env: BTreeMap<String, String>,
    body: &Bytes,
    is_json: bool,
) -> Done {
    let begin = Instant::now();
    let mut command = Command::new(program);
    command.args(arguments).envs(env).stdin(Stdio::piped()).kill_on_drop(true);
    if is_json {
        command.stdout(Stdio::from(io::stderr()));
    }
    let end = spawn(command, body).await;
    let after_ms = begin.elapsed().as_secs_f64() * 1000.0;
    let after = out::millis(after_ms);
    match end {
        Ok(status) => Done {
            text: format!("{} after {after}", words(status)),
            value: (
                "exec",
                json!({ "code": status.code(), "signal": status.signal(), "error": null,
                        "after_ms": after_ms }),
            ),
            is_good: status.success(),
        },
        Err(error) => {
            let text = format!("{program}: {error}");
            let value =
                json!({ "code": null, "signal": null, "error": text, "after_ms": after_ms });
            Done { text, value: ("exec", value), is_good: false }
        }
    }
}

async fn spawn(mut command: Command, body: &Bytes) -> io::Result<ExitStatus> {
    let mut child = command.spawn()?;
    let mut stdin = child.stdin.take();
    let write = async {
        if let Some(stdin) = &mut stdin {
            // A command need not read its input.
            drop(stdin.write_all(body).await);
        }
        drop(stdin);
    };
    let ((), status) = tokio::join!(write, child.wait());
    status
}

fn words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item() -> Item {
        serde_json::from_value(json!({
            "id": "ID", "origin": "00", "path": "cache/a", "method": "PURGE",
            "target": "/cache/a?b=1", "payload_bytes": 3, "host": "h",
            "accepted_unix_ms": 1_700_000_000_204_u64,
        }))
        .unwrap()
    }

    #[tokio::test]
    async fn a_command_gets_the_body_and_the_environment() {
        let headers = [("x-team".to_owned(), "web".to_owned()), ("z".to_owned(), "\0".to_owned())];
        let env = environment(&item(), Some("web-1"), &headers);
        let script = "test \"$(cat)\" = abc && test \"$BRUIT_METHOD $BRUIT_TARGET\" = \
                      'PURGE /cache/a?b=1' && test $BRUIT_ORIGIN_NAME$BRUIT_HEADER_X_TEAM = \
                      web-1web && test -z \"$BRUIT_HEADER_Z\" && exit 7";
        let arguments = ["-c".to_owned(), script.to_owned()];
        let done = run("sh", &arguments, env, &Bytes::from_static(b"abc"), true).await;
        assert!(done.text.starts_with("exit 7 after "), "{}", done.text);
        assert_eq!((&done.value.1["code"], done.is_good), (&json!(7), false));
    }

    #[tokio::test]
    async fn a_command_need_not_read_and_may_be_missing_or_killed() {
        let large = Bytes::from(vec![b'x'; 1024 * 1024]);
        let done = run("true", &[], BTreeMap::new(), &large, true).await;
        assert!(done.is_good, "{}", done.text);
        let done = run("/no/such/program", &[], BTreeMap::new(), &large, true).await;
        assert!(done.text.starts_with("/no/such/program: "), "{}", done.text);
        let arguments = ["-c".to_owned(), "kill -9 $$".to_owned()];
        let done = run("sh", &arguments, BTreeMap::new(), &large, true).await;
        assert_eq!((done.value.1["signal"].as_i64(), done.is_good), (Some(9), false));
    }
}
