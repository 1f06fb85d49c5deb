//! Scenarios are run and measured: the same seed gives the same outcome, every kind of fault
//! happens, and what is measured is what must be measured.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

use bruit_sim::measure::{Outcome, compare};
use bruit_sim::run::{Progress, RunError, Walk, run, run_logged, run_topics};
use bruit_sim::scenario::Scenario;
use std::ops::ControlFlow;

fn outcome(text: &str, seed: u64) -> Outcome {
    let scenario = Scenario::parse(text, "test", &[]).unwrap();
    run(&scenario, seed, &mut |_| ControlFlow::Continue(())).unwrap()
}

/// How often the kinds of fault happened whose name starts with `kind`.
fn happened(outcome: &Outcome, kind: &str) -> u64 {
    let of_kind = outcome.faults.iter().filter(|(name, _)| name.starts_with(kind));
    of_kind.map(|(_, count)| count).sum()
}

const QUIET: &str = "nodes = 8\nduration = \"10s\"\n[node]\nprofile = \"local\"\n\
                     [workload]\nitems = 5\n";

fn with_fault(fault: &str) -> String {
    format!("{QUIET}[[fault]]\nat = \"1s\"\n{fault}")
}

#[test]
fn in_peace_every_node_gets_every_item_once() {
    let outcome = outcome(QUIET, 1);
    let spread = &outcome.spread;
    assert_eq!((spread.items, spread.items_complete, spread.missed), (5, 5, 0));
    assert_eq!((spread.pairs, spread.residue_ppm), (40, 0));
    // Direct mail, the default of a small group: one hop, n - 1 copies, one way of 0.5 to 2 ms.
    assert_eq!((spread.last_hop.max, spread.rmr_milli, spread.traffic_milli), (1, 0, 875));
    assert!((500..=2000).contains(&spread.reach_all_us.max), "{spread:?}");
    assert_eq!((outcome.detection.crashes, outcome.detection.false_failures), (0, 0));
    assert!(outcome.faults.is_empty() && outcome.shed.is_empty(), "{outcome:?}");
    assert_eq!(outcome.traffic.each_bps.len(), 8);
    assert!(outcome.traffic.mean_bps > 1000, "{:?}", outcome.traffic);
    assert_eq!(spread.curves.len(), 5);
    assert!(spread.curves.iter().all(|curve| curve[0] == Some(0) && curve.len() == 51));
}

#[test]
fn one_seed_goes_one_way() {
    let text = with_fault("kind = \"churn\"\nrate = \"1/s\"\ndown = \"500ms\"\nstate = \"lost\"");
    let [one, again, other] = [3, 3, 4].map(|seed| [outcome(&text, seed)]);
    assert_eq!(one, again);
    assert_ne!(one[0].trace_hash, other[0].trace_hash);
    assert!(compare(&one, &again).is_empty());
    let changes = compare(&one, &other);
    let mean = changes.iter().find(|change| change.metric == "mean_bps").unwrap();
    assert_eq!(mean.before, i64::try_from(one[0].traffic.mean_bps).ok());
    assert_eq!(mean.after, i64::try_from(other[0].traffic.mean_bps).ok());
}

#[test]
fn an_outcome_survives_json() {
    let outcome = outcome(QUIET, 1);
    let text = serde_json::to_string(&outcome).unwrap();
    assert_eq!(serde_json::from_str::<Outcome>(&text).unwrap(), outcome);
}

#[test]
fn every_kind_of_fault_really_happens() {
    for (fault, kind) in [
        ("kind = \"partition\"\nfor = \"4s\"\nnodes = 3", "datagram blocked"),
        ("kind = \"one-way\"\nfrom = [0]\nto = \"all\"", "datagram blocked"),
        ("kind = \"flap\"\nnodes = 2\ndown = \"200ms\"\nup = \"300ms\"", "datagram blocked"),
        ("kind = \"stall\"\nnodes = 2\ndown = \"300ms\"\nup = \"200ms\"", "pause"),
        ("kind = \"slow\"\nnodes = 2\nper-input = \"20ms\"", "input delayed"),
        ("kind = \"crash\"\nnodes = 2\nstate = \"lost\"", "disk lost"),
        (
            "kind = \"degrade\"\nnodes = 2\nbandwidth = \"8kbit/s\"\nqueue = \"200B\"",
            "datagram dropped",
        ),
        ("kind = \"degrade\"\nnodes = 4\nloss = \"20% in bursts of 5\"", "datagram lost"),
        ("kind = \"crash\"\nfor = \"2s\"\nnodes = 2", "start"),
        ("kind = \"churn\"\nrate = \"2/s\"\ndown = \"1s\"", "crash"),
        ("kind = \"degrade\"\nnodes = 4\nloss = \"50%\"", "datagram lost"),
        ("kind = \"degrade\"\nnodes = 4\nduplicate = \"50%\"", "datagram duplicated"),
        ("kind = \"degrade\"\nnodes = 4\nreorder = \"50%\"", "datagram reordered"),
    ] {
        let outcome = outcome(&with_fault(fault), 1);
        assert!(happened(&outcome, kind) > 0, "{fault}: {:?}", outcome.faults);
    }
    let skewed = outcome(&with_fault("kind = \"skew\"\nnodes = \"all\"\nby = \"3s\""), 1);
    assert_eq!(happened(&skewed, "clock set"), 8);
    assert_ne!(skewed.trace_hash, outcome(QUIET, 1).trace_hash);
}

