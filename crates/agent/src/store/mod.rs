//! What survives a restart: one database file, written by a thread of its own.
//!
//! ```text
//!   delivery --journal--+
//!   api ----------------+--> queue (net changes, bounded) --> keeper --> redb, one fsync a batch
//!   upkeep (snapshot) --+                                        |
//!        ^                                                       |
//!        +------------------------ tickets ---------------------+
//! ```
//!
//! Kept are: items that wait for delivery or became dead letters, with their deliveries; items
//! that this node accepted, while the group may ask for them; which items were offered since the
//! node's last snapshot, and that snapshot; subscriptions made by the API; pauses.
//!
//! Telling the store something never waits for the disk. Who wants to know that it is on disk
//! gets a [`Ticket`]. If the disk fails, or too much waits, the agent goes on in memory: what is
//! not stored is counted, and tickets say so.
//!
//! What this does not do: it decides nothing about delivery, and reads nothing but at the start.

mod batch;
mod counters;
mod error;
mod file;
mod guard;
mod handled;
mod index;
mod journal;
mod keeper;
mod load;
mod queue;
mod tables;
#[cfg(test)]
mod tests;
mod ticket;
mod write;

pub use error::StoreError;

pub(crate) use counters::{StoreCounters, StoreStatus};
pub(crate) use handled::Handled;
pub(crate) use journal::{StoreJournal, reason_of};
pub(crate) use load::{Loaded, LoadedDead};
pub(crate) use ticket::{Expected, Ticket};

use crate::delivery::SubscriptionSpec;
use batch::{Dead, Pending, Snapshot};
use bruit_model::{Item, ItemId, NodeId};
use guard::guard;
use index::Index;
use keeper::{Keeper, Open};
use queue::Queue;
use redb::Database;
use std::collections::BTreeSet;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::oneshot;

/// The name of the file in the state directory.
const FILE: &str = "bruit.redb";
/// How many bytes of items the store holds at most; beyond it the oldest dead letters go, then
/// nothing is added. Guess.
const ITEM_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// How many items, offered by earlier runs and not covered by a snapshot, are remembered. Guess.
const RECENT_MAX: usize = 100_000;
/// The stack of the thread, in bytes. Guess.
const STACK_BYTES: usize = 1024 * 1024;

/// When something counts as kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyncLevel {
    /// Once it is on disk (`fsync`): a publication is answered, and the place of a delivery among
    /// those under way is free, only then. A kill, or a loss of power, loses nothing that was
    /// acknowledged, and repeats only what was under way.
    #[default]
    Commit,
    /// At once. What happened in the last moments before a kill, about 0.1 s, may be lost or
    /// repeated.
    Batch,
}

impl SyncLevel {
    /// The word for it, in settings and the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Batch => "batch",
        }
    }
}

/// Takes what is to be kept. Nothing here waits for the disk.
#[derive(Debug)]
pub(crate) struct Store {
    path: PathBuf,
    level: SyncLevel,
    /// The node whose items are its own.
    me: NodeId,
    bytes_max: u64,
    wall: fn() -> u64,
    /// The items of this node that are kept, or are about to be.
    own: Mutex<BTreeSet<ItemId>>,
    queue: Queue,
    counters: StoreCounters,
}

/// The thread behind a [`Store`]. Dropping it writes what waits, and waits for that.
#[derive(Debug)]
pub(crate) struct StoreThread {
    store: Arc<Store>,
    thread: Option<JoinHandle<()>>,
}

impl StoreThread {
    /// Opens the store in the state directory, or makes it, and starts its thread. `me` is the
    /// node whose items are its own. Blocks.
    pub(crate) fn open(
        dir: &Path,
        level: SyncLevel,
        me: NodeId,
    ) -> Result<(Self, Loaded), StoreError> {
        let path = dir.join(FILE);
        let open_path = path.clone();
        let open: Open = Box::new(move || file::open(&open_path));
        guard(&path.clone(), || {
            let db = open()?;
            let settings =
                Settings { path, level, me, bytes_max: ITEM_BYTES_MAX, wall: unix_millis };
            Self::start(settings, open, db)
        })
    }

