//! What a run finds in the store when it starts.

use super::Handled;
use super::error::{StoreError, WriteError};
use super::tables::{
    DEAD, ITEMS, OWN, PAUSED, PENDING, RECENT, SNAPSHOT, SNAPSHOT_KEY, SUBSCRIPTIONS, item_id,
    item_key,
};
use crate::delivery::SubscriptionSpec;
use bruit_model::{Item, ItemId};
use redb::{Database, ReadTransaction, ReadableDatabase as _, ReadableTable as _};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// What earlier runs left.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// What the node gave an earlier run to keep.
    pub(crate) snapshot: Option<Vec<u8>>,
    /// Deliveries that had not ended, in the order in which they were offered.
    pub(crate) pending: Vec<LoadedPending>,
    /// Dead letters, the oldest first.
    pub(crate) dead: Vec<LoadedDead>,
    /// Items that an earlier run accepted and the group may still ask for, in that order.
    pub(crate) own: Vec<Arc<Item>>,
    /// Paused subscriptions, and why.
    pub(crate) paused: BTreeMap<String, String>,
    /// Subscriptions made by the API.
    pub(crate) subscriptions: BTreeMap<String, SubscriptionSpec>,
    /// Items that were offered already.
    pub(crate) handled: Handled,
}

impl Loaded {
    /// What is the node's: its snapshot, and the items that it is to hold again.
    pub(crate) fn take_node(&mut self) -> (Option<Vec<u8>>, Vec<Arc<Item>>) {
        (self.snapshot.take(), std::mem::take(&mut self.own))
    }
}

/// A delivery that had not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoadedPending {
    pub(crate) subscription: String,
    pub(crate) item: Arc<Item>,
    /// When it was offered, milliseconds since 1970.
    pub(crate) unix_millis: u64,
}

/// A dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoadedDead {
    pub(crate) subscription: String,
    pub(crate) item: Arc<Item>,
    /// Its number within the subscription.
    pub(crate) number: u64,
    /// When it was given up, milliseconds since 1970.
    pub(crate) unix_millis: u64,
    pub(crate) attempts: u32,
    pub(crate) status: Option<u16>,
    pub(crate) reason: String,
}

/// Items by key, each read and held once.
struct Items {
    table: redb::ReadOnlyTable<super::tables::ItemKey, &'static [u8]>,
    read: BTreeMap<ItemId, Arc<Item>>,
}

impl Items {
    fn get(&mut self, id: ItemId) -> Result<Arc<Item>, Bad> {
        if let Some(item) = self.read.get(&id) {
            return Ok(Arc::clone(item));
        }
        let bytes = self.table.get(item_key(&id)).map_err(WriteError::from)?;
        let bytes = bytes.ok_or_else(|| Bad::Why(format!("item {id} is missing")))?;
        let item = bruit_wire::decode_item(bytes.value());
        let item = item.map_err(|error| Bad::Why(format!("item {id}: {error}")))?;
        if item.id != id {
            return Err(Bad::Why(format!("in the place of item {id} there is another")));
        }
        self.read.insert(id, Arc::clone(&item));
        Ok(item)
    }
}

enum Bad {
    Read(WriteError),
    Why(String),
}

impl<E: Into<WriteError>> From<E> for Bad {
    fn from(error: E) -> Self {
        Self::Read(error.into())
    }
}

/// Reads everything. `path` is for errors.
pub(super) fn load(db: &Database, path: &Path) -> Result<Loaded, StoreError> {
    read(db).map_err(|bad| {
        let why = match bad {
            Bad::Read(error) => error.to_string(),
            Bad::Why(why) => why,
        };
        StoreError::Damaged { path: path.to_owned(), why }
    })
}

