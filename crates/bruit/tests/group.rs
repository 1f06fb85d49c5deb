//! Three agents, each beside a plain HTTP service, all through the program.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod common;

use common::{Agent, Request, Service, bruit, eventually, folder, ran, signal, wait};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Stdio};

/// Agents `web-1` to `web-3`, subscribed to `cache/**`, and their services.
struct Group {
    agents: Vec<Agent>,
    services: Vec<Service>,
}

impl Group {
    fn start(statuses: [&'static str; 3]) -> Self {
        let services: Vec<Service> = statuses.map(Service::start).into();
        let mut agents: Vec<Agent> = Vec::new();
        for (place, service) in services.iter().enumerate() {
            let (name, url) = (format!("web-{}", place + 1), service.url());
            let mut args = vec!["--name", &name, "--app", &url, "--subscribe", "cache/**"];
            let first = agents.first().map(|agent| agent.gossip.clone());
            args.extend(first.iter().flat_map(|addr| ["--join", addr]));
            agents.push(Agent::start(&args));
        }
        for agent in &agents {
            eventually("all see all with their subscriptions", || {
                let subscriptions = agent.run(&["subs", "--json"]).json();
                let alive = subscriptions.as_array().unwrap().iter();
                alive.filter(|each| each["node_state"] == "alive").count() == 3
            });
        }
        Self { agents, services }
    }
}

/// A `bruit listen` that has begun to listen.
fn listen(agent: &Agent, args: &[&str]) -> Child {
    let mut command = bruit();
    command.arg("listen").args(args).args(["--addr", &agent.api]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("listening: "), "{line}");
    child
}

fn output(mut child: Child) -> (Option<i32>, String) {
    let code = wait(&mut child);
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    (code, text)
}

#[test]
fn one_request_reaches_every_subscribed_service_unchanged() {
    let group = Group::start(["200 OK"; 3]);
    let listening = listen(&group.agents[2], &["cache/**", "--count", "1", "--body", "--json"]);
    let args = [
        "send",
        "PURGE",
        "/cache/users/42?all=1&x=a%20b",
        "-H",
        "X-Reason: stale",
        "-d",
        "body\n",
        "--host",
        "www.example.test",
        "--wait",
        "all",
        "--json",
    ];
    let summary = group.agents[1].run(&args).json();
    assert_eq!((&summary["met"], &summary["delivered"]), (&Value::from(true), &Value::from(3)));
    for service in &group.services {
        let got: Vec<Request> = service.got();
        assert_eq!(got.len(), 1, "{got:?}");
        assert_eq!(got[0].line, "PURGE /cache/users/42?all=1&x=a%20b");
        assert_eq!(got[0].header("host"), Some("www.example.test"));
        assert_eq!(got[0].header("x-reason"), Some("stale"));
        assert_eq!(got[0].body, b"body\n");
    }
    let (code, text) = output(listening);
    let item: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &item["id"]), (Some(0), &summary["id"]));
    assert_eq!((&item["origin_name"], &item["body"]), (&"web-2".into(), &"body\n".into()));
    assert_eq!((&item["method"], &item["path"]), (&"PURGE".into(), &"cache/users/42".into()));
}

#[test]
fn an_event_is_posted_to_its_subscribers() {
    let group = Group::start(["204 No Content"; 3]);
    let listening = listen(&group.agents[0], &["--count", "4"]);
    let mut command = bruit();
    command.args(["publish", "cache/of ours", "--count", "3", "-d", "-", "--wait", "3"]);
    command.args(["-H", "Content-Type: text/plain", "--addr", &group.agents[2].api]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"from standard input").unwrap();
    let (code, text) = output(child);
    assert_eq!(code, Some(0));
    assert_eq!(text.lines().count(), 3);
    for line in text.lines() {
        assert!(line.contains("  cache/of%20ours  3 of 3 delivered (p50 "), "{line}");
    }
    for service in &group.services {
        assert_eq!(service.count("POST /cache/of%20ours"), 3);
        let got = &service.got()[0];
        assert_eq!(got.header("content-type"), Some("text/plain"));
        assert_eq!(got.body, b"from standard input");
    }
    group.agents[1].run(&["publish", "elsewhere"]).ok();
    let (code, text) = output(listening);
    assert_eq!((code, text.lines().count()), (Some(0), 4));
    assert!(text.contains("  elsewhere  0 B  from web-2  "), "{text}");
}