    fn start(settings: Settings, open: Open, db: Database) -> Result<(Self, Loaded), StoreError> {
        let Settings { path, level, me, bytes_max, wall } = settings;
        let damaged = |error: error::WriteError| {
            let why = error.to_string();
            StoreError::Damaged { path: path.clone(), why }
        };
        load::trim(&db, RECENT_MAX).map_err(damaged)?;
        let loaded = load::load(&db, &path)?;
        let index = Index::read(&db, u64::MAX).map_err(damaged)?;
        let (queue, counters) = (Queue::new(index.next_order), StoreCounters::default());
        let own = Mutex::new(loaded.own.iter().map(|item| item.id).collect());
        let store = Arc::new(Store { path, level, me, bytes_max, wall, own, queue, counters });
        let keeper = Keeper::new(Arc::clone(&store), open, db, index);
        let thread = std::thread::Builder::new().name("store".to_owned()).stack_size(STACK_BYTES);
        let thread = thread.spawn(move || keeper.run()).map_err(|source| {
            let path = store.path.clone();
            StoreError::Io { what: "start a thread for", path, source }
        })?;
        Ok((Self { store, thread: Some(thread) }, loaded))
    }

    /// What takes what is to be kept.
    pub(crate) fn store(&self) -> Arc<Store> {
        Arc::clone(&self.store)
    }
}

impl Drop for StoreThread {
    fn drop(&mut self) {
        self.store.queue.close();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's thread has panicked");
        }
    }
}

/// What a store is started with.
struct Settings {
    path: PathBuf,
    level: SyncLevel,
    me: NodeId,
    bytes_max: u64,
    /// Milliseconds since 1970.
    wall: fn() -> u64,
}

impl Store {
    /// An item was queued for these subscriptions; there may be none.
    pub(crate) fn offered(&self, item: &Arc<Item>, subscriptions: &[Arc<str>]) {
        let unix_millis = (self.wall)();
        // Where repair is off nobody can be given it again after a restart.
        let is_lost = item.id.origin == self.me && !item.repair;
        let is_own = item.id.origin == self.me && item.repair;
        let told = self.queue.tell(&self.counters, true, |waiting| {
            let order = waiting.take_order();
            let batch = &mut waiting.batch;
            for name in subscriptions {
                batch.insert_pending(name, item, Pending { unix_millis, order });
            }
            if is_own {
                batch.insert_own(item, order);
            }
            batch.recent.insert(item.id, order);
            if is_own || !subscriptions.is_empty() {
                batch.press();
            }
            // Dropping the sender says that it is not stored.
            if let Some(expected) = waiting.expected.remove(&item.id).filter(|_| !is_lost) {
                batch.awaited.push((item.id, expected));
            }
        });
        if is_own && told.is_some() {
            self.own().insert(item.id);
        }
        if told.is_none() {
            // Dropping the sender says that it is not stored.
            drop(self.queue.lock().expected.remove(&item.id));
        }
    }

    /// A delivery ended, with a dead letter or without.
    pub(crate) fn ended(&self, id: ItemId, name: &Arc<str>, dead: Option<&LoadedDead>) -> Ticket {
        let waits = self.level == SyncLevel::Commit;
        self.ask(waits, |waiting| {
            let order = waiting.take_order();
            waiting.batch.remove_pending(name, id);
            waiting.batch.press();
            if let Some(dead) = dead {
                let row = Dead {
                    order,
                    number: dead.number,
                    unix_millis: dead.unix_millis,
                    attempts: dead.attempts,
                    status: dead.status,
                    reason: dead.reason.clone(),
                };
                waiting.batch.insert_dead(name, &dead.item, row);
            }
        })
    }

    /// A dead letter is no more.
    pub(crate) fn dead_letter_gone(&self, id: ItemId, name: &Arc<str>) {
        self.note(|waiting| {
            waiting.batch.remove_dead(name, id);
            waiting.batch.press();
        });
    }

    /// A subscription was paused, for a reason, or resumed.
    pub(crate) fn paused(&self, name: &Arc<str>, reason: Option<&'static str>) {
        self.note(|waiting| {
            waiting.batch.paused.insert(Arc::clone(name), reason);
            waiting.batch.press();
        });
    }

    /// A subscription is gone, with all its deliveries.
    pub(crate) fn unsubscribed(&self, name: &Arc<str>) {
        self.note(|waiting| {
            waiting.batch.wipe(name);
            waiting.batch.press();
        });
    }

    /// The API made or changed a subscription.
    pub(crate) fn put_subscription(&self, name: &str, spec: &SubscriptionSpec) -> Ticket {
        let json = serde_json::to_string(spec).expect("a specification has string keys");
        self.ask(true, |waiting| {
            waiting.batch.subscriptions.insert(name.to_owned(), Some(json));
        })
    }

    /// The API removed a subscription.
    pub(crate) fn remove_subscription(&self, name: &str) -> Ticket {
        self.ask(true, |waiting| {
            waiting.batch.subscriptions.insert(name.to_owned(), None);
        })
    }

