//! `listen` and `tail` against streams that break off, and items that go on elsewhere.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod common;

use common::fake::{After, Fake, Reply};
use common::{Agent, Ran, Service, bruit, eventually, ran};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

fn event(kind: &str, id: u64, data: &Value) -> String {
    format!("event: {kind}\nid: {id}\ndata: {data}\n\n")
}

fn item(id: u64, path: &str) -> String {
    let item = json!({
        "id": format!("ITEM{id}"), "origin": "00", "path": path, "payload_bytes": 1,
        "accepted_unix_ms": 1_700_000_000_204_u64,
    });
    event("change", id, &json!({ "type": "item", "item": item }))
}

fn snapshot(id: u64) -> String {
    event("snapshot", id, &json!({ "members": [{ "id": "00", "name": "web-1" }], "items": [] }))
}

#[test]
fn a_stream_goes_on_after_the_last_event_and_says_what_was_missed() {
    let connections = AtomicUsize::new(0);
    let fake = Fake::start(move |_| match connections.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::Stream(snapshot(5) + &item(6, "a"), After::End),
        1 => Reply::problem("503 Service Unavailable", "not yet", ""),
        2 => Reply::Stream(item(7, "a"), After::End),
        _ => {
            let gap = "event: gap\ndata: {\"wanted\":8,\"next\":20}\n\n".to_owned();
            Reply::Stream(gap + &snapshot(19) + &item(20, "b") + &item(21, "a"), After::Stay)
        }
    });
    let ran = fake.run(&["listen", "a", "--count", "3", "--format", "jsonl"]);
    let ids: Vec<Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: Vec<&str> = ids.iter().map(|item: &Value| item["id"].as_str().unwrap()).collect();
    assert_eq!((ran.code, ids), (0, vec!["ITEM6", "ITEM7", "ITEM21"]), "{ran:?}");
    let got = fake.got();
    let resumed: Vec<Option<&str>> = got.iter().map(|got| got.header("last-event-id")).collect();
    assert_eq!(resumed, [None, Some("6"), Some("6"), Some("7")]);
    let api = fake.api();
    let lost = format!("warning: the agent at {api} has ended the stream; trying again");
    let missed = "warning: items of while there was no connection are not shown: the agent no \
                  longer has them in order";
    let expected = [
        format!("listening: a at {api}"),
        lost.clone(),
        "connected again".to_owned(),
        lost,
        "connected again".to_owned(),
        missed.to_owned(),
    ];
    assert_eq!(ran.stderr.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn changes_that_came_too_fast_are_counted() {
    let gap = "event: gap\ndata: {\"wanted\":8,\"next\":20}\n\n";
    let events = snapshot(7) + gap + &snapshot(19) + &item(20, "a");
    let fake = Fake::start(move |_| Reply::Stream(events.clone(), After::Stay));
    let ran = fake.run(&["tail", "--count", "1", "--json"]);
    let lines: Vec<Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0], json!({ "type": "gap", "missed": 12 }));
    assert_eq!(lines[1]["item"]["id"], "ITEM20");
    assert!(ran.stderr.contains("too fast, and 12 are not shown"), "{}", ran.stderr);
}

#[test]
fn a_refusal_on_the_way_ends_it() {
    let connections = AtomicUsize::new(0);
    let fake = Fake::start(move |_| match connections.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::Stream(snapshot(5), After::End),
        _ => Reply::problem("401 Unauthorized", "no token", ""),
    });
    assert_eq!(fake.run(&["tail"]).code, 6);
}

#[test]
fn tail_shows_what_is_asked_for() {
    let delivery = |path: &str, outcome: &str| {
        let delivery = json!({ "item": "ID", "path": path, "subscription": "app",
            "outcome": outcome, "reason": null, "status": 204, "attempts": 1, "after_ms": 1.0 });
        event("change", 9, &json!({ "type": "delivery", "delivery": delivery }))
    };
    let member = |name: &str| {
        event(
            "change",
            9,
            &json!({ "type": "member", "change": "changed", "id": "01",
            "name": name, "was": "alive", "member": { "state": "suspect", "why": "no answer" } }),
        )
    };
    let events = snapshot(1)
        + &item(2, "cache/a")
        + &item(3, "other")
        + &delivery("cache/a", "delivered")
        + &delivery("cache/b", "failed")
        + &member("web-1")
        + &member("db-1")
        + &event("change", 9, &json!({ "type": "new", "x": 1 }))
        + &item(99, "cache/end");
    let fake = Fake::start(move |_| Reply::Stream(events.clone(), After::Stay));
    let tail = |args: &[&str], count: &str| {
        let ran = fake.run(&[&["tail", "--count", count], args].concat());
        // Without the time of day, which is now.
        let cut = |line: &str| line.split_once("  ").unwrap().1.to_owned();
        (ran.code, ran.stdout.lines().map(cut).collect::<Vec<String>>())
    };
    let (code, all) = tail(&[], "7");
    assert_eq!(code, 0);
    let expected = [
        "item          cache/a  1 B  from web-1  ITEM2",
        "item          other  1 B  from web-1  ITEM3",
        "delivery      app delivered 204 cache/a after 1.0 ms  ID",
        "delivery      app delivered 204 cache/b after 1.0 ms  ID",
        "member        web-1 suspect, was alive: no answer",
        "member        db-1 suspect, was alive: no answer",
        "item          cache/end  1 B  from web-1  ITEM99",
    ];
    let expected = expected.map(|line| {
        let is_failed = line.contains("cache/b");
        if is_failed { line.replace("delivered", "failed") } else { line.to_owned() }
    });
    assert_eq!(all, expected);
    let pick = |places: &[usize]| places.iter().map(|at| expected[*at].clone()).collect::<Vec<_>>();
    assert_eq!(tail(&["cache/**"], "4").1, pick(&[0, 2, 3, 6]));
    assert_eq!(tail(&["--type", "delivery", "--failed"], "1").1, pick(&[3]));
    assert_eq!(tail(&["--type", "member", "--node", "db-*"], "1").1, pick(&[5]));
    assert_eq!(tail(&["--type", "item,member", "--node", "web-?"], "4").1, pick(&[0, 1, 4, 6]));
    let (code, none) = tail(&["--type", "subscription", "--timeout", "200ms"], "1");
    assert_eq!((code, none.len()), (4, 0));
}

