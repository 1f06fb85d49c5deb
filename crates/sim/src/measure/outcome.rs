//! What one run came to.

use super::Quantiles;
use crate::scenario::Scale;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the simulator, and of the protocol code that it runs.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that was built, where the build was told.
pub const fn commit() -> Option<&'static str> {
    option_env!("BRUIT_COMMIT")
}

/// What one run of (scenario, seed) came to. The same everywhere, to the bit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// [`VERSION`] of what ran it.
    pub version: String,
    /// The scenario's title.
    pub title: String,
    /// At which scale it ran. At engine scale there is no failure detector, and messages have no
    /// bytes: those measures are zero.
    #[serde(default)]
    pub scale: Scale,
    /// The seed.
    pub seed: u64,
    /// How many nodes.
    pub nodes: u32,
    /// How long the group took to form, virtual milliseconds.
    pub formed_ms: u64,
    /// How long it ran from then on, virtual milliseconds.
    pub duration_ms: u64,
    /// How items spread.
    pub spread: SpreadMeasures,
    /// How failures were detected.
    pub detection: Detection,
    /// What was sent.
    pub traffic: Traffic,
    /// Faults that really happened, by kind.
    pub faults: BTreeMap<String, u64>,
    /// What was shed, by where; nothing that is zero.
    pub shed: BTreeMap<String, u64>,
    /// The fingerprint of all that happened, in hexadecimal.
    pub trace_hash: String,
}

/// How items spread.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpreadMeasures {
    /// Items published.
    pub items: u32,
    /// Of those: that all nodes got that should have.
    pub items_complete: u32,
    /// Pairs of an item and a node that should have got it.
    pub pairs: u64,
    /// Of those: without it at the end.
    pub missed: u64,
    /// The same as parts in a million: the residue.
    pub residue_ppm: u32,
    /// Of the pairs: without it by the time that the scenario names as `within`, parts in a
    /// million; `None` if it names none.
    pub late_ppm: Option<u32>,
    /// Over all pairs, the time to the node's first copy, in microseconds.
    pub delay_us: Quantiles,
    /// Over all items, the time until half of the nodes had it, in microseconds.
    pub reach_50_us: Quantiles,
    /// The same for nine in ten.
    pub reach_90_us: Quantiles,
    /// The same for 99 in a hundred.
    pub reach_99_us: Quantiles,
    /// The same for all; items that did not reach all are left out.
    pub reach_all_us: Quantiles,
    /// Copies that a node received of an item on average, in thousandths: the traffic.
    pub traffic_milli: u64,
    /// Relative message redundancy, the mean over items, in thousandths.
    pub rmr_milli: i64,
    /// Over all items, the hops of the first copy that came the longest way.
    pub last_hop: Quantiles,
    /// Hops of first copies on average, in thousandths.
    pub hops_milli: u64,
    /// First copies that anti-entropy brought.
    pub repaired: u64,
    /// For each of the first 200 items, when 0 %, 2 %, … 100 % of the nodes had it, in
    /// microseconds; null for what was never reached.
    pub curves: Vec<Vec<Option<u32>>>,
}

/// How failures were detected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detection {
    /// Nodes that crashed.
    pub crashes: u64,
    /// Pairs of a crash and a running node that had not noticed it after a minute (guess), or ten
    /// probe periods if that is longer.
    pub undetected: u64,
    /// Over all pairs of a crash and a node that noticed it: how long that took, in microseconds.
    pub delay_us: Quantiles,
    /// Over all crashes: when the first node noticed.
    pub first_us: Quantiles,
    /// The times behind `delay_us`, the shortest first, of which the first 100,000 that were
    /// told are kept.
    pub delays_us: Vec<u64>,
    /// Suspicions told.
    pub suspicions: u64,
    /// Failures told of a node that ran and could be reached by who told it.
    pub false_failures: u64,
    /// The same for an hour, in thousandths, over the whole group.
    pub false_failures_per_hour_milli: u64,
    /// Failures told of a node that was cut off from who told it, or stopped.
    pub justified_failures: u64,
}

/// What was sent. Datagrams count with their IPv4 and UDP headers, streams without theirs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Bytes that all nodes sent.
    pub bytes: u64,
    /// Datagrams that all nodes sent; at engine scale, messages.
    pub datagrams: u64,
    /// Over all nodes, what each sent in bits per second.
    pub node_bps: Quantiles,
    /// On average.
    pub mean_bps: u64,
    /// Datagrams that a node sent in a second on average, in thousandths.
    pub datagrams_milli: u64,
    /// What each node sent in bits per second, in the order of nodes.
    pub each_bps: Vec<u64>,
}
