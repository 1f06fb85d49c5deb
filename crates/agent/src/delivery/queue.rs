//! Items that wait for one consumer.
//!
//! An item waits until it is due: at once when it comes, later when it is to be tried again.
//! The one that has been due longest is taken first, so that repetitions and new items share
//! the consumer fairly. Of an ordered subscription's items only the first of each origin is ever
//! due, see [`Chains`]. When a bound is passed, the item that was accepted first is shed,
//! whatever it waits for. Pure: time is an argument.
//!
//! Nothing here walks over all that waits but for [`Queue::drain`]: a queue may hold millions
//! while the lock around it is what every offer takes.

use super::entry::Entry;
use super::fifo::{Chains, Run, Turn};
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;

/// The bounded queue of one subscription.
#[derive(Debug, Default)]
pub(super) struct Queue {
    by_number: BTreeMap<u64, Box<Entry>>,
    /// Those that may be tried, by when.
    by_due: BTreeSet<(Instant, u64)>,
    chains: Chains,
    bytes: usize,
    last_number: u64,
    /// How often all was started over, and when last.
    epoch: u32,
    started_over: Option<Instant>,
}

impl Queue {
    /// Takes a new entry; its number.
    pub(super) fn push(&mut self, mut entry: Box<Entry>) -> u64 {
        self.last_number += 1;
        entry.number = self.last_number;
        entry.epoch = self.epoch;
        self.insert(entry);
        self.last_number
    }

    /// Lets numbers begin after `number`.
    pub(super) fn skip_numbers(&mut self, number: u64) {
        self.last_number = self.last_number.max(number);
    }

    /// Takes back an entry that is to be tried again at `due`. It keeps its place in the order
    /// of acceptance.
    pub(super) fn put_back(&mut self, mut entry: Box<Entry>, due: Instant) {
        entry.due = due;
        let run = entry.chained.map(|at| at.run);
        self.insert(entry);
        if let Some(run) = run {
            self.free(run);
        }
    }

    /// The entry of this run that was taken has ended: the next may follow.
    pub(super) fn free(&mut self, run: Run) {
        let turn = self.chains.free(run);
        self.follow(&turn);
    }

    fn insert(&mut self, entry: Box<Entry>) {
        let (number, chained) = (entry.number, entry.chained);
        self.bytes += entry.bytes;
        let before = self.by_number.insert(number, entry);
        debug_assert!(before.is_none(), "an entry is in the queue or under way, not both");
        let turn = match chained {
            None => Turn { may: Some(number), may_not: None },
            Some(at) => self.chains.insert(at, number),
        };
        self.follow(&turn);
    }

    fn follow(&mut self, turn: &Turn) {
        if let Some(number) = turn.may_not
            && let Some(entry) = self.by_number.get(&number)
        {
            self.by_due.remove(&(entry.due, number));
        }
        if let Some(number) = turn.may {
            self.schedule(number);
        }
    }

    /// Lets an entry be tried when it is due. What it is found under is what it says itself.
    fn schedule(&mut self, number: u64) {
        let Some(entry) = self.by_number.get_mut(&number) else { return };
        if entry.epoch != self.epoch
            && let Some(at) = self.started_over
        {
            entry.due = entry.due.min(at);
        }
        if let Some(gap) = entry.chained.and_then(|at| at.gap) {
            entry.due = entry.due.max(gap.until);
        }
        self.by_due.insert((entry.due, number));
    }

    fn remove(&mut self, number: u64, is_taken: bool) -> Option<Box<Entry>> {
        let entry = self.by_number.remove(&number)?;
        self.by_due.remove(&(entry.due, number));
        self.bytes -= entry.bytes;
        if let Some(at) = entry.chained {
            let turn = self.chains.remove(at, number, is_taken);
            self.follow(&turn);
        }
        Some(entry)
    }

