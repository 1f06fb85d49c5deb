//! Between those who tell the store something and the thread that writes it.
//!
//! Telling costs a short lock and never waits for the disk. What waits is bounded; beyond the
//! bounds it is shed and counted.

use super::batch::Batch;
use super::counters::StoreCounters;
use crate::shared::count;
use bruit_model::ItemId;
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// When so many rows wait to be written, no items are taken; when twice as many do, nothing is.
/// Guess.
pub(super) const ROWS_MAX: usize = 32 * 1024;
/// When so many bytes of items wait to be written, no more items are taken. Guess.
pub(super) const BYTES_MAX: usize = 32 * 1024 * 1024;

/// What waits, and who waits for it.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) batch: Batch,
    /// Who waits for items that have not been offered yet.
    pub(super) expected: BTreeMap<ItemId, oneshot::Sender<bool>>,
    next_order: u64,
    /// Nothing more will come.
    is_closed: bool,
}

/// The queue.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    /// The batch became pressing or awaited, or the queue was closed.
    told: Condvar,
    closed: Condvar,
}

impl Queue {
    /// An empty one; orders begin at `next_order`.
    pub(super) fn new(next_order: u64) -> Self {
        let (batch, expected) = (Batch::default(), BTreeMap::new());
        let waiting = Waiting { batch, expected, next_order, is_closed: false };
        Self { waiting: Mutex::new(waiting), told: Condvar::new(), closed: Condvar::new() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells something: an item, or something small. `None`: shed.
    pub(super) fn tell<T>(
        &self,
        counters: &StoreCounters,
        is_item: bool,
        change: impl FnOnce(&mut Waiting) -> T,
    ) -> Option<T> {
        let mut waiting = self.lock();
        let (rows, bytes) = (waiting.batch.rows(), waiting.batch.bytes());
        let fits = if is_item { rows < ROWS_MAX && bytes < BYTES_MAX } else { rows < 2 * ROWS_MAX };
        if !fits || waiting.is_closed {
            drop(waiting);
            count(&counters.shed);
            return None;
        }
        let before = (waiting.batch.is_pressing(), waiting.batch.is_awaited());
        let result = change(&mut waiting);
        let after = (waiting.batch.is_pressing(), waiting.batch.is_awaited());
        drop(waiting);
        if before != after {
            self.told.notify_one();
        }
        Some(result)
    }

    /// Waits until something is to be written before long, then until somebody waits for it, at
    /// most `linger`; takes all. Empty: the queue was closed.
    pub(super) fn take(&self, linger: Duration) -> Batch {
        let idle = |waiting: &mut Waiting| !waiting.batch.is_pressing() && !waiting.is_closed;
        let waiting = self.told.wait_while(self.lock(), idle);
        let waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        let lax = |waiting: &mut Waiting| !waiting.batch.is_awaited() && !waiting.is_closed;
        let waited = self.told.wait_timeout_while(waiting, linger, lax);
        let mut waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
        std::mem::take(&mut waiting.batch)
    }

    /// Gives back what could not be written, before all that came since. Nobody waits for it.
    pub(super) fn put_back(&self, mut batch: Batch) {
        batch.disappoint();
        let mut waiting = self.lock();
        let newer = std::mem::take(&mut waiting.batch);
        batch.absorb(newer);
        batch.disappoint();
        waiting.batch = batch;
    }

    /// Waits so long, or until the queue is closed; whether it is.
    pub(super) fn pause(&self, patience: Duration) -> bool {
        let open = |waiting: &mut Waiting| !waiting.is_closed;
        let waited = self.closed.wait_timeout_while(self.lock(), patience, open);
        waited.unwrap_or_else(PoisonError::into_inner).0.is_closed
    }

    /// Takes nothing more.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.told.notify_all();
        self.closed.notify_all();
    }

    /// Closes it and tells everybody who waits that there is nothing to wait for.
    pub(super) fn abandon(&self) {
        let mut waiting = self.lock();
        waiting.is_closed = true;
        waiting.batch.disappoint();
        // Dropping the senders says it.
        waiting.expected.clear();
    }
}

impl Waiting {
    /// The order of what comes next.
    pub(super) const fn next_order(&self) -> u64 {
        self.next_order
    }

    /// An order higher than all before.
    pub(super) fn take_order(&mut self) -> u64 {
        self.next_order += 1;
        self.next_order - 1
    }
}
