//! How items spread: who got each, when, by how many hops and in how many copies.

use super::outcome::SpreadMeasures;
use super::quantile::Quantiles;
use bruit_engine::Instant;
use bruit_model::{Item, ItemId, ItemTrace};
use std::collections::BTreeMap;
use std::time::Duration;

/// Not had.
const NEVER: u32 = u32::MAX;
/// Coverage curves that an outcome keeps, one for each of the first items. Guess.
pub(crate) const CURVES_MAX: usize = 200;
/// The steps of a coverage curve: 0 %, 2 %, … 100 %.
pub(crate) const CURVE_STEPS: usize = 50;

/// One item that was published.
#[derive(Debug)]
struct Tracked {
    /// `None` once it has been looked at.
    id: Option<ItemId>,
    at: Instant,
    /// Per node, microseconds from publication to its first copy.
    delays: Vec<u32>,
    /// Nodes that should have it: those that ran when it was published and did not crash before
    /// they had it.
    expected: Vec<bool>,
    lacking: u32,
    hops_max: u8,
    hops_sum: u64,
    repaired: u32,
    copies: u64,
    traced: u32,
}

/// All items of a run.
#[derive(Debug, Default)]
pub(crate) struct Items {
    by_id: BTreeMap<ItemId, usize>,
    items: Vec<Tracked>,
    /// Pairs of an item and a node that should have it, and those that do.
    pairs: u64,
    had: u64,
}

impl Items {
    /// Notes that an item was published; `running` are the nodes that run. Gives its place.
    pub(crate) fn published(&mut self, id: ItemId, at: Instant, running: Vec<bool>) -> usize {
        let count = running.iter().filter(|runs| **runs).count();
        self.pairs += count as u64;
        self.by_id.insert(id, self.items.len());
        self.items.push(Tracked {
            id: Some(id),
            at,
            delays: vec![NEVER; running.len()],
            expected: running,
            lacking: u32::try_from(count).expect("nodes fit"),
            hops_max: 0,
            hops_sum: 0,
            repaired: 0,
            copies: 0,
            traced: 0,
        });
        self.items.len() - 1
    }

    /// Notes that a node told of an item.
    pub(crate) fn told(&mut self, node: usize, at: Instant, item: &Item, repaired: bool) {
        let Some(place) = self.by_id.get(&item.id) else { return };
        let tracked = &mut self.items[*place];
        if tracked.delays[node] != NEVER || !tracked.expected[node] {
            return;
        }
        let micros = at.since(tracked.at).as_micros();
        tracked.delays[node] = u32::try_from(micros).unwrap_or(NEVER - 1).min(NEVER - 1);
        tracked.lacking -= 1;
        tracked.hops_max = tracked.hops_max.max(item.hops);
        tracked.hops_sum += u64::from(item.hops);
        tracked.repaired += u32::from(repaired);
        self.had += 1;
    }

    /// Notes that a node crashed: what it lacks, it need not have.
    pub(crate) fn crashed(&mut self, node: usize) {
        for tracked in self.items.iter_mut().filter(|tracked| tracked.lacking > 0) {
            if tracked.expected[node] && tracked.delays[node] == NEVER {
                tracked.expected[node] = false;
                tracked.lacking -= 1;
                self.pairs -= 1;
            }
        }
    }

    /// Notes what a node knows of an item that it holds.
    pub(crate) fn traced(&mut self, place: usize, trace: &ItemTrace) {
        let tracked = &mut self.items[place];
        tracked.copies += u64::from(trace.copies);
        tracked.traced += 1;
    }

