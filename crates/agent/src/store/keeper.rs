//! The thread that writes.
//!
//! It takes everything that waits, writes it in one transaction, and tells those who wait for it.
//! While a transaction is being written the next batch gathers, so that the disk's pace sets how
//! many changes share one `fsync`. Where nobody waits, changes gather for a moment: what comes
//! from others and is delivered at once then needs one `fsync` and leaves only its id. (A kill in
//! that moment forgets that it came; the group brings it again.) A transaction that
//! fails is tried again, with what came meanwhile, until it succeeds; nobody waits for it then.

use super::Store;
use super::batch::Batch;
use super::error::{StoreError, WriteError};
use super::index::Index;
use super::write::write;
use bruit_model::ItemId;
use redb::Database;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long after a failed transaction it is tried again. Guess.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How long changes gather for which nobody waits. Guess.
const LINGER: Duration = Duration::from_millis(100);

/// Opens the database, at the start and after an error.
pub(super) type Open = Box<dyn Fn() -> Result<Database, StoreError> + Send>;

/// What the thread has.
pub(super) struct Keeper {
    store: Arc<Store>,
    open: Open,
    /// `None` after an error: it must be opened anew.
    opened: Option<(Database, Index)>,
    /// Orders from here on are of this run.
    run_from: u64,
}

impl Keeper {
    pub(super) fn new(store: Arc<Store>, open: Open, db: Database, index: Index) -> Self {
        index.show(&store.counters);
        let run_from = index.next_order;
        Self { store, open, opened: Some((db, index)), run_from }
    }

    /// Writes until the queue is closed and empty.
    pub(super) fn run(mut self) {
        // Also if this panics, nobody is to wait for ever.
        let store = Arc::clone(&self.store);
        let _end = Abandon(&store);
        loop {
            let batch = store.queue.take(LINGER);
            if batch.is_empty() {
                return;
            }
            let began = Instant::now();
            match self.write(&batch) {
                Ok(refused) => {
                    let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
                    store.counters.commits.fetch_add(1, Ordering::Relaxed);
                    store.counters.commit_micros.fetch_add(micros, Ordering::Relaxed);
                    if store.counters.succeeded() {
                        tracing::warn!(path = %store.path.display(), "the store is written again");
                    }
                    resolve(batch, &refused);
                }
                Err(error) => {
                    self.failed(&error);
                    store.queue.put_back(batch);
                    if store.queue.pause(RETRY_AFTER) {
                        self.last_try();
                        return;
                    }
                }
            }
        }
    }

    fn write(&mut self, batch: &Batch) -> Result<BTreeSet<ItemId>, WriteError> {
        if self.opened.is_none() {
            let db = (self.open)()?;
            let index = Index::read(&db, self.run_from)?;
            self.opened = Some((db, index));
        }
        let (db, index) = self.opened.as_mut().expect("it has been opened above");
        let store = &self.store;
        let written = write(db, index, batch, store.bytes_max, &store.counters);
        if written.is_ok() {
            index.show(&store.counters);
        } else {
            // After an error redb refuses everything until it is opened anew.
            self.opened = None;
        }
        written
    }

    fn failed(&self, error: &WriteError) {
        let path = self.store.path.display();
        let text = match std::error::Error::source(error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        if self.store.counters.failed(text.clone()) {
            tracing::error!(
                %path, error = %text,
                "the store cannot be written: until it can, a restart loses what comes; free room \
                 on the disk"
            );
        }
    }

    fn last_try(&mut self) {
        let batch = self.store.queue.take(Duration::ZERO);
        let rows = batch.rows();
        if self.write(&batch).is_err() {
            tracing::error!(rows, path = %self.store.path.display(), "changes were not stored");
        }
    }
}

/// Tells those who wait for a batch that it is on disk.
fn resolve(batch: Batch, refused: &BTreeSet<ItemId>) {
    // Whoever waited may have gone.
    batch.waiting.into_iter().for_each(|waiting| {
        let _ = waiting.send(true);
    });
    for (id, waiting) in batch.awaited {
        let _ = waiting.send(!refused.contains(&id));
    }
}

struct Abandon<'a>(&'a Store);

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        self.0.queue.abandon();
    }
}
