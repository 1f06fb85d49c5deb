//! What each style achieves in a group.

use super::cluster::{Cluster, Sent};
use super::*;

/// Publishes three items at different nodes and lets `periods` pass.
fn run(seed: u64, members: u32, style: Spread, periods: u32) -> Cluster {
    let mut cluster = Cluster::new(seed, members, style);
    if matches!(style.style, Style::Pull | Style::PushPull) {
        cluster.start_pulling();
    }
    for (origin, key) in [(0, 10), (1, 11), (2, 12)] {
        let sent = cluster.publish(origin, key);
        cluster.settle(sent);
    }
    for _ in 0..periods {
        cluster.advance(style.period);
        let sent = cluster.tick();
        cluster.settle(sent);
    }
    cluster
}

fn holders(cluster: &Cluster) -> [usize; 3] {
    [10, 11, 12].map(|key| cluster.holders(key))
}

#[test]
fn auto_reaches_a_small_group_with_the_fewest_messages() {
    let cluster = run(1, 64, spread(Style::Auto, 2, rounds(8)), 1);
    assert_eq!(holders(&cluster), [64; 3]);
    assert_eq!(cluster.messages, 3 * 63);
}

#[test]
fn one_round_of_push_reaches_the_fanout_and_no_further() {
    let cluster = run(1, 100, spread(Style::Push, 5, rounds(1)), 3);
    assert_eq!(holders(&cluster), [6; 3]);
    let cluster = run(1, 100, spread(Style::Push, 1, rounds(7)), 3);
    assert!(holders(&cluster).iter().all(|&count| count <= 8), "{:?}", holders(&cluster));
}

#[test]
fn push_by_rounds_costs_at_most_the_fanout_per_node() {
    let cluster = run(1, 300, spread(Style::Push, 12, rounds(100)), 0);
    assert_eq!(holders(&cluster), [300; 3]);
    assert_eq!(cluster.messages, 3 * 300 * 12);
    assert!(!cluster.is_hot());
}

#[test]
fn lazy_push_sends_each_payload_once_per_node() {
    for stop in [rounds(100), counter(12, false), counter(3, true)] {
        let cluster = run(1, 300, spread(Style::LazyPush, 12, stop), 70);
        assert_eq!(holders(&cluster), [300; 3], "{stop:?}");
        assert_eq!(cluster.copies.len(), 3 * 299, "{stop:?}");
        assert!(cluster.copies.values().all(|&copies| copies == 1), "{stop:?}");
        let announced: u64 = cluster.nodes.iter().map(|node| node.stats().announced).sum();
        assert!(announced >= 3 * 299, "{announced}");
        assert!(!cluster.is_hot());
    }
}

#[test]
fn pull_and_push_pull_reach_all_and_pull_sends_each_payload_once() {
    for stop in [rounds(20), counter(4, true), coin(8, true)] {
        let pull = run(1, 300, spread(Style::Pull, 1, stop), 110);
        assert_eq!(holders(&pull), [300; 3], "{stop:?}");
        assert!(pull.copies.values().all(|&copies| copies == 1), "{stop:?}");
        assert!(!pull.is_hot(), "{stop:?}");
        let both = run(1, 300, spread(Style::PushPull, 3, stop), 110);
        assert_eq!(holders(&both), [300; 3], "{stop:?}");
        assert!(!both.is_hot(), "{stop:?}");
    }
}

#[test]
fn push_pull_is_faster_than_pull() {
    let periods_to_all = |style| {
        let mut cluster = Cluster::new(1, 300, style);
        cluster.start_pulling();
        let sent = cluster.publish(0, 10);
        cluster.settle(sent);
        (1..100).find(|_| {
            cluster.advance(style.period);
            let sent = cluster.tick();
            cluster.settle(sent);
            cluster.holders(10) == 300
        })
    };
    let pull = periods_to_all(spread(Style::Pull, 1, rounds(30))).unwrap();
    let both = periods_to_all(spread(Style::PushPull, 3, rounds(30))).unwrap();
    assert!(both < pull, "{both} periods against {pull}");
    assert!(pull <= 20, "{pull}");
}

#[test]
fn the_same_seed_gives_the_same_trace_and_another_seed_another() {
    let trace = |seed| -> Vec<Sent> {
        let style = spread(Style::LazyPush, 3, coin(3, true));
        run(seed, 100, style, 30).trace
    };
    assert_eq!(trace(5), trace(5));
    assert_ne!(trace(5), trace(6));
}
