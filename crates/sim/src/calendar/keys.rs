//! Which entries that can be cancelled have been.

use super::entry::Entry;

/// No slot: an entry that cannot be cancelled.
pub(super) const NO_SLOT: u32 = u32::MAX;
/// In a slot: no entry has it.
const FREE: u64 = 0;

/// Names an entry, for as long as the calendar lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    sequence: u64,
    slot: u32,
}

impl Key {
    pub(super) fn slot(self) -> u32 {
        self.slot
    }
}

/// A slot for each live entry that can be cancelled: it holds the entry's sequence number, so that
/// an entry whose slot has another owner is known to be cancelled.
#[derive(Debug, Default)]
pub(super) struct Keys {
    owners: Vec<u64>,
    free: Vec<u32>,
    /// Entries that are cancelled and not yet dropped.
    cancelled: usize,
}

impl Keys {
    pub(super) fn add(&mut self, sequence: u64) -> Key {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.owners.push(FREE);
            u32::try_from(self.owners.len() - 1).expect("fewer than 2³² entries with a key")
        });
        assert!(slot != NO_SLOT, "fewer than 2³² - 1 entries with a key");
        self.owners[index(slot)] = sequence;
        Key { sequence, slot }
    }

    /// Ends a key; false if it had ended.
    pub(super) fn remove(&mut self, key: Key) -> bool {
        let is_live = self.owners.get(index(key.slot)) == Some(&key.sequence);
        if is_live {
            self.release(key.slot);
            self.cancelled += 1;
        }
        is_live
    }

    pub(super) fn is_live<P>(&self, entry: &Entry<P>) -> bool {
        entry.slot == NO_SLOT || self.owners[index(entry.slot)] == entry.sequence
    }

    /// The entry is popped: ends its key. False if it was cancelled.
    pub(super) fn end<P>(&mut self, entry: &Entry<P>) -> bool {
        let is_live = self.is_live(entry);
        if is_live && entry.slot != NO_SLOT {
            self.release(entry.slot);
        }
        is_live
    }

    pub(super) fn cancelled(&self) -> usize {
        self.cancelled
    }

    /// One entry that was cancelled is dropped.
    pub(super) fn forget_cancelled(&mut self) {
        self.cancelled -= 1;
    }

    /// All of them are.
    pub(super) fn forget_all_cancelled(&mut self) {
        self.cancelled = 0;
    }

    fn release(&mut self, slot: u32) {
        self.owners[index(slot)] = FREE;
        self.free.push(slot);
    }
}

fn index(slot: u32) -> usize {
    usize::try_from(slot).expect("slots are held in a Vec")
}
