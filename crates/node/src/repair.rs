//! Anti-entropy of items: whatever spreading missed.
//!
//! The exchange begins as that of members does (`reconcile.rs`); digests hold intervals of
//! sequence numbers. What is missing is asked for only after a delay, since most of it is still
//! on its way; the answer is the items, and "gone" for what nobody keeps, which then counts as
//! seen, so that the two nodes agree.

use crate::NativeNode;
use crate::incoming::Route;
use crate::node::Run;
use crate::store::Store;
use bruit_engine::{Deadlines, Instant};
use bruit_model::{Item, Now};
use bruit_wire::{Frame, RunRanges};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Exchanges whose missing items wait to be asked for.
const WANTS_MAX: usize = 64;
/// Runs in one digest; more are compared in later rounds, as buckets come to agree.
const RUNS_MAX: usize = 4096;
/// Ranges in one digest, over all its runs: within a stream message also at 20 bytes each.
const DIGEST_RANGES_MAX: usize = 50_000;
/// Ranges asked for of one run at a time.
const RANGES_MAX: usize = 256;
/// Items and bytes in the answer to one request; the rest follows with later rounds.
const ANSWER_ITEMS_MAX: usize = 4096;
const ANSWER_BYTES_MAX: usize = 2 << 20;
/// How long an item whose topic has repair off may still be spreading: until then a request for
/// it is not answered, after that it is gone.
const BARE_SPREAD_MAX_MILLIS: u64 = 30_000;

#[derive(Debug, Default)]
pub(crate) struct Repair {
    due: Deadlines<u64>,
    wants: BTreeMap<u64, Want>,
    next: u64,
    restored: BTreeMap<Run, Vec<(u64, u64)>>,
}

#[derive(Debug)]
struct Want {
    route: Route,
    runs: Vec<RunRanges>,
}

impl Repair {
    /// Notes what an earlier run of this node had seen. This run does not hold it, but others may:
    /// it must not be called gone before the retention of all topics is over.
    pub(crate) fn note_restored(&mut self, run: Run, ranges: Vec<(u64, u64)>) {
        self.restored.insert(run, ranges);
    }

    /// Forgets that, once retention is over.
    pub(crate) fn forget_restored(&mut self) {
        self.restored.clear();
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.due.next()
    }
}

impl NativeNode {
    pub(crate) fn on_item_buckets(&mut self, now: Now, route: Route, theirs: &[u64; 64]) {
        let buckets = self.seen.buckets().differing(theirs);
        if buckets != 0 {
            self.send_item_digests(now, route, buckets, true);
        }
    }

    fn send_item_digests(&mut self, now: Now, route: Route, buckets: u64, wants_answer: bool) {
        let ranges = |run: &Run, ranges: &[(u64, u64)]| RunRanges {
            origin: run.origin,
            start: run.start,
            ranges: ranges.to_vec(),
        };
        let mut room = DIGEST_RANGES_MAX;
        let fits = |(_, all): &(&Run, &[(u64, u64)])| {
            room = room.saturating_sub(all.len());
            room > 0
        };
        let runs = self.seen.runs_in(buckets).take(RUNS_MAX).take_while(fits);
        let runs = runs.map(|(run, all)| ranges(run, all)).collect();
        self.send_by(now, route, &Frame::ItemDigests { buckets, runs, wants_answer });
    }

    pub(crate) fn on_item_digests(
        &mut self,
        now: Now,
        route: Route,
        buckets: u64,
        theirs: &[RunRanges],
        wants_answer: bool,
    ) {
        let missing = self.missing_of(theirs);
        if !missing.is_empty() {
            if self.repair.wants.len() >= WANTS_MAX {
                self.counters.wants_shed += 1;
            } else {
                let number = self.repair.next;
                self.repair.next += 1;
                self.repair.wants.insert(number, Want { route, runs: missing });
                self.repair.due.set(number, now.mono + self.config.profile.repair_delay());
            }
        }
        if wants_answer {
            self.send_item_digests(now, route, buckets, false);
        }
    }

    fn missing_of(&self, theirs: &[RunRanges]) -> Vec<RunRanges> {
        let missing = |each: &RunRanges| {
            let run = Run { origin: each.origin, start: each.start };
            RunRanges { ranges: self.seen.missing(&run, &each.ranges, RANGES_MAX), ..each.clone() }
        };
        theirs.iter().map(missing).filter(|run| !run.ranges.is_empty()).collect()
    }

    /// Asks for what is still missing after the delay.
    pub(crate) fn want_missing(&mut self, now: Now) {
        while let Some((_, number)) = self.repair.due.pop_due(now.mono) {
            let Some(want) = self.repair.wants.remove(&number) else { continue };
            let missing = self.missing_of(&want.runs);
            if !missing.is_empty() {
                self.send_by(now, want.route, &Frame::Want(missing));
            }
        }
    }

