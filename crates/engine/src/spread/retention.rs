//! How long items are kept for those who missed them.
//!
//! Each item belongs to a group (a topic). A group is bounded by count, by bytes and by age; the
//! first bound that is reached sheds the group's oldest items, by arrival here. The payloads are
//! the caller's: it drops those whose keys are returned. Which items a node has *seen* is another
//! matter, and outlives this ([`super::intervals`]).

use crate::{Deadlines, Instant};
use std::collections::BTreeMap;
use std::time::Duration;

/// The bounds of one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// At most this many items.
    pub items_max: u32,
    /// At most this many bytes, as the caller counts them.
    pub bytes_max: u64,
    /// Kept for less than this long.
    pub age_max: Duration,
}

/// What was shed since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shed {
    /// Items shed because their group held too many.
    pub by_count: u64,
    /// Items shed because their group held too many bytes.
    pub by_bytes: u64,
    /// Items shed because of their age.
    pub by_age: u64,
    /// Items not kept at all: their group's bounds have no room for even this one.
    pub refused: u64,
}

#[derive(Clone, Debug)]
struct Held<K> {
    key: K,
    bytes: u64,
    arrived: Instant,
}

#[derive(Clone, Debug)]
struct Group<K> {
    bounds: Bounds,
    /// In order of arrival.
    items: BTreeMap<u64, Held<K>>,
    bytes: u64,
}

impl<K> Group<K> {
    fn is_over(&self) -> Option<Bound> {
        if self.items.len() as u64 > u64::from(self.bounds.items_max) {
            Some(Bound::Count)
        } else if self.bytes > self.bounds.bytes_max {
            Some(Bound::Bytes)
        } else {
            None
        }
    }

    /// When the oldest is to go.
    fn expires(&self) -> Option<Instant> {
        self.items.first_key_value().map(|(_, held)| held.arrived + self.bounds.age_max)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    Count,
    Bytes,
    Age,
}

/// The keys of the items that are kept, per group `G`, oldest first.
///
/// Memory: one entry per kept item; a group without items takes none.
#[derive(Clone, Debug)]
pub struct Retention<G, K> {
    groups: BTreeMap<G, Group<K>>,
    places: BTreeMap<K, (G, u64)>,
    deadlines: Deadlines<G>,
    order_next: u64,
    arrived_last: Instant,
    shed: Shed,
}

impl<G: Clone + Ord, K: Clone + Ord> Default for Retention<G, K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<G: Clone + Ord, K: Clone + Ord> Retention<G, K> {
    /// Nothing kept.
    pub fn new() -> Self {
        Self {
            groups: BTreeMap::new(),
            places: BTreeMap::new(),
            deadlines: Deadlines::default(),
            order_next: 0,
            arrived_last: Instant::ZERO,
            shed: Shed::default(),
        }
    }

    /// Keeps `key`, and returns the keys that are not kept any more, oldest first. `bounds` hold
    /// for the whole group from now on.
    ///
    /// An item that the bounds have no room for by itself is refused: it is returned, and nothing
    /// is shed in its favour. A key that is kept already stays where it is.
    pub fn insert(
        &mut self,
        now: Instant,
        key: K,
        bytes: u64,
        group: &G,
        bounds: &Bounds,
    ) -> Vec<K> {
        let mut evicted = self.set_bounds(group, bounds);
        if self.places.contains_key(&key) {
            return evicted;
        }
        if bounds.items_max == 0 || bytes > bounds.bytes_max || bounds.age_max.is_zero() {
            self.shed.refused += 1;
            evicted.push(key);
            return evicted;
        }
        self.arrived_last = self.arrived_last.max(now);
        let order = self.order_next;
        self.order_next += 1;
        let entry = self.groups.entry(group.clone()).or_insert_with(|| Group {
            bounds: *bounds,
            items: BTreeMap::new(),
            bytes: 0,
        });
        entry.bytes = entry.bytes.saturating_add(bytes);
        entry.items.insert(order, Held { key: key.clone(), bytes, arrived: self.arrived_last });
        self.places.insert(key, (group.clone(), order));
        self.shrink(group, &mut evicted);
        evicted
    }

