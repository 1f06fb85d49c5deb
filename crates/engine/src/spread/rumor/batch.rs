//! Gathering keys for the same peer.

use super::Out;
use super::message::{Message, Send};
use crate::MemberId;
use std::collections::BTreeMap;
use std::fmt::Debug;

/// Keys by the peer they go to. Empty between two calls of the engine.
#[derive(Clone, Debug)]
pub(super) struct Batches<I, K> {
    by_peer: BTreeMap<I, Vec<K>>,
}

impl<I: MemberId, K: Clone + Ord + Debug> Batches<I, K> {
    pub(super) fn new() -> Self {
        Self { by_peer: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, to: I, key: K) {
        self.by_peer.entry(to).or_default().push(key);
    }

    /// Sends all in messages of at most `keys_max` keys, in the order of the peers' ids.
    pub(super) fn flush(
        &mut self,
        keys_max: usize,
        message: impl Fn(Vec<K>) -> Message<K>,
        out: &mut Out<I, K>,
    ) {
        for (to, keys) in std::mem::take(&mut self.by_peer) {
            send_chunks(&to, &keys, keys_max, &message, out);
        }
    }
}

/// Sends `keys` to one peer in messages of at most `keys_max` keys.
pub(super) fn send_chunks<I: MemberId, K: Clone>(
    to: &I,
    keys: &[K],
    keys_max: usize,
    message: impl Fn(Vec<K>) -> Message<K>,
    out: &mut Out<I, K>,
) {
    for chunk in keys.chunks(keys_max.max(1)) {
        out.send(Send { to: to.clone(), message: message(chunk.to_vec()) });
    }
}
