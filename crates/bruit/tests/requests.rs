//! What commands ask of an agent, and what they make of its answers.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod common;

use common::fake::{Fake, Reply};
use common::{Request, bruit, folder, ran, run};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Answers everything with one object that fits all commands that change something.
fn anything(_: &Request) -> Reply {
    Reply::json(&json!({
        "id": "ID", "path": "p", "subscribers": 1, "dropped_items": 3, "retried": 4, "dropped": 5,
        "status": 204, "error": null, "after_ms": 1.5,
        "fingerprint": "F", "step": "used", "nodes": [],
        "name": "web-1", "address": "a", "state": "alive", "why": "", "conflict": false,
        "metadata": {}, "subscriptions": [], "since_seconds": 1.0, "rtt_ms": null, "self": true,
    }))
}

#[test]
fn each_change_is_one_request() {
    let fake = Fake::start(anything);
    for (command, line, said) in [
        ("evict web-1 --yes", "POST /v1/evict", "evicted web-1\n"),
        (
            "subs rm a/b",
            "DELETE /v1/subscriptions/a%2Fb",
            "a/b: removed, with 3 items that waited\n",
        ),
        ("subs pause app", "POST /v1/subscriptions/app/pause", "app: items wait\n"),
        ("subs resume app", "POST /v1/subscriptions/app/resume", "app: it is served again\n"),
        ("subs test app", "POST /v1/subscriptions/app/test", "app: 204 after 1.5 ms\n"),
        ("topics rm cache/**", "DELETE /v1/topics/cache/**", "removed cache/**\n"),
        ("deliveries retry --all", "POST /v1/deliveries/retry", "4 queued again\n"),
        (
            "deliveries retry --all --subscription app",
            "POST /v1/deliveries/retry?subscription=app",
            "4 queued again\n",
        ),
        ("deliveries drop --all", "DELETE /v1/deliveries", "5 dropped\n"),
        ("deliveries drop app.7", "DELETE /v1/deliveries/app.7", "app.7: dropped\n"),
        ("keys rotate", "POST /v1/keys/rotate?timeout=10000ms", "key F: used by 0 of 0 members\n"),
        (
            "keys rotate --key F --force --timeout 1s",
            "POST /v1/keys/rotate?timeout=1000ms&key=F&force=true",
            "key F: used by 0 of 0 members\n",
        ),
        ("keys rm F", "DELETE /v1/keys/F?timeout=10000ms", "key F: used by 0 of 0 members\n"),
    ] {
        let ran = fake.run(&command.split(' ').collect::<Vec<_>>());
        assert_eq!(
            (ran.code, ran.stdout.as_str(), ran.stderr.as_str()),
            (0, said, ""),
            "{command}"
        );
        assert_eq!(fake.take_lines(), [line], "{command}");
    }
}

#[test]
fn nobody_is_evicted_by_accident() {
    let fake = Fake::start(anything);
    let ran = fake.run(&["evict", "web-1"]);
    assert_eq!((ran.code, fake.take_lines().len()), (2, 0), "{ran:?}");
    assert!(ran.stderr.contains("--yes"), "{}", ran.stderr);
    fake.run(&["evict", "web-1", "--yes"]).ok();
    let got = fake.got();
    assert_eq!(got[0].header("content-type"), Some("application/json"));
    assert_eq!(
        serde_json::from_slice::<Value>(&got[0].body).unwrap(),
        json!({ "member": "web-1" })
    );
}

