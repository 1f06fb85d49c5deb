//! What the store counts, and how it is doing.

use serde::Serialize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Numbers of the store. Gauges are of what is on disk.
#[derive(Debug, Default)]
pub(crate) struct StoreCounters {
    /// Transactions that are on disk.
    pub(crate) commits: AtomicU64,
    /// How long they took, in microseconds.
    pub(crate) commit_micros: AtomicU64,
    /// Transactions that failed.
    pub(crate) errors: AtomicU64,
    /// What was told and will not be written, because too much waits to be written.
    pub(crate) shed: AtomicU64,
    /// Items that were not written because the store is full.
    pub(crate) refused: AtomicU64,
    /// Dead letters that were dropped to make room.
    pub(crate) dead_dropped: AtomicU64,
    /// Deliveries and dead letters of subscriptions that are no more, dropped at the start.
    pub(crate) orphans: AtomicU64,
    /// Bytes of items: a gauge.
    pub(crate) bytes: AtomicU64,
    /// Deliveries that have not ended: a gauge.
    pub(crate) pending: AtomicU64,
    /// Dead letters: a gauge.
    pub(crate) dead: AtomicU64,
    /// Items of this node that the group may ask for: a gauge.
    pub(crate) own: AtomicU64,
    /// Items that the kept snapshot does not cover: a gauge.
    pub(crate) recent: AtomicU64,
    is_failing: AtomicBool,
    last_error: Mutex<Option<String>>,
}

/// How the store is doing, as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct StoreStatus {
    /// The file.
    pub(crate) path: String,
    /// `commit` or `batch`.
    pub(crate) level: &'static str,
    /// Deliveries on disk that have not ended.
    pub(crate) pending: u64,
    /// Dead letters on disk.
    pub(crate) dead: u64,
    /// Bytes of items on disk.
    pub(crate) bytes: u64,
    /// Whether the last transaction was written.
    pub(crate) healthy: bool,
    /// Why a transaction failed last, if one ever did.
    pub(crate) last_error: Option<String>,
}

impl StoreCounters {
    /// Whether the last transaction was written.
    pub(crate) fn is_healthy(&self) -> bool {
        !self.is_failing.load(Ordering::Relaxed)
    }

    /// Notes that a transaction failed; whether the one before had not.
    pub(crate) fn failed(&self, error: String) -> bool {
        self.errors.fetch_add(1, Ordering::Relaxed);
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        !self.is_failing.swap(true, Ordering::Relaxed)
    }

    /// Notes that a transaction was written; whether the one before had failed.
    pub(super) fn succeeded(&self) -> bool {
        self.is_failing.swap(false, Ordering::Relaxed)
    }

    /// Why a transaction failed last.
    pub(super) fn last_error(&self) -> Option<String> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
