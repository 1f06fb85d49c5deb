//! What is to be written: the difference that everything told since the last transaction makes.
//!
//! What cancels itself out is not written at all: an item that is delivered before the next
//! transaction begins never touches the disk, but for its id.

use bruit_model::{Item, ItemId, NodeId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::oneshot;

/// A subscription and an item.
pub(super) type Key = (Arc<str>, ItemId);

/// A delivery that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pending {
    /// When it was offered, milliseconds since 1970.
    pub(super) unix_millis: u64,
    /// Its place among all that was ever told.
    pub(super) order: u64,
}

/// A dead letter, without its item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dead {
    /// Its place among all that was ever told.
    pub(super) order: u64,
    /// Its number within the subscription.
    pub(super) number: u64,
    /// When it was given up, milliseconds since 1970.
    pub(super) unix_millis: u64,
    /// How many attempts were made.
    pub(super) attempts: u32,
    /// What the consumer answered last.
    pub(super) status: Option<u16>,
    /// Why it was given up.
    pub(super) reason: String,
}

/// What the node wants kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    /// Opaque.
    pub(super) bytes: Vec<u8>,
    /// It covers what was offered with a lower order.
    pub(super) covers: u64,
}

#[derive(Debug)]
struct Held {
    item: Arc<Item>,
    uses: u32,
}

/// Rows to insert (`Some`) and to remove (`None`). Each says how the table is to be afterwards, so
/// that writing a batch twice is writing it once.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) pending: BTreeMap<Key, Option<Pending>>,
    pub(super) dead: BTreeMap<Key, Option<Dead>>,
    /// Items of this node, and their order.
    pub(super) own: BTreeMap<ItemId, Option<u64>>,
    /// Items offered, and their order.
    pub(super) recent: BTreeMap<ItemId, u64>,
    /// Those of them that an earlier run offered before.
    pub(super) again: BTreeSet<ItemId>,
    /// Subscriptions that were removed: everything of theirs goes before anything is inserted.
    pub(super) wiped: BTreeSet<Arc<str>>,
    pub(super) subscriptions: BTreeMap<String, Option<String>>,
    pub(super) paused: BTreeMap<Arc<str>, Option<&'static str>>,
    pub(super) snapshot: Option<Snapshot>,
    /// Who waits for all this to be on disk.
    pub(super) waiting: Vec<oneshot::Sender<bool>>,
    /// Who waits for one item to be on disk.
    pub(super) awaited: Vec<(ItemId, oneshot::Sender<bool>)>,
    /// The items that `pending`, `dead` and `own` insert.
    items: BTreeMap<ItemId, Held>,
    bytes: usize,
    /// Whether it has more than ids of items, with which there is no hurry.
    is_pressing: bool,
}

impl Batch {
    /// How many rows it changes, about.
    pub(super) fn rows(&self) -> usize {
        let deliveries = self.pending.len() + self.dead.len();
        let items = self.own.len() + self.recent.len();
        let others = self.wiped.len() + self.subscriptions.len() + self.paused.len();
        deliveries + items + others
    }

    /// How many bytes it holds of items.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether it changes nothing and nobody waits for it.
    pub(super) fn is_empty(&self) -> bool {
        self.rows() == 0 && self.snapshot.is_none() && !self.is_awaited()
    }

    /// Whether it should be written before long.
    pub(super) const fn is_pressing(&self) -> bool {
        self.is_pressing || self.is_awaited()
    }

    /// Whether somebody waits for it.
    pub(super) const fn is_awaited(&self) -> bool {
        !self.waiting.is_empty() || !self.awaited.is_empty()
    }

    /// It should be written before long.
    pub(super) const fn press(&mut self) {
        self.is_pressing = true;
    }

    /// Keeps a snapshot. What it covers and is not on disk yet need not get there.
    pub(super) fn keep(&mut self, snapshot: Snapshot) {
        let again = &self.again;
        self.recent.retain(|id, order| *order >= snapshot.covers || again.contains(id));
        self.snapshot = Some(snapshot);
        self.is_pressing = true;
    }

    /// The item that a row which is to be inserted refers to.
    pub(super) fn item(&self, id: &ItemId) -> Option<&Arc<Item>> {
        self.items.get(id).map(|held| &held.item)
    }

    /// A delivery is to be made.
    pub(super) fn insert_pending(&mut self, name: &Arc<str>, item: &Arc<Item>, row: Pending) {
        self.hold(item);
        let old = self.pending.insert((Arc::clone(name), item.id), Some(row));
        self.release_if(&item.id, matches!(old, Some(Some(_))));
    }