#[test]
fn what_is_not_delivered_is_exit_code_4() {
    let group = Group::start(["200 OK", "404 Not Found", "200 OK"]);
    let agent = &group.agents[0];
    let all = agent.run(&["send", "DELETE", "/cache/a", "--wait", "all"]);
    assert_eq!(all.code, 4, "{all:?}");
    assert!(all.stdout.contains("2 of 3 delivered"), "{}", all.stdout);
    let row = all.stdout.lines().find(|line| line.starts_with("web-2")).unwrap();
    let words: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(words, ["web-2", "app", "failed", "404", "1"]);
    assert!(all.stderr.starts_with("error: delivered to 2 of 3"), "{}", all.stderr);
    agent.run(&["send", "DELETE", "/cache/a", "--wait", "60%"]).ok();

    let nobody = agent.run(&["send", "DELETE", "/caches/a", "--wait", "all"]);
    assert_eq!((nobody.code, nobody.stdout.as_str()), (4, ""));
    let lines: Vec<&str> = nobody.stderr.lines().collect();
    assert_eq!(lines[0], "error: nobody is subscribed to \"caches/a\"");
    assert!(
        lines[1].starts_with("  subscriptions that come close: \"cache/**\" (web-"),
        "{lines:?}"
    );
    assert!(lines[2].starts_with("  the item was still spread (id "), "{lines:?}");

    let none = agent.run(&["listen", "--count", "1", "--timeout", "1ms"]);
    assert_eq!(none.code, 4, "{none:?}");
    agent.run(&["listen", "--timeout", "1ms"]).ok();
}

#[test]
fn metadata_members_and_a_goodbye_are_known_to_all() {
    let mut group = Group::start(["200 OK"; 3]);
    let said = group.agents[0].run(&["tag", "role=web", "zone=a", "text=\u{202e}x"]).ok();
    assert_eq!(said, "web-1: role=web text=\u{fffd}x zone=a\n");
    group.agents[0].run(&["tag", "zone-"]).ok();
    for agent in &group.agents {
        eventually("the metadata is known", || {
            let list = agent.run(&["members", "--tag", "role=web", "--json"]).json();
            let list = list.as_array().unwrap().clone();
            list.len() == 1
                && list[0]["name"] == "web-1"
                && list[0]["metadata"].get("zone").is_none()
        });
    }
    let table = group.agents[1].run(&["members"]).ok();
    let head: Vec<&str> = table.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(head, ["NODE", "ADDRESS", "STATE", "SINCE", "RTT", "SUBSCRIPTIONS", "TAGS"]);
    assert_eq!(table.lines().count(), 4);
    assert!(!table.contains('\u{202e}') && !table.contains('\x1b'), "{table}");
    let colored = group.agents[1].run(&["members", "--color", "always"]).ok();
    assert!(colored.contains("\x1b[32malive\x1b[0m"), "{colored}");

    let left = group.agents[2].run(&["leave"]).ok();
    assert_eq!(left, format!("the agent at {} has left and ended\n", group.agents[2].api));
    assert_eq!(group.agents[2].wait(), Some(0));
    for agent in &group.agents[..2] {
        eventually("it has left", || agent.members("left") == ["web-3"]);
    }
    let ran = group.agents[0].run(&["members"]);
    assert_eq!(ran.stdout.lines().count(), 3);
    assert_eq!(ran.stderr, "2 of 3 members shown (1 left, hidden: --all)\n");
    assert_eq!(group.agents[0].run(&["members", "--all"]).ok().lines().count(), 4);
}

#[test]
fn agents_that_meet_later_are_one_group() {
    let (one, other) = (Agent::start(&["--name", "a"]), Agent::start(&["--name", "b"]));
    assert_eq!(one.members("alive"), ["a"]);
    let few = one.run(&["members", "--wait", "2", "--timeout", "1ms"]);
    assert_eq!(few.code, 4, "{few:?}");
    assert_eq!(one.run(&["join", &other.gossip]).ok(), format!("contacting {}\n", other.gossip));
    let args = ["members", "--wait", "2", "--timeout", "1m", "--json"];
    for agent in [&one, &other] {
        assert_eq!(agent.run(&args).json().as_array().unwrap().len(), 2);
    }
}