#[test]
fn crashes_are_detected_and_what_they_lack_is_not_asked_of_the_dead() {
    let text = with_fault("kind = \"crash\"\nnodes = 2");
    let outcome = outcome(&text, 1);
    let detection = &outcome.detection;
    // Two crashes at once, six survivors each.
    assert_eq!((detection.crashes, detection.delay_us.count, detection.undetected), (2, 12, 0));
    assert_eq!((detection.first_us.count, detection.false_failures), (2, 0));
    assert!(detection.first_us.max <= detection.delay_us.max);
    assert!((100_000..5_000_000).contains(&detection.delay_us.max), "{detection:?}");
    assert_eq!(outcome.spread.missed, 0);
}

#[test]
fn what_a_partition_explains_is_not_a_false_failure() {
    let text = with_fault("kind = \"partition\"\nfor = \"5s\"\nnodes = 3");
    let outcome = outcome(&text, 1);
    assert!(outcome.detection.justified_failures > 0, "{:?}", outcome.detection);
    assert_eq!((outcome.detection.crashes, outcome.detection.false_failures), (0, 0));
    // Repair brings what was published on the other side.
    assert_eq!(outcome.spread.missed, 0, "{:?}", outcome.spread);
    assert!(outcome.spread.repaired > 0);
}

#[test]
fn a_run_can_be_watched_and_ended() {
    let scenario = Scenario::parse(QUIET, "test", &[]).unwrap();
    let mut seen: Vec<Progress> = Vec::new();
    let (ended, log) = run_logged(&scenario, 1, 10, &mut |progress| {
        seen.push(progress);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(log.len(), 10);
    assert_eq!(ended, outcome(QUIET, 1));
    assert!(seen.first().unwrap().passed.is_none() && seen.last().unwrap().items == 5);
    let stopped = run(&scenario, 1, &mut |progress| match progress.items {
        0 => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    });
    assert_eq!(stopped, Err(RunError::Interrupted));
}

#[test]
fn a_group_that_cannot_form_says_so() {
    let text = "nodes = 9\nsettle = \"1ms\"\n[network]\nlatency = \"100ms\"";
    let scenario = Scenario::parse(text, "test", &[]).unwrap();
    let error = run(&scenario, 5, &mut |_| ControlFlow::Continue(())).unwrap_err();
    let expected = "with seed 5, 0 of 9 nodes knew all others after 1ms of virtual time; raise \
                    `settle`, or make the network faster";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_walk_is_the_same_run_one_thing_at_a_time() {
    let text = with_fault("kind = \"crash\"\nfor = \"2s\"\nnodes = 1");
    let scenario = Scenario::parse(&text, "test", &[]).unwrap();
    let mut watch = |_| ControlFlow::Continue(());
    let mut walk = Walk::new(&scenario, 2, &mut watch).unwrap();
    assert!(walk.skip_to(std::time::Duration::from_millis(999)));
    let mut steps = Vec::new();
    while steps.len() < 200 {
        steps.push(walk.step().unwrap());
    }
    let crash = steps.iter().find(|step| step.what == "scenario: kill 1 nodes").unwrap();
    assert!(crash.diff.len() == 1 && crash.diff[0].contains("down"), "{:?}", crash.diff);
    let publish = steps.iter().find(|step| step.what == "scenario: publish the next item").unwrap();
    assert!(publish.diff.iter().any(|line| line.contains("told Item")), "{:?}", publish.diff);
    assert!(steps.windows(2).all(|two| two[0].number + 1 == two[1].number));
    assert_eq!(walk.close(), outcome(&text, 2));
}

#[test]
fn topics_can_follow_each_other_in_one_group() {
    let text = QUIET.replace("nodes = 8", "nodes = 20");
    let scenario = Scenario::parse(&text, "test", &[]).unwrap();
    let topic = |style: &str| {
        let set = [("topic.style".to_owned(), style.to_owned())];
        Scenario::parse(&text, "test", &set).unwrap().protocol.topic
    };
    let topics = ["direct", "push", "direct"].map(topic);
    let mut watch = |_| ControlFlow::Continue(());
    let outcomes = run_topics(&scenario, 1, &topics, &mut watch).unwrap();
    let hops: Vec<u64> = outcomes.iter().map(|each| each.spread.last_hop.max).collect();
    assert!(hops[0] == 1 && hops[1] > 1 && hops[2] == 1, "{hops:?}");
    assert!(outcomes.iter().all(|each| each.spread.missed == 0 && each.spread.items == 5));
}
