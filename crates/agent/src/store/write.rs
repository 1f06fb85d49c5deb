//! One transaction: a batch becomes rows.

use super::batch::{Batch, Dead, Key, Pending, Snapshot};
use super::counters::StoreCounters;
use super::error::WriteError;
use super::index::Index;
use super::tables::{ItemKey, SNAPSHOT_KEY, Tables, item_id, item_key};
use bruit_model::ItemId;
use redb::Database;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Writes `batch`; returns once it is on disk, with the items for which there was no room. The
/// index is of use only if this succeeds.
pub(super) fn write(
    db: &Database,
    index: &mut Index,
    batch: &Batch,
    bytes_max: u64,
    counters: &StoreCounters,
) -> Result<BTreeSet<ItemId>, WriteError> {
    let txn = db.begin_write()?;
    let refused = BTreeSet::new();
    let tables = Tables::open(&txn)?;
    let mut writer = Writer { tables, index, batch, bytes_max, refused, dropped: 0 };
    writer.write()?;
    let (refused, dropped) = (std::mem::take(&mut writer.refused), writer.dropped);
    drop(writer);
    txn.commit()?;
    let add = |counter: &AtomicU64, value| counter.fetch_add(value, Ordering::Relaxed);
    add(&counters.refused, refused.len() as u64);
    add(&counters.dead_dropped, dropped);
    Ok(refused)
}

struct Writer<'a, 'txn> {
    tables: Tables<'txn>,
    index: &'a mut Index,
    batch: &'a Batch,
    bytes_max: u64,
    refused: BTreeSet<ItemId>,
    /// Dead letters dropped to make room.
    dropped: u64,
}

impl Writer<'_, '_> {
    fn write(&mut self) -> Result<(), WriteError> {
        self.remove()?;
        self.insert()?;
        self.others()?;
        self.drop_unused()
    }

    /// What goes.
    fn remove(&mut self) -> Result<(), WriteError> {
        let batch = self.batch;
        for name in &batch.wiped {
            self.wipe(name)?;
        }
        for (key, _) in batch.pending.iter().filter(|(_, row)| row.is_none()) {
            self.remove_pending(key)?;
        }
        for (key, _) in batch.dead.iter().filter(|(_, row)| row.is_none()) {
            self.remove_dead(key)?;
        }
        for (id, _) in batch.own.iter().filter(|(_, order)| order.is_none()) {
            if self.tables.own.remove(item_key(id))?.is_some() {
                self.index.own -= 1;
                self.index.release(id);
            }
        }
        Ok(())
    }

    fn wipe(&mut self, name: &Arc<str>) -> Result<(), WriteError> {
        const KEYS: (ItemKey, ItemKey) = ([0; 32], [0xff; 32]);
        let range = (&**name, KEYS.0)..=(&**name, KEYS.1);
        let mut gone = Vec::new();
        self.tables.pending.retain_in(range.clone(), |(_, key), _| {
            gone.push(item_id(&key));
            false
        })?;
        self.index.pending -= gone.len() as u64;
        let mut orders = Vec::new();
        self.tables.dead.retain_in(range, |(_, key), row| {
            gone.push(item_id(&key));
            orders.push(row.0);
            false
        })?;
        gone.iter().for_each(|id| self.index.release(id));
        for order in orders {
            self.index.dead.remove(&order);
        }
        self.tables.paused.remove(&**name)?;
        Ok(())
    }

    fn remove_pending(&mut self, (name, id): &Key) -> Result<(), WriteError> {
        if self.tables.pending.remove((&**name, item_key(id)))?.is_some() {
            self.index.pending -= 1;
            self.index.release(id);
        }
        Ok(())
    }

    fn remove_dead(&mut self, (name, id): &Key) -> Result<bool, WriteError> {
        let removed = self.tables.dead.remove((&**name, item_key(id)))?;
        let Some(order) = removed.map(|row| row.value().0) else { return Ok(false) };
        self.index.dead.remove(&order);
        self.index.release(id);
        Ok(true)
    }

