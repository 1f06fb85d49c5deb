//! Gathering keys for the same peer.

use super::Out;
use super::message::{Message, Send};
use crate::MemberId;
use std::fmt::Debug;

/// Keys and the peers they go to. Empty between two calls of the engine.
#[derive(Clone, Debug)]
pub(super) struct Batches<I, K> {
    pairs: Vec<(I, K)>,
}

impl<I: MemberId, K: Clone + Ord + Debug> Batches<I, K> {
    pub(super) fn new() -> Self {
        Self { pairs: Vec::new() }
    }

    pub(super) fn add(&mut self, to: I, key: K) {
        self.pairs.push((to, key));
    }

    /// Sends all in messages of at most `keys_max` keys, in the order of the peers' ids.
    pub(super) fn flush(
        &mut self,
        keys_max: usize,
        message: impl Fn(Vec<K>) -> Message<K>,
        out: &mut Out<I, K>,
    ) {
        if self.pairs.is_empty() {
            return;
        }
        let mut pairs = std::mem::take(&mut self.pairs);
        // Stable: the keys for one peer stay in the order in which they were added.
        pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
        for of_one in pairs.chunk_by(|(a, _), (b, _)| a == b) {
            let keys = of_one.iter().map(|(_, key)| key.clone()).collect();
            send_chunks(&of_one[0].0, keys, keys_max, &message, out);
        }
    }
}

/// Sends `keys` to one peer in messages of at most `keys_max` keys.
pub(super) fn send_chunks<I: MemberId, K: Clone>(
    to: &I,
    keys: Vec<K>,
    keys_max: usize,
    message: impl Fn(Vec<K>) -> Message<K>,
    out: &mut Out<I, K>,
) {
    if (1..=keys_max.max(1)).contains(&keys.len()) {
        out.send(Send { to: to.clone(), message: message(keys) });
        return;
    }
    for chunk in keys.chunks(keys_max.max(1)) {
        out.send(Send { to: to.clone(), message: message(chunk.to_vec()) });
    }
}
