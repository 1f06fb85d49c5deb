//! The future events of a simulation, in the order (time, sequence number).
//!
//! # Intuition
//!
//! A desk calendar: what is to happen is noted, unsorted, under its day; only the page of today is
//! kept in order. So an event costs a few moves of memory that lie side by side, and not log n
//! cache misses as in a heap or a tree.
//!
//! # How
//!
//! A day is a *bucket*. Level 0 has 256 buckets of 1 ns, level 1 has 256 of 256 ns, and so on: 8
//! levels hold every moment of 64 bits. An entry lies at the level of the highest byte in which
//! its time differs from the end of today. When today is over, the next bucket that is not empty
//! is opened: one of few entries becomes today and is sorted; a full one is split into the buckets
//! of the level below. That is how the width of a day adapts to what happens: no parameter has to
//! be chosen, and no entry is moved more than eight times. An entry that is scheduled for today is
//! appended, if it is the last one, or goes into a small heap; when the heap is too large, today
//! is narrowed and the rest goes back into buckets.
//!
//! Memory: a slot for each entry in a growing array, at most as much again for what has been
//! cancelled, 50 KiB of buckets, and at most 64 emptied arrays of up to 1,024 slots.
//!
//! # Sources
//!
//! * R. Brown, "Calendar queues: a fast O(1) priority queue implementation for the simulation
//!   event set problem", CACM 31(10), 1988: days, and today in order.
//! * Varghese, Lauck, "Hashed and hierarchical timing wheels", SOSP 1987: levels.
//! * Tang, Goh, Thng, "Ladder queue", ACM TOMACS 15(3), 2005: a bucket is sorted when it is few,
//!   split when it is many.

mod buckets;
mod entry;
mod keys;
#[cfg(test)]
mod tests;

pub use keys::Key;

use bruit_engine::Instant;
use buckets::{Buckets, LEVELS, last_of};
use entry::Entry;
use keys::Keys;
use std::collections::{BinaryHeap, VecDeque};

/// A bucket of at most so many entries becomes today; above, it is split. Guess: they fit in the
/// cache that is nearest, and to sort them costs about as much as one split.
const DAY_MAX: usize = 512;
/// So many entries out of order make today too wide. Guess.
const HEAP_MAX: usize = 64;

/// Entries in the order (time, order of scheduling). See the [module](self).
#[derive(Debug)]
pub struct Calendar<P> {
    buckets: Buckets<P>,
    /// Entries not after `today_last`, in order.
    today: VecDeque<Entry<P>>,
    /// Further entries not after `today_last`.
    unordered: BinaryHeap<Entry<P>>,
    /// The level of the bucket that today is.
    level: usize,
    /// The last nanosecond of today.
    today_last: u64,
    keys: Keys,
    sequence: u64,
    /// All entries, those that are cancelled included.
    len: usize,
}

impl<P> Default for Calendar<P> {
    fn default() -> Self {
        Self {
            buckets: Buckets::default(),
            today: VecDeque::new(),
            unordered: BinaryHeap::new(),
            level: 0,
            today_last: 0,
            keys: Keys::default(),
            sequence: 0,
            len: 0,
        }
    }
}

impl<P> Calendar<P> {
    /// Schedules something that can be cancelled.
    pub fn schedule(&mut self, at: Instant, payload: P) -> Key {
        self.sequence += 1;
        let key = self.keys.add(self.sequence);
        self.add(Entry::new(at, self.sequence, Some(key), payload));
        key
    }

    /// Schedules something that cannot be cancelled, which is cheaper.
    pub fn post(&mut self, at: Instant, payload: P) {
        self.sequence += 1;
        self.add(Entry::new(at, self.sequence, None, payload));
    }

    /// Takes an entry out; false if it has been popped or cancelled before.
    pub fn cancel(&mut self, key: Key) -> bool {
        let was_live = self.keys.remove(key);
        if was_live {
            self.sweep();
        }
        was_live
    }

    /// When the first entry is due.
    pub fn next_at(&mut self) -> Option<Instant> {
        loop {
            let first = match (self.today.front(), self.unordered.peek()) {
                (Some(a), Some(b)) => a.max(b),
                (Some(entry), None) | (None, Some(entry)) => entry,
                (None, None) => {
                    if !self.open() {
                        return None;
                    }
                    continue;
                }
            };
            if self.keys.is_live(first) {
                return Some(first.at());
            }
            self.take_first();
        }
    }

