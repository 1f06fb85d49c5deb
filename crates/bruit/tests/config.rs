//! Settings through the program: where they come from, what is said of mistakes, reload, signals.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod common;

use common::{Agent, Service, bruit, eventually, folder, ran, run};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// A file of settings in a folder that is the user's.
fn user_file(folder: &Path, text: &str) {
    fs::create_dir_all(folder.join("bruit")).unwrap();
    fs::write(folder.join("bruit/config.toml"), text).unwrap();
}

#[test]
fn show_tells_where_each_value_comes_from() {
    let folder = folder();
    user_file(folder.path(), "name = 'of-the-file'\nprofile = 'wan'\nsync = 'batch'\n");
    let mut command = bruit();
    command.args(["config", "show", "--origin", "--name", "of-the-flag", "-v"]);
    command.env("XDG_CONFIG_HOME", folder.path()).env("BRUIT_SYNC", "commit");
    command.env("BRUIT_TAG__ROLE", "web").env("BRUIT_TOKEN", "is no setting");
    let shown = ran(&mut command).ok();
    let row = |key: &str| {
        let line = shown.lines().find(|line| line.split_whitespace().next() == Some(key));
        let cells = line.unwrap_or_else(|| panic!("{key} in {shown}")).split("   ");
        cells.map(str::trim).filter(|cell| !cell.is_empty()).collect::<Vec<_>>()
    };
    let file = folder.path().join("bruit/config.toml");
    let line = |line: usize| format!("file {}:{line}", file.display());
    assert_eq!(row("name"), ["name", "of-the-flag", "flag --name"]);
    assert_eq!(row("profile"), ["profile", "wan", &*line(2)]);
    assert_eq!(row("sync"), ["sync", "commit", "env BRUIT_SYNC"]);
    assert_eq!(row("tag.role"), ["tag.role", "web", "env BRUIT_TAG__ROLE"]);
    assert_eq!(row("api"), ["api", "127.0.0.1:7070", "default"]);
    assert_eq!(row("log-level"), ["log-level", "debug", "flag --verbose"]);
    assert_eq!(row("key-file"), ["key-file", "-", "default"]);
    let json: Value = ran(command.arg("--json")).json();
    let name = json!({"key": "name", "value": "of-the-flag", "origin": "flag --name"});
    assert_eq!(json["settings"][0], name);
    let plain = run(&["config", "show"]).ok();
    assert!(plain.starts_with("KEY") && !plain.contains("ORIGIN"), "{plain}");
}

#[test]
fn check_tells_every_mistake_and_ends_with_2() {
    let folder = folder();
    let file = folder.path().join("a.toml");
    fs::write(&file, "nam = 'x'\nbind = 3\n").unwrap();
    let name = file.to_str().unwrap();
    let checked = run(&["config", "check", name]);
    assert_eq!((checked.code, checked.stdout.as_str()), (2, ""));
    let expected = format!(
        "error: {name}:1: there is no setting `nam`\n  hint: did you mean `name`?\n\
         error: {name}:2: bind is a number\n  hint: write a text: bind = \"10.0.0.6\"\n"
    );
    assert_eq!(checked.stderr, expected);
    let mut command = bruit();
    command.args(["config", "check", name]).env("BRUIT_NAMES", "x");
    let checked = ran(&mut command);
    assert_eq!(checked.code, 2);
    assert!(checked.stderr.contains("the environment's BRUIT_NAMES is no setting"), "{checked:?}");
    fs::write(&file, "name = 'x'\nprofile = 'moon'\nsubscribe = ['a*']").unwrap();
    let checked = run(&["config", "check", name]);
    assert_eq!(checked.stderr.matches("error: ").count(), 2, "{checked:?}");
    fs::write(&file, "name = 'x'").unwrap();
    assert_eq!(run(&["config", "check", name]).ok(), format!("ok: {name}\n"));
    assert_eq!(run(&["config", "check"]).ok(), "ok: no file; the defaults\n");
    assert_eq!(run(&["config", "check", "/no/such/file"]).code, 2);
    // An agent says all of them, too, and does not start.
    fs::write(&file, "nam = 'x'\nbind = 3\n").unwrap();
    let started = run(&["agent", "--config", name]);
    assert_eq!((started.code, started.stderr), (2, expected));
}

#[test]
fn the_example_is_a_file_that_says_nothing() {
    let folder = folder();
    let file = folder.path().join("a.toml");
    let example = run(&["config", "example"]).ok();
    fs::write(&file, &example).unwrap();
    let with = run(&["config", "show", "--json", "--config", file.to_str().unwrap()]).json();
    assert_eq!(with, run(&["config", "show", "--json"]).json());
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/bruit.toml");
    assert_eq!(example, fs::read_to_string(golden).unwrap());
}

#[test]
fn the_environment_sets_an_agent_up_and_a_flag_overrides_it() {
    let service = Service::start("200 OK");
    let mut command = bruit();
    command.args(["config", "show", "--json", "--name", "b", "--exec", "a 'b c'"]);
    command.env("BRUIT_NAME", "a").env("BRUIT_APP", service.url()).env("BRUIT_SUBSCRIBE", "x,y");
    let settings = ran(&mut command).json()["settings"].clone();
    let value = |key: &str| {
        let all = settings.as_array().unwrap();
        all.iter().find(|each| each["key"] == key).unwrap()["value"].clone()
    };
    assert_eq!((value("name"), value("subscribe")), (json!("b"), json!(["x", "y"])));
    assert_eq!((value("app"), value("exec")), (json!(service.url()), json!(["a", "b c"])));
}

