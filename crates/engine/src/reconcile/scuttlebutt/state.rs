//! One participant's copy of one node's state.

use super::message::{DigestEntry, Entry};
use crate::Instant;
use std::sync::Arc;

/// What a key is mapped to.
#[derive(Clone, Debug)]
pub(super) enum Slot {
    Live(Arc<[u8]>),
    /// A tombstone, to be dropped at a time.
    Dead {
        until: Instant,
    },
}

impl Slot {
    fn value(&self) -> Option<&Arc<[u8]>> {
        match self {
            Self::Live(value) => Some(value),
            Self::Dead { .. } => None,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Held {
    key: Box<str>,
    slot: Slot,
    version: u64,
}

impl Held {
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn value(&self) -> Option<&Arc<[u8]>> {
        self.slot.value()
    }

    pub(super) fn bytes(&self) -> usize {
        self.key.len() + self.value().map_or(0, |value| value.len())
    }

    pub(super) fn to_entry(&self) -> Entry {
        let value = self.value().map(|value| value.to_vec());
        Entry { key: self.key.to_string(), value, version: self.version }
    }
}

/// What is known of one node: its keys, values and tombstones, each with its version.
#[derive(Clone, Debug)]
pub struct NodeState {
    generation: u64,
    max_version: u64,
    purged_version: u64,
    /// By key.
    entries: Vec<Held>,
    bytes: usize,
}

impl NodeState {
    pub(super) fn new(generation: u64, purged_version: u64) -> Self {
        Self { generation, max_version: 0, purged_version, entries: Vec::new(), bytes: 0 }
    }

    /// Which run of the node it is of; at least 1.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Everything up to this version is known.
    pub fn max_version(&self) -> u64 {
        self.max_version
    }

    /// Deletions up to this version are forgotten, and none of the keys they deleted is held.
    pub fn purged_version(&self) -> u64 {
        self.purged_version
    }

    /// Keys, values and versions, by key; without tombstones.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Arc<[u8]>, u64)> {
        self.entries.iter().filter_map(|held| Some((held.key(), held.value()?, held.version)))
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Arc<[u8]>> {
        self.held(key)?.value()
    }

    /// Bytes of keys, values and tombstones.
    pub fn held_bytes(&self) -> usize {
        self.bytes
    }

    /// Keys and tombstones.
    pub fn held_count(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn digest<I>(&self, id: I) -> DigestEntry<I> {
        DigestEntry {
            id,
            generation: self.generation,
            max_version: self.max_version,
            purged_version: self.purged_version,
        }
    }

    pub(super) fn held(&self, key: &str) -> Option<&Held> {
        self.find(key).ok().map(|index| &self.entries[index])
    }

    fn find(&self, key: &str) -> Result<usize, usize> {
        self.entries.binary_search_by(|held| held.key().cmp(key))
    }

    /// Maps a key; true if its value is another than before.
    pub(super) fn put(&mut self, key: &str, slot: Slot, version: u64) -> bool {
        let held = Held { key: key.into(), slot, version };
        self.bytes += held.bytes();
        match self.find(key) {
            Ok(index) => {
                let old = std::mem::replace(&mut self.entries[index], held);
                self.bytes -= old.bytes();
                old.value() != self.entries[index].value()
            }
            Err(index) => {
                let is_live = held.value().is_some();
                self.entries.insert(index, held);
                is_live
            }
        }
    }

    /// Raises what is known; never lowers it.
    pub(super) fn known_up_to(&mut self, version: u64) {
        self.max_version = self.max_version.max(version);
    }

    /// How many entries are above a version.
    pub(super) fn count_after(&self, from: u64) -> usize {
        self.entries.iter().filter(|held| held.version > from).count()
    }

    /// The entries above a version, in version order.
    pub(super) fn after(&self, from: u64) -> Vec<&Held> {
        let mut after: Vec<&Held> =
            self.entries.iter().filter(|held| held.version > from).collect();
        after.sort_unstable_by_key(|held| held.version);
        after
    }

    /// The live entries in version order, numbered anew from 1, under another generation.
    pub(super) fn restamped(&self, generation: u64) -> Self {
        let mut fresh = Self::new(generation, 0);
        for held in self.after(0) {
            if let Some(value) = held.value() {
                let version = fresh.max_version + 1;
                fresh.put(held.key(), Slot::Live(Arc::clone(value)), version);
                fresh.known_up_to(version);
            }
        }
        fresh
    }

    /// The keys whose value differs from that in `old`, by key.
    pub(super) fn changed_since(&self, old: &Self) -> Vec<String> {
        let gone = old.entries().filter(|(key, _, _)| self.get(key).is_none());
        let new = self.entries().filter(|(key, value, _)| old.get(key) != Some(*value));
        let mut keys: Vec<String> = gone.chain(new).map(|(key, _, _)| key.to_owned()).collect();
        keys.sort_unstable();
        keys
    }

    /// Drops the tombstones that are due, and says how many.
    pub(super) fn purge(&mut self, now: Instant) -> usize {
        self.drop_tombstones(|_, until| until <= now)
    }

    /// Drops the `count` lowest tombstones, and says how many there were.
    pub(super) fn shed_tombstones(&mut self, count: usize) -> usize {
        let mut dead: Vec<u64> = self.tombstones().map(|held| held.version).collect();
        dead.sort_unstable();
        dead.truncate(count);
        match dead.last() {
            Some(&last) => self.drop_tombstones(|version, _| version <= last),
            None => 0,
        }
    }

    /// The tombstones, by key.
    pub(super) fn tombstones(&self) -> impl Iterator<Item = &Held> {
        self.entries.iter().filter(|held| held.value().is_none())
    }

    /// When the first tombstone is due.
    pub(super) fn next_purge(&self) -> Option<Instant> {
        let dead = self.entries.iter().filter_map(|held| match held.slot {
            Slot::Dead { until } => Some(until),
            Slot::Live(_) => None,
        });
        dead.min()
    }

    fn drop_tombstones(&mut self, is_due: impl Fn(u64, Instant) -> bool) -> usize {
        let before = self.entries.len();
        let (mut purged, mut freed) = (self.purged_version, 0);
        self.entries.retain(|held| {
            let drop = match held.slot {
                Slot::Dead { until } => is_due(held.version, until),
                Slot::Live(_) => false,
            };
            if drop {
                purged = purged.max(held.version);
                freed += held.bytes();
            }
            !drop
        });
        self.purged_version = purged;
        self.bytes -= freed;
        before - self.entries.len()
    }
}
