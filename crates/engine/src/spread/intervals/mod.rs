//! Which items a node has seen, exactly and compactly.
//!
//! The items of one run of an origin are numbered 1, 2, 3, …; so what a node has seen of a run is
//! a few ranges of numbers, usually one. They find duplicates, say what to ask a peer for, and
//! outlive the items themselves. What is counted here is *seen or forgotten*: a number that can
//! no longer be had counts as seen, or it would be asked for without end.
//!
//! Both the runs and the ranges of a run are bounded. A run with too many ranges has its lowest
//! gaps closed, that is, its *floor* rises: the oldest items are the likeliest to be past
//! retention everywhere. A run beyond the bound is refused. Both are counted.
//!
//! [`Intervals::buckets`] holds a hash of every run and its ranges, so that two members find out
//! where they differ without listing anything. A run that has said nothing for long may be made
//! *dormant*: it still finds duplicates, and costs nothing in a comparison. Two members whose
//! buckets agree but for a run that only one of them holds dormant differ in that bucket until the
//! other does the same, so dormancy should follow from what members agree on (the age of a run, or
//! its origin having left).
//!
//! It trusts its input as far as members trust each other: whoever holds the key of the group can
//! make a node believe that it has seen what it has not.

mod ranges;
#[cfg(test)]
mod tests;

pub use ranges::Ranges;

use crate::MemberId;
use crate::reconcile::buckets::{Buckets, hash_all};
use std::collections::BTreeMap;

/// A run of an origin: its id and its start number.
impl<I: MemberId> MemberId for (I, u64) {
    fn bucket_hash(&self) -> u64 {
        hash_all([self.0.bucket_hash(), self.1])
    }
}

/// How much may be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// At most this many runs. Default: 65,536 (guess: some runs each of 10,000 origins; about
    /// 8 MiB).
    pub runs_max: usize,
    /// At most this many ranges in one run; at least 1. Default: 256 (guess: 4 KiB).
    pub ranges_per_run_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { runs_max: 65_536, ranges_per_run_max: 256 }
    }
}

/// What was shed since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Insertions refused because there were too many runs.
    pub runs_refused: u64,
    /// Gaps closed because a run had too many ranges.
    pub gaps_closed: u64,
}

#[derive(Clone, Debug)]
struct Run {
    ranges: Ranges,
    /// What it adds to its bucket when it is not dormant.
    hash: u64,
    dormant: bool,
}

/// What a node has seen, per run. A run that is held has at least one range.
///
/// `O` names a run; natively `(origin, start)`.
#[derive(Clone, Debug)]
pub struct Intervals<O> {
    limits: Limits,
    /// By bucket, so that the runs of a bucket are found without a walk over all.
    runs: BTreeMap<usize, BTreeMap<O, Run>>,
    run_count: usize,
    buckets: Buckets,
    counts: Counts,
}

