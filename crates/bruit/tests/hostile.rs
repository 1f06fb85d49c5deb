//! Nothing that another agent, a service or a caller chose reaches a terminal as it is: every
//! command, every format, errors and streams included, against an API that is hostile throughout.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod common;

use common::fake::{After, Fake, Reply};
use common::{Ran, Request};
use serde_json::{Value, json};

/// ESC with CSI and OSC, C1 forms of both, BEL, backspace, line ends, right-to-left override,
/// zero width, tags.
const HOSTILE: &str = "x\u{1b}[2J\u{1b}]0;t\u{7}\u{9b}31m\u{9d}8;;u\u{9c}\u{8}\r\n\
    error: y\u{202e}\u{200b}\u{e0041}\u{7f}";

/// Whether a terminal would act on it. Line ends part lines.
fn is_harmful(letter: char) -> bool {
    (letter.is_control() && letter != '\n')
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{e0000}'..='\u{e0fff}')
}

fn member() -> Value {
    json!({
        "id": HOSTILE, "name": HOSTILE, "address": HOSTILE, "state": HOSTILE, "why": HOSTILE,
        "conflict": true, "metadata": { HOSTILE: HOSTILE },
        "subscriptions": [{ "name": HOSTILE, "pattern": HOSTILE }], "incarnation": 1,
        "generation": 1, "since_seconds": 1.0, "rtt_ms": 1.0, "self": true, HOSTILE: HOSTILE,
    })
}

fn item() -> Value {
    json!({
        "id": HOSTILE, "origin": HOSTILE, "path": HOSTILE, "kind": HOSTILE, "method": HOSTILE,
        "target": HOSTILE, "host": HOSTILE, "payload_bytes": 9, "accepted_unix_ms": 1,
        "style": HOSTILE, "headers": [[HOSTILE, HOSTILE]],
    })
}

fn subscription() -> Value {
    let local = json!({
        "name": HOSTILE, "endpoint": HOSTILE, "state": HOSTILE, "queued_items": 1,
        "delivered": 1, "failed": 1, "shed": 1, "why": HOSTILE, "last_error": HOSTILE,
        "spec": { "pattern": HOSTILE, "filter": [HOSTILE], HOSTILE: { HOSTILE: [[1, 2, 3]] } },
    });
    json!({
        "node": HOSTILE, "node_name": HOSTILE, "node_state": HOSTILE, "name": HOSTILE,
        "pattern": HOSTILE, "local": local, "status": 500, "error": HOSTILE, "after_ms": 1.0,
        "dropped_items": 1, "last_error": HOSTILE, "spec": local["spec"],
    })
}

fn trace() -> Value {
    let delivery = json!({
        "subscription": HOSTILE, "outcome": HOSTILE, "status": 500, "attempts": 2,
        "after_ms": 1.0, "statuses": [null, 500], "reason": HOSTILE,
    });
    json!({
        "id": HOSTILE, "path": HOSTILE, "origin": HOSTILE, "origin_name": HOSTILE,
        "accepted_unix_ms": 1, "payload_bytes": 1, "members": 2, "reached": 1,
        "nodes": [
            { "node": HOSTILE, "name": HOSTILE, "state": HOSTILE, "seen": true,
              "received_after_ms": 1.0, "from": HOSTILE, "from_name": HOSTILE, "via": HOSTILE,
              "hops": 1, "copies": 1, "clock_offset_ms": 1.0, "clock_error_ms": 1.0,
              "deliveries": [delivery], "why": HOSTILE },
            { "node": HOSTILE, "name": HOSTILE, "state": HOSTILE, "seen": false,
              "deliveries": [], "why": HOSTILE } ],
    })
}

fn status() -> Value {
    json!({
        "name": HOSTILE, "id": HOSTILE, "version": HOSTILE, "pid": 1, "gossip": HOSTILE,
        "advertise": HOSTILE, "api": HOSTILE, "profile": HOSTILE, "keyed": true,
        "persistent": true, "generation": 1, "uptime_seconds": 1.0, "members": { HOSTILE: 1 },
        "items_held": 1, "items_held_bytes": 1, "subscriptions": [], "socket_buffer_bytes": {},
        "counters": {}, "warnings": [HOSTILE],
    })
}