    /// Sets the bounds of a group that has items, and returns the keys that exceed them. A group
    /// without items has no bounds: they come with its first one.
    pub fn set_bounds(&mut self, group: &G, bounds: &Bounds) -> Vec<K> {
        let mut evicted = Vec::new();
        if let Some(entry) = self.groups.get_mut(group)
            && entry.bounds != *bounds
        {
            entry.bounds = *bounds;
            self.shrink(group, &mut evicted);
        }
        evicted
    }

    /// Sheds what is too old, and returns the keys.
    pub fn expire(&mut self, now: Instant) -> Vec<K> {
        let mut evicted = Vec::new();
        while let Some((_, group)) = self.deadlines.pop_due(now) {
            while self.groups.get(&group).and_then(Group::expires).is_some_and(|at| at <= now) {
                evicted.extend(self.shed_oldest(&group, Bound::Age));
            }
            self.rearm(&group);
        }
        evicted
    }

    /// When [`Self::expire`] has something to do.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    /// Stops keeping `key`, uncounted; false if it was not kept.
    pub fn remove(&mut self, key: &K) -> bool {
        let Some((group, order)) = self.places.remove(key) else {
            return false;
        };
        if let Some(entry) = self.groups.get_mut(&group)
            && let Some(held) = entry.items.remove(&order)
        {
            entry.bytes = entry.bytes.saturating_sub(held.bytes);
        }
        self.rearm(&group);
        true
    }

    /// True if `key` is kept.
    pub fn contains(&self, key: &K) -> bool {
        self.places.contains_key(key)
    }

    /// The kept keys of a group, oldest first.
    pub fn keys<'a>(&'a self, group: &G) -> impl Iterator<Item = &'a K> + use<'a, G, K> {
        self.groups
            .get(group)
            .into_iter()
            .flat_map(|entry| entry.items.values().map(|held| &held.key))
    }

    /// How many items are kept.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// True if nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// How many bytes a group holds.
    pub fn bytes(&self, group: &G) -> u64 {
        self.groups.get(group).map_or(0, |entry| entry.bytes)
    }

    /// How many bytes are kept in all.
    pub fn bytes_total(&self) -> u64 {
        self.groups.values().fold(0, |sum, entry| sum.saturating_add(entry.bytes))
    }

    /// What was shed.
    pub fn shed(&self) -> &Shed {
        &self.shed
    }

    /// Sheds the oldest of a group until it is within its bounds.
    fn shrink(&mut self, group: &G, evicted: &mut Vec<K>) {
        while let Some(bound) = self.groups.get(group).and_then(Group::is_over) {
            evicted.extend(self.shed_oldest(group, bound));
        }
        self.rearm(group);
    }

    fn shed_oldest(&mut self, group: &G, bound: Bound) -> Option<K> {
        let entry = self.groups.get_mut(group)?;
        let (_, held) = entry.items.pop_first()?;
        entry.bytes = entry.bytes.saturating_sub(held.bytes);
        self.places.remove(&held.key);
        match bound {
            Bound::Count => self.shed.by_count += 1,
            Bound::Bytes => self.shed.by_bytes += 1,
            Bound::Age => self.shed.by_age += 1,
        }
        Some(held.key)
    }

    /// Sets the group's deadline to its oldest item's, or drops the group if it has none.
    fn rearm(&mut self, group: &G) {
        match self.groups.get(group).and_then(Group::expires) {
            Some(at) => self.deadlines.set(group.clone(), at),
            None => {
                self.groups.remove(group);
                self.deadlines.cancel(group);
            }
        }
    }
}

#[cfg(test)]
mod tests;