    /// The item at that place, for those who look at it; `None` the second time.
    pub(crate) fn take_id(&mut self, place: usize) -> Option<ItemId> {
        self.items[place].id.take()
    }

    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.items.len()).expect("a scenario has fewer")
    }

    /// Of the pairs of an item and a node that should have it, parts in a million that do.
    pub(crate) fn coverage_ppm(&self) -> u32 {
        ppm(self.had, self.pairs)
    }

    /// What it comes to.
    pub(crate) fn measures(&self, within: Option<Duration>) -> SpreadMeasures {
        let delays = || {
            let each = self.items.iter().flat_map(|tracked| tracked.delays.iter());
            each.filter(|delay| **delay != NEVER).map(|delay| u64::from(*delay))
        };
        let reach = |ppm| Quantiles::of(self.items.iter().filter_map(|item| item.reached(ppm)));
        let sum = |of: fn(&Tracked) -> u64| self.items.iter().map(of).sum::<u64>();
        let complete = self.items.iter().filter(|tracked| tracked.lacking == 0).count();
        let (copies, traced) = (sum(|item| item.copies), sum(|item| item.traced.into()));
        SpreadMeasures {
            items: self.count(),
            items_complete: u32::try_from(complete).expect("at most all"),
            pairs: self.pairs,
            missed: self.pairs - self.had,
            residue_ppm: 1_000_000 - self.coverage_ppm(),
            late_ppm: within.map(|within| self.late_ppm(within)),
            delay_us: Quantiles::of(delays()),
            reach_50_us: reach(500_000),
            reach_90_us: reach(900_000),
            reach_99_us: reach(990_000),
            reach_all_us: reach(1_000_000),
            traffic_milli: milli(copies, traced),
            rmr_milli: self.rmr_milli(),
            last_hop: Quantiles::of(self.items.iter().map(|tracked| tracked.hops_max.into())),
            hops_milli: milli(sum(|item| item.hops_sum), self.had),
            repaired: sum(|item| item.repaired.into()),
            curves: self.items.iter().take(CURVES_MAX).map(Tracked::curve).collect(),
        }
    }

    /// Pairs without the item after so long, parts in a million.
    fn late_ppm(&self, within: Duration) -> u32 {
        let in_time = |tracked: &Tracked| {
            let each = tracked.delays.iter().zip(&tracked.expected);
            let had = each.filter(|(delay, expected)| {
                **expected && u128::from(**delay) <= within.as_micros() && **delay != NEVER
            });
            had.count() as u64
        };
        1_000_000 - ppm(self.items.iter().map(in_time).sum(), self.pairs)
    }

    /// The mean over items of `m / (n − 1) − 1`, in thousandths.
    fn rmr_milli(&self) -> i64 {
        let of = |tracked: &Tracked| {
            let others = i64::from(tracked.traced) - 1;
            let copies = i64::try_from(tracked.copies).unwrap_or(i64::MAX / 1000);
            (others > 0).then(|| copies * 1000 / others - 1000)
        };
        let each: Vec<i64> = self.items.iter().filter_map(of).collect();
        let count = i64::try_from(each.len()).expect("a scenario has fewer items");
        if count == 0 { 0 } else { each.iter().sum::<i64>() / count }
    }
}

impl Tracked {
    /// When so many parts in a million of the nodes that should have it had it; microseconds.
    fn reached(&self, ppm: u64) -> Option<u64> {
        let sorted = self.sorted();
        super::quantile(&sorted, ppm).filter(|delay| *delay != NEVER).map(u64::from)
    }

    /// The delays of the nodes that should have it, in order.
    fn sorted(&self) -> Vec<u32> {
        let expected = self.delays.iter().zip(&self.expected).filter(|(_, expected)| **expected);
        let mut sorted: Vec<u32> = expected.map(|(delay, _)| *delay).collect();
        sorted.sort_unstable();
        sorted
    }

    /// When each step of coverage was reached; `None` for those that never were.
    fn curve(&self) -> Vec<Option<u32>> {
        let sorted = self.sorted();
        let step = |step: usize| {
            let ppm = (step * 1_000_000 / CURVE_STEPS) as u64;
            super::quantile(&sorted, ppm).filter(|delay| *delay != NEVER)
        };
        (0..=CURVE_STEPS).map(step).collect()
    }
}

/// Parts in a million; all of nothing is all.
pub(crate) fn ppm(part: u64, of: u64) -> u32 {
    if of == 0 {
        return 1_000_000;
    }
    // Rounded down, so that what lacks one is never all.
    u32::try_from(u128::from(part) * 1_000_000 / u128::from(of)).unwrap_or(1_000_000)
}

/// A ratio in thousandths; 0 of nothing.
pub(crate) fn milli(sum: u64, count: u64) -> u64 {
    (u128::from(sum) * 1000)
        .checked_div(count.into())
        .map_or(0, |milli| u64::try_from(milli).unwrap_or(u64::MAX))
}