#[test]
fn a_reload_applies_what_it_can_and_names_the_rest() {
    let folder = folder();
    let file = folder.path().join("a.toml");
    let text = "[[subscription]]\nname = 'x'\npattern = 'x/**'\nmode = 'stream'\n";
    fs::write(&file, text).unwrap();
    let agent = Agent::start(&["--name", "a", "--config", file.to_str().unwrap()]);
    let note = agent.run(&["config", "diff"]);
    assert_eq!((note.code, note.stderr.as_str()), (0, "nothing would change\n"));
    let more = "sync = 'batch'\nlog-level = 'debug'\n[[subscription]]\nname = 'y'\n\
                pattern = 'y'\nmode = 'stream'\n";
    fs::write(&file, format!("{more}{text}")).unwrap();
    let diff = agent.run(&["config", "diff"]).ok();
    let lines: Vec<Vec<&str>> =
        diff.lines().map(|line| line.split_whitespace().take(4).collect()).collect();
    assert_eq!(lines[0], ["KEY", "RUNNING", "WANTED", "NEEDS"]);
    assert_eq!(lines[1], ["sync", "commit", "batch", "restart"]);
    assert_eq!(lines[2], ["log-level", "info", "debug", "reload"]);
    assert_eq!(lines[3][..2], ["subscription.y", "-"]);
    let reloaded = agent.run(&["reload"]).ok();
    let expected = "applied 2: log-level subscription.y\nneeds a restart 1: sync\nunchanged 17\n";
    assert_eq!(reloaded, expected);
    let again = agent.run(&["reload", "--json"]).json();
    assert_eq!(again, json!({"applied": [], "needs_restart": ["sync"], "unchanged": 19}));
    assert!(agent.log().contains("DEBUG"), "the level of the log was changed: {}", agent.log());
    fs::write(&file, "log-level = 'loud'").unwrap();
    let refused = agent.run(&["reload"]);
    assert_eq!(refused.code, 1);
    let cause = format!("{}:1: log-level `loud`: ", file.display());
    assert!(refused.stderr.contains(&cause), "{refused:?}");
    assert!(refused.stderr.contains("\n  hint: the settings hold that held before"), "{refused:?}");
    let names = agent.run(&["subs", "--json"]).json();
    assert_eq!(names.as_array().unwrap().len(), 2, "{names}");
}

#[test]
fn signals_reload_and_dump() {
    let folder = folder();
    let file = folder.path().join("a.toml");
    fs::write(&file, "log-level = 'error'\n").unwrap();
    let agent = Agent::start(&["--name", "a", "--config", file.to_str().unwrap()]);
    let text = "log-level = 'error'\n[[subscription]]\nname = 'x'\npattern = 'x'\n\
                mode = 'stream'\n";
    fs::write(&file, text).unwrap();
    agent.signal("HUP");
    eventually("it was reloaded", || {
        !agent.run(&["subs", "--json"]).json().as_array().unwrap().is_empty()
    });
    fs::write(&file, "bind = ").unwrap();
    agent.signal("HUP");
    eventually("the mistake is told", || agent.log().contains("settings not reloaded"));
    assert!(agent.log().contains("a.toml:1: not TOML: "), "{}", agent.log());
    assert_eq!(agent.run(&["subs", "--json"]).json().as_array().unwrap().len(), 1);
    agent.signal("USR1");
    eventually("the state is in the log", || {
        agent.log().contains("state of a subscription name=x")
    });
    assert!(agent.log().contains("bruit_members"), "{}", agent.log());
}

#[test]
fn what_a_service_says_at_its_end_is_spread() {
    let own = Service::start("200 OK");
    let other = Service::start("200 OK");
    let (url, others) = (own.url(), other.url());
    let app = ["--app", &url, "--subscribe", "a/**", "--drain-timeout", "60m"];
    let mut a = Agent::start(&[&["--name", "a"], &app[..]].concat());
    let flags = ["--name", "b", "--app", &others, "--subscribe", "b/**", "--join", &a.gossip];
    let b = Agent::start(&flags);
    eventually("both subscriptions are known", || {
        a.run(&["subs", "--json"]).json().as_array().unwrap().len() == 2
    });
    a.signal("TERM");
    eventually("it waits for its service", || a.log().contains("waiting for the service to close"));
    let sent = a.run(&["send", "PURGE", "/b/1", "--wait", "all"]);
    assert_eq!(sent.code, 0, "{sent:?}");
    assert_eq!(other.count("PURGE /b/1"), 1);
    // A call does not wait for the service.
    drop(b);
    a.signal("TERM");
    assert_eq!(a.wait(), Some(130));
}

#[test]
fn a_person_does_not_wait_for_the_service() {
    let own = Service::start("200 OK");
    let url = own.url();
    let flags = ["--app", &url, "--subscribe", "**", "--drain-timeout", "60m"];
    let mut agent = Agent::start(&flags);
    agent.signal("INT");
    assert_eq!(agent.wait(), Some(0));
    let mut agent = Agent::start(&flags);
    assert_eq!(agent.run(&["leave", "--timeout", "1m"]).code, 0);
    assert_eq!(agent.wait(), Some(0));
}
