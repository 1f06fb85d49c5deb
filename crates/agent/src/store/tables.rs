//! The tables, and what stands in them.
//!
//! Format 1. Keys of items are origin, start and number, 32 bytes, the highest byte first. Orders
//! are numbers that the store gives out, growing over all runs: no wall clock decides what is
//! older. What came before the store was a file called `snapshot`, which the first start with a
//! store takes over.

use super::error::{StoreError, WriteError};
use bruit_model::{ItemId, NodeId};
use redb::{Database, ReadableDatabase as _, Table, TableDefinition, TableError, WriteTransaction};
use std::path::Path;

/// The format that this version writes.
pub(super) const FORMAT: u64 = 1;

/// The key of an item.
pub(super) type ItemKey = [u8; 32];
/// A subscription's name and an item.
pub(super) type DeliveryKey = (&'static str, ItemKey);
/// When it was accepted (milliseconds since 1970), and its order.
pub(super) type PendingRow = (u64, u64);
/// Order, number within the subscription, when (milliseconds since 1970), attempts, last status,
/// reason.
pub(super) type DeadRow = (u64, u64, u64, u32, Option<u16>, &'static str);

type Def<K, V> = TableDefinition<'static, K, V>;

/// Name to number: `format`.
pub(super) const META: Def<&str, u64> = Def::new("meta");
/// The items that another table refers to.
pub(super) const ITEMS: Def<ItemKey, &[u8]> = Def::new("items");
/// Deliveries that have not ended.
pub(super) const PENDING: Def<DeliveryKey, PendingRow> = Def::new("pending");
/// Dead letters.
pub(super) const DEAD: Def<DeliveryKey, DeadRow> = Def::new("dead");
/// Items offered to the subscriptions that the kept snapshot does not cover, and their order.
pub(super) const RECENT: Def<ItemKey, u64> = Def::new("recent");
/// Items accepted by this node that the group may still ask it for, and their order.
pub(super) const OWN: Def<ItemKey, u64> = Def::new("own");
/// Subscriptions made by the API: name to JSON.
pub(super) const SUBSCRIPTIONS: Def<&str, &str> = Def::new("subscriptions");
/// Paused subscriptions: name to reason.
pub(super) const PAUSED: Def<&str, &str> = Def::new("paused");
/// What the node wants to know at its next start, under `node`.
pub(super) const SNAPSHOT: Def<&str, &[u8]> = Def::new("snapshot");

/// The key in [`META`] of the format.
const FORMAT_KEY: &str = "format";
/// The key in [`SNAPSHOT`].
pub(super) const SNAPSHOT_KEY: &str = "node";

/// All tables but [`META`], open in one transaction.
pub(super) struct Tables<'txn> {
    pub(super) items: Table<'txn, ItemKey, &'static [u8]>,
    pub(super) pending: Table<'txn, DeliveryKey, PendingRow>,
    pub(super) dead: Table<'txn, DeliveryKey, DeadRow>,
    pub(super) recent: Table<'txn, ItemKey, u64>,
    pub(super) own: Table<'txn, ItemKey, u64>,
    pub(super) subscriptions: Table<'txn, &'static str, &'static str>,
    pub(super) paused: Table<'txn, &'static str, &'static str>,
    pub(super) snapshot: Table<'txn, &'static str, &'static [u8]>,
}

impl<'txn> Tables<'txn> {
    pub(super) fn open(txn: &'txn WriteTransaction) -> Result<Self, TableError> {
        Ok(Self {
            items: txn.open_table(ITEMS)?,
            pending: txn.open_table(PENDING)?,
            dead: txn.open_table(DEAD)?,
            recent: txn.open_table(RECENT)?,
            own: txn.open_table(OWN)?,
            subscriptions: txn.open_table(SUBSCRIPTIONS)?,
            paused: txn.open_table(PAUSED)?,
            snapshot: txn.open_table(SNAPSHOT)?,
        })
    }
}

/// Makes the tables in a new database.
pub(super) fn make(db: &Database) -> Result<(), WriteError> {
    let txn = db.begin_write()?;
    Tables::open(&txn)?;
    txn.open_table(META)?.insert(FORMAT_KEY, FORMAT)?;
    Ok(txn.commit()?)
}

/// Refuses a database of a format that this version does not know. `path` is for errors.
pub(super) fn check(db: &Database, path: &Path) -> Result<(), StoreError> {
    let damaged = |why: String| StoreError::Damaged { path: path.to_owned(), why };
    let read = || -> Result<Option<u64>, WriteError> {
        let meta = db.begin_read()?.open_table(META)?;
        let format = meta.get(FORMAT_KEY)?.map(|format| format.value());
        Ok(format)
    };
    match read().map_err(|error| damaged(error.to_string()))? {
        Some(FORMAT) => Ok(()),
        Some(found) if found > FORMAT => {
            Err(StoreError::Newer { path: path.to_owned(), found, known: FORMAT })
        }
        Some(_) | None => Err(damaged("it does not say which format it has".to_owned())),
    }
}

/// The key of an item.
pub(super) fn item_key(id: &ItemId) -> ItemKey {
    let mut key = [0; 32];
    key[..16].copy_from_slice(&id.origin.0);
    key[16..24].copy_from_slice(&id.start.to_be_bytes());
    key[24..].copy_from_slice(&id.seq.to_be_bytes());
    key
}

/// The item that a key is of.
pub(super) fn item_id(key: &ItemKey) -> ItemId {
    let mut origin = [0; 16];
    origin.copy_from_slice(&key[..16]);
    let number = |at: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&key[at..at + 8]);
        u64::from_be_bytes(bytes)
    };
    ItemId { origin: NodeId(origin), start: number(16), seq: number(24) }
}