    /// Removes and returns the first entry.
    pub fn pop(&mut self) -> Option<(Instant, P)> {
        loop {
            let entry = match self.take_first() {
                Some(entry) => entry,
                None if self.open() => continue,
                None => return None,
            };
            if self.keys.end(&entry) {
                return Some((entry.at(), entry.payload));
            }
        }
    }

    /// What comes next, as far as it is known to be today's: a hint for those who want to have the
    /// memory at hand that the next entries need. Not exact: entries may be cancelled, or out of
    /// order with those that came later.
    pub fn upcoming(&self) -> impl Iterator<Item = &P> {
        self.today.iter().map(|entry| &entry.payload)
    }

    /// How many entries are due in the future.
    pub fn len(&self) -> usize {
        self.len - self.keys.cancelled()
    }

    /// True when nothing is due.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn add(&mut self, entry: Entry<P>) {
        self.len += 1;
        if entry.nanos > self.today_last {
            self.buckets.put(self.today_last, entry);
            return;
        }
        if self.today.back().is_none_or(|last| last.nanos <= entry.nanos) {
            self.today.push_back(entry);
            return;
        }
        self.unordered.push(entry);
        if self.unordered.len() > HEAP_MAX && self.level > 0 {
            self.narrow();
        }
    }

    /// The first entry of today, live or not.
    fn take_first(&mut self) -> Option<Entry<P>> {
        let from_heap = match (self.today.front(), self.unordered.peek()) {
            (Some(a), Some(b)) => b > a,
            (None, Some(_)) => true,
            (_, None) => false,
        };
        let entry = if from_heap { self.unordered.pop() } else { self.today.pop_front() }?;
        self.len -= 1;
        if !self.keys.is_live(&entry) {
            self.keys.forget_cancelled();
        }
        Some(entry)
    }

    /// Makes the next bucket today; false if all are empty.
    fn open(&mut self) -> bool {
        debug_assert!(self.today.is_empty() && self.unordered.is_empty(), "today is not over");
        while let Some((level, bucket)) = self.buckets.take_first() {
            if bucket.len() > DAY_MAX && level > 0 {
                self.buckets.split(level, bucket);
                continue;
            }
            let first = bucket.first().expect("a bucket that is listed is not empty");
            self.level = level;
            self.today_last = last_of(level, first.nanos);
            let mut bucket = bucket;
            bucket.sort_unstable_by(|a, b| b.cmp(a));
            self.today.extend(bucket.drain(..));
            self.buckets.give_back(bucket);
            return true;
        }
        false
    }

    /// Makes today shorter, so that what comes later in it is not kept in order any more.
    fn narrow(&mut self) {
        let width = last_of(self.level, 0);
        let start = self.today_last - width;
        let firsts = [self.today.front(), self.unordered.peek()];
        let first = firsts.into_iter().flatten().map(|entry| entry.nanos).min().unwrap_or(start);
        self.level -= 1;
        self.today_last = last_of(self.level, first.max(start));
        let last = self.today_last;
        let keep = self.today.partition_point(|entry| entry.nanos <= last);
        for entry in self.today.drain(keep..) {
            self.buckets.put(last, entry);
        }
        for entry in std::mem::take(&mut self.unordered) {
            if entry.nanos > last {
                self.buckets.put(last, entry);
            } else {
                self.unordered.push(entry);
            }
        }
    }

    /// Drops what is cancelled when it is more than what is not.
    fn sweep(&mut self) {
        if self.keys.cancelled() < DAY_MAX || self.keys.cancelled() * 2 < self.len {
            return;
        }
        let keys = &self.keys;
        self.today.retain(|entry| keys.is_live(entry));
        self.unordered.retain(|entry| keys.is_live(entry));
        let in_buckets = self.buckets.retain(|entry| keys.is_live(entry));
        self.len = self.today.len() + self.unordered.len() + in_buckets;
        self.keys.forget_all_cancelled();
    }
}

const _: () = assert!(LEVELS * 8 == 64, "the levels hold every moment");