impl<O: MemberId> Intervals<O> {
    /// Nothing seen.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            runs: BTreeMap::new(),
            run_count: 0,
            buckets: Buckets::default(),
            counts: Counts::default(),
        }
    }

    /// Notes one item. True if it is new. False if it was seen, if `seq` is 0, or if the run is
    /// one too many (counted).
    pub fn insert(&mut self, run: &O, seq: u64) -> bool {
        seq != 0 && self.update(run, |ranges| ranges.insert(seq))
    }

    /// Notes ranges (inclusive ends) as seen or forgotten; true if any of it is new. They may be
    /// in any order and overlap; reversed ones and zero are ignored.
    pub fn insert_ranges(&mut self, run: &O, ranges: &[(u64, u64)]) -> bool {
        let added = Ranges::from_unordered(ranges);
        !added.is_empty() && self.update(run, |ranges| ranges.insert_all(&added))
    }

    /// Whether an item was seen or forgotten.
    pub fn contains(&self, run: &O, seq: u64) -> bool {
        self.run(run).is_some_and(|run| run.ranges.contains(seq))
    }

    /// What was seen of a run: ascending, disjoint, not adjacent.
    pub fn ranges(&self, run: &O) -> &[(u64, u64)] {
        self.run(run).map_or(&[], |run| run.ranges.as_slice())
    }

    /// What is in `theirs` and was not seen here: the lowest `max` ranges of it, ascending.
    /// `theirs` may be in any order and overlap.
    pub fn missing(&self, run: &O, theirs: &[(u64, u64)], max: usize) -> Vec<(u64, u64)> {
        let theirs = Ranges::from_unordered(theirs);
        match self.run(run) {
            Some(run) => run.ranges.missing(&theirs, max),
            None => theirs.as_slice().iter().take(max).copied().collect(),
        }
    }

    /// Forgets a run wholly; false if it was not held.
    pub fn remove(&mut self, run: &O) -> bool {
        let id_hash = run.bucket_hash();
        let bucket = Buckets::bucket_of(id_hash);
        let Some(runs) = self.runs.get_mut(&bucket) else { return false };
        let Some(removed) = runs.remove(run) else { return false };
        if runs.is_empty() {
            self.runs.remove(&bucket);
        }
        if !removed.dormant {
            self.buckets.remove(id_hash, removed.hash);
        }
        self.run_count -= 1;
        true
    }

    /// All runs and what was seen of each, dormant ones too, by bucket and then by run.
    pub fn runs(&self) -> impl Iterator<Item = (&O, &[(u64, u64)])> {
        let runs = self.runs.values().flatten();
        runs.map(|(run, held)| (run, held.ranges.as_slice()))
    }

    /// How many runs are held, dormant ones too.
    pub fn run_count(&self) -> usize {
        self.run_count
    }

    /// The runs in the buckets of the bit mask `buckets`, without the dormant ones, by bucket and
    /// then by run.
    pub fn runs_in(&self, buckets: u64) -> impl Iterator<Item = (&O, &[(u64, u64)])> {
        let named = self.runs.iter().filter(move |&(bucket, _)| buckets >> bucket & 1 == 1);
        let runs = named.flat_map(|(_, runs)| runs).filter(|(_, held)| !held.dormant);
        runs.map(|(run, held)| (run, held.ranges.as_slice()))
    }

    /// One element per run that is not dormant: a hash of the run and all its ranges.
    pub fn buckets(&self) -> &Buckets {
        &self.buckets
    }

    /// Puts a run to sleep, or wakes it: a dormant run is kept but left out of
    /// [`Intervals::buckets`] and [`Intervals::runs_in`]. Anything new wakes it.
    pub fn set_dormant(&mut self, run: &O, dormant: bool) {
        let id_hash = run.bucket_hash();
        let runs = self.runs.get_mut(&Buckets::bucket_of(id_hash));
        let Some(held) = runs.and_then(|runs| runs.get_mut(run)) else { return };
        match (held.dormant, dormant) {
            (false, true) => self.buckets.remove(id_hash, held.hash),
            (true, false) => self.buckets.add(id_hash, held.hash),
            (false, false) | (true, true) => {}
        }
        held.dormant = dormant;
    }

    /// Whether a run is held and dormant.
    pub fn is_dormant(&self, run: &O) -> bool {
        self.run(run).is_some_and(|run| run.dormant)
    }

    /// What was shed since the start.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn run(&self, run: &O) -> Option<&Run> {
        self.runs.get(&Buckets::bucket_of(run.bucket_hash()))?.get(run)
    }

    /// Applies a change that puts something into the ranges of a run (creating it if need be) or
    /// returns false, and brings bounds, buckets and dormancy up to date.
    fn update(&mut self, run: &O, change: impl FnOnce(&mut Ranges) -> bool) -> bool {
        let id_hash = run.bucket_hash();
        let bucket = Buckets::bucket_of(id_hash);
        let max = self.limits.ranges_per_run_max;
        if let Some(held) = self.runs.get_mut(&bucket).and_then(|runs| runs.get_mut(run)) {
            if !change(&mut held.ranges) {
                return false;
            }
            if !held.dormant {
                self.buckets.remove(id_hash, held.hash);
            }
            held.dormant = false;
            self.counts.gaps_closed += held.ranges.close_lowest_gaps(max) as u64;
            held.hash = hash_run(id_hash, &held.ranges);
            self.buckets.add(id_hash, held.hash);
            return true;
        }
        if self.run_count >= self.limits.runs_max {
            self.counts.runs_refused += 1;
            return false;
        }
        let mut ranges = Ranges::default();
        if !change(&mut ranges) {
            return false;
        }
        self.counts.gaps_closed += ranges.close_lowest_gaps(max) as u64;
        let hash = hash_run(id_hash, &ranges);
        self.buckets.add(id_hash, hash);
        let runs = self.runs.entry(bucket).or_default();
        runs.insert(run.clone(), Run { ranges, hash, dormant: false });
        self.run_count += 1;
        true
    }
}

/// The hash of a run and all its ranges.
fn hash_run(id_hash: u64, ranges: &Ranges) -> u64 {
    let ends = ranges.as_slice().iter().flat_map(|&(low, high)| [low, high]);
    hash_all(std::iter::once(id_hash).chain(ends))
}
