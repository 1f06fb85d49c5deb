//! What every command promises, held against real agents: reading commands speak all formats, and
//! the curl command that a command prints gets the same.
//!
//! The commands are taken from the help, so none can be forgotten.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod common;

use common::help::{commands, help};
use common::{Agent, Ran, Service, bruit, eventually, folder, ran};
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;
use tempfile::TempDir;

const TOKEN: &str = "a-secret-of-20-bytes";

/// Two agents with a key and a token, a third that was killed; a service that takes all, and one
/// that refuses all.
struct Group {
    agents: [Agent; 2],
    good: Service,
    _bad: Service,
    _folder: TempDir,
    /// An item that was delivered.
    item: String,
    /// A dead letter.
    letter: String,
}

impl Group {
    fn start() -> Self {
        let folder = folder();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("key"), ran(bruit().args(["keys", "new"])).ok()).unwrap();
        std::fs::write(path("token"), TOKEN).unwrap();
        let (good, bad) = (Service::start("200 OK"), Service::start("404 Not Found"));
        let refused = format!("bad = {{ pattern = \"bad/**\", endpoint = \"{}\" }}", bad.url());
        let start = |name: &str, more: &[&str]| {
            let (key, token, url) = (path("key"), path("token"), good.url());
            let mut args = vec!["--name", name, "--key-file", &key, "--token-file", &token];
            args.extend(["--app", &url, "--subscribe", "good/**", "--tag", "role=web"]);
            Agent::start(&[&args, more].concat())
        };
        let one = start("web-1", &["--subscription", &refused]);
        let two = start("web-2", &["--join", &one.gossip]);
        let three = start("web-3", &["--join", &one.gossip]);
        eventually("the third has been there", || {
            [&one, &two].iter().all(|agent| run(agent, "member web-3").code == 0)
        });
        drop(three);
        eventually("the third has failed", || {
            let state = |agent| run(agent, "member web-3 --json").json()["state"].clone();
            state(&one) == "failed" && state(&two) == "failed"
        });
        let mut group = Self {
            agents: [one, two],
            good,
            _bad: bad,
            _folder: folder,
            item: String::new(),
            letter: String::new(),
        };
        eventually("each knows the other's subscriptions", || {
            group.agents.iter().all(|agent| {
                let list = run(agent, "subs --json").json();
                list.as_array().unwrap().iter().filter(|each| each["node_state"] == "alive").count()
                    == 3
            })
        });
        let sent = group.run("send PURGE /good/a --wait all --json").json();
        group.item = sent["id"].as_str().unwrap().to_owned();
        group.run("publish bad/a").ok();
        eventually("it is a dead letter", || {
            let list = group.run("deliveries --failed --json").json();
            list[0]["id"].as_str().map(|id| id.clone_into(&mut group.letter)).is_some()
        });
        group
    }

    fn run(&self, line: &str) -> Ran {
        run(&self.agents[0], line)
    }

    /// A command line with what stands for things of this group.
    fn fill(&self, line: &str) -> String {
        line.replace("ITEM", &self.item)
            .replace("LETTER", &self.letter)
            .replace("URL", &self.good.url())
    }
}

fn run(agent: &Agent, line: &str) -> Ran {
    let mut command = bruit();
    command.args(line.split(' ')).env("BRUIT_ADDR", &agent.api).env("BRUIT_TOKEN", TOKEN);
    ran(&mut command)
}

/// The commands whose help has this flag.
fn with_flag(flag: &str) -> BTreeSet<String> {
    let has = |command: &String| {
        let help = help(command);
        let mut words = help.split_whitespace();
        words.any(|word| word == flag) && !command.is_empty()
    };
    commands().into_iter().filter(has).collect()
}

/// Reading commands: how to call each, and whether it is a list (or has one in a field).
const READS: [(&str, &str, Rows); 15] = [
    ("members", "members", Rows::List),
    ("member", "member web-2", Rows::One),
    ("subs", "subs", Rows::List),
    ("subs ls", "subs ls", Rows::List),
    ("subs show", "subs show app", Rows::One),
    ("topics", "topics", Rows::List),
    ("topics ls", "topics ls", Rows::List),
    ("deliveries", "deliveries", Rows::List),
    ("deliveries ls", "deliveries ls --failed", Rows::List),
    ("deliveries show", "deliveries show LETTER", Rows::One),
    ("trace", "trace ITEM", Rows::Of("nodes")),
    ("keys ls", "keys ls", Rows::List),
    ("status", "status", Rows::One),
    ("config show", "config show", Rows::Of("settings")),
    ("config diff", "config diff", Rows::None("changes")),
];

