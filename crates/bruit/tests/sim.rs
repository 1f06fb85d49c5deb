//! `bruit sim`: the same seed gives the same, on any number of threads; what is interrupted goes
//! on; files of other versions are refused; every command speaks every format.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod common;

use common::help::{commands, help};
use common::{bruit, eventually, folder, run, signal, wait};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// The trace hashes of a `--json` output, by seed.
fn hashes(value: &Value) -> Vec<String> {
    let runs = value["runs"].as_array().unwrap();
    runs.iter().map(|run| run["trace_hash"].as_str().unwrap().to_owned()).collect()
}

const LOSSY: [&str; 8] =
    ["sim", "run", "small", "--set", "network.loss=10%", "--set", "duration=10s", "--json"];

fn lossy(more: &[&str]) -> Value {
    run(&[&LOSSY[..], more].concat()).json()
}

#[test]
fn a_seed_gives_the_same_alone_and_among_others_on_any_number_of_threads() {
    let together = hashes(&lossy(&["--seeds", "5", "--threads", "1"]));
    assert_eq!(together, hashes(&lossy(&["--seeds", "5", "--threads", "4"])));
    assert_eq!(together.iter().collect::<BTreeSet<_>>().len(), 5);
    assert_eq!(hashes(&lossy(&["--seed", "3"])), [together[2].clone()]);
}

#[test]
fn a_run_says_what_it_is_and_ends_with_its_hash() {
    let ran = run(&["sim", "run", "small", "--seed", "9"]);
    assert_eq!(ran.stderr, "", "no progress where nobody sees it");
    let text = ran.ok();
    let hash = hashes(&run(&["sim", "run", "small", "--seed", "9", "--json"]).json()).remove(0);
    for needed in [
        "runs the real protocol code; only time and network are simulated",
        &format!("bruit {}, commit ", env!("CARGO_PKG_VERSION")),
        "10 nodes, 20s of virtual time, seed 9",
        "replay  bruit sim replay small --seed 9",
        "again   bruit sim run small --seed 9",
    ] {
        assert!(text.contains(needed), "{needed}: {text}");
    }
    assert_eq!(text.lines().last(), Some(&*format!("trace   {hash}")));
    for (flag, about) in [("-h", "Simulate"), ("--help", "It runs the real protocol code;")] {
        assert!(run(&["sim", flag]).ok().contains(about));
    }
}

#[test]
fn a_baseline_shows_what_differs() {
    let folder = folder();
    let file = folder.path().join("b.json");
    let file = file.to_str().unwrap();
    run(&["sim", "run", "small", "--save-baseline", file]).ok();
    let same = run(&["sim", "run", "small", "--baseline", file]).ok();
    assert!(same.contains("no measure differs from the baseline"), "{same}");
    let other = ["sim", "run", "small", "--set", "topic.style=push", "--baseline", file];
    let changes = run(&[&other[..], &["--json"]].concat()).json()["changes"].clone();
    let hops = changes.as_array().unwrap().iter().find(|change| change["metric"] == "last_hop");
    assert_eq!(hops.unwrap()["before"], 1);
    let table = run(&other).ok();
    let row = table.lines().find(|line| line.starts_with("last_hop ")).unwrap();
    assert_eq!(row.split_whitespace().nth(1), Some("1"), "{table}");
    std::fs::write(file, "{}").unwrap();
    let bad = run(&other);
    assert_eq!(bad.code, 2);
    assert!(bad.stderr.contains("is no baseline") && bad.stderr.contains("--save-baseline"));
}

#[test]
fn a_replay_is_the_same_log_and_other_versions_are_refused() {
    let folder = folder();
    let path = folder.path().join("r.json");
    let file = path.to_str().unwrap();
    let set = ["--set", "network.loss=20%", "--set", "duration=5s", "--set", "workload.items=3"];
    let first = [&["sim", "run", "small", "--seed", "4", "--save-replay", file][..], &set].concat();
    let hash = run(&first).ok().lines().last().unwrap().to_owned();
    let log = run(&["sim", "replay", file]).ok();
    assert_eq!(log, run(&[&["sim", "replay", "small", "--seed", "4"][..], &set].concat()).ok());
    assert_eq!(log.lines().last(), Some(&*hash));
    assert!(log.lines().count() > 500 && log.contains(" datagram #"), "{log}");
    let kept = text(&path);
    let version = env!("CARGO_PKG_VERSION");
    std::fs::write(
        &path,
        kept.replace(&format!("\"version\":\"{version}\""), "\"version\":\"0.0.7\""),
    )
    .unwrap();
    let refused = run(&["sim", "replay", file]);
    assert_eq!(refused.code, 2);
    let expected = format!("is of version 0.0.7, and this is bruit {version}");
    assert!(refused.stderr.contains(&expected), "{}", refused.stderr);
    let hash = hash.strip_prefix("trace   ").unwrap();
    std::fs::write(&path, kept.replace(hash, "0123456789abcdef")).unwrap();
    let other = run(&["sim", "replay", file]);
    assert_eq!(other.code, 1);
    let expected = format!("the trace was 0123456789abcdef, and is {hash}");
    assert!(other.stderr.contains(&expected), "{}", other.stderr);
}

