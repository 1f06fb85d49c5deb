//! Several runs of one scenario as one line of numbers.

use super::{Outcome, Quantiles};
use crate::scenario::Scale;
use serde::{Deserialize, Serialize};

/// One number of an outcome, for tables, comparisons and sweeps.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name, with its unit.
    pub name: &'static str,
    /// What it means.
    pub about: &'static str,
    /// The number; `None` where the run has nothing of the kind.
    pub of: fn(&Outcome) -> Option<i64>,
    /// How several runs become one: the worst, or the mean.
    pub over_seeds: Over,
}

/// How the numbers of several runs become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Their mean, rounded down.
    Mean,
    /// The largest.
    Max,
}

const fn metric(
    name: &'static str,
    about: &'static str,
    over_seeds: Over,
    of: fn(&Outcome) -> Option<i64>,
) -> Metric {
    Metric { name, about, of, over_seeds }
}

fn some(value: u64) -> Option<i64> {
    Some(i64::try_from(value).unwrap_or(i64::MAX))
}

/// Of a run at node scale: it has members that fail, and bytes.
fn at_nodes(outcome: &Outcome, value: u64) -> Option<i64> {
    if outcome.scale == Scale::Nodes { some(value) } else { None }
}

fn if_any(quantiles: Quantiles, value: u64) -> Option<i64> {
    if quantiles.count == 0 { None } else { some(value) }
}

/// Every metric.
pub const METRICS: [Metric; 21] = [
    metric("residue_ppm", "nodes that lack an item at the end, in a million", Over::Mean, |o| {
        some(o.spread.residue_ppm.into())
    }),
    metric(
        "late_ppm",
        "nodes that lack an item when they should have it, in a million",
        Over::Mean,
        |o| o.spread.late_ppm.map(i64::from),
    ),
    metric("delay_p50_us", "time to a node's first copy: the median", Over::Mean, |o| {
        if_any(o.spread.delay_us, o.spread.delay_us.p50)
    }),
    metric("delay_p99_us", "the same for 99 in 100", Over::Mean, |o| {
        if_any(o.spread.delay_us, o.spread.delay_us.p99)
    }),
    metric("delay_max_us", "the same for the last", Over::Max, |o| {
        if_any(o.spread.delay_us, o.spread.delay_us.max)
    }),
    metric("reach_50_us", "time until half of the nodes have it", Over::Mean, |o| {
        if_any(o.spread.reach_50_us, o.spread.reach_50_us.p50)
    }),
    metric("reach_90_us", "time until 9 in 10 have it", Over::Mean, |o| {
        if_any(o.spread.reach_90_us, o.spread.reach_90_us.p50)
    }),
    metric("reach_99_us", "time until 99 in 100 have it", Over::Mean, |o| {
        if_any(o.spread.reach_99_us, o.spread.reach_99_us.p50)
    }),
    metric("reach_all_us", "time until all have it", Over::Mean, |o| {
        if_any(o.spread.reach_all_us, o.spread.reach_all_us.p50)
    }),
    metric("traffic_milli", "copies that a node receives, in 1/1000", Over::Mean, |o| {
        some(o.spread.traffic_milli)
    }),
    metric("rmr_milli", "relative message redundancy, in 1/1000", Over::Mean, |o| {
        Some(o.spread.rmr_milli)
    }),
    metric("last_hop", "hops of the first copy that came the longest way", Over::Max, |o| {
        if_any(o.spread.last_hop, o.spread.last_hop.max)
    }),
    metric("repaired", "first copies that anti-entropy brought", Over::Mean, |o| {
        at_nodes(o, o.spread.repaired)
    }),
    metric("detection_p50_us", "time to notice a crash: the median", Over::Mean, |o| {
        if_any(o.detection.delay_us, o.detection.delay_us.p50)
    }),
    metric("detection_max_us", "the same for the last node", Over::Max, |o| {
        if_any(o.detection.delay_us, o.detection.delay_us.max)
    }),
    metric("undetected", "crashes not noticed, per node", Over::Max, |o| {
        at_nodes(o, o.detection.undetected)
    }),
    metric("false_failures", "failures told of nodes that ran", Over::Mean, |o| {
        at_nodes(o, o.detection.false_failures)
    }),
    metric("false_per_hour_milli", "the same for an hour, in 1/1000", Over::Mean, |o| {
        at_nodes(o, o.detection.false_failures_per_hour_milli)
    }),
    metric("mean_bps", "bits that a node sends in a second", Over::Mean, |o| {
        at_nodes(o, o.traffic.mean_bps)
    }),
    metric("max_bps", "the same for the busiest node", Over::Max, |o| {
        at_nodes(o, o.traffic.node_bps.max)
    }),
    metric(
        "messages_milli",
        "messages that a node sends in a second, in 1/1000",
        Over::Mean,
        |o| some(o.traffic.datagrams_milli),
    ),
];

/// Several runs as one line: the metrics, in the order of [`METRICS`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// How many runs.
    pub runs: u32,
    /// One number for each metric; `None` where no run has it.
    pub values: Vec<Option<i64>>,
}

impl Summary {
    /// Of these runs.
    pub fn of(outcomes: &[Outcome]) -> Self {
        let value = |metric: &Metric| {
            let each: Vec<i64> = outcomes.iter().filter_map(metric.of).collect();
            let count = i64::try_from(each.len()).expect("fewer runs");
            match metric.over_seeds {
                Over::Max => each.iter().max().copied(),
                Over::Mean => each.iter().sum::<i64>().checked_div(count),
            }
        };
        let runs = u32::try_from(outcomes.len()).expect("fewer runs");
        Self { runs, values: METRICS.iter().map(value).collect() }
    }

    /// The number of the metric of that name.
    pub fn get(&self, name: &str) -> Option<i64> {
        let place = METRICS.iter().position(|metric| metric.name == name)?;
        self.values.get(place).copied().flatten()
    }
}
