//! A set of named deadlines.

use crate::Instant;
use std::collections::{BTreeMap, BTreeSet};

/// Up to so many deadlines lie in an array.
const FEW: usize = 8;

/// At most one deadline per key. `set` replaces, `pop_due` yields in the order (time, key);
/// all operations are O(log n). A few take one small array, none take no memory but this.
#[derive(Clone, Debug)]
pub struct Deadlines<K> {
    /// The earliest, so that asking for it touches nothing else.
    first: Option<Instant>,
    armed: Armed<K>,
}

#[derive(Clone, Debug)]
enum Armed<K> {
    /// Latest first.
    Few(Vec<(Instant, K)>),
    Many(Box<Trees<K>>),
}

#[derive(Clone, Debug)]
struct Trees<K> {
    by_time: BTreeSet<(Instant, K)>,
    by_key: BTreeMap<K, Instant>,
}

impl<K: Ord + Clone> Default for Deadlines<K> {
    fn default() -> Self {
        Self { first: None, armed: Armed::Few(Vec::new()) }
    }
}

impl<K: Ord + Clone> Deadlines<K> {
    /// Arms or moves the deadline of `key`.
    pub fn set(&mut self, key: K, at: Instant) {
        self.armed.remove(&key);
        self.armed.insert(at, key);
        self.first = self.armed.first();
    }

    /// Disarms `key`; false if it was not armed.
    pub fn cancel(&mut self, key: &K) -> bool {
        let was_armed = self.first.is_some() && self.armed.remove(key);
        if was_armed {
            self.first = self.armed.first();
        }
        was_armed
    }

    /// When `key` is due.
    pub fn get(&self, key: &K) -> Option<Instant> {
        match &self.armed {
            Armed::Few(few) => few.iter().find(|(_, other)| other == key).map(|(at, _)| *at),
            Armed::Many(many) => many.by_key.get(key).copied(),
        }
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<Instant> {
        self.first
    }

    /// Removes and returns the earliest deadline that is not after `now`.
    pub fn pop_due(&mut self, now: Instant) -> Option<(Instant, K)> {
        if self.first? > now {
            return None;
        }
        let due = self.armed.pop_first();
        self.first = self.armed.first();
        due
    }

    /// How many are armed.
    pub fn len(&self) -> usize {
        match &self.armed {
            Armed::Few(few) => few.len(),
            Armed::Many(many) => many.by_key.len(),
        }
    }

    /// True when none is armed.
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }
}

impl<K: Ord + Clone> Armed<K> {
    fn first(&self) -> Option<Instant> {
        match self {
            Self::Few(few) => few.last().map(|(at, _)| *at),
            Self::Many(many) => many.by_time.first().map(|(at, _)| *at),
        }
    }

    /// Adds a key that is not armed.
    fn insert(&mut self, at: Instant, key: K) {
        match self {
            Self::Few(few) if few.len() < FEW => {
                if few.is_empty() {
                    few.reserve_exact(1);
                }
                let place = few.partition_point(|(other, name)| (*other, name) > (at, &key));
                few.insert(place, (at, key));
            }
            Self::Few(few) => {
                let by_key = few.iter().map(|(at, key)| (key.clone(), *at)).collect();
                let by_time = std::mem::take(few).into_iter().collect();
                let mut trees = Box::new(Trees { by_time, by_key });
                trees.insert(at, key);
                *self = Self::Many(trees);
            }
            Self::Many(many) => many.insert(at, key),
        }
    }

    fn remove(&mut self, key: &K) -> bool {
        match self {
            Self::Few(few) => match few.iter().position(|(_, other)| other == key) {
                Some(place) => {
                    few.remove(place);
                    true
                }
                None => false,
            },
            Self::Many(many) => {
                let Some(at) = many.by_key.remove(key) else { return false };
                many.by_time.remove(&(at, key.clone()));
                self.shrink();
                true
            }
        }
    }

    fn pop_first(&mut self) -> Option<(Instant, K)> {
        match self {
            Self::Few(few) => few.pop(),
            Self::Many(many) => {
                let first = many.by_time.pop_first()?;
                many.by_key.remove(&first.1);
                self.shrink();
                Some(first)
            }
        }
    }

    /// Gives the trees back when they are empty.
    fn shrink(&mut self) {
        if matches!(self, Self::Many(many) if many.by_key.is_empty()) {
            *self = Self::Few(Vec::new());
        }
    }
}

impl<K: Ord + Clone> Trees<K> {
    fn insert(&mut self, at: Instant, key: K) {
        self.by_key.insert(key.clone(), at);
        self.by_time.insert((at, key));
        debug_assert_eq!(self.by_time.len(), self.by_key.len(), "one time per key");
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

    #[test]
    fn few_and_many_agree_with_two_trees() {
        let mut rng = crate::Rng::from_seed(2);
        let (mut deadlines, mut by_key) = (Deadlines::default(), BTreeMap::new());
        let first =
            |by_key: &BTreeMap<u64, Instant>| by_key.iter().map(|(key, at)| (*at, *key)).min();
        for _ in 0..20_000 {
            let (key, time) = (rng.below(20), at(rng.below(50)));
            match rng.below(5) {
                0 | 1 => {
                    deadlines.set(key, time);
                    by_key.insert(key, time);
                }
                2 | 3 => assert_eq!(deadlines.cancel(&key), by_key.remove(&key).is_some()),
                _ => {
                    let due = first(&by_key).filter(|(at, _)| *at <= time);
                    if let Some((_, key)) = due {
                        by_key.remove(&key);
                    }
                    assert_eq!(deadlines.pop_due(time), due);
                }
            }
            assert_eq!(deadlines.next(), first(&by_key).map(|(at, _)| at));
            assert_eq!(deadlines.get(&key), by_key.get(&key).copied());
            assert_eq!((deadlines.len(), deadlines.is_empty()), (by_key.len(), by_key.is_empty()));
        }
    }
}
