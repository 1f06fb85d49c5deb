//! Bounds of what is kept.

use std::time::Duration;

/// How much a participant keeps, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Keys, values and tombstones of one node, in bytes. Default: 64 KiB. Must agree
    /// cluster-wide: a participant with half the bound of another may refuse its state.
    pub node_bytes_max: usize,
    /// Keys and tombstones of one node. Default: 1,024 (guess). Must agree cluster-wide, as above.
    pub keys_max: usize,
    /// The longest key, in bytes. Default: 128 (guess). Must agree cluster-wide.
    pub key_bytes_max: usize,
    /// Of how many nodes state is kept. Default: 100,000 (guess).
    pub nodes_max: usize,
    /// How long a deletion is remembered. A participant that was out of touch for longer is sent
    /// the node's whole state instead of what changed. Default: 1 h (guess).
    pub tombstone_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            node_bytes_max: 64 << 10,
            keys_max: 1024,
            key_bytes_max: 128,
            nodes_max: 100_000,
            tombstone_grace: Duration::from_secs(3600),
        }
    }
}

/// A receiver lets the copy of another node's state grow to this many times the bounds: beside
/// new entries it holds old ones whose overwriting comes in a later delta. Guess; beyond it the
/// copy is forgotten and fetched anew.
pub(super) const COPY_FACTOR: usize = 2;

/// What was shed or went wrong since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Deltas refused for their form or a bound.
    pub refused: u64,
    /// Deltas that did not follow on what was known.
    pub gaps: u64,
    /// Copies of a node's state dropped because old and new entries together were too many.
    pub forgotten: u64,
    /// Times this node took a new generation because others knew more of it than it wrote.
    pub generation_bumps: u64,
    /// Tombstones dropped after their grace.
    pub tombstones_purged: u64,
    /// Own tombstones dropped before their grace, to make room.
    pub tombstones_shed: u64,
}