    pub(crate) fn on_want(&mut self, now: Now, route: Route, runs: &[RunRanges]) {
        let mut answer = Answer::default();
        for each in runs {
            let run = Run { origin: each.origin, start: each.start };
            let mut gone = Vec::new();
            for &(first, last) in &each.ranges {
                // Only what this node has seen can be said to be gone.
                for (first, last) in overlap(self.seen.ranges(&run), first, last) {
                    answer.add(now, &self.store, run, (first, last), &mut gone);
                }
            }
            if let Some(restored) = self.repair.restored.get(&run) {
                gone = without(&gone, restored);
            }
            if !gone.is_empty() {
                answer.gone.push(RunRanges { ranges: gone, ..each.clone() });
            }
        }
        for item in answer.items {
            let frame = Frame::Item { item, wants_feedback: false, repair: true };
            self.send_by(now, route, &frame);
        }
        if !answer.gone.is_empty() {
            self.send_by(now, route, &Frame::Gone(answer.gone));
        }
    }

    pub(crate) fn on_gone(&mut self, now: Now, runs: &[RunRanges]) {
        for each in runs {
            let run = Run { origin: each.origin, start: each.start };
            for &range in &each.ranges {
                let missing = self.seen.missing(&run, &[range], RANGES_MAX);
                let count = missing.iter().map(|(first, last)| last - first + 1);
                self.counters.items_gone += count.sum::<u64>();
            }
            if self.seen.insert_ranges(&run, &each.ranges) {
                self.upkeep.note_item(run, now.unix.as_millis());
            }
        }
    }
}

/// The answer to a request for items, within its bounds.
#[derive(Default)]
struct Answer {
    items: Vec<Arc<Item>>,
    bytes: usize,
    full: bool,
    gone: Vec<RunRanges>,
}

impl Answer {
    /// Adds what `store` holds of a range that this node has seen; the rest of it is gone.
    fn add(
        &mut self,
        now: Now,
        store: &Store,
        run: Run,
        (first, last): (u64, u64),
        gone: &mut Vec<(u64, u64)>,
    ) {
        let mut next = first;
        for item in store.between(&run, first, last) {
            if self.full {
                return;
            }
            let seq = item.id.seq;
            if next < seq {
                extend(gone, next, seq - 1);
            }
            match fate(now, item) {
                Fate::Send => self.push(item),
                Fate::Gone => extend(gone, seq, seq),
                Fate::Unsaid => {}
            }
            next = seq + 1;
        }
        if next <= last && !self.full {
            extend(gone, next, last);
        }
    }

    fn push(&mut self, item: &Arc<Item>) {
        self.bytes += item.held_bytes();
        self.items.push(item.clone());
        self.full = self.items.len() >= ANSWER_ITEMS_MAX || self.bytes >= ANSWER_BYTES_MAX;
    }
}

enum Fate {
    Send,
    Gone,
    Unsaid,
}

fn fate(now: Now, item: &Item) -> Fate {
    let unix_millis = now.unix.as_millis();
    if item.expires_unix_millis.is_some_and(|expires| expires <= unix_millis) {
        Fate::Gone
    } else if item.repair {
        Fate::Send
    } else if unix_millis > item.time.unix_millis() + BARE_SPREAD_MAX_MILLIS {
        Fate::Gone
    } else {
        Fate::Unsaid
    }
}

/// Adds a range behind the others, joined to the last where they touch. What exceeds the limit of
/// ranges is left for a later round.
fn extend(ranges: &mut Vec<(u64, u64)>, first: u64, last: u64) {
    if let Some((_, end)) = ranges.last_mut()
        && end.saturating_add(1) >= first
    {
        *end = last.max(*end);
    } else if ranges.len() < RANGES_MAX {
        ranges.push((first, last));
    }
}

/// The parts of `ranges` that are not in `others`; both ascend.
fn without(ranges: &[(u64, u64)], others: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut left = Vec::new();
    for &(first, last) in ranges {
        let mut next = first;
        for (from, to) in overlap(others, first, last) {
            if next < from {
                left.push((next, from - 1));
            }
            next = to.saturating_add(1);
        }
        if next <= last && next > 0 {
            left.push((next, last));
        }
    }
    left.truncate(RANGES_MAX);
    left
}

/// The parts of `first..=last` that are in `ranges`.
fn overlap(ranges: &[(u64, u64)], first: u64, last: u64) -> Vec<(u64, u64)> {
    ranges
        .iter()
        .map(|&(from, to)| (from.max(first), to.min(last)))
        .filter(|(from, to)| from <= to)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_by_others() {
        assert_eq!(without(&[(1, 9)], &[]), [(1, 9)]);
        assert_eq!(without(&[(1, 9)], &[(1, 9)]), []);
        assert_eq!(without(&[(1, 9), (20, 30)], &[(3, 4), (8, 22)]), [(1, 2), (5, 7), (23, 30)]);
    }

    #[test]
    fn touching_ranges_are_joined() {
        let mut ranges = Vec::new();
        for (first, last) in [(1, 1), (2, 2), (4, 6), (7, 7)] {
            extend(&mut ranges, first, last);
        }
        assert_eq!(ranges, [(1, 2), (4, 7)]);
    }
}
