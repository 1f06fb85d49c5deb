//! Items that wait for one consumer.
//!
//! An item waits until it is due: at once when it comes, later when it is to be tried again.
//! The one that has been due longest is taken first, so that repetitions and new items share
//! the consumer fairly. When a bound is passed, the item that was accepted first is shed,
//! whatever it waits for. Pure: time is an argument.

use bruit_model::Item;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::time::Instant;

/// An item on its way to one consumer.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The item.
    pub(super) item: Arc<Item>,
    /// Its place in the order of acceptance.
    pub(super) seq: u64,
    /// When it was offered.
    pub(super) accepted: Instant,
    /// How many attempts were made.
    pub(super) attempts: u32,
    /// How many of them count against the policy: those since the last resume.
    pub(super) attempts_counted: u32,
    /// When the first of those began.
    pub(super) first_attempt: Option<Instant>,
    /// What the consumer answered last.
    pub(super) last_status: Option<u16>,
    due: Instant,
    bytes: usize,
}

/// The bounded queue of one subscription.
#[derive(Debug, Default)]
pub(super) struct Queue {
    by_seq: BTreeMap<u64, Entry>,
    by_due: BTreeSet<(Instant, u64)>,
    bytes: usize,
    seq: u64,
}

impl Queue {
    /// Takes a new item, due at once.
    pub(super) fn push(&mut self, item: Arc<Item>, now: Instant) {
        self.seq += 1;
        let bytes = item.held_bytes();
        self.insert(Entry {
            item,
            seq: self.seq,
            accepted: now,
            attempts: 0,
            attempts_counted: 0,
            first_attempt: None,
            last_status: None,
            due: now,
            bytes,
        });
    }

    /// Takes back an item that is to be tried again at `due`. It keeps its place in the order
    /// of acceptance.
    pub(super) fn put_back(&mut self, mut entry: Entry, due: Instant) {
        entry.due = due;
        self.insert(entry);
    }

    fn insert(&mut self, entry: Entry) {
        self.bytes += entry.bytes;
        self.by_due.insert((entry.due, entry.seq));
        let before = self.by_seq.insert(entry.seq, entry);
        debug_assert!(before.is_none(), "an entry is in the queue or in flight, not both");
    }

    fn remove(&mut self, seq: u64) -> Option<Entry> {
        let entry = self.by_seq.remove(&seq)?;
        self.by_due.remove(&(entry.due, seq));
        self.bytes -= entry.bytes;
        debug_assert_eq!(self.by_seq.len(), self.by_due.len());
        Some(entry)
    }

    /// The item that has been due longest.
    pub(super) fn take(&mut self, now: Instant) -> Option<Entry> {
        let &(due, seq) = self.by_due.first()?;
        if due <= now { self.remove(seq) } else { None }
    }

    /// When the next item is due, or has been.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.by_due.first().map(|&(due, _)| due)
    }

    /// Removes what is over the bounds: first items that are larger than all the queue may
    /// hold, then the oldest.
    pub(super) fn shed(&mut self, items_max: usize, bytes_max: usize) -> Vec<Entry> {
        let mut shed = Vec::new();
        if self.bytes > bytes_max
            && let Some((&newest, entry)) = self.by_seq.last_key_value()
            && entry.bytes > bytes_max
        {
            shed.extend(self.remove(newest));
        }
        while self.by_seq.len() > items_max || self.bytes > bytes_max {
            let Some((&oldest, _)) = self.by_seq.first_key_value() else { break };
            shed.extend(self.remove(oldest));
        }
        shed
    }

    /// Makes everything due at once, with all its attempts before it again.
    pub(super) fn start_over(&mut self, now: Instant) {
        self.by_due.clear();
        for entry in self.by_seq.values_mut() {
            entry.due = now;
            entry.attempts_counted = 0;
            entry.first_attempt = None;
            self.by_due.insert((now, entry.seq));
        }
    }

    /// Empties it, the oldest first.
    pub(super) fn drain(&mut self) -> Vec<Entry> {
        self.by_due.clear();
        self.bytes = 0;
        std::mem::take(&mut self.by_seq).into_values().collect()
    }

    /// How many items wait.
    pub(super) fn len(&self) -> usize {
        self.by_seq.len()
    }

    /// How many bytes they hold.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// When the oldest of them was offered.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.by_seq.first_key_value().map(|(_, entry)| entry.accepted)
    }
}
