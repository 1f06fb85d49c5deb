//! What the counters of hosts and nodes come to over a run.

use super::group::Group;
use crate::Stats;
use crate::measure::{Quantiles, Traffic, milli};
use std::collections::BTreeMap;
use std::time::Duration;

/// Per host, what its counters rose by since `before`.
pub(super) fn changes(group: &Group, before: &[Stats]) -> Vec<Stats> {
    let each = group.hosts.iter().zip(before);
    each.map(|(host, before)| group.net.host_stats(*host).since(before)).collect()
}

/// What was sent.
pub(super) fn traffic(stats: &[Stats], took: Duration) -> Traffic {
    let millis = took.as_millis().max(1);
    let bytes_of = |stats: &Stats| stats.datagram_bytes_sent + stats.stream_bytes_sent;
    let bps = |bytes: u64| u64::try_from(u128::from(bytes) * 8000 / millis).unwrap_or(u64::MAX);
    let each_bps: Vec<u64> = stats.iter().map(|stats| bps(bytes_of(stats))).collect();
    let bytes: u64 = stats.iter().map(bytes_of).sum();
    let datagrams: u64 = stats.iter().map(|stats| stats.datagrams_sent).sum();
    let nodes = stats.len() as u64;
    let per_second = u64::try_from(u128::from(datagrams) * 1000 / millis).unwrap_or(u64::MAX);
    Traffic {
        bytes,
        datagrams,
        node_bps: Quantiles::of(each_bps.iter().copied()),
        mean_bps: bps(bytes) / nodes.max(1),
        datagrams_milli: milli(per_second, nodes),
        each_bps,
    }
}

/// The faults that happened.
pub(super) fn faults(stats: &[Stats], clocks_set: u64) -> BTreeMap<String, u64> {
    let sum = sum(stats);
    named([
        ("crash", sum.crashes),
        ("start", sum.starts),
        ("pause", sum.pauses),
        ("disk lost", sum.wipes),
        ("input delayed on a slow node", sum.inputs_delayed),
        ("clock set", clocks_set),
        ("datagram lost", sum.datagrams_lost),
        ("datagram dropped by a full link", sum.datagrams_dropped),
        ("datagram duplicated", sum.datagrams_duplicated),
        ("datagram reordered", sum.datagrams_reordered),
        ("datagram blocked", sum.datagrams_blocked),
        ("datagram to a node that is down", sum.datagrams_to_dead),
        ("stream stalled", sum.stream_stalls),
        ("stream part lost and sent again", sum.stream_retransmits),
    ])
}

/// What was shed: by the network, by the simulator, and by nodes that are up at the end.
pub(super) fn shed(group: &Group, stats: &[Stats], not_published: u64) -> BTreeMap<String, u64> {
    let sum = sum(stats);
    let mut shed = named([
        ("items that no running node could publish", not_published),
        ("datagrams: socket buffer of a stopped process full", sum.datagrams_shed),
        ("datagrams: too many under way", sum.datagrams_overflowed),
        ("events: not kept", sum.events_shed),
    ]);
    for host in group.hosts.iter().filter(|host| group.net.is_up(**host)) {
        group.net.node(*host).counters(&mut |name, label, value| {
            let is_shed = name.ends_with("_shed") || label == "shed" || name == "items_dropped";
            if is_shed && value > 0 {
                let name =
                    if label.is_empty() { name.to_owned() } else { format!("{name} {label}") };
                *shed.entry(name).or_default() += value;
            }
        });
    }
    shed
}

fn sum(stats: &[Stats]) -> Stats {
    let mut sum = Stats::default();
    stats.iter().for_each(|stats| sum += *stats);
    sum
}

/// Those that are not zero.
fn named<const N: usize>(all: [(&str, u64); N]) -> BTreeMap<String, u64> {
    let counted = all.into_iter().filter(|(_, count)| *count > 0);
    counted.map(|(name, count)| (name.to_owned(), count)).collect()
}
