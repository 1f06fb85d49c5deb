//! A set of named deadlines.

use crate::Instant;
use std::collections::{BTreeMap, BTreeSet};

/// At most one deadline per key. `set` replaces, `pop_due` yields in the order (time, key);
/// all operations are O(log n).
#[derive(Clone, Debug)]
pub struct Deadlines<K> {
    by_time: BTreeSet<(Instant, K)>,
    by_key: BTreeMap<K, Instant>,
}

impl<K: Ord + Clone> Default for Deadlines<K> {
    fn default() -> Self {
        Self { by_time: BTreeSet::new(), by_key: BTreeMap::new() }
    }
}

impl<K: Ord + Clone> Deadlines<K> {
    /// Arms or moves the deadline of `key`.
    pub fn set(&mut self, key: K, at: Instant) {
        if let Some(old) = self.by_key.insert(key.clone(), at) {
            self.by_time.remove(&(old, key.clone()));
        }
        self.by_time.insert((at, key));
        debug_assert_eq!(self.by_time.len(), self.by_key.len(), "one time per key");
    }

    /// Disarms `key`; false if it was not armed.
    pub fn cancel(&mut self, key: &K) -> bool {
        match self.by_key.remove(key) {
            Some(at) => self.by_time.remove(&(at, key.clone())),
            None => false,
        }
    }

    /// When `key` is due.
    pub fn get(&self, key: &K) -> Option<Instant> {
        self.by_key.get(key).copied()
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<Instant> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Removes and returns the earliest deadline that is not after `now`.
    pub fn pop_due(&mut self, now: Instant) -> Option<(Instant, K)> {
        if self.next()? > now {
            return None;
        }
        let (at, key) = self.by_time.pop_first()?;
        self.by_key.remove(&key);
        Some((at, key))
    }

    /// How many are armed.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// True when none is armed.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: u64) -> Instant {
        Instant::from_nanos(nanos)
    }

    #[test]
    fn set_replaces_and_due_ones_come_in_order() {
        let mut deadlines = Deadlines::default();
        deadlines.set("b", at(5));
        deadlines.set("a", at(5));
        deadlines.set("c", at(9));
        deadlines.set("c", at(1));
        assert_eq!(deadlines.next(), Some(at(1)));
        assert_eq!(deadlines.pop_due(at(5)), Some((at(1), "c")));
        assert_eq!(deadlines.pop_due(at(5)), Some((at(5), "a")));
        assert!(deadlines.cancel(&"b"));
        assert!(!deadlines.cancel(&"b"));
        assert_eq!(deadlines.pop_due(at(9)), None);
        assert!(deadlines.is_empty());
    }
}