    /// A delivery has ended.
    pub(super) fn remove_pending(&mut self, name: &Arc<str>, id: ItemId) {
        let old = self.pending.insert((Arc::clone(name), id), None);
        self.release_if(&id, matches!(old, Some(Some(_))));
    }

    /// A delivery was given up.
    pub(super) fn insert_dead(&mut self, name: &Arc<str>, item: &Arc<Item>, row: Dead) {
        self.hold(item);
        let old = self.dead.insert((Arc::clone(name), item.id), Some(row));
        self.release_if(&item.id, matches!(old, Some(Some(_))));
    }

    /// A dead letter is no more.
    pub(super) fn remove_dead(&mut self, name: &Arc<str>, id: ItemId) {
        let old = self.dead.insert((Arc::clone(name), id), None);
        self.release_if(&id, matches!(old, Some(Some(_))));
    }

    /// The group may ask for an item of this node.
    pub(super) fn insert_own(&mut self, item: &Arc<Item>, order: u64) {
        self.hold(item);
        let old = self.own.insert(item.id, Some(order));
        self.release_if(&item.id, matches!(old, Some(Some(_))));
    }

    /// An item of this node is no longer retained.
    pub(super) fn remove_own(&mut self, id: ItemId) {
        let old = self.own.insert(id, None);
        self.release_if(&id, matches!(old, Some(Some(_))));
    }

    /// A subscription is gone, with all its deliveries.
    pub(super) fn wipe(&mut self, name: &Arc<str>) {
        for id in of_name(&mut self.pending, name) {
            self.release_if(&id, true);
        }
        for id in of_name(&mut self.dead, name) {
            self.release_if(&id, true);
        }
        self.paused.remove(name);
        self.wiped.insert(Arc::clone(name));
    }

    /// Takes what was told after all that is in here.
    pub(super) fn absorb(&mut self, newer: Self) {
        for name in &newer.wiped {
            self.wipe(name);
        }
        for (key, row) in newer.pending {
            match row.and_then(|row| Some((newer.items.get(&key.1)?, row))) {
                Some((held, row)) => self.insert_pending(&key.0, &held.item, row),
                None => self.remove_pending(&key.0, key.1),
            }
        }
        for (key, row) in newer.dead {
            match row.and_then(|row| Some((newer.items.get(&key.1)?, row))) {
                Some((held, row)) => self.insert_dead(&key.0, &held.item, row),
                None => self.remove_dead(&key.0, key.1),
            }
        }
        for (id, order) in newer.own {
            match order.and_then(|order| Some((newer.items.get(&id)?, order))) {
                Some((held, order)) => self.insert_own(&held.item, order),
                None => self.remove_own(id),
            }
        }
        self.again.extend(newer.again);
        self.recent.extend(newer.recent);
        self.subscriptions.extend(newer.subscriptions);
        self.paused.extend(newer.paused);
        if let Some(snapshot) = newer.snapshot {
            self.keep(snapshot);
        }
        self.is_pressing |= newer.is_pressing;
        self.waiting.extend(newer.waiting);
        self.awaited.extend(newer.awaited);
    }

    /// Tells everybody who waits that nothing of this is on disk.
    pub(super) fn disappoint(&mut self) {
        // Whoever waited may have gone.
        self.waiting.drain(..).for_each(|waiting| {
            let _ = waiting.send(false);
        });
        self.awaited.drain(..).for_each(|(_, waiting)| {
            let _ = waiting.send(false);
        });
    }

    fn hold(&mut self, item: &Arc<Item>) {
        let held = self.items.entry(item.id).or_insert_with(|| {
            self.bytes += item.held_bytes();
            Held { item: Arc::clone(item), uses: 0 }
        });
        held.uses += 1;
    }

    fn release_if(&mut self, id: &ItemId, is_used: bool) {
        if !is_used {
            return;
        }
        let Some(held) = self.items.get_mut(id) else { return };
        held.uses -= 1;
        if held.uses == 0 {
            self.bytes -= held.item.held_bytes();
            self.items.remove(id);
        }
    }
}

/// Removes what `rows` says of a subscription; the items whose rows were to be inserted.
fn of_name<R>(rows: &mut BTreeMap<Key, Option<R>>, name: &Arc<str>) -> Vec<ItemId> {
    let lowest = ItemId { origin: NodeId([0; 16]), start: 0, seq: 0 };
    let from = (Arc::clone(name), lowest);
    let keys: Vec<Key> =
        rows.range(from..).map(|(key, _)| key.clone()).take_while(|key| key.0 == *name).collect();
    let inserted = |key: &Key| rows.remove(key).flatten().map(|_| key.1);
    keys.iter().filter_map(inserted).collect()
}