fn events() -> String {
    let all = [
        ("snapshot", json!({ "members": [{ "id": HOSTILE, "name": HOSTILE }] })),
        ("change", json!({ "type": "item", "item": item() })),
        (
            "change",
            json!({ "type": "delivery", "delivery": {
            "item": HOSTILE, "path": HOSTILE, "subscription": HOSTILE, "outcome": HOSTILE,
            "reason": HOSTILE, "status": 500, "attempts": 2, "after_ms": 1.0 } }),
        ),
        (
            "change",
            json!({ "type": "member", "change": "changed", "id": HOSTILE,
            "name": HOSTILE, "was": HOSTILE, "member": member() }),
        ),
        (
            "change",
            json!({ "type": "subscription", "change": HOSTILE,
            "subscription": { "name": HOSTILE, "why": HOSTILE } }),
        ),
        ("change", json!({ "type": "item", "item": item() })),
    ];
    let event = |(kind, data): &(&str, Value)| format!("event: {kind}\nid: 1\ndata: {data}\n\n");
    all.iter().map(event).collect()
}

fn answer(request: &Request) -> Reply {
    let target = request.line.split(' ').nth(1).unwrap().to_owned();
    let path = target.split('?').next().unwrap();
    let topic = json!({
        "pattern": HOSTILE, "style": HOSTILE, "fanout": 1, "stop": HOSTILE, "period_ms": 1,
        "repair": true, "retain_items": 1, "retain_ms": 1, "order": HOSTILE, "expiry_ms": null,
    });
    let record = json!({
        "id": HOSTILE, "subscription": HOSTILE, "item": HOSTILE, "path": HOSTILE,
        "state": HOSTILE, "attempts": 1, "status": 500, "reason": HOSTILE, "unix_millis": 1,
        "next_attempt_millis": 1, "headers": [[HOSTILE, HOSTILE]], "body": HOSTILE,
    });
    let receipt = json!({
        "node": HOSTILE, "name": HOSTILE, "subscription": HOSTILE, "outcome": HOSTILE,
        "status": 500, "attempts": 1, "after_ms": 1.0,
    });
    let value = match path {
        "/v1/stream" => return Reply::Stream(events(), After::Stay),
        "/v1/members" => json!([member()]),
        "/v1/subscriptions" => json!([subscription()]),
        "/v1/topics" => json!([topic]),
        "/v1/status" => status(),
        "/v1/deliveries" if request.line.starts_with("GET") => json!([record]),
        "/v1/keys" => json!([
            { "fingerprint": HOSTILE, "primary": true, "members": 1, "missing": [HOSTILE],
              "silent": [HOSTILE] } ]),
        _ if path.starts_with("/v1/keys/") => json!({ "fingerprint": HOSTILE, "step": HOSTILE,
            "hint": HOSTILE, "nodes": [
            { "name": HOSTILE, "done": false, "error": HOSTILE, "note": HOSTILE } ] }),
        "/v1/self/tags" => member(),
        _ if path.ends_with("/trace") => trace(),
        _ if path.ends_with("/body") => {
            let body = format!("{HOSTILE}\t\u{fffd}\n");
            return Reply::Whole("200 OK", "application/octet-stream", body.into_bytes());
        }
        _ if path.starts_with("/v1/items/") => item(),
        _ if path.starts_with("/v1/members/") => member(),
        _ if path.starts_with("/v1/subscriptions/") => subscription(),
        _ if path.starts_with("/v1/topics/") => topic,
        _ if path.starts_with("/v1/deliveries/") => record,
        "/all/waited" => json!({ "id": HOSTILE, "path": HOSTILE, "met": false, "expected": 2,
            "delivered": 1, "nodes": [receipt], "hint": HOSTILE }),
        "/all/nobody" => json!({ "id": HOSTILE, "path": HOSTILE, "met": true, "expected": 0,
            "delivered": 0, "nodes": [], "hint": HOSTILE }),
        _ => json!({ "id": HOSTILE, "path": HOSTILE, "subscribers": 0, "hint": HOSTILE,
            "retried": 1, "dropped": 1, HOSTILE: HOSTILE }),
    };
    Reply::json(&value)
}

/// Commands that print what an agent says.
const COMMANDS: [&str; 34] = [
    "members",
    "member x",
    "subs",
    "subs ls",
    "subs show x",
    "subs add x a/** --to http://127.0.0.1:1",
    "subs rm x",
    "subs pause x",
    "subs resume x",
    "subs test x",
    "topics",
    "topics ls",
    "topics set a fanout=1",
    "topics rm a",
    "deliveries",
    "deliveries ls --failed",
    "deliveries show x",
    "deliveries retry x",
    "deliveries retry --all",
    "deliveries drop --all",
    "trace x",
    "status",
    "keys ls",
    "keys rotate",
    "keys rm x",
    "tag a=b",
    "join a",
    "evict x --yes",
    "send PURGE /a",
    "send PURGE /waited --wait all",
    "send PURGE /nobody --wait all",
    "publish a",
    "listen --count 2 --body",
    "tail --count 5",
];

