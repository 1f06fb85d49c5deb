use super::*;
use crate::{Latency, Loss};
use bruit_model::{StopRule, Style};
use bruit_node::Profile;

fn parse(text: &str) -> Result<Scenario, ScenarioError> {
    Scenario::parse(text, "a.toml", &[])
}

/// The error as users read it.
fn error(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

const ALL_KEYS: &str = r#"
title = "all keys"
settle = "10s"
duration = "2m"
seed = 7
seeds = 3
[node]
profile = "wan"
datagram-bytes = 1200
[topic]
style = "push_pull"
fanout = 3
stop = "counter:2:feedback"
period-ms = 250
repair = false
retain-items = 5
retain-ms = 1000
[network]
latency = "1ms..3ms"
loss = "1%"
bandwidth = "100Mbit/s"
queue = "64KiB"
duplicate = "0.5%"
reorder = "2%"
reorder-by = "9ms"
[[zone]]
name = "a"
nodes = 2
[[zone]]
name = "b"
nodes = 3
[[zone-link]]
from = "a"
to = "b"
latency = "40ms"
[workload]
items = 4
at = "1s"
rate = "0.5/s"
payload = "1KiB"
origins = 2
[[fault]]
kind = "one-way"
at = "3s"
for = "4s"
from = [0]
to = "zone b"
[[fault]]
kind = "churn"
rate = "2/m"
down = "5s"
state = "lost"
"#;

#[test]
fn a_scenario_says_everything_or_takes_the_defaults() {
    let least = parse("nodes = 1").unwrap();
    assert_eq!((least.nodes, least.seed, least.seeds), (1, 1, 1));
    assert_eq!(least.workload, Workload::default());
    let all = parse(ALL_KEYS).unwrap();
    assert_eq!((all.nodes, all.seed, all.seeds), (5, 7, 3));
    assert_eq!(all.protocol.profile, Profile::Wan);
    let topic = &all.protocol.topic;
    assert_eq!((topic.spread.style, topic.spread.fanout_count.get()), (Style::PushPull, 3));
    assert!(matches!(topic.spread.stop, StopRule::Counter { feedback: true, .. }));
    assert_eq!((topic.repair, topic.retention.items_max), (false, 5));
    let link = all.network.link;
    assert_eq!((link.loss.ppm(), link.duplicate_ppm, link.reorder_ppm), (10_000, 5_000, 20_000));
    assert_eq!((link.bandwidth, link.queue_bytes_max), (Some(12_500_000), 65_536));
    let between = all.network.between(1, 0);
    assert_eq!(between.latency, Latency::Constant(Duration::from_millis(40)));
    assert_eq!(between.loss.ppm(), 10_000);
    assert_eq!(all.network.between(0, 0), link);
    assert_eq!(all.network.zone_of_each(), [0, 0, 1, 1, 1]);
    assert_eq!((all.workload.every, all.workload.payload_bytes), (Duration::from_secs(2), 1024));
    assert_eq!(all.workload.origins, Origins::Count(2));
    assert_eq!(all.faults.len(), 2);
    assert_eq!(all.faults[0].lasts, Some(Duration::from_secs(4)));
}

#[test]
fn unknown_keys_are_errors_that_name_the_nearest() {
    for (text, expected) in [
        ("nods = 3", "a.toml:1: there is no key `nods`; did you mean `nodes`?"),
        (
            "nodes = 3\n[network]\nlos = \"1%\"",
            "a.toml:3: there is no key `network.los`; did you mean `network.loss`?",
        ),
        (
            "nodes = 3\n[topic]\nperiod_ms = 5",
            "a.toml:3: there is no key `topic.period_ms`; did you mean `topic.period-ms`?",
        ),
        (
            "nodes = 3\n[[fault]]\nkind = \"crash\"\nnodes = 1\nstat = \"kept\"",
            "a.toml:5: there is no key `fault.0.stat`; did you mean `fault.0.state`?",
        ),
    ] {
        let text = if text.starts_with("nods") { "nods = 3\nnodes = 3" } else { text };
        assert_eq!(error(text), expected);
    }
}

#[test]
fn impossible_groups_are_refused() {
    for (text, expected) in [
        ("", "a.toml: `nodes` is missing; say how many nodes there are"),
        (
            "nodes = 0",
            "a.toml:1: `nodes`: it is 0; write a number of 1 to 10000, or scale = \"engine\" \
             for up to 10000000",
        ),
        (
            "nodes = -1",
            "a.toml:1: `nodes`: it is -1; write a number of 1 to 10000, or scale = \"engine\" \
             for up to 10000000",
        ),
        (
            "nodes = 10001",
            "a.toml:1: `nodes`: it is 10001; write a number of 1 to 10000, or scale = \"engine\" \
             for up to 10000000",
        ),
        (
            "nodes = 3\n[[zone]]\nname = \"a\"\nnodes = 2",
            "a.toml: there are 3 nodes, and 2 in all zones; make them equal, or leave `nodes` out",
        ),
        (
            "[[zone]]\nname = \"a\"\nnodes = 2\n[[zone]]\nname = \"a\"\nnodes = 2",
            "a.toml: there are two zones called `a`; name each otherwise",
        ),
        (
            "[[zone]]\nname = \"east\"\nnodes = 2\n[[zone-link]]\nfrom = \"east\"\nto = \"eats\"",
            "a.toml:6: `zone-link.0.to`: there is no zone `eats`; did you mean `east`?",
        ),
        (
            "nodes = 3\n[[fault]]\nkind = \"partition\"\nnodes = [3]",
            "a.toml:4: `fault.0.nodes`: nodes are numbers of 0 to 2; write a number, a share such \
             as \"30%\", a list such as [0, 4], \"all\" or \"zone NAME\"",
        ),
        (
            "nodes = 3\n[[fault]]\nkind = \"crash\"\nnodes = \"10%\"",
            "a.toml:4: `fault.0.nodes`: 10% of 3 nodes is none; write a number, a share such as \
             \"30%\", a list such as [0, 4], \"all\" or \"zone NAME\"",
        ),
    ] {
        assert_eq!(error(text), expected);
    }
}

#[test]
fn times_and_rates_beyond_time_are_refused() {
    for (text, expected) in [
        (
            "nodes = 3\nduration = \"99999999999999999h\"",
            "a.toml:2: `duration`: `99999999999999999h` is no time, or too long a one; write \
             500us, 1.5ms, 2s, 1m or 1h, at most 720h",
        ),
        (
            "nodes = 3\nduration = \"0s\"",
            "a.toml:2: `duration`: nothing can happen in it; write 1ms or more",
        ),
        (
            "nodes = 3\n[workload]\nrate = \"99999999999999/s\"",
            "a.toml:3: `workload.rate`: `99999999999999/s` is no rate; write a rate such as 10/s, \
             0.5/s, 30/m or 1/h, at most 1000000/s",
        ),
        (
            "nodes = 3\n[workload]\nrate = \"10000000/s\"",
            "a.toml:3: `workload.rate`: `10000000/s` happens more often than virtual time can \
             tell apart; write a rate such as 10/s, 0.5/s, 30/m or 1/h, at most 1000000/s",
        ),
        (
            "nodes = 3\n[workload]\nitems = 100000\nrate = \"0.01/h\"",
            "a.toml: 100000 items, one each 100h, do not fit into 1m; publish fewer or faster, \
             or run for longer",
        ),
        (
            "nodes = 3\n[[fault]]\nkind = \"churn\"\nrate = \"1000/s\"\ndown = \"1s\"",
            "a.toml:2: it happens 60000 times; let it happen at most 10000 times",
        ),
        (
            "nodes = 3\n[[fault]]\nkind = \"flap\"\nnodes = 1\ndown = \"0s\"\nup = \"1s\"",
            "a.toml:5: `fault.0.down`: it is too short; write 1ms or more",
        ),
        (
            "nodes = 3\n[network]\nlatency = \"3ms..1ms\"",
            "a.toml:3: `network.latency`: a latency from 3ms to 1ms: the first must not be the \
             longer one; write 1ms, 0.5ms..2ms, `lognormal MEDIAN P99`, `exponential MIN MEAN`, or \
             `quantiles 0%:1ms 50%:2ms 100%:9ms`",
        ),
    ] {
        assert_eq!(error(text), expected, "{text}");
    }
}

#[test]
fn other_bad_values_name_cause_and_remedy() {
    for (text, expected) in [
        ("nodes = ", "a.toml:1: not TOML: "),
        ("nodes = \"3\"", "a.toml:1: `nodes`: it is a text; write a number of 1 to 10000"),
        ("nodes = 3\nnetwork = 1", "`network`: it is a number; write [network], and its keys"),
        ("nodes = 3\nfault = 1", "`fault`: it is a number; write [[fault]], and its keys"),
        ("nodes = 3\n[network]\nloss = \"101%\"", "`101%` is no share; write a share of 0%"),
        ("nodes = 3\n[topic]\nfanout = 0", "`0` is not in 1..=255; write a number of 1 to 255"),
        ("nodes = 3\n[topic]\nstyle = \"shout\"", "`shout` is no such style; write auto, direct"),
        ("nodes = 3\n[node]\nprofile = \"man\"", "`man` is no profile; write local, lan or wan"),
        ("nodes = 3\n[[fault]]\nkind = \"crush\"", "`crush` is no fault; did you mean `crash`?"),
        ("nodes = 3\n[[fault]]\nkind = \"crash\"", "`fault.0.nodes` is missing; say which nodes"),
        ("nodes = 3\n[workload]\npayload = \"2MiB\"", "an item cannot carry that; write at most"),
        ("nodes = 3\n[workload]\norigins = 4", "there are 3 nodes, not 4; write \"random\" or"),
    ] {
        let error = error(text);
        assert!(error.contains(expected), "{error}");
    }
    let long = format!("nodes = 3\n# {}", "x".repeat(1 << 20));
    assert!(error(&long).contains("at most 1048576 bytes"));
    let deep = format!("nodes = 3\ntitle = {}1{}", "[".repeat(50), "]".repeat(50));
    assert!(error(&deep).contains("`title`: it is a list"));
}

#[test]
fn values_can_be_laid_over_a_text() {
    let text = "nodes = 3\n[[fault]]\nkind = \"crash\"\nnodes = 1\nat = \"1s\"";
    let with = |set: &[(&str, &str)]| {
        let set: Vec<_> = set.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        Scenario::parse(text, "a.toml", &set)
    };
    let set = with(&[("network.loss", "2%"), ("topic.fanout", "5"), ("fault.0.at", "7s")]).unwrap();
    assert_eq!(
        (set.network.link.loss.ppm(), set.protocol.topic.spread.fanout_count.get()),
        (20_000, 5)
    );
    assert_eq!(set.faults[0].at, Duration::from_secs(7));
    assert_eq!(with(&[("nodes", "4"), ("nodes", "5")]).unwrap().nodes, 5);
    for (key, value, expected) in [
        ("network.lss", "2%", "--set network.lss=2%: there is no key `network.lss`; did you mean"),
        ("fault.1.at", "1s", "`1` is no table, and no element of a list that is there"),
        ("nodes.x", "1", "`nodes` is no table"),
        ("nodes", "0", "--set nodes=0: `nodes`: it is 0; write a number"),
    ] {
        let error = with(&[(key, value)]).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn who_is_hit_follows_from_the_seed() {
    let mut rng = bruit_engine::Rng::from_seed(3);
    let picked = Select::Count(4).pick(&mut rng.clone(), 20, &[]);
    assert_eq!(picked, Select::Count(4).pick(&mut rng, 20, &[]));
    assert!(picked.len() == 4 && picked.is_sorted());
    assert_ne!(picked, Select::Count(4).pick(&mut rng, 20, &[]));
    assert_eq!(Select::Zone(1).pick(&mut rng, 3, &[0, 1, 1]), [1, 2]);
    assert_eq!(Select::These(vec![2, 0, 2]).pick(&mut rng, 3, &[]), [0, 2]);
    assert_eq!(Select::All.pick(&mut rng, 2, &[]), [0, 1]);
}

#[test]
fn latency_and_loss_have_several_forms() {
    let link = |key: &str, value: &str| {
        let text = format!("nodes = 3\n[network]\n{key} = \"{value}\"");
        parse(&text).map(|scenario| scenario.network.link).map_err(|error| error.to_string())
    };
    let ms = Duration::from_millis;
    for (text, expected) in [
        ("4ms", Latency::Constant(ms(4))),
        ("1ms..2ms", Latency::Uniform { min: ms(1), max: ms(2) }),
        ("lognormal 20ms 80ms", Latency::LogNormal { median: ms(20), p99: ms(80) }),
        ("exponential 1ms 5ms", Latency::Exponential { min: ms(1), mean: ms(5) }),
    ] {
        assert_eq!(link("latency", text).unwrap().latency, expected);
    }
    let Latency::Quantiles(measured) =
        link("latency", "quantiles 0%:1ms 50%:2ms 100%:9ms").unwrap().latency
    else {
        panic!("not measured")
    };
    assert_eq!(measured.points().count(), 3);
    let bursty = Loss::Bursty { ppm: 50_000, burst_mean: 8 };
    assert_eq!(link("loss", "5% in bursts of 8").unwrap().loss, bursty);
    for (key, value, expected) in [
        ("latency", "lognormal 20ms", "is no latency; write 1ms"),
        ("latency", "quantiles 0%:1ms 50%:2ms", "quantiles need 2 to 12 points"),
        ("latency", "2h", "at most an hour is possible"),
        ("loss", "5% in bursts of ten", "`ten` is no number"),
        ("loss", "5% in bursts of 0", "the mean must be at least 1"),
        ("bandwidth", "0bit/s", "`0bit/s` is no bandwidth; write 512kbit/s"),
        ("queue", "9999999MiB", "it is too long a queue"),
    ] {
        let error = link(key, value).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}