#[test]
fn every_read_command_says_the_same_in_both_formats() {
    let group = Group::start(["200 OK"; 3]);
    let agent = &group.agents[0];
    for command in ["members", "subs", "topics", "status"] {
        let json = agent.run(&[command, "--format", "json"]).json();
        assert_eq!(agent.run(&[command, "--json"]).json().is_array(), json.is_array());
        let rows = agent.run(&[command]).ok().lines().count() - 1;
        match json.as_array() {
            Some(list) => assert_eq!(rows, list.len(), "{command}"),
            None => assert!(rows >= 10, "{command}"),
        }
    }
    let version = ran(bruit().args(["version", "--json"])).json();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert!(version["rustc"].as_str().unwrap().starts_with("rustc "));
}

#[test]
fn a_signal_is_a_goodbye() {
    let mut group = Group::start(["200 OK"; 3]);
    for (place, name) in [(2, "TERM"), (1, "INT")] {
        group.agents[place].signal(name);
        assert_eq!(group.agents[place].wait(), Some(0));
        let expected = format!("web-{}", place + 1);
        let first = &group.agents[0];
        eventually("it has left", || first.members("left").contains(&expected));
    }
    drop(group.agents[0].child.stdin.take());
    assert_eq!(group.agents[0].wait(), Some(0), "the end of standard input is a goodbye, too");
}

#[test]
fn a_second_signal_ends_at_once() {
    // Connections are taken by the system, and never answered: the goodbye waits for the service.
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", deaf.local_addr().unwrap());
    let drain = ["--drain-timeout", "60s"];
    let mut agent = Agent::start(&[&["--app", &url, "--subscribe", "**"], &drain[..]].concat());
    agent.run(&["publish", "a"]).ok();
    eventually("the delivery is under way", || {
        agent.run(&["subs", "--json"]).json()[0]["local"]["in_flight"] == 1
    });
    agent.signal("TERM");
    eventually("it is leaving", || agent.log().contains("leaving"));
    agent.signal("TERM");
    assert_eq!(agent.wait(), Some(130));
}

#[test]
fn publishing_stays_open_until_the_service_has_closed() {
    let service = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", service.local_addr().unwrap());
    let other = Agent::start(&["--name", "other"]);
    let app = ["--app", &url, "--subscribe", "mine/**", "--drain-timeout", "60s"];
    let mut agent = Agent::start(&[&["--join", &other.gossip], &app[..]].concat());
    agent.run(&["members", "--wait", "2"]).ok();
    agent.signal("TERM");
    eventually("it waits for the service", || {
        agent.log().contains("waiting for the service to close")
    });
    let id = agent.run(&["publish", "late", "--json"]).json()["id"].as_str().unwrap().to_owned();
    eventually("the other has the item", || {
        let trace = other.run(&["trace", &id, "--json"]);
        trace.code == 0 && trace.json()["reached"] == 2
    });
    assert!(agent.child.try_wait().unwrap().is_none(), "{}", agent.log());
    drop(service);
    assert_eq!(agent.wait(), Some(0));
    eventually("it has left", || other.members("left").len() == 1);
}

#[test]
fn a_new_key_starts_agents_and_another_does_not_join_them() {
    let folder = folder();
    let key = |name: &str| {
        let text = ran(bruit().args(["keys", "new"])).ok();
        assert_eq!(text.lines().count(), 1);
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (ours, foreign) = (key("ours"), key("foreign"));
    let one = Agent::start(&["--name", "a", "--key-file", &ours]);
    let join = ["--join", &one.gossip];
    let stranger = Agent::start(&[&["--name", "x", "--key-file", &foreign], &join[..]].concat());
    let other = Agent::start(&[&["--name", "b", "--key-file", &ours], &join[..]].concat());
    let args = ["members", "--wait", "2", "--timeout", "1m", "--json"];
    assert_eq!(one.run(&args).json().as_array().unwrap().len(), 2);
    assert_eq!(other.run(&args).json().as_array().unwrap().len(), 2);
    assert_eq!(stranger.members("alive"), ["x"]);
    assert_eq!(one.members("alive"), ["a", "b"]);
}

#[test]
fn echo_tells_what_it_gets() {
    let mut command = bruit();
    command.args(["echo", "--listen", "127.0.0.1:0", "--status", "503"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let addr = first.strip_prefix("listening on http://").unwrap();
    let mut stream = std::net::TcpStream::connect(addr).unwrap();
    stream.write_all(b"PURGE /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nxy").unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 503");
    assert_eq!(lines.next().unwrap().unwrap(), "PURGE /a?b  host h  body 2 B");
    signal(&child, "TERM");
    assert_eq!(wait(&mut child), Some(0));
}