fn check(what: &str, ran: &Ran) {
    for text in [&ran.stdout, &ran.stderr] {
        let found = text.chars().find(|letter| is_harmful(*letter));
        assert_eq!(found, None, "{what}: {text:?}");
    }
    // A line of ours cannot be made up by a line end in a name.
    assert!(!ran.stdout.lines().any(|line| line.starts_with("error: y")), "{what}: {ran:?}");
    assert!(!ran.stderr.lines().any(|line| line.starts_with("error: y")), "{what}: {ran:?}");
}

#[test]
fn no_command_passes_on_what_a_terminal_acts_on() {
    let fake = Fake::start(answer);
    for command in COMMANDS {
        let args: Vec<&str> = command.split(' ').collect();
        for format in ["table", "json", "jsonl"] {
            let ran = fake.run(&[&args[..], &["--format", format]].concat());
            check(&format!("{command} {format}"), &ran);
            assert!(matches!(ran.code, 0 | 1 | 4), "{command} {format}: {ran:?}");
            assert!(!(ran.stdout.is_empty() && ran.stderr.is_empty()), "{command} {format}");
            if format == "table" {
                let all = ran.stdout + &ran.stderr;
                let is_quiet = ["pause", "resume", "rm", "add", "retry", "drop", "join", "evict"];
                let is_quiet = is_quiet.iter().any(|word| args.contains(word));
                assert!(is_quiet || all.contains('\u{fffd}'), "{command}: {all}");
                continue;
            }
            for line in ran.stdout.lines() {
                let value: Value = serde_json::from_str(line)
                    .unwrap_or_else(|error| panic!("{command} {format}: {error} in {line}"));
                assert!(value.is_object() || format == "json", "{command}: {line}");
            }
        }
    }
}

#[test]
fn json_means_the_same_as_the_agent_said() {
    let fake = Fake::start(answer);
    assert_eq!(fake.run(&["members", "--json"]).json(), json!([member()]));
    let line = fake.run(&["members", "--format", "jsonl"]).ok();
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), member());
    let listened = fake.run(&["listen", "--count", "1", "--body", "--json"]).json();
    assert_eq!(listened["path"], HOSTILE);
    assert_eq!(listened["body"], format!("{HOSTILE}\t\u{fffd}\n"));
    let nodes = fake.run(&["trace", "x", "--format", "jsonl"]).ok();
    assert_eq!(nodes.lines().count(), 2);
}

#[test]
fn a_hostile_problem_is_harmless() {
    let statuses = [
        ("400 Bad Request", 1),
        ("401 Unauthorized", 6),
        ("404 Not Found", 5),
        ("503 Service Unavailable", 1),
        ("504 Gateway Timeout", 4),
    ];
    for (status, code) in statuses {
        let fake = Fake::start(move |_| Reply::problem(status, HOSTILE, HOSTILE));
        for command in COMMANDS {
            let args: Vec<&str> = command.split(' ').collect();
            let ran = fake.run(&args);
            check(command, &ran);
            assert_eq!(ran.code, code, "{command} {status}: {ran:?}");
            assert!(ran.stderr.starts_with("error: "), "{command} {status}: {ran:?}");
            assert!(ran.stderr.contains("hint: x\u{fffd}[2J"), "{command} {status}: {ran:?}");
        }
    }
}

#[test]
fn what_is_no_json_is_harmless_and_fails() {
    let fake = Fake::start(|_| {
        Reply::Whole("200 OK", "application/json", format!("\"{HOSTILE}").into_bytes())
    });
    for command in COMMANDS.into_iter().filter(|command| {
        let is_blind = ["listen", "tail", "evict", "join", "topics rm", "deliveries retry x"];
        !is_blind.iter().any(|blind| command.starts_with(blind))
    }) {
        let ran = fake.run(&command.split(' ').collect::<Vec<_>>());
        check(command, &ran);
        assert_eq!(ran.code, 1, "{command}: {ran:?}");
        assert!(ran.stderr.starts_with("error: the answer is not understood"), "{ran:?}");
    }
}