/// A command that follows an agent and has begun to.
fn follow(agent: &Agent, args: &[&str]) -> Child {
    let mut command = bruit();
    command.args(args).env("BRUIT_ADDR", &agent.api);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("listening: ") || line.starts_with("following "), "{line}");
    child
}

fn end(mut child: Child) -> Ran {
    let code = common::wait(&mut child).unwrap();
    let (mut stdout, mut stderr) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    Ran { code, stdout, stderr }
}

#[test]
fn an_agent_that_comes_back_is_listened_to_again() {
    let agent = Agent::start(&[]);
    let api = agent.api.clone();
    let listening = follow(&agent, &["listen", "--count", "2"]);
    agent.run(&["publish", "one"]).ok();
    drop(agent);
    let agent = Agent::start(&["--api", &api]);
    // What is published before it is connected again is of a run that it does not know.
    let mut sent = 0;
    let mut listening = Some(listening);
    eventually("it ends", || {
        agent.run(&["publish", "two"]).ok();
        sent += 1;
        listening.as_mut().unwrap().try_wait().unwrap().is_some()
    });
    let ran = end(listening.take().unwrap());
    assert_eq!(ran.code, 0, "{ran:?}");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].contains("  one  ") && lines[1].contains("  two  "), "{ran:?} {sent}");
    assert!(
        ran.stderr.contains("trying again") && ran.stderr.contains("connected again"),
        "{ran:?}"
    );
}

#[test]
fn items_are_replayed_to_another_address() {
    let agent = Agent::start(&["--name", "web-1"]);
    let service = Service::start("404 Not Found");
    let url = format!("{}/prefix", service.url());
    let args = ["listen", "cache/**", "--count", "2", "--forward-to", &url];
    let listening = follow(&agent, &args);
    let send =
        ["send", "PURGE", "/cache/a?b=%20", "-H", "X-A: 1", "-H", "Authorization: s", "-d", "xy"];
    agent.run(&send).ok();
    agent.run(&["publish", "cache/event", "-d", "z"]).ok();
    let ran = end(listening);
    assert_eq!(ran.code, 4, "a service that refuses is told by the exit code: {ran:?}");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].contains("PURGE /cache/a?b=%20  2 B  from web-1"), "{ran:?}");
    assert!(lines.iter().all(|line| line.contains("  -> 404 after ")), "{ran:?}");
    assert!(ran.stderr.contains("note: headers with secrets are hidden"), "{ran:?}");
    let got = service.got();
    assert_eq!(got[0].line, "PURGE /prefix/cache/a?b=%20");
    assert_eq!((got[0].header("x-a"), got[0].header("authorization")), (Some("1"), None));
    assert_eq!(got[0].header("host"), Some(&*service.addr.to_string()));
    assert!(got[0].header("bruit-item").is_some());
    assert_eq!((got[0].body.as_slice(), got[1].body.as_slice()), (&b"xy"[..], &b"z"[..]));
    assert_eq!(got[1].line, "POST /prefix/cache/event");
}

#[test]
fn a_command_is_run_for_each_item() {
    let agent = Agent::start(&["--name", "web-1"]);
    let script = "read -r line; echo \"$BRUIT_METHOD $BRUIT_TARGET $BRUIT_HEADER_X_A $line\"; \
                  test $BRUIT_PATH = cache/a";
    let args = ["listen", "--count", "2", "--exec", "sh", "-c", script];
    let listening = follow(&agent, &args);
    let send = |path: &str| agent.run(&["send", "PURGE", path, "-H", "X-A: 1", "-d", "b\nc"]).ok();
    send("/cache/a?q");
    send("/cache/b");
    let ran = end(listening);
    assert_eq!(ran.code, 4, "{ran:?}");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!((lines[0], lines[2]), ("PURGE /cache/a?q 1 b", "PURGE /cache/b 1 b"));
    assert!(lines[1].contains("  -> exit 0 after ") && lines[3].contains("  -> exit 1 after "));
    let args = ["listen", "--count", "1", "--json", "--exec", "echo", "--of", "ours"];
    let listening = follow(&agent, &args);
    send("/cache/a");
    let ran = end(listening);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, "--of ours\n"));
    let value: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&value["exec"]["code"], &value["exec"]["error"]), (&json!(0), &Value::Null));
}

#[test]
fn ctrl_c_ends_a_stream_with_130() {
    let agent = Agent::start(&[]);
    for command in ["listen", "tail"] {
        let child = follow(&agent, &[command]);
        common::signal(&child, "INT");
        assert_eq!(end(child).code, 130, "{command}");
    }
    let late = ran(bruit().args(["listen", "--addr", &agent.api, "--timeout", "1ms"]));
    assert_eq!(late.code, 0, "{late:?}");
}