#[test]
fn every_setting_of_a_subscription_has_a_flag() {
    let fake = Fake::start(anything);
    let args = "subs add hook a/** --to http://127.0.0.1:9/x --mode cloudevents --host h --http2 \
                --from retained --order fifo --filter method=PURGE --filter kind=event \
                --concurrency 3 --rate 50 --answer-timeout 7s --attempts 4 --retry-for 2m \
                --backoff 1s --backoff-max 9s --retry-after-max 8s --queue-items 10 \
                --queue-bytes 4096 --breaker 0 --health /healthz --health-period 3s";
    let said = fake.run(&args.split_whitespace().collect::<Vec<_>>()).ok();
    assert_eq!(said, "hook: a/** is subscribed\n");
    let got = fake.got();
    assert_eq!(got[0].line, "PUT /v1/subscriptions/hook");
    let body: Value = serde_json::from_slice(&got[0].body).unwrap();
    let expected = json!({
        "pattern": "a/**", "endpoint": "http://127.0.0.1:9/x", "mode": "cloudevents", "host": "h",
        "http2": true, "from": "retained", "order": "fifo",
        "filter": ["method=PURGE", "kind=event"], "concurrency": 3, "rate": 50, "timeout": "7s",
        "attempts": 4, "retry_for": "2m", "backoff": "1s", "backoff_max": "9s",
        "retry_after_max": "8s", "queue_items": 10, "queue_bytes": 4096, "breaker": 0,
        "health": "/healthz", "health_period": "3s",
    });
    assert_eq!(body, expected);
    // All keys but `command`, which the API does not take.
    let keys: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    let mut all: Vec<&str> = bruit_agent::delivery::SPEC_KEYS.to_vec();
    all.retain(|key| *key != "command");
    all.sort_unstable();
    assert_eq!(keys, all);
}

#[test]
fn a_test_says_what_it_is_given_and_its_end_is_the_exit_code() {
    for (answer, code, said) in [
        (json!({ "status": 200, "error": null, "after_ms": 2.0 }), 0, "app: 200 after 2.0 ms\n"),
        (json!({ "status": 500, "error": null, "after_ms": 2.0 }), 1, "app: 500 after 2.0 ms\n"),
        (
            json!({ "status": null, "error": "refused", "after_ms": 2.0 }),
            1,
            "app: refused after 2.0 ms\n",
        ),
    ] {
        let fake = Fake::start(move |_| Reply::json(&answer));
        let args =
            ["subs", "test", "app", "--method", "PUT", "--path", "a/b", "-H", "X-A: 1", "-d", "x"];
        let ran = fake.run(&args);
        assert_eq!((ran.code, ran.stdout.as_str()), (code, said));
        let body: Value = serde_json::from_slice(&fake.got()[0].body).unwrap();
        let expected =
            json!({ "method": "PUT", "path": "a/b", "headers": { "x-a": "1" }, "body": "x" });
        assert_eq!(body, expected);
    }
}

#[test]
fn a_topic_is_set_by_names_and_values() {
    let fake = Fake::start(anything);
    let args =
        ["topics", "set", "/a b/**", "style=lazy_push", "fanout=5", "repair=off", "expiry-ms=none"];
    fake.run(&args).ok();
    let got = fake.got();
    assert_eq!(got[0].line, "PUT /v1/topics/a%20b/**");
    let body: Value = serde_json::from_slice(&got[0].body).unwrap();
    let expected = json!({ "style": "lazy_push", "fanout": 5, "repair": false, "expiry_ms": null });
    assert_eq!(body, expected);
}

#[test]
fn deliveries_are_asked_for_by_state_and_shown_by_age() {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = u64::try_from(now.as_millis()).unwrap();
    let record = move |id: &str, age: u64, state: &str| {
        json!({ "id": id, "subscription": "app", "item": "ID", "path": "cache/a", "state": state,
            "attempts": 2, "status": 503,
            "reason": if state == "failed" { Some("r") } else { None },
            "unix_millis": now - age, "next_attempt_millis": 2000 })
    };
    let fake = Fake::start(move |_| {
        Reply::json(&json!([record("app.1", 7_200_500, "failed"), record("app.2", 0, "queued")]))
    });
    let args = ["deliveries", "ls", "--failed", "--subscription", "my app", "--limit", "5"];
    let table = fake.run(&args).ok();
    assert_eq!(
        fake.take_lines(),
        ["GET /v1/deliveries?state=failed&subscription=my%20app&limit=5"]
    );
    let rows: Vec<Vec<&str>> =
        table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[1], ["app.1", "failed", "2h00m", "app", "cache/a", "2", "503", "ID", "r"]);
    assert_eq!(rows[2][..2], ["app.2", "queued"]);
    assert!(table.lines().nth(2).unwrap().ends_with("next attempt in 2s"), "{table}");
    let recent = fake.run(&["deliveries", "--since", "1h", "--format", "jsonl"]).json();
    assert_eq!(recent["id"], "app.2");
    fake.take_lines();
    fake.run(&["deliveries", "--state", "in-flight"]).ok();
    assert_eq!(fake.take_lines(), ["GET /v1/deliveries?state=in_flight"]);
}

