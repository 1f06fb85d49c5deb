//! Taking in what a peer sent.

use super::config::{COPY_FACTOR, Limits};
use super::message::{Entry, NodeDelta};
use super::state::{NodeState, Slot};
use super::{GENERATION_MAX, Scuttlebutt};
use crate::{Instant, MemberId};
use std::collections::BTreeSet;

/// What became of a delta.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Applied {
    /// More is known than before. `keys`, ascending, are those whose value changed or vanished;
    /// there may be none (a tombstone of an unknown key, a value written again).
    Changed {
        /// The keys.
        keys: Vec<String>,
    },
    /// Nothing new; no effect.
    Stale,
    /// It does not follow on what is known here; no effect. The digest of the node tells the
    /// sender from where to start.
    Gap,
    /// Malformed or beyond a bound; no effect.
    Refused(Refusal),
    /// It is about this node and tells what this run of it did not write: this node has taken a
    /// generation above, so that its own state replaces that everywhere.
    OwnNewer,
}

/// Why a delta was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// State of as many nodes as [`Limits::nodes_max`] is kept.
    #[error("state of too many nodes")]
    TooManyNodes,
    /// More entries than twice [`Limits::keys_max`].
    #[error("too many keys")]
    TooManyKeys,
    /// Keys and values longer than twice [`Limits::node_bytes_max`].
    #[error("too many bytes")]
    TooLarge,
    /// A key that is empty or longer than [`Limits::key_bytes_max`].
    #[error("a key of a length that is not allowed")]
    KeyLength,
    /// A generation out of range, versions that do not ascend or lie outside the delta's, or a
    /// key that comes twice.
    #[error("malformed")]
    Malformed,
}

/// How a delta relates to what is known.
enum Fit {
    Stale,
    Gap,
    /// It takes the place of what is known.
    Replaces,
    /// It follows on what is known.
    Continues,
}

impl<I: MemberId> Scuttlebutt<I> {
    /// Takes in what a peer sent.
    pub fn apply(&mut self, now: Instant, delta: NodeDelta<I>) -> Applied {
        if let Err(refusal) = check(&delta, &self.limits) {
            return self.refuse(refusal);
        }
        if delta.id == self.me {
            return self.apply_own(&delta);
        }
        let known = self.nodes.get(&delta.id);
        if known.is_none() && self.nodes.len() >= self.limits.nodes_max {
            return self.refuse(Refusal::TooManyNodes);
        }
        match fit(known, &delta) {
            Fit::Stale => Applied::Stale,
            Fit::Gap => {
                self.counts.gaps += 1;
                Applied::Gap
            }
            Fit::Replaces => self.replace(now, delta),
            Fit::Continues => self.continue_with(now, delta),
        }
    }

    fn refuse(&mut self, refusal: Refusal) -> Applied {
        self.counts.refused += 1;
        Applied::Refused(refusal)
    }

    fn apply_own(&mut self, delta: &NodeDelta<I>) -> Applied {
        let claimed = delta.max_version.max(delta.purged_version);
        let own = self.own();
        let is_foreign = delta.generation == own.generation()
            && delta.entries.iter().any(|entry| !has_written(own, entry));
        if (is_foreign && self.bump(delta.generation)) || self.heal(delta.generation, claimed) {
            return Applied::OwnNewer;
        }
        Applied::Stale
    }

    fn replace(&mut self, now: Instant, delta: NodeDelta<I>) -> Applied {
        let mut fresh = NodeState::new(delta.generation, delta.purged_version);
        self.fill(now, &mut fresh, &delta, 0);
        let keys = match self.nodes.get(&delta.id) {
            Some(old) => fresh.changed_since(old),
            None => fresh.changed_since(&NodeState::new(0, 0)),
        };
        self.keep(delta.id, fresh);
        Applied::Changed { keys }
    }

    fn continue_with(&mut self, now: Instant, delta: NodeDelta<I>) -> Applied {
        let Some(mut state) = self.nodes.remove(&delta.id) else { return Applied::Gap };
        let known = state.max_version();
        let (bytes, count) = size_with(&state, &delta.entries, known);
        if !fits(bytes, count, &self.limits) {
            let empty = NodeState::new(state.generation(), 0);
            self.counts.forgotten += 1;
            let keys = empty.changed_since(&state);
            self.keep(delta.id, empty);
            return Applied::Changed { keys };
        }
        let keys = self.fill(now, &mut state, &delta, known);
        self.keep(delta.id, state);
        Applied::Changed { keys }
    }

