//! The numbers of the store.

use super::text::Families;
use crate::store::Store;
use std::sync::atomic::{AtomicU64, Ordering};

/// Adds them.
pub(super) fn add(families: &mut Families, store: &Store) {
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let counters = store.counters();
    families.counter("store_commits", &[], read(&counters.commits));
    families.counter("store_commit_microseconds", &[], read(&counters.commit_micros));
    families.counter("store_errors", &[], read(&counters.errors));
    for (reason, counter) in [("slow", &counters.shed), ("full", &counters.refused)] {
        families.counter("store_shed", &[("reason", reason)], read(counter));
    }
    families.counter("store_dead_letters_dropped", &[], read(&counters.dead_dropped));
    families.counter("store_orphans_dropped", &[], read(&counters.orphans));
    families.gauge("store_healthy", &[], u64::from(counters.is_healthy()));
    families.gauge("store_item_bytes", &[], read(&counters.bytes));
    for (table, gauge) in [
        ("pending", &counters.pending),
        ("dead", &counters.dead),
        ("own", &counters.own),
        ("recent", &counters.recent),
    ] {
        families.gauge("store_rows", &[("table", table)], read(gauge));
    }
}
