//! The items that a node holds for those who missed them.

use crate::node::Run;
use bruit_engine::spread::retention::{Bounds, Retention};
use bruit_engine::{Deadlines, Instant};
use bruit_model::{Item, ItemId, ItemTrace, Items, NodeId, Pattern, UnixNanos};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Held items by id, under their topics' retention; registry records are held until superseded.
#[derive(Debug, Default)]
pub(crate) struct Store {
    items: BTreeMap<ItemId, Arc<Item>>,
    arrivals: BTreeMap<u64, ItemId>,
    arrival_of: BTreeMap<ItemId, u64>,
    next_arrival: u64,
    held_bytes: u64,
    retention: Retention<Pattern, ItemId>,
    /// When those go that are not held as long as their topic says.
    ends: Deadlines<ItemId>,
    /// How each came, as long as it is held.
    traces: BTreeMap<ItemId, ItemTrace>,
}

impl Store {
    /// Holds `item` under `bounds` of its topic; what they shed is returned.
    pub(crate) fn insert(
        &mut self,
        now: Instant,
        item: Arc<Item>,
        topic: Option<(&Pattern, &Bounds)>,
    ) -> Vec<ItemId> {
        let id = item.id;
        let bytes = item.held_bytes() as u64;
        if self.items.insert(id, item).is_none() {
            self.held_bytes += bytes;
            self.arrivals.insert(self.next_arrival, id);
            self.arrival_of.insert(id, self.next_arrival);
            self.next_arrival += 1;
        }
        let Some((pattern, bounds)) = topic else { return Vec::new() };
        let evicted = self.retention.insert(now, id, bytes, pattern, bounds);
        self.drop_all(&evicted);
        evicted
    }

    /// Drops what is too old; what that was is returned.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<ItemId> {
        let mut expired = self.retention.expire(now);
        while let Some((_, id)) = self.ends.pop_due(now) {
            expired.push(id);
        }
        self.drop_all(&expired);
        expired
    }

    /// Drops an item that is held at this time, whatever its topic says.
    pub(crate) fn drop_at(&mut self, id: ItemId, at: Instant) {
        if self.items.contains_key(&id) {
            self.ends.set(id, at);
        }
    }

    fn drop_all(&mut self, ids: &[ItemId]) {
        for id in ids {
            self.remove(id);
        }
    }

    /// Notes the first copy of an item, before it is inserted.
    pub(crate) fn note_first(
        &mut self,
        received: UnixNanos,
        item: &Item,
        from: Option<NodeId>,
        repaired: bool,
    ) {
        let (hops, copies, style) = (item.hops, u32::from(from.is_some()), item.style);
        let trace = ItemTrace { received, from, hops, copies, repaired, style };
        self.traces.insert(item.id, trace);
    }

    /// Notes a further copy.
    pub(crate) fn note_copy(&mut self, id: &ItemId) {
        if let Some(trace) = self.traces.get_mut(id) {
            trace.copies = trace.copies.saturating_add(1);
        }
    }

    pub(crate) fn trace(&self, id: &ItemId) -> Option<ItemTrace> {
        self.traces.get(id).copied()
    }

    pub(crate) fn remove(&mut self, id: &ItemId) {
        self.retention.remove(id);
        self.ends.cancel(id);
        self.traces.remove(id);
        if let Some(item) = self.items.remove(id) {
            self.held_bytes -= item.held_bytes() as u64;
        }
        if let Some(arrival) = self.arrival_of.remove(id) {
            self.arrivals.remove(&arrival);
        }
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        [self.retention.next_timeout(), self.ends.next()].into_iter().flatten().min()
    }

    pub(crate) fn shed_count(&self) -> u64 {
        let shed = self.retention.shed();
        shed.by_count + shed.by_bytes + shed.refused
    }

    /// The held items of a run with numbers in `first..=last`, ascending.
    pub(crate) fn between(
        &self,
        run: &Run,
        first: u64,
        last: u64,
    ) -> impl Iterator<Item = &Arc<Item>> {
        self.items.range(run.item(first)..=run.item(last)).map(|(_, item)| item)
    }

    pub(crate) fn contains(&self, id: &ItemId) -> bool {
        self.items.contains_key(id)
    }
}

impl Items for Store {
    fn iter(&self) -> Box<dyn Iterator<Item = Arc<Item>> + '_> {
        Box::new(self.arrivals.values().filter_map(|id| self.items.get(id).cloned()))
    }

    fn get(&self, id: &ItemId) -> Option<Arc<Item>> {
        self.items.get(id).cloned()
    }

    fn find(&self, printable: &str) -> Option<Arc<Item>> {
        let (label, seq) = printable.split_once('-')?;
        let seq: u64 = seq.parse().ok()?;
        let mut at = self.items.range(..).next().map(|(id, _)| Run::of(id));
        // One step for each run held, not for each item.
        while let Some(run) = at {
            if run.item(seq).run_label() == label
                && let Some(item) = self.items.get(&run.item(seq))
            {
                return Some(item.clone());
            }
            let after = run.item(u64::MAX);
            let beyond = (std::ops::Bound::Excluded(after), std::ops::Bound::Unbounded);
            at = self.items.range(beyond).next().map(|(id, _)| Run::of(id));
        }
        None
    }

    fn held(&self) -> (usize, u64) {
        (self.items.len(), self.held_bytes)
    }
}
