//! What is in the tables, as far as writing needs to know it: made from them when they are
//! opened, and kept up by every transaction.

use super::counters::StoreCounters;
use super::error::WriteError;
use super::tables::{DEAD, ITEMS, OWN, PENDING, RECENT, item_id};
use bruit_model::ItemId;
use redb::{Database, ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A stored item.
#[derive(Clone, Copy, Debug)]
struct Stored {
    /// How many rows of other tables refer to it.
    uses: u32,
    bytes: u64,
}

/// The index.
#[derive(Debug, Default)]
pub(super) struct Index {
    items: BTreeMap<ItemId, Stored>,
    /// Items that nothing refers to: their rows are to go.
    unused: BTreeSet<ItemId>,
    /// Bytes of the items that something refers to.
    pub(super) bytes: u64,
    /// Dead letters by order.
    pub(super) dead: BTreeMap<u64, (Arc<str>, ItemId)>,
    /// Items offered by this run that the kept snapshot does not cover, by order.
    pub(super) recent: BTreeMap<u64, ItemId>,
    pub(super) pending: u64,
    pub(super) own: u64,
    /// How many items earlier runs offered that their snapshots did not cover.
    pub(super) recent_before: u64,
    /// An order higher than all in the tables.
    pub(super) next_order: u64,
}

impl Index {
    /// Reads the tables. Orders from `run_from` on are of this run.
    pub(super) fn read(db: &Database, run_from: u64) -> Result<Self, WriteError> {
        let txn = db.begin_read()?;
        let mut index = Self::default();
        for row in txn.open_table(ITEMS)?.iter()? {
            let (key, value) = row?;
            let stored = Stored { uses: 0, bytes: value.value().len() as u64 };
            index.items.insert(item_id(&key.value()), stored);
            index.unused.insert(item_id(&key.value()));
        }
        for row in txn.open_table(PENDING)?.iter()? {
            let (key, value) = row?;
            index.refer(&item_id(&key.value().1));
            index.note_order(value.value().1);
            index.pending += 1;
        }
        for row in txn.open_table(DEAD)?.iter()? {
            let (key, value) = row?;
            let (name, id) = key.value();
            let (id, order) = (item_id(&id), value.value().0);
            index.refer(&id);
            index.note_order(order);
            index.dead.insert(order, (name.into(), id));
        }
        for row in txn.open_table(OWN)?.iter()? {
            let (key, value) = row?;
            index.refer(&item_id(&key.value()));
            index.note_order(value.value());
            index.own += 1;
        }
        let recent = txn.open_table(RECENT)?;
        for row in recent.iter()? {
            let (key, value) = row?;
            index.note_order(value.value());
            if value.value() >= run_from {
                index.recent.insert(value.value(), item_id(&key.value()));
            }
        }
        index.recent_before = recent.len()? - index.recent.len() as u64;
        Ok(index)
    }

    fn note_order(&mut self, order: u64) {
        self.next_order = self.next_order.max(order + 1);
    }

    /// Whether the item has a row.
    pub(super) fn holds(&self, id: &ItemId) -> bool {
        self.items.contains_key(id)
    }

    /// One more row refers to an item that has a row.
    pub(super) fn refer(&mut self, id: &ItemId) {
        let Some(stored) = self.items.get_mut(id) else { return };
        stored.uses += 1;
        if stored.uses == 1 {
            self.bytes += stored.bytes;
            self.unused.remove(id);
        }
    }

    /// An item got a row of so many bytes, and one row refers to it.
    pub(super) fn insert(&mut self, id: ItemId, bytes: u64) {
        self.items.insert(id, Stored { uses: 1, bytes });
        self.bytes += bytes;
    }

    /// One row less refers to it.
    pub(super) fn release(&mut self, id: &ItemId) {
        let Some(stored) = self.items.get_mut(id) else { return };
        stored.uses = stored.uses.saturating_sub(1);
        if stored.uses == 0 {
            self.bytes -= stored.bytes;
            self.unused.insert(*id);
        }
    }

    /// The items whose rows are to go; they are forgotten.
    pub(super) fn take_unused(&mut self) -> BTreeSet<ItemId> {
        for id in &self.unused {
            self.items.remove(id);
        }
        std::mem::take(&mut self.unused)
    }

    /// Shows the gauges.
    pub(super) fn show(&self, counters: &StoreCounters) {
        let recent = self.recent.len() as u64 + self.recent_before;
        for (gauge, value) in [
            (&counters.bytes, self.bytes),
            (&counters.pending, self.pending),
            (&counters.dead, self.dead.len() as u64),
            (&counters.own, self.own),
            (&counters.recent, recent),
        ] {
            gauge.store(value, Ordering::Relaxed);
        }
    }
}