const SWEEP: [&str; 13] = [
    "sim",
    "sweep",
    "lan",
    "--set",
    "nodes=40",
    "--set",
    "duration=30s",
    "--vary",
    "topic.fanout=3..5",
    "--vary",
    "network.loss=0%,2%",
    "--threads",
    "1",
];

/// The rows of a file of results, in the order of points, without the head.
fn rows(path: &Path) -> BTreeSet<String> {
    text(path).lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn what_an_interrupted_sweep_has_done_is_kept_and_the_rest_goes_on() {
    let folder = folder();
    let [whole, part] = ["whole", "part"].map(|name| folder.path().join(name));
    let arguments =
        |file: &Path| [&SWEEP[..], &["--out", file.to_str().unwrap()]].concat().join(" ");
    let start = |file: &Path| {
        let mut command = bruit();
        command.args(arguments(file).split(' ')).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    let mut child = start(&part);
    eventually("a point is done", || text(&part).lines().count() >= 2);
    signal(&child, "INT");
    assert_eq!(wait(&mut child), Some(130));
    let done = rows(&part);
    assert!((1..6).contains(&done.len()), "{}", done.len());
    // A kill may cut a line short.
    std::fs::write(&part, text(&part) + "{\"point\":5,\"se").unwrap();
    let resumed = bruit().args(arguments(&part).split(' ')).output().unwrap();
    assert!(resumed.status.success(), "{resumed:?}");
    let said = String::from_utf8(resumed.stderr).unwrap();
    assert!(said.contains(&format!("6 settings x 1 seeds, {} done before", done.len())), "{said}");
    assert_eq!(wait(&mut start(&whole)), Some(0));
    assert!(rows(&part).is_superset(&done));
    assert_eq!(rows(&part), rows(&whole));
    let other = arguments(&part).replace("nodes=40", "nodes=41");
    let refused = run(&other.split(' ').collect::<Vec<_>>());
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("another sweep: the scenario differs"), "{}", refused.stderr);
}

#[test]
fn what_an_interrupted_search_has_found_is_shown() {
    let folder = folder();
    let [found, said] = ["found", "said"].map(|name| folder.path().join(name));
    let file = |path| Stdio::from(std::fs::File::create(path).unwrap());
    let line = "sim recommend --nodes 10 --items 2 --seeds 4000 --within 1s --reach 99%";
    let mut command = bruit();
    command.args(line.split(' ')).stdout(file(&found)).stderr(file(&said));
    let mut child = command.spawn().unwrap();
    eventually("the first stage is over", || text(&said).contains("go on, with all seeds"));
    signal(&child, "INT");
    assert_eq!(wait(&mut child), Some(130));
    assert!(text(&found).lines().any(|line| line.starts_with("best ")), "{}", text(&found));
    assert!(text(&said).contains("interrupted; judged by "), "{}", text(&said));
}

#[test]
fn parts_of_a_sweep_merge_into_the_whole() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let sweep = |shard: &str, name: &str| {
        let file = path(name);
        let line = ["sim", "sweep", "small", "--vary", "topic.fanout=2..4", "--shard", shard];
        run(&[&line[..], &["--out", &file, "--json"]].concat()).json()
    };
    let whole = sweep("1/1", "whole");
    sweep("1/2", "one");
    sweep("2/2", "two");
    let csv = path("csv");
    let merged = run(&["sim", "merge", &path("two"), &path("one"), "--csv", &csv, "--json"]).json();
    assert_eq!(merged["settings"], whole["settings"]);
    assert_eq!(merged["settings"].as_array().unwrap().len(), 3);
    let csv = text(Path::new(&csv));
    assert!(
        csv.starts_with("point,topic.fanout,residue_ppm,") && csv.lines().count() == 4,
        "{csv}"
    );
    let half = run(&["sim", "merge", &path("one")]);
    assert_eq!(half.code, 4);
    assert!(half.stderr.contains("1 settings of the sweep are in none"), "{}", half.stderr);
}

#[test]
fn what_is_recommended_can_be_pasted() {
    let folder = folder();
    let path = folder.path().join("best.toml");
    let file = path.to_str().unwrap();
    let goal =
        ["sim", "recommend", "--nodes", "12", "--loss", "1%", "--reach", "99%", "--seeds", "2"];
    let found = run(&[&goal[..], &["--save", file, "--json"]].concat()).json();
    assert_eq!(found, run(&[&goal[..], &["--threads", "3", "--json"]].concat()).json());
    let settings = found["settings"].as_array().unwrap();
    assert!(settings.len() == 3 && settings[0]["meets"] == true, "{found}");
    // The cheapest that meets the goal is first.
    let bps: Vec<u64> = settings
        .iter()
        .filter(|each| each["meets"] == true)
        .map(|each| each["mean_bps"].as_u64().unwrap())
        .collect();
    assert!(bps.is_sorted(), "{bps:?}");
    let pasted = run(&["sim", "run", file, "--json"]).json();
    assert_eq!(pasted["runs"][0]["nodes"], 12);
    let never = run(&[&goal[..], &["--within", "0s"]].concat());
    assert_eq!(never.code, 4);
    assert!(never.stderr.contains("none of the settings meets the goal"), "{}", never.stderr);
}

