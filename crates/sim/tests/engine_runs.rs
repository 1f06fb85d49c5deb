//! Scenarios of engine scale: measured like those of node scale, and refused where an engine
//! alone cannot do what they ask for.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

use bruit_sim::measure::{METRICS, Outcome, Summary};
use bruit_sim::run::{RunError, Walk, run, run_topics};
use bruit_sim::scenario::Scenario;
use std::ops::ControlFlow;

fn scenario(text: &str) -> Scenario {
    Scenario::parse(text, "a.toml", &[]).unwrap()
}

fn outcome(text: &str, seed: u64) -> Outcome {
    run(&scenario(text), seed, &mut |_| ControlFlow::Continue(())).unwrap()
}

const HEAD: &str = "scale = \"engine\"\nnodes = 400\nduration = \"20s\"\n";

fn with(rest: &str) -> String {
    format!("{HEAD}{rest}")
}

#[test]
fn what_an_engine_alone_cannot_do_is_refused_with_its_key() {
    for (rest, expected) in [
        ("settle = \"1s\"", "a.toml:4: `settle`: at engine scale nodes know each other from the"),
        ("[node]\nprofile = \"lan\"", "`node`: at engine scale there are no probes"),
        ("[topic]\nrepair = true", "a.toml:5: `topic.repair`: at engine scale there is no anti"),
        ("[topic]\nretain-ms = 5", "`topic.retain-ms`: at engine scale nothing is kept"),
        ("[network]\nbandwidth = \"1Mbit/s\"", "`network.bandwidth`: at engine scale messages"),
        ("[network]\nreorder = \"1%\"", "`network.reorder`: at engine scale messages overtake"),
        ("[network]\nlatency = \"lognormal 1ms 5ms\"", "`network.latency`: at engine scale laten"),
        ("[network]\nloss = \"1% in bursts of 3\"", "`network.loss`: at engine scale each message"),
        ("[workload]\npayload = 3", "`workload.payload`: at engine scale messages have no bytes"),
        ("[[fault]]\nkind = \"partition\"\nnodes = 3", "`fault.0.kind`: at engine scale the only"),
        (
            "[[fault]]\nkind = \"flap\"\nnodes = 3\ndown = \"1s\"\nup = \"1s\"",
            "a.toml:5: `fault.0.kind`: at engine scale the only fault is `crash`; leave it out, \
             or use scale = \"nodes\"",
        ),
        (
            "[[fault]]\nkind = \"crash\"\nnodes = 3\nfor = \"1s\"",
            "`fault.0.for`: at engine scale a node that crashes stays down; leave it out",
        ),
        ("[workload]\nitems = 1001\nrate = \"1000/s\"", "publish at most 1000, and 1000000000"),
    ] {
        let error = Scenario::parse(&with(rest), "a.toml", &[]).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        // Each of them is nothing that node scale cannot do.
        Scenario::parse(&with(rest).replace("engine", "nodes"), "a.toml", &[]).unwrap();
    }
    let zones = "scale = \"engine\"\n[[zone]]\nname = \"a\"\nnodes = 3";
    let error = Scenario::parse(zones, "a.toml", &[]).unwrap_err().to_string();
    assert!(error.contains("`zone`: at engine scale all nodes are equally far"), "{error}");
    for (text, expected) in [
        ("scale = \"big\"\nnodes = 3", "`scale`: `big` is no scale; write nodes or engine"),
        ("scale = \"engine\"\nnodes = 10000001", "it is 10000001; write a number of 1 to 10000000"),
        ("scale = \"engine\"", "`nodes` is missing"),
    ] {
        let error = Scenario::parse(text, "a.toml", &[]).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn one_seed_goes_one_way() {
    let text =
        with("[topic]\nstyle = \"push_pull\"\n[network]\nloss = \"5%\"\n[workload]\nitems = 3");
    let [one, again, other] = [3, 3, 4].map(|seed| outcome(&text, seed));
    assert_eq!(one, again);
    assert_ne!(one.trace_hash, other.trace_hash);
    let copy: Outcome = serde_json::from_str(&serde_json::to_string(&one).unwrap()).unwrap();
    assert_eq!(copy, one);
}

/// Every style reaches all where nothing is lost, by as many copies as it must.
#[test]
fn styles_are_what_they_are() {
    let of = |style: &str, more: &str| {
        let text = format!(
            "[topic]\nstyle = \"{style}\"\nstop = \"rounds:30\"\n{more}[network]\nlatency = \
             \"5ms\"\n[workload]\nitems = 4\nwithin = \"10ms\""
        );
        outcome(&with(&text), 1).spread
    };
    let direct = of("direct", "");
    assert_eq!((direct.items_complete, direct.missed, direct.rmr_milli), (4, 0, 0));
    assert_eq!((direct.last_hop.max, direct.traffic_milli), (1, 997));
    assert_eq!((direct.reach_all_us.min, direct.reach_all_us.max), (5_200, 5_200));
    assert_eq!((direct.late_ppm, direct.hops_milli), (Some(0), 997));
    // At least log2 of the group, whatever the fanout: each that is reached sends to nine.
    let push = of("push", "fanout = 2\n");
    assert_eq!((push.items_complete, push.rmr_milli), (4, 8_022));
    assert!((4..=6).contains(&push.last_hop.max), "{push:?}");
    assert!(push.late_ppm > Some(0) && push.reach_all_us.max <= 30_400, "{push:?}");
    let lazy = of("lazy_push", "fanout = 9\n");
    assert!(lazy.items_complete >= 3 && lazy.rmr_milli <= 10, "{lazy:?}");
    assert!(lazy.reach_50_us.p50 > push.reach_50_us.p50 * 2, "{lazy:?}");
    for style in ["pull", "push_pull"] {
        let pulled = of(style, "fanout = 2\n");
        assert_eq!((pulled.items_complete, pulled.missed), (4, 0), "{style}: {pulled:?}");
        assert!(pulled.curves.iter().all(|curve| curve.len() == 51 && curve[0] == Some(0)));
    }
}

#[test]
fn what_engine_scale_does_not_know_is_not_shown() {
    let outcome = outcome(&with("[workload]\nitems = 2"), 1);
    let summary = Summary::of(std::slice::from_ref(&outcome));
    for unknown in ["mean_bps", "max_bps", "false_failures", "undetected", "repaired"] {
        assert_eq!(summary.get(unknown), None, "{unknown}");
    }
    assert!(
        METRICS.iter().all(|metric| metric.name != "messages_milli")
            || summary.get("messages_milli") > Some(0)
    );
    // It ends when nobody tells any more, not at the end of its time.
    assert!((1_000..2_000).contains(&outcome.duration_ms), "{outcome:?}");
}

#[test]
fn the_dead_need_not_have_what_they_lack() {
    let text = with(
        "[topic]\nstyle = \"push_pull\"\nfanout = 2\nstop = \"rounds:30\"\n[network]\nlatency = \
         \"20ms..50ms\"\nloss = \"10%\"\n[workload]\nitems = 3\n[[fault]]\nkind = \"crash\"\nat = \
         \"60ms\"\nnodes = \"25%\"",
    );
    let outcome = outcome(&text, 1);
    assert_eq!(outcome.faults["crash"], 100);
    assert!(outcome.faults["message lost"] > 50, "{:?}", outcome.faults);
    assert!(outcome.faults["message to a node that is down"] > 50, "{:?}", outcome.faults);
    let spread = &outcome.spread;
    // The later ones are for the 300 that are left; of the first, a few of the dead had it.
    assert!((900..1000).contains(&spread.pairs), "{spread:?}");
    assert_eq!((spread.items, spread.missed), (3, 0));
}

/// What a single hop cannot bring and nobody repairs is missing at the end.
#[test]
fn what_is_lost_stays_missing() {
    let text =
        with("[topic]\nstyle = \"direct\"\n[network]\nloss = \"30%\"\n[workload]\nitems = 5");
    let spread = outcome(&text, 1).spread;
    assert!((250_000..350_000).contains(&spread.residue_ppm), "{spread:?}");
    assert_eq!((spread.items_complete, spread.reach_all_us.count), (0, 0));
    assert!(spread.curves.iter().all(|curve| curve[50].is_none() && curve[25].is_some()));
}

/// Nodes and engines are the same code: a scenario that both can do comes out alike, once every
/// pair of nodes has met (a datagram to a stranger waits for a round trip that proves its address).
#[test]
fn both_scales_agree() {
    let text = "nodes = 60\nduration = \"320s\"\nsettle = \"100s\"\n[topic]\nstyle = \"push\"\n\
                repair = false\n[network]\nlatency = \"10ms..30ms\"\n\
                [workload]\nitems = 100\nat = \"300s\"\nrate = \"10/s\"";
    let nodes = outcome(text, 1).spread;
    let engine = "scale = \"engine\"\n".to_owned() + &text.replace("settle = \"100s\"\n", "");
    let engine = outcome(&engine, 1).spread;
    let near = |what: &str, one: u64, other: u64, percent: u64| {
        assert!(one.abs_diff(other) * 100 <= one * percent, "{what}: {one} {other}");
    };
    near("copies", nodes.traffic_milli, engine.traffic_milli, 2);
    near("delay", nodes.delay_us.p50, engine.delay_us.p50, 5);
    near("reach", nodes.reach_99_us.p50, engine.reach_99_us.p50, 5);
}

#[test]
fn runs_can_be_watched_and_ended_and_have_no_steps() {
    let text = with("[topic]\nstyle = \"pull\"\n[workload]\nitems = 2");
    let scenario = scenario(&text);
    let mut seen = Vec::new();
    let stopped = run(&scenario, 1, &mut |progress| {
        seen.push(progress);
        if seen.len() == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(stopped, Err(RunError::Interrupted));
    assert!(seen.iter().all(|progress| progress.passed.is_some()));
    assert!(seen.windows(2).all(|two| two[0].passed < two[1].passed));
    let error = Walk::new(&scenario, 1, &mut |_| ControlFlow::Continue(())).err().unwrap();
    assert!(error.to_string().contains("use scale = \"nodes\""), "{error}");
}

#[test]
fn topics_can_follow_each_other() {
    let scenario = scenario(&with("[workload]\nitems = 2"));
    let topic = |style: &str| {
        let set = [("topic.style".to_owned(), style.to_owned())];
        Scenario::parse(&with("[workload]\nitems = 2"), "a.toml", &set).unwrap().protocol.topic
    };
    let topics = ["direct", "push", "direct"].map(topic);
    let watch = &mut |_| ControlFlow::Continue(());
    let outcomes = run_topics(&scenario, 1, &topics, watch).unwrap();
    assert_eq!(outcomes[0], outcomes[2]);
    assert_eq!(outcomes[0].spread.last_hop.max, 1);
    assert!(outcomes[1].spread.last_hop.max > 1);
}
