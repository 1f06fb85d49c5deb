//! What a run at engine scale came to.

use super::{EngineRun, Tracked};
use crate::measure::{
    CURVE_STEPS, CURVES_MAX, Detection, Outcome, Quantiles, SpreadMeasures, Traffic, VERSION,
    milli, ppm, quantile_of_counts,
};
use crate::scenario::Scale;
use crate::universe::rumor::Spreading;
use bruit_engine::Instant;
use bruit_engine::spread::rumor::Stats;
use std::collections::BTreeMap;
use std::time::Duration;

/// Delays in microseconds, in order, and how many nodes had each.
type Delays = Vec<(u64, u64)>;

pub(super) fn outcome(run: &EngineRun<'_>) -> Outcome {
    let took = run.universe.now().since(Instant::ZERO);
    let counts = run.universe.counts();
    let nodes = u64::from(run.universe.nodes());
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let per_second = u128::from(counts.sent) * 1000 / u128::from(millis.max(1));
    let per_second = u64::try_from(per_second).unwrap_or(u64::MAX);
    let stats = stats(run);
    let datagrams_milli = milli(per_second, nodes);
    Outcome {
        version: VERSION.to_owned(),
        title: run.scenario.title.clone(),
        scale: Scale::Engine,
        seed: run.universe.seed(),
        nodes: run.universe.nodes(),
        formed_ms: 0,
        duration_ms: millis,
        spread: spread(run, stats.duplicates),
        detection: Detection::default(),
        traffic: Traffic { datagrams: counts.sent, datagrams_milli, ..Traffic::default() },
        faults: named([
            ("crash", counts.crashes),
            ("message lost", counts.lost),
            ("message to a node that is down", counts.to_the_dead),
        ]),
        shed: named([
            ("items that no running node could publish", run.not_published),
            ("items: too many hot", stats.hot_shed),
            ("fetches: too many under way", stats.fetches_shed),
            ("fetches: given up", stats.fetches_abandoned),
            ("keys: left out of an answer to a poll", stats.pull_answers_cut),
        ]),
        trace_hash: format!("{:016x}", run.universe.trace_hash()),
    }
}

/// Those that are not zero.
fn named<const N: usize>(all: [(&str, u64); N]) -> BTreeMap<String, u64> {
    let counted = all.into_iter().filter(|(_, count)| *count > 0);
    counted.map(|(name, count)| (name.to_owned(), count)).collect()
}

/// What the engines count together, as far as it is shown.
fn stats(run: &EngineRun<'_>) -> Stats {
    let mut sum = Stats::default();
    for stats in run.universe.machines().iter().map(|node| node.stats()) {
        sum.duplicates += stats.duplicates;
        sum.hot_shed += stats.hot_shed;
        sum.fetches_shed += stats.fetches_shed;
        sum.fetches_abandoned += stats.fetches_abandoned;
        sum.pull_answers_cut += stats.pull_answers_cut;
    }
    sum
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// The delays of an item: the origin at once, the others at the end of the step in which they got
/// it.
fn delays(item: &Spreading) -> Delays {
    let coverage = &item.coverage;
    let step = micros(coverage.step());
    let steps = coverage.receipts().iter().zip(1..).filter(|(count, _)| **count > 0);
    let later = steps.map(|(count, place): (&u64, u64)| (step.saturating_mul(place), *count));
    std::iter::once((0, 1)).chain(later).collect()
}

/// An item as it fared.
struct Fared {
    expected: u64,
    delays: Delays,
}

impl Fared {
    /// When so many parts in a million of the nodes that should have it had it; microseconds.
    fn reached(&self, ppm: u64) -> Option<u64> {
        quantile_of_counts(&self.delays, self.expected, ppm)
    }

    fn curve(&self) -> Vec<Option<u32>> {
        let step = |step: usize| {
            let reached = self.reached((step * 1_000_000 / CURVE_STEPS) as u64)?;
            Some(u32::try_from(reached).unwrap_or(u32::MAX - 1))
        };
        (0..=CURVE_STEPS).map(step).collect()
    }

    fn in_time(&self, within: Duration) -> u64 {
        let within = micros(within);
        let had = self.delays.iter().filter(|(delay, _)| *delay <= within);
        had.map(|(_, count)| count).sum()
    }
}

fn spread(run: &EngineRun<'_>, duplicates: u64) -> SpreadMeasures {
    let ledger = &run.universe.shared.ledger;
    let item = |tracked: &Tracked| ledger.item(tracked.key);
    let fared: Vec<Fared> = run
        .items
        .iter()
        .map(|tracked| Fared { expected: tracked.expected, delays: delays(item(tracked)) })
        .collect();
    let (pairs, had) = (run.pairs(), run.had());
    let complete = run.items.iter().filter(|each| item(each).holders == each.expected).count();
    let items = run.items.len() as u64;
    let first_copies = had - items;
    let copies = first_copies + duplicates;
    let reach = |ppm| Quantiles::of(fared.iter().filter_map(|item| item.reached(ppm)));
    let in_time = |within| fared.iter().map(|item| item.in_time(within)).sum();
    let mut all: BTreeMap<u64, u64> = BTreeMap::new();
    for (delay, count) in fared.iter().flat_map(|item| &item.delays) {
        *all.entry(*delay).or_default() += count;
    }
    let all: Delays = all.into_iter().collect();
    let as_u32 = |count: usize| u32::try_from(count).expect("a scenario has fewer items");
    SpreadMeasures {
        items: as_u32(run.items.len()),
        items_complete: as_u32(complete),
        pairs,
        missed: pairs - had,
        residue_ppm: 1_000_000 - ppm(had, pairs),
        late_ppm: run.scenario.workload.within.map(|w| 1_000_000 - ppm(in_time(w), pairs)),
        delay_us: Quantiles::of_counts(&all),
        reach_50_us: reach(500_000),
        reach_90_us: reach(900_000),
        reach_99_us: reach(990_000),
        reach_all_us: reach(1_000_000),
        traffic_milli: milli(copies, had),
        rmr_milli: rmr_milli(copies, first_copies),
        last_hop: Quantiles::of(run.items.iter().map(|each| item(each).hops_last.into())),
        hops_milli: milli(run.items.iter().map(|each| item(each).hops_sum()).sum(), had),
        repaired: 0,
        curves: fared.iter().take(CURVES_MAX).map(Fared::curve).collect(),
    }
}

/// Copies for each first copy, less the one that it needs.
fn rmr_milli(copies: u64, first_copies: u64) -> i64 {
    if first_copies == 0 {
        return 0;
    }
    let ratio = u128::from(copies) * 1000 / u128::from(first_copies);
    i64::try_from(ratio).unwrap_or(i64::MAX) - 1000
}