    /// Puts the entries above `known` into `state`; the keys whose value changed, ascending.
    fn fill(
        &self,
        now: Instant,
        state: &mut NodeState,
        delta: &NodeDelta<I>,
        known: u64,
    ) -> Vec<String> {
        let mut changed = Vec::new();
        for entry in delta.entries.iter().filter(|entry| entry.version > known) {
            let slot = match &entry.value {
                Some(value) => Slot::Live(value.as_slice().into()),
                None => Slot::Dead { until: now + self.limits.tombstone_grace },
            };
            if state.put(&entry.key, slot, entry.version) {
                changed.push(entry.key.clone());
            }
        }
        state.known_up_to(delta.max_version);
        changed.sort_unstable();
        changed
    }

    fn keep(&mut self, id: I, state: NodeState) {
        match state.next_purge() {
            Some(at) => self.purges.set(id.clone(), at),
            None => {
                self.purges.cancel(&id);
            }
        }
        self.nodes.insert(id, state);
    }
}

/// The form of a delta, whoever it is about.
fn check<I>(delta: &NodeDelta<I>, limits: &Limits) -> Result<(), Refusal> {
    if delta.entries.len() > limits.keys_max.saturating_mul(COPY_FACTOR) {
        return Err(Refusal::TooManyKeys);
    }
    let (mut last, mut bytes, mut keys) = (delta.from_version, 0_usize, BTreeSet::new());
    for entry in &delta.entries {
        if entry.key.is_empty() || entry.key.len() > limits.key_bytes_max {
            return Err(Refusal::KeyLength);
        }
        if entry.version <= last || !keys.insert(entry.key.as_str()) {
            return Err(Refusal::Malformed);
        }
        last = entry.version;
        bytes += entry.key.len() + entry.value.as_ref().map_or(0, Vec::len);
    }
    if last > delta.max_version || !(1..=GENERATION_MAX).contains(&delta.generation) {
        return Err(Refusal::Malformed);
    }
    if bytes > limits.node_bytes_max.saturating_mul(COPY_FACTOR) {
        return Err(Refusal::TooLarge);
    }
    Ok(())
}

/// The rules are those of the module's text.
fn fit<I>(known: Option<&NodeState>, delta: &NodeDelta<I>) -> Fit {
    let same = known.filter(|state| state.generation() == delta.generation);
    if known.is_some_and(|state| state.generation() > delta.generation) {
        return Fit::Stale;
    }
    let (max, purged) = same.map_or((0, 0), |s| (s.max_version(), s.purged_version()));
    let starts_over = max < delta.purged_version && purged < delta.purged_version;
    let is_unclean = max < purged && delta.purged_version < purged;
    if same.is_none() || starts_over {
        return if delta.from_version == 0 { Fit::Replaces } else { Fit::Gap };
    }
    if delta.max_version <= max {
        Fit::Stale
    } else if delta.from_version > max || is_unclean {
        Fit::Gap
    } else {
        Fit::Continues
    }
}

/// Bytes and count of `state` with the entries above `known` put in.
fn size_with(state: &NodeState, entries: &[Entry], known: u64) -> (usize, usize) {
    let (mut bytes, mut count) = (state.held_bytes(), state.held_count());
    for entry in entries.iter().filter(|entry| entry.version > known) {
        bytes += entry.key.len() + entry.value.as_ref().map_or(0, Vec::len);
        match state.held(&entry.key) {
            Some(old) => bytes -= old.bytes(),
            None => count += 1,
        }
    }
    (bytes, count)
}

fn fits(bytes: usize, count: usize, limits: &Limits) -> bool {
    bytes <= limits.node_bytes_max.saturating_mul(COPY_FACTOR)
        && count <= limits.keys_max.saturating_mul(COPY_FACTOR)
}

/// Whether this run may have written an entry of its own generation.
fn has_written(own: &NodeState, entry: &Entry) -> bool {
    match own.held(&entry.key) {
        Some(held) if held.version() == entry.version => {
            held.value().map(AsRef::as_ref) == entry.value.as_deref()
        }
        Some(held) => held.version() > entry.version,
        None => entry.version <= own.purged_version(),
    }
}