fn read(db: &Database) -> Result<Loaded, Bad> {
    let txn = db.begin_read()?;
    let mut items = Items { table: txn.open_table(ITEMS)?, read: BTreeMap::new() };
    let mut loaded = Loaded { own: own(&txn, &mut items)?, ..Loaded::default() };
    let snapshot = txn.open_table(SNAPSHOT)?.get(SNAPSHOT_KEY)?;
    loaded.snapshot = snapshot.map(|bytes| bytes.value().to_vec());
    loaded.pending = pending(&txn, &mut items)?;
    loaded.dead = dead(&txn, &mut items)?;
    for row in txn.open_table(PAUSED)?.iter()? {
        let (name, reason) = row?;
        loaded.paused.insert(name.value().to_owned(), reason.value().to_owned());
    }
    for row in txn.open_table(SUBSCRIPTIONS)?.iter()? {
        let (name, json) = row?;
        let name = name.value().to_owned();
        let spec = serde_json::from_str(json.value())
            .map_err(|error| Bad::Why(format!("subscription {name}: {error}")))?;
        loaded.subscriptions.insert(name, spec);
    }
    let mut handled: BTreeSet<ItemId> = BTreeSet::new();
    for row in txn.open_table(RECENT)?.iter()? {
        handled.insert(item_id(&row?.0.value()));
    }
    handled.extend(loaded.pending.iter().map(|pending| pending.item.id));
    handled.extend(loaded.dead.iter().map(|dead| dead.item.id));
    loaded.handled = Handled::new(handled);
    Ok(loaded)
}

fn own(txn: &ReadTransaction, items: &mut Items) -> Result<Vec<Arc<Item>>, Bad> {
    let mut own = Vec::new();
    for row in txn.open_table(OWN)?.iter()? {
        let (id, order) = row?;
        own.push((order.value(), items.get(item_id(&id.value()))?));
    }
    own.sort_by_key(|(order, _)| *order);
    Ok(own.into_iter().map(|(_, item)| item).collect())
}

fn pending(txn: &ReadTransaction, items: &mut Items) -> Result<Vec<LoadedPending>, Bad> {
    let mut pending = Vec::new();
    for row in txn.open_table(PENDING)?.iter()? {
        let (key, row) = row?;
        let ((name, id), (unix_millis, order)) = (key.value(), row.value());
        let (subscription, item) = (name.to_owned(), items.get(item_id(&id))?);
        pending.push((order, LoadedPending { subscription, item, unix_millis }));
    }
    pending.sort_by_key(|(order, _)| *order);
    Ok(pending.into_iter().map(|(_, pending)| pending).collect())
}

fn dead(txn: &ReadTransaction, items: &mut Items) -> Result<Vec<LoadedDead>, Bad> {
    let mut dead = Vec::new();
    for row in txn.open_table(DEAD)?.iter()? {
        let (key, row) = row?;
        let (name, id) = key.value();
        let (order, number, unix_millis, attempts, status, reason) = row.value();
        let (subscription, reason) = (name.to_owned(), reason.to_owned());
        let item = items.get(item_id(&id))?;
        let letter =
            LoadedDead { subscription, item, number, unix_millis, attempts, status, reason };
        dead.push((order, letter));
    }
    dead.sort_by_key(|(order, _)| *order);
    Ok(dead.into_iter().map(|(_, dead)| dead).collect())
}

/// Forgets the oldest of the items that earlier runs offered, where there are too many of them:
/// nobody retains them any more, or they would have come again.
pub(super) fn trim(db: &Database, max: usize) -> Result<(), WriteError> {
    let txn = db.begin_write()?;
    {
        let mut recent = txn.open_table(RECENT)?;
        let mut orders = Vec::new();
        for row in recent.iter()? {
            orders.push(row?.1.value());
        }
        orders.sort_unstable();
        let Some(excess) = orders.len().checked_sub(max) else { return Ok(()) };
        if excess == 0 {
            return Ok(());
        }
        let first_kept = orders[excess];
        recent.retain(|_, order| order >= first_kept)?;
    }
    Ok(txn.commit()?)
}