    /// What stands for all that was offered until here, see [`Store::keep_snapshot`].
    pub(crate) fn mark(&self) -> u64 {
        self.queue.lock().next_order()
    }

    /// Keeps what the node wants to know at its next start. It covers what was offered until
    /// `mark`, and everything that it covers has been offered.
    pub(crate) fn keep_snapshot(&self, bytes: Vec<u8>, mark: u64) -> Ticket {
        self.ask(true, |waiting| {
            waiting.batch.keep(Snapshot { bytes, covers: mark });
        })
    }

    /// An item that an earlier run offered has come again: from the next snapshot on the node
    /// knows of it.
    pub(crate) fn seen_again(&self, id: ItemId) {
        self.note(|waiting| {
            let order = waiting.take_order();
            waiting.batch.recent.insert(id, order);
            waiting.batch.again.insert(id);
        });
    }

    /// Items of this node that the group will not get from it any more.
    pub(crate) fn not_retained(&self, ids: &[ItemId]) {
        if ids.is_empty() {
            return;
        }
        let mut own = self.own();
        for id in ids {
            own.remove(id);
        }
        drop(own);
        self.note(|waiting| ids.iter().for_each(|id| waiting.batch.remove_own(*id)));
    }

    /// Items of this node that are kept, so many, in the order of their ids, from the one after
    /// `last` on.
    pub(crate) fn own_after(&self, last: Option<ItemId>, max: usize) -> Vec<ItemId> {
        let from = last.map_or(Bound::Unbounded, Bound::Excluded);
        self.own().range((from, Bound::Unbounded)).take(max).copied().collect()
    }

    fn own(&self) -> MutexGuard<'_, BTreeSet<ItemId>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To be called before an item is offered, by who wants to know when it is on disk. `None`:
    /// nobody waits at this level, or the disk fails.
    pub(crate) fn expect(self: &Arc<Self>, id: ItemId) -> Option<Expected> {
        if self.level == SyncLevel::Batch || !self.counters.is_healthy() {
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        self.queue.lock().expected.insert(id, sender);
        Some(Expected::new(Arc::clone(self), id, receiver))
    }

    fn forget_expected(&self, id: &ItemId) {
        drop(self.queue.lock().expected.remove(id));
    }

    /// Everything that is counted.
    pub(crate) const fn counters(&self) -> &StoreCounters {
        &self.counters
    }

    /// How the store is doing.
    pub(crate) fn status(&self) -> StoreStatus {
        let read = |gauge: &AtomicU64| gauge.load(Ordering::Relaxed);
        StoreStatus {
            path: self.path.display().to_string(),
            level: self.level.word(),
            pending: read(&self.counters.pending),
            dead: read(&self.counters.dead),
            bytes: read(&self.counters.bytes),
            healthy: self.counters.is_healthy(),
            last_error: self.counters.last_error(),
        }
    }

    /// What the operator should know.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.counters;
        let mut warnings = Vec::new();
        if !counters.is_healthy() {
            let why = counters.last_error().unwrap_or_default();
            warnings.push(format!(
                "the store cannot be written, so a restart loses what is new; free room on the \
                 disk: {why}"
            ));
        }
        for (count, what) in [
            (read(&counters.shed), "changes were not stored because the disk is too slow"),
            (read(&counters.refused), "items were not stored because the store is full"),
            (read(&counters.dead_dropped), "dead letters were dropped: the store is full"),
            (read(&counters.orphans), "deliveries of removed subscriptions were dropped"),
        ] {
            if count > 0 {
                warnings.push(format!("{count} {what}"));
            }
        }
        warnings
    }

    /// Tells something small for which nobody waits.
    fn note(&self, change: impl FnOnce(&mut queue::Waiting)) {
        // That it was shed is counted.
        let _ = self.queue.tell(&self.counters, false, change);
    }

    /// Tells something small. The ticket is open if `waits`, and the disk does not fail.
    fn ask(&self, waits: bool, change: impl FnOnce(&mut queue::Waiting)) -> Ticket {
        let waits = waits && self.counters.is_healthy();
        let told = self.queue.tell(&self.counters, false, |waiting| {
            change(waiting);
            waits.then(|| {
                let (sender, receiver) = oneshot::channel();
                waiting.batch.waiting.push(sender);
                receiver
            })
        });
        Ticket::new(told.flatten())
    }
}

/// The wall clock, milliseconds since 1970. Nothing is ordered by it.
fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
