//! The published figures: Demers et al. 1987, tables 1 to 3 (n = 1,000, fanout 1, synchronous
//! cycles), and the fanout law of Kermarrec, Massoulié and Ganesh.

use super::cluster::Cluster;
use super::*;

const MEMBERS: u32 = 1000;

/// Means over the runs.
#[derive(Debug)]
struct Figures {
    /// The share of nodes that never hear.
    residue: f64,
    /// Copies sent (push), or hot items told of (pull), per node.
    traffic: f64,
    /// The cycle of the last first receipt.
    last: f64,
}

fn mean(runs: u64, mut run: impl FnMut(u64) -> Figures) -> Figures {
    let mut sum = Figures { residue: 0.0, traffic: 0.0, last: 0.0 };
    for seed in 0..runs {
        let one = run(seed);
        sum.residue += one.residue;
        sum.traffic += one.traffic;
        sum.last += one.last;
    }
    let count = runs as f64;
    Figures { residue: sum.residue / count, traffic: sum.traffic / count, last: sum.last / count }
}

fn figures(cluster: &Cluster, traffic: u64, last: u32) -> Figures {
    let members = f64::from(MEMBERS);
    let residue = 1.0 - cluster.holders(0) as f64 / members;
    Figures { residue, traffic: traffic as f64 / members, last: f64::from(last) }
}

/// Push in cycles: copies take one cycle, feedback none.
fn push_run(seed: u64, stop: StopRule) -> Figures {
    let style = spread(Style::Push, 1, stop);
    let mut cluster = Cluster::new(seed, MEMBERS, style);
    let mut flying = cluster.publish(0, 0);
    let (mut cycle, mut last) = (0, 0);
    while !flying.is_empty() {
        cycle += 1;
        cluster.advance(style.period);
        let before = cluster.holders(0);
        let caused = cluster.wave(flying);
        if cluster.holders(0) > before {
            last = cycle;
        }
        let (copies, feedback): (Vec<_>, Vec<_>) =
            caused.into_iter().partition(|(_, send)| matches!(send.message, Message::Push { .. }));
        assert!(cluster.wave(feedback).is_empty());
        flying = copies;
        flying.extend(cluster.tick());
    }
    let traffic = cluster.nodes.iter().map(|node| node.stats().pushed).sum();
    figures(&cluster, traffic, last)
}

/// Pull in cycles: all requests, then all that follows from them.
fn pull_run(seed: u64, stop: StopRule) -> Figures {
    let style = spread(Style::Pull, 1, stop);
    let mut cluster = Cluster::new(seed, MEMBERS, style);
    cluster.start_pulling();
    assert!(cluster.publish(0, 0).is_empty());
    let (mut last, mut quiet) = (0, 0);
    for cycle in 1..=64 {
        cluster.advance(style.period);
        let before = (cluster.holders(0), cluster.messages);
        let mut flying = cluster.tick();
        let requests = u64::from(cluster.members());
        while !flying.is_empty() {
            flying = cluster.wave(flying);
        }
        if cluster.holders(0) > before.0 {
            last = cycle;
        }
        quiet = if cluster.messages == before.1 + requests { quiet + 1 } else { 0 };
        if quiet > 12 {
            break;
        }
    }
    let traffic = cluster.nodes.iter().map(|node| node.stats().announced).sum();
    figures(&cluster, traffic, last)
}

fn assert_near(what: &str, found: f64, expected: f64, within: f64) {
    let error = (found / expected - 1.0).abs();
    assert!(error <= within, "{what}: {found}, expected {expected}, off by {error}");
}

#[test]
fn table_1_push_feedback_counter() {
    for (k, residue, traffic, last) in [(1, 0.174, 1.75, 16.8), (2, 0.0366, 3.30, 17.0)] {
        let found = mean(40, |seed| push_run(seed, counter(k, true)));
        assert_near("residue", found.residue, residue, 0.15);
        assert_near("traffic", found.traffic, traffic, 0.05);
        assert_near("last", found.last, last, 0.1);
        assert_near("exp(-traffic)", (-found.traffic).exp(), found.residue, 0.15);
    }
}

#[test]
fn table_2_push_blind_coin() {
    for (k, residue, traffic, last) in [(2, 0.205, 1.58, 33.0), (3, 0.062, 2.81, 32.0)] {
        let found = mean(30, |seed| push_run(seed, coin(k, false)));
        assert_near("residue", found.residue, residue, 0.15);
        assert_near("traffic", found.traffic, traffic, 0.05);
        assert_near("last", found.last, last, 0.1);
    }
}

#[test]
fn table_3_pull_feedback_counter() {
    let found = mean(40, |seed| pull_run(seed, counter(1, true)));
    assert_near("residue", found.residue, 0.0316, 0.15);
    assert_near("traffic", found.traffic, 2.70, 0.05);
    assert_near("last", found.last, 17.5, 0.15);
}

#[test]
fn all_hear_with_the_probability_that_the_fanout_gives() {
    // n = 1,000: fanout 7 reaches all in .393 of the runs, fanout 10 in .966.
    for (fanout, lowest, highest) in [(7, 10, 38), (10, 52, 60)] {
        let style = spread(Style::Push, fanout, rounds(100));
        let reached_all = (0..60)
            .filter(|&seed| {
                let mut cluster = Cluster::new(seed, MEMBERS, style);
                let first = cluster.publish(0, 0);
                cluster.settle(first);
                cluster.holders(0) == MEMBERS as usize
            })
            .count();
        assert!((lowest..=highest).contains(&reached_all), "{fanout}: {reached_all} of 60");
    }
}
