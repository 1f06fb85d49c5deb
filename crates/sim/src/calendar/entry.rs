//! One entry.

use super::Key;
use super::keys::NO_SLOT;
use bruit_engine::Instant;
use std::cmp::Ordering;

/// Something that is to happen. The earlier, the *greater*, so that a heap has the first on top.
#[derive(Debug)]
pub(super) struct Entry<P> {
    pub(super) nanos: u64,
    pub(super) sequence: u64,
    pub(super) payload: P,
    /// Where the key is; [`NO_SLOT`] if it has none.
    pub(super) slot: u32,
}

impl<P> Entry<P> {
    pub(super) fn new(at: Instant, sequence: u64, key: Option<Key>, payload: P) -> Self {
        let slot = key.map_or(NO_SLOT, Key::slot);
        Self { nanos: at.as_nanos(), sequence, payload, slot }
    }

    pub(super) fn at(&self) -> Instant {
        Instant::from_nanos(self.nanos)
    }
}

impl<P> Ord for Entry<P> {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.nanos, other.sequence).cmp(&(self.nanos, self.sequence))
    }
}

impl<P> PartialOrd for Entry<P> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<P> PartialEq for Entry<P> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<P> Eq for Entry<P> {}