    /// The entry that has been due longest. Where the entries of its origin go in order,
    /// [`Queue::put_back`] or [`Queue::free`] must follow.
    pub(super) fn take(&mut self, now: Instant) -> Option<Box<Entry>> {
        let &(due, number) = self.by_due.first()?;
        if due > now {
            return None;
        }
        let mut entry = self.remove(number, true)?;
        if entry.epoch != self.epoch {
            entry.epoch = self.epoch;
            entry.attempts_counted = 0;
            entry.first_attempt = None;
        }
        Some(entry)
    }

    /// The entry that [`Queue::take`] would give.
    pub(super) fn peek(&self, now: Instant) -> Option<&Entry> {
        let &(due, number) = self.by_due.first()?;
        if due > now { None } else { self.by_number.get(&number).map(|entry| &**entry) }
    }

    /// When the next entry is due, or has been.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.by_due.first().map(|&(due, _)| due)
    }

    /// An item of `run` came, or will not: those that waited for it do so no longer.
    pub(super) fn arrived(&mut self, run: Run, seq: u64) {
        let waited = |number: &u64| {
            let entry = self.by_number.get(number);
            entry.and_then(|entry| entry.chained?.gap).is_some_and(|gap| gap.seq == seq)
        };
        let waited: Vec<u64> = self.chains.after(run, seq).filter(waited).collect();
        for number in waited {
            let Some(entry) = self.by_number.get_mut(&number) else { continue };
            let Some(at) = &mut entry.chained else { continue };
            at.gap = None;
            let (at, due) = (*at, entry.due);
            // Who waits for another has not been tried.
            entry.due = entry.accepted;
            if self.by_due.remove(&(due, number)) {
                debug_assert!(self.chains.may_go(at, number), "only the first of a chain is due");
                self.schedule(number);
            }
        }
    }

    /// Removes what is over the bounds: first items that are larger than all the queue may
    /// hold, then the oldest.
    pub(super) fn shed(&mut self, items_max: usize, bytes_max: usize) -> Vec<Entry> {
        let mut shed = Vec::new();
        if self.bytes > bytes_max
            && let Some((&newest, entry)) = self.by_number.last_key_value()
            && entry.bytes > bytes_max
        {
            shed.extend(self.remove(newest, false).map(|entry| *entry));
        }
        while self.by_number.len() > items_max || self.bytes > bytes_max {
            let Some((&oldest, _)) = self.by_number.first_key_value() else { break };
            shed.extend(self.remove(oldest, false).map(|entry| *entry));
        }
        shed
    }

    /// Makes everything due at once, with all its attempts before it again. Takes time only for
    /// what was to be tried later.
    pub(super) fn start_over(&mut self, now: Instant) {
        let later = self.by_due.split_off(&(now, u64::MAX));
        self.epoch = self.epoch.wrapping_add(1);
        self.started_over = Some(now);
        for (_, number) in later {
            self.schedule(number);
        }
    }

    /// Empties it, the oldest first. What is under way is not affected.
    pub(super) fn drain(&mut self) -> Vec<Entry> {
        self.by_due.clear();
        self.chains.clear_waiting();
        self.bytes = 0;
        std::mem::take(&mut self.by_number).into_values().map(|entry| *entry).collect()
    }

    /// All that waits, the oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.by_number.values().map(|entry| &**entry)
    }

    /// How many items wait.
    pub(super) fn len(&self) -> usize {
        self.by_number.len()
    }

    /// How many bytes they hold.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// When the oldest of them was offered.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.by_number.first_key_value().map(|(_, entry)| entry.accepted)
    }

    /// Whether all parts agree on what waits, and whoever may be tried is found.
    #[cfg(test)]
    pub(super) fn check(&self) {
        let bytes: usize = self.by_number.values().map(|entry| entry.bytes).sum();
        assert_eq!(bytes, self.bytes);
        for entry in self.by_number.values() {
            let may = entry.chained.is_none_or(|at| self.chains.may_go(at, entry.number));
            assert_eq!(self.by_due.contains(&(entry.due, entry.number)), may, "{entry:?}");
        }
        assert!(self.by_due.iter().all(|(_, number)| self.by_number.contains_key(number)));
    }
}