#[test]
fn errors_name_cause_and_remedy() {
    let folder = folder();
    let path = folder.path().join("bad.toml");
    let file = path.to_str().unwrap();
    for (scenario, code, expected) in [
        ("nodes = 0", 2, "`nodes`: it is 0\n  hint: write a number of 1 to 10000"),
        (
            "nodes = 3\nduraton = \"1s\"",
            2,
            "there is no key `duraton`\n  hint: did you mean `duration`?",
        ),
        ("nodes = ", 2, "bad.toml:1: not TOML"),
        ("nodes = 3\nsettle = \"1ms\"\n[network]\nlatency = \"100ms\"", 1, "hint: raise `settle`"),
    ] {
        std::fs::write(&path, scenario).unwrap();
        let ran = run(&["sim", "run", file]);
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    }
    let none = run(&["sim", "run", "no-such"]);
    assert_eq!(none.code, 5);
    assert!(none.stderr.contains("`bruit sim ls` lists"), "{}", none.stderr);
    assert_eq!(run(&["sim", "show", "no-such"]).code, 5);
    assert_eq!(run(&["sim", "run", "small", "--svg", "/no/such/folder/x"]).code, 1);
    assert_eq!(run(&["sim", "sweep", "small", "--vary", "nodes"]).code, 2);
    assert_eq!(run(&["sim", "sweep", "small", "--vary", "nodes=0,1"]).code, 2);
    assert_eq!(run(&["sim", "step", "small", "--node", "10"]).code, 2);
}

/// The commands of `bruit sim` that print data, each with a line that has it print something, and
/// the field of the list that it prints.
const READS: [(&str, &str, &str); 6] = [
    ("sim run", "sim run small --seeds 2", "runs"),
    ("sim sweep", "sim sweep small --vary topic.fanout=2,3", "settings"),
    ("sim merge", "sim merge FILE", "settings"),
    ("sim recommend", "sim recommend --nodes 4 --seeds 1 --items 3", "settings"),
    ("sim replay", "sim replay small --lines 5", "log"),
    ("sim ls", "sim ls", ""),
];

#[test]
fn every_command_speaks_every_format() {
    let folder = folder();
    let file = folder.path().join("f").to_str().unwrap().to_owned();
    run(&["sim", "sweep", "small", "--vary", "topic.fanout=2,3", "--out", &file]).ok();
    let of_sim = commands().into_iter().filter(|command| command.starts_with("sim "));
    let with_json = of_sim.filter(|command| help(command).contains("--json"));
    let mut known: BTreeSet<String> = READS.iter().map(|(name, ..)| (*name).to_owned()).collect();
    // It prints a line for each step in either format, see below.
    known.insert("sim step".to_owned());
    assert_eq!(with_json.collect::<BTreeSet<_>>(), known);
    for (_, line, field) in READS {
        let line = line.replace("FILE", &file);
        let with = |more: &str| {
            let line = format!("{line} {more}");
            run(&line.split_whitespace().collect::<Vec<_>>())
        };
        let value = with("--json").json();
        let list = if field.is_empty() { &value } else { &value[field] };
        let rows = with("--format jsonl").ok();
        let rows: Vec<Value> = rows.lines().map(|row| serde_json::from_str(row).unwrap()).collect();
        assert_eq!(list.as_array().unwrap(), &rows, "{line}");
        let table = with("").ok();
        assert!(!rows.is_empty() && serde_json::from_str::<Value>(&table).is_err(), "{line}");
    }
    let steps = run(&["sim", "step", "small", "--from", "3s", "--steps", "7", "--json"]).ok();
    let steps: Vec<Value> = steps.lines().map(|step| serde_json::from_str(step).unwrap()).collect();
    assert!(steps.len() == 7 && steps.iter().all(|step| step["at_us"].as_u64() >= Some(3_000_000)));
    assert!(steps[0]["what"].is_string() && steps[0]["diff"].is_array());
}

#[test]
fn reports_are_written() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let name = |name: &str| path(name).to_str().unwrap().to_owned();
    let line =
        ["sim", "run", "small", "--html", &name("h"), "--svg", &name("s"), "--csv", &name("c")];
    run(&line).ok();
    let html = text(&path("h"));
    assert!(html.starts_with("<!doctype html>") && html.contains("bruit sim run small --seed 1"));
    assert!(text(&path("s")).starts_with("<svg xmlns="));
    assert!(
        text(&path("c")).starts_with("seed,residue_ppm,") && text(&path("c")).lines().count() == 2
    );
}
