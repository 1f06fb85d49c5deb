//! Every scenario that comes with the program is run with a few seeds, and does what
//! `scenarios/README.md` says of it.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

use bruit_sim::measure::Outcome;
use bruit_sim::run::run;
use bruit_sim::scenario::{LIBRARY, Scenario};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// Two seeds, and what must hold of each outcome.
fn story(name: &str, holds: impl Fn(&Outcome)) {
    smaller_story(name, &[], holds);
}

/// The same, with something laid over the scenario.
fn smaller_story(name: &str, set: &[(&str, &str)], holds: impl Fn(&Outcome)) {
    let story = LIBRARY.iter().find(|story| story.name == name).unwrap();
    let set: Vec<_> = set.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    let scenario = Scenario::parse(story.text, name, &set).unwrap();
    for seed in [1, 2] {
        let outcome = run(&scenario, seed, &mut |_| ControlFlow::Continue(())).unwrap();
        let again = || format!("bruit sim run {name} --seed {seed}");
        assert_eq!(outcome.spread.items, scenario.workload.items - lost(&outcome), "{}", again());
        holds(&outcome);
    }
}

/// Items that no running node could publish.
fn lost(outcome: &Outcome) -> u32 {
    let count = outcome.shed.get("items that no running node could publish");
    count.map_or(0, |count| u32::try_from(*count).unwrap())
}

fn everybody_gets_everything(outcome: &Outcome) {
    assert_eq!((outcome.spread.missed, lost(outcome)), (0, 0), "seed {}", outcome.seed);
    assert_eq!(outcome.spread.items, outcome.spread.items_complete);
}

#[test]
fn small() {
    story("small", |outcome| {
        everybody_gets_everything(outcome);
        assert_eq!((outcome.spread.last_hop.max, outcome.detection.suspicions), (1, 0));
    });
}

#[test]
fn lan() {
    story("lan", |outcome| {
        everybody_gets_everything(outcome);
        let detection = &outcome.detection;
        assert_eq!((detection.delay_us.count, detection.undetected), (99, 0));
        assert_eq!((detection.false_failures, detection.justified_failures), (0, 0));
    });
}

#[test]
fn wan() {
    story("wan", |outcome| {
        everybody_gets_everything(outcome);
        assert_eq!((outcome.detection.false_failures, outcome.detection.crashes), (0, 0));
        // The regions are 40 ms apart or more.
        assert!(outcome.spread.reach_all_us.min > 40_000, "{:?}", outcome.spread.reach_all_us);
    });
}

#[test]
fn partition_heals() {
    story("partition-heals", |outcome| {
        everybody_gets_everything(outcome);
        assert!(outcome.spread.repaired > 100, "{:?}", outcome.spread.repaired);
        assert!(outcome.detection.justified_failures > 300);
    });
}

#[test]
fn partition_never_heals() {
    story("partition-never-heals", |outcome| {
        let spread = &outcome.spread;
        // Each of the other items reaches the 10, or the 20, of its side.
        let cut_off = u64::from(spread.items - spread.items_complete);
        assert!(cut_off >= 15 && spread.missed >= cut_off * 10, "{spread:?}");
        assert!(spread.missed <= cut_off * 20, "{spread:?}");
        // All of 10 x 20 pairs, both ways.
        assert_eq!(outcome.detection.justified_failures, 400);
    });
}

#[test]
fn flapping() {
    story("flapping", everybody_gets_everything);
}

#[test]
fn cpu_starved() {
    story("cpu-starved", |outcome| {
        everybody_gets_everything(outcome);
        assert!(outcome.faults["pause"] >= 100, "{:?}", outcome.faults);
        assert_eq!(outcome.detection.false_failures, 0);
    });
}

#[test]
fn mass_restart() {
    story("mass-restart", |outcome| {
        assert_eq!((outcome.faults["crash"], outcome.faults["start"]), (30, 30));
        assert_eq!((outcome.spread.missed, outcome.detection.false_failures), (0, 0));
        // Down for 5 s, at an item each 2 s.
        assert!(lost(outcome) <= 3, "{:?}", outcome.shed);
    });
}

#[test]
fn one_way_link() {
    story("one-way-link", |outcome| {
        everybody_gets_everything(outcome);
        assert!(outcome.faults["datagram blocked"] > 100, "{:?}", outcome.faults);
    });
}

#[test]
fn heavy_loss() {
    story("heavy-loss", |outcome| {
        everybody_gets_everything(outcome);
        assert!(outcome.faults["datagram lost"] > 1000, "{:?}", outcome.faults);
    });
}

#[test]
fn rolling_churn() {
    story("rolling-churn", |outcome| {
        assert_eq!((outcome.spread.missed, lost(outcome)), (0, 0));
        assert!(outcome.detection.crashes >= 25, "{:?}", outcome.detection.crashes);
    });
}

#[test]
fn million() {
    smaller_story("million", &[("nodes", "20000")], |outcome| {
        everybody_gets_everything(outcome);
        assert_eq!(outcome.faults["crash"], 1000);
        assert!(outcome.faults["message to a node that is down"] > 100, "{:?}", outcome.faults);
    });
}

/// The table of the README, the folder and the program have the same scenarios.
#[test]
fn nothing_is_forgotten() {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let of_toml = files.filter(|path| path.extension().is_some_and(|name| name == "toml"));
    let files: BTreeSet<String> =
        of_toml.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    let names: BTreeSet<String> = LIBRARY.iter().map(|story| story.name.to_owned()).collect();
    assert_eq!(files, names);
    let readme = std::fs::read_to_string(folder.join("README.md")).unwrap();
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let rows: BTreeSet<String> = rows.map(|(name, _)| name.to_owned()).collect();
    assert_eq!(rows, names);
    let this = include_str!("library.rs");
    assert!(names.iter().all(|name| this.contains(&format!("story(\"{name}\""))));
}