    /// What comes: first what is to be delivered, since what comes later may find no room.
    fn insert(&mut self) -> Result<(), WriteError> {
        let batch = self.batch;
        for (key, row) in &batch.pending {
            if let Some(row) = row {
                self.insert_pending(key, *row)?;
            }
        }
        for (id, order) in &batch.own {
            if let Some(order) = order
                && self.hold(id)?
            {
                if self.tables.own.insert(item_key(id), order)?.is_some() {
                    self.index.release(id);
                } else {
                    self.index.own += 1;
                }
            }
        }
        for (key, row) in &batch.dead {
            if let Some(row) = row {
                self.insert_dead(key, row)?;
            }
        }
        Ok(())
    }

    fn insert_pending(&mut self, (name, id): &Key, row: Pending) -> Result<(), WriteError> {
        if !self.hold(id)? {
            return Ok(());
        }
        let (key, value) = ((&**name, item_key(id)), (row.unix_millis, row.order));
        if self.tables.pending.insert(key, value)?.is_some() {
            self.index.release(id);
        } else {
            self.index.pending += 1;
        }
        Ok(())
    }

    fn insert_dead(&mut self, (name, id): &Key, row: &Dead) -> Result<(), WriteError> {
        if !self.hold(id)? {
            return Ok(());
        }
        let Dead { order, number, unix_millis, attempts, status, reason } = row;
        let value = (*order, *number, *unix_millis, *attempts, *status, reason.as_str());
        let old = self.tables.dead.insert((&**name, item_key(id)), value)?;
        if let Some(old) = old.map(|row| row.value().0) {
            self.index.dead.remove(&old);
            self.index.release(id);
        }
        self.index.dead.insert(*order, (Arc::clone(name), *id));
        Ok(())
    }

    /// Makes sure that an item has a row, for one row more that refers to it; whether it has.
    fn hold(&mut self, id: &ItemId) -> Result<bool, WriteError> {
        if self.index.holds(id) {
            self.index.refer(id);
            return Ok(true);
        }
        let Some(item) = self.batch.item(id) else { return Ok(false) };
        let mut bytes = Vec::with_capacity(item.held_bytes());
        bruit_wire::encode_item(item, &mut bytes);
        if self.refused.contains(id) || !self.make_room(bytes.len() as u64)? {
            self.refused.insert(*id);
            return Ok(false);
        }
        self.tables.items.insert(item_key(id), bytes.as_slice())?;
        self.index.insert(*id, bytes.len() as u64);
        Ok(true)
    }

    /// Drops the oldest dead letters until there is room; whether there is.
    fn make_room(&mut self, bytes: u64) -> Result<bool, WriteError> {
        while self.index.bytes + bytes > self.bytes_max {
            let Some((_, key)) = self.index.dead.first_key_value() else { return Ok(false) };
            let key = key.clone();
            if !self.remove_dead(&key)? {
                return Ok(false);
            }
            self.dropped += 1;
        }
        Ok(true)
    }

    /// What no item row belongs to.
    fn others(&mut self) -> Result<(), WriteError> {
        let batch = self.batch;
        for (id, order) in &batch.recent {
            // What is not stored may come again.
            if self.refused.contains(id) {
                continue;
            }
            let old = self.tables.recent.insert(item_key(id), order)?.map(|old| old.value());
            if let Some(old) = old
                && self.index.recent.remove(&old).is_none()
            {
                self.index.recent_before = self.index.recent_before.saturating_sub(1);
            }
            self.index.recent.insert(*order, *id);
        }
        if let Some(Snapshot { bytes, covers }) = &batch.snapshot {
            self.tables.snapshot.insert(SNAPSHOT_KEY, bytes.as_slice())?;
            let after = self.index.recent.split_off(covers);
            for id in std::mem::replace(&mut self.index.recent, after).values() {
                self.tables.recent.remove(item_key(id))?;
            }
        }
        for (name, spec) in &batch.subscriptions {
            match spec {
                Some(spec) => self.tables.subscriptions.insert(&**name, &**spec)?,
                None => self.tables.subscriptions.remove(&**name)?,
            };
        }
        for (name, reason) in &batch.paused {
            match reason {
                Some(reason) => self.tables.paused.insert(&**name, reason)?,
                None => self.tables.paused.remove(&**name)?,
            };
        }
        Ok(())
    }

    fn drop_unused(&mut self) -> Result<(), WriteError> {
        for id in self.index.take_unused() {
            self.tables.items.remove(item_key(&id))?;
        }
        Ok(())
    }
}