#[derive(Clone, Copy)]
enum Rows {
    List,
    One,
    Of(&'static str),
    /// A list in this field, which is empty here.
    None(&'static str),
}

#[test]
fn every_reading_command_speaks_every_format() {
    let group = Group::start();
    let known: BTreeSet<String> = READS.iter().map(|(name, ..)| (*name).to_owned()).collect();
    let found = with_flag("--watch");
    assert_eq!(found.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new());
    for (_, line, rows) in READS.into_iter().filter(|(name, ..)| found.contains(*name)) {
        let line = group.fill(line);
        let json = group.run(&format!("{line} --json")).json();
        let same = group.run(&format!("{line} --format json")).json();
        assert_eq!(shape(&json), shape(&same), "{line}");
        let lines = group.run(&format!("{line} --format jsonl")).ok();
        let parsed: Vec<Value> =
            lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let list = match rows {
            Rows::One => None,
            Rows::List => Some(json.as_array().unwrap()),
            Rows::Of(field) => Some(json[field].as_array().unwrap()),
            Rows::None(field) => {
                assert_eq!((&json[field], &*lines), (&serde_json::json!([]), ""), "{line}");
                continue;
            }
        };
        let expected = list.map_or(1, Vec::len);
        assert!(expected > 0, "{line} has something to show");
        assert_eq!(parsed.len(), expected, "{line}");
        assert!(parsed.iter().all(Value::is_object), "{line}");
        let table = group.run(&line).ok();
        let head = table.lines().find(|line| line.chars().any(char::is_uppercase)).unwrap();
        assert!(!head.starts_with(' ') && table.lines().count() > 1, "{line}: {table}");
        assert!(serde_json::from_str::<Value>(&table).is_err(), "{line}");
    }
}

/// What differs from one call to the next.
const VOLATILE: [&str; 26] = [
    "accepted",
    "after_ms",
    "age_ms",
    "clock_error_ms",
    "clock_offset_ms",
    "copies",
    "counters",
    "delivered",
    "fingerprint",
    "id",
    "item",
    "items_held",
    "items_held_bytes",
    "last_error",
    "last_status",
    "oldest_queued_millis",
    "retried",
    "rtt_ms",
    "since_seconds",
    "unix_millis",
    "uptime_seconds",
    "dropped",
    "error",
    "hint",
    "previous",
    "why",
];

/// A value without what differs from one call to the next, and without numbers, but with all
/// names.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let shape = |(name, value): (&String, &Value)| {
                let is_volatile = VOLATILE.contains(&name.as_str());
                (name.clone(), if is_volatile { Value::Null } else { shape(value) })
            };
            Value::Object(fields.iter().map(shape).collect())
        }
        // A list has no order that is promised, but that of the command for people.
        Value::Array(list) => {
            let mut list: Vec<Value> = list.iter().map(shape).collect();
            list.sort_by_key(ToString::to_string);
            Value::Array(list)
        }
        Value::Number(number) if number.is_f64() => Value::Null,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// The other commands that ask an agent, each with what has to be done before.
const CHANGES: [(&str, &str); 18] = [
    ("", "send PURGE /good/b?c=1 -H X-A:1"),
    ("", "send DELETE /good/b --wait all"),
    ("", "publish good/b -d text --ce-type t"),
    ("", "tag zone=a"),
    ("", "tag zone-"),
    ("", "join 127.0.0.1:1"),
    ("", "subs add extra extra/** --to URL --concurrency 2 --filter method=PURGE"),
    ("", "subs pause app"),
    ("", "subs resume app"),
    ("", "subs test app --path good/t -d x"),
    ("subs add extra extra/** --to URL", "subs rm extra"),
    ("", "topics set t/** fanout=3"),
    ("", "deliveries retry --all"),
    ("", "deliveries retry LETTER"),
    ("", "deliveries drop --all"),
    ("", "keys rotate"),
    ("", "evict web-3 --yes"),
    ("", "reload"),
];

/// Not compared here: they end something, or never end, or print something of their own; what
/// they ask is checked in `requests.rs`.
const APART: [&str; 8] = [
    "leave",
    "listen",
    "tail",
    "topics rm",
    "deliveries drop",
    "keys rm",
    "deliveries retry",
    "config diff",
];

/// The curl command that a line prints, run by sh; its output as JSON.
fn curl(group: &Group, line: &str) -> Value {
    let printed = group.run(&format!("{line} --curl")).ok();
    assert_eq!(printed.lines().count(), 1, "{line}: {printed}");
    assert!(printed.contains("$BRUIT_TOKEN") && !printed.contains(TOKEN), "{printed}");
    let mut shell = Command::new("sh");
    shell.args(["-c", &printed]).env("BRUIT_TOKEN", TOKEN);
    for name in ["http_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"] {
        shell.env_remove(name);
    }
    let output = ran(&mut shell).ok();
    serde_json::from_str(&output).unwrap_or_else(|error| panic!("{printed}: {error} in {output}"))
}

#[test]
fn the_curl_command_gets_the_same() {
    let group = Group::start();
    let mut known: BTreeSet<String> = APART.iter().map(ToString::to_string).collect();
    let found = with_flag("--curl");
    let name_of = |line: &str| {
        let longest = found.iter().filter(|name| line.starts_with(name.as_str()));
        longest.max_by_key(|name| name.len()).cloned()
    };
    let reads = READS.iter().map(|(_, line, _)| ("", *line));
    for (before, line) in reads.chain(CHANGES) {
        let Some(name) = name_of(line) else { continue };
        known.insert(name.clone());
        let line = group.fill(line);
        let prepare = || {
            if !before.is_empty() {
                group.run(&group.fill(before)).ok();
            }
        };
        prepare();
        let ours = group.run(&format!("{line} --json"));
        assert!(ours.code == 0 || APART.contains(&&*name), "{line}: {ours:?}");
        if ours.code != 0 {
            continue;
        }
        let ours = ours.json();
        prepare();
        let theirs = curl(&group, &line);
        assert_eq!(shape(&ours), shape(&theirs), "{line}");
    }
    assert_eq!(found.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn the_services_get_the_same_by_curl() {
    let group = Group::start();
    let line = "send PUT /good/x/y?a=%20&b=c'd -H X-A:1 -d @-";
    let line = line.replace("@-", "it's");
    group.run(&line).ok();
    curl(&group, &line);
    let got = || group.good.got().into_iter().filter(|got| got.line.contains("good/")).skip(2);
    eventually("both agents have delivered both", || got().count() == 4);
    for got in got() {
        assert_eq!(got.line, "PUT /good/x/y?a=%20&b=c'd");
        assert_eq!((got.header("x-a"), got.header("content-type")), (Some("1"), None));
        assert_eq!(got.body, b"it's");
    }
}