#[test]
fn a_dead_letter_that_is_gone_does_not_keep_the_others_from_a_retry() {
    let fake = Fake::start(|request| {
        if request.line.contains("app.2") {
            return Reply::problem("404 Not Found", "no dead letter app.2", "list them");
        }
        Reply::json(&json!({}))
    });
    let ran = fake.run(&["deliveries", "retry", "app.1", "app.2", "app.3"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (5, "app.1: queued again\napp.3: queued again\n"));
    assert_eq!(ran.stderr, "error: no dead letter app.2\n  hint: list them\n");
    let ran = fake.run(&["deliveries", "retry", "app.1", "app.2", "app.3", "--json"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (5, "{\"retried\":2}\n"));
    for line in ["deliveries retry", "deliveries retry a --all", "deliveries drop --subscription a"]
    {
        assert_eq!(run(&line.split(' ').collect::<Vec<_>>()).code, 2, "{line}");
    }
}

#[test]
fn a_key_that_not_all_have_is_incomplete() {
    let fake = Fake::start(|_| {
        let body = json!({ "fingerprint": "F", "step": "installed", "nodes": [
            { "name": "a", "done": true, "error": null, "note": null },
            { "name": "b", "done": false, "error": "no answer", "note": "n" },
            { "name": "c", "done": true, "error": null, "note": "in memory only" } ],
            "hint": "repeat POST /v1/keys/rotate?key=F; or with &force=true" });
        Reply::Whole("504 Gateway Timeout", "application/json", body.to_string().into_bytes())
    });
    let ran = fake.run(&["keys", "rotate"]);
    assert_eq!(ran.code, 4);
    let expected = "key F: installed by 2 of 3 members\nNODE   DONE\nb      no     no answer; n\n\
                    c      yes    in memory only\n";
    assert_eq!(ran.stdout, expected);
    assert_eq!(
        ran.stderr,
        "error: 1 members are missing\n  hint: repeat bruit keys rotate --key F; or with --force\n"
    );
}

#[test]
fn that_nobody_is_subscribed_is_said_and_no_failure() {
    let fake = Fake::start(|_| {
        Reply::json(&json!({ "id": "ID", "path": "a", "subscribers": 0, "hint": "nobody; try b" }))
    });
    for command in ["publish a", "send PURGE /a"] {
        let ran = fake.run(&command.split(' ').collect::<Vec<_>>());
        assert_eq!((ran.code, ran.stdout.as_str()), (0, "item ID  a\n"), "{command}");
        assert_eq!(ran.stderr, "warning: nobody; try b\n", "{command}");
    }
}

#[test]
fn an_event_has_the_headers_of_a_cloudevent() {
    let fake = Fake::start(anything);
    let args = [
        "publish",
        "a",
        "--count",
        "2",
        "--ce-type",
        "com.example.t",
        "--ce-subject",
        "a b%",
        "--ce",
        "team=web",
        "-d",
        "{}",
    ];
    fake.run(&args).ok();
    let got = fake.got();
    assert_eq!(got.len(), 2);
    let expected = [
        ("ce-specversion", "1.0"),
        ("ce-type", "com.example.t"),
        ("ce-source", "/bruit"),
        ("ce-subject", "a%20b%25"),
        ("ce-team", "web"),
    ];
    for (name, value) in expected {
        assert_eq!(got[0].header(name), Some(value));
    }
    assert_ne!(got[0].header("ce-id").unwrap(), got[1].header("ce-id").unwrap());
    assert_eq!(got[0].body, b"{}");
    assert_eq!(run(&["publish", "a", "--ce-id", "1"]).code, 2, "a type is needed");
    assert_eq!(run(&["publish", "a", "--ce-type", "t", "--ce", "No=1"]).code, 2);
}

#[test]
fn a_rate_is_kept() {
    let fake = Fake::start(anything);
    let begin = Instant::now();
    fake.run(&["publish", "a", "--count", "4", "--rate", "10"]).ok();
    assert_eq!(fake.take_lines().len(), 4);
    // Three pauses of 100 ms; how much longer it takes depends on the machine.
    assert!(begin.elapsed() >= Duration::from_millis(300), "{:?}", begin.elapsed());
    assert_eq!(run(&["publish", "a", "--rate", "0"]).code, 2);
}

#[test]
fn a_body_comes_from_text_file_or_standard_input() {
    let fake = Fake::start(anything);
    let folder = folder();
    let path = folder.path().join("body of ours");
    std::fs::write(&path, b"of a file\xff").unwrap();
    let file = format!("@{}", path.display());
    fake.run(&["send", "PUT", "/a", "-d", "text"]).ok();
    fake.run(&["send", "PUT", "/a", "-d", "-5"]).ok();
    fake.run(&["send", "PUT", "/a", "-d", &file]).ok();
    let mut command = bruit();
    command.args(["publish", "a", "--count", "2", "-d", "-"]).env("BRUIT_ADDR", fake.api());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"of standard input").unwrap();
    assert!(child.wait().unwrap().success());
    let bodies: Vec<Vec<u8>> = fake.got().into_iter().map(|got| got.body).collect();
    let expected: [&[u8]; 5] =
        [b"text", b"-5", b"of a file\xff", b"of standard input", b"of standard input"];
    assert_eq!(bodies, expected);
    let ran = fake.run(&["send", "PUT", "/a", "-d", "@/no/such/file"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.starts_with("error: cannot read /no/such/file"), "{}", ran.stderr);
}

#[test]
fn curl_is_printed_and_nothing_is_asked_or_read() {
    let fake = Fake::start(anything);
    let curl = |command: &str| {
        let mut args: Vec<&str> = command.split(' ').collect();
        args.extend(["--curl", "--token", "a-secret"]);
        let ran = fake.run(&args);
        assert_eq!((ran.code, fake.take_lines().len()), (0, 0), "{ran:?}");
        assert!(!ran.stdout.contains("a-secret"), "{}", ran.stdout);
        ran.stdout.replace(&fake.api(), "API")
    };
    let token = "-H \"Bruit-Token: $BRUIT_TOKEN\"";
    for (command, expected) in [
        ("members", format!("curl -sS {token} http://API/v1/members\n")),
        (
            "tail --type item",
            format!("curl -sS -N {token} 'http://API/v1/stream?types=item,member'\n"),
        ),
        (
            "send PURGE /a?b -d @/no/such/file --wait all",
            format!(
                "curl -sS -X PURGE {token} -H 'bruit-wait: all' -H 'bruit-timeout: 10000ms' \
                 -H 'Content-Type:' --data-binary @/no/such/file 'http://API/all/a?b'\n"
            ),
        ),
        (
            "evict web-1",
            format!(
                "curl -sS -X POST {token} -H 'content-type: application/json' \
                 --data-binary '{{\"member\":\"web-1\"}}' http://API/v1/evict\n"
            ),
        ),
        (
            "deliveries drop app.1 app.2",
            format!(
                "curl -sS -X DELETE {token} http://API/v1/deliveries/app.1\n\
                 curl -sS -X DELETE {token} http://API/v1/deliveries/app.2\n"
            ),
        ),
        ("members --watch", format!("curl -sS {token} http://API/v1/members\n")),
        ("leave", format!("curl -sS -X POST {token} http://API/v1/leave\n")),
        (
            "publish a -d - --count 3",
            format!(
                "curl -sS -X POST {token} -H 'Content-Type:' --data-binary @- http://API/topics/a\n"
            ),
        ),
    ] {
        assert_eq!(curl(command), expected, "{command}");
    }
    let notes = ran(bruit().args(["members", "--state", "alive", "--curl"]));
    assert!(notes.stderr.starts_with("note: filters"), "{}", notes.stderr);
}
