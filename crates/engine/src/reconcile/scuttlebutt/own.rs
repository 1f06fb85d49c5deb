//! What a node writes about itself.

use super::message::DigestEntry;
use super::state::{NodeState, Slot};
use super::{GENERATION_MAX, Scuttlebutt};
use crate::{Instant, MemberId};
use std::collections::BTreeMap;

/// Why own state was not changed; nothing of the change was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetError {
    /// A key is empty or too long.
    #[error("a key must have 1 to {max} bytes")]
    KeyLength {
        /// The longest allowed, in bytes.
        max: usize,
    },
    /// There would be more keys than allowed.
    #[error("a node has at most {max} keys")]
    TooManyKeys {
        /// How many are allowed.
        max: usize,
    },
    /// Keys and values would be longer than allowed.
    #[error("the keys and values of a node have at most {max} bytes")]
    TooLarge {
        /// How many bytes are allowed.
        max: usize,
    },
}

impl<I: MemberId> Scuttlebutt<I> {
    /// Changes own state: a value, or `None` to delete. All or nothing; where a key comes twice
    /// the last one counts. True if anything is other than before. When keys and tombstones are
    /// together beyond the bounds, the oldest tombstones are dropped early.
    ///
    /// # Errors
    /// [`SetError`]: a bound would be exceeded; nothing is changed.
    pub fn set(
        &mut self,
        now: Instant,
        changes: &[(String, Option<Vec<u8>>)],
    ) -> Result<bool, SetError> {
        let max = self.limits.key_bytes_max;
        if changes.iter().any(|(key, _)| key.is_empty() || key.len() > max) {
            return Err(SetError::KeyLength { max });
        }
        let effective = effective(self.own(), changes);
        if effective.is_empty() {
            return Ok(false);
        }
        self.check_live(&effective)?;
        let until = now + self.limits.tombstone_grace;
        let own = self.own_mut();
        for (key, value) in effective {
            let version = own.max_version() + 1;
            let slot = value.map_or(Slot::Dead { until }, |value| Slot::Live(value.into()));
            own.put(key, slot, version);
            own.known_up_to(version);
        }
        self.shed_own_tombstones();
        self.arm_own_purge();
        Ok(true)
    }

    /// Own generation.
    pub fn generation(&self) -> u64 {
        self.own().generation()
    }

    /// Somebody knows this node under generation `seen`, and more of it than it wrote: if `seen`
    /// is at least the own generation, one above it is taken and own state is numbered anew.
    pub fn note_generation(&mut self, seen: u64) {
        if seen >= self.generation() {
            self.bump(seen);
        }
    }

    /// Compares somebody's digest of this node with what this node wrote; if it tells more, a
    /// generation above it is taken, and the answer is true. Digests of other nodes are ignored.
    pub fn note_digest(&mut self, digest: &DigestEntry<I>) -> bool {
        let claimed = digest.max_version.max(digest.purged_version);
        digest.id == self.me && self.heal(digest.generation, claimed)
    }

    /// Takes a higher generation if `generation` and `version` are above what was written.
    pub(super) fn heal(&mut self, generation: u64, version: u64) -> bool {
        let own = self.own();
        let is_newer = generation > own.generation()
            || generation == own.generation() && version > own.max_version();
        is_newer && self.bump(generation)
    }

    /// Takes the generation above `seen` and the own one; false if there is none left.
    pub(super) fn bump(&mut self, seen: u64) -> bool {
        let above = self.generation().max(seen);
        if above >= GENERATION_MAX {
            return false;
        }
        let restamped = self.own().restamped(above + 1);
        *self.own_mut() = restamped;
        self.counts.generation_bumps += 1;
        self.arm_own_purge();
        true
    }

    /// Whether the live keys and values alone are within the bounds after a change.
    fn check_live(&self, changes: &[(&str, Option<&[u8]>)]) -> Result<(), SetError> {
        let own = self.own();
        let mut count = own.entries().count();
        let mut bytes: usize = own.entries().map(|(key, value, _)| key.len() + value.len()).sum();
        for &(key, value) in changes {
            if let Some(old) = own.get(key) {
                count -= 1;
                bytes -= key.len() + old.len();
            }
            if let Some(value) = value {
                count += 1;
                bytes += key.len() + value.len();
            }
        }
        if count > self.limits.keys_max {
            return Err(SetError::TooManyKeys { max: self.limits.keys_max });
        }
        if bytes > self.limits.node_bytes_max {
            return Err(SetError::TooLarge { max: self.limits.node_bytes_max });
        }
        Ok(())
    }

    fn shed_own_tombstones(&mut self) {
        let limits = self.limits;
        let own = self.own_mut();
        let mut shed = own.held_count().saturating_sub(limits.keys_max);
        let mut excess = own.held_bytes().saturating_sub(limits.node_bytes_max);
        let mut dead: Vec<(u64, usize)> =
            own.tombstones().map(|held| (held.version(), held.bytes())).collect();
        dead.sort_unstable();
        for (index, (_, bytes)) in dead.into_iter().enumerate() {
            if excess == 0 {
                break;
            }
            excess = excess.saturating_sub(bytes);
            shed = shed.max(index + 1);
        }
        let count = own.shed_tombstones(shed);
        self.counts.tombstones_shed += count as u64;
    }

    fn arm_own_purge(&mut self) {
        match self.own().next_purge() {
            Some(at) => self.purges.set(self.me.clone(), at),
            None => {
                self.purges.cancel(&self.me);
            }
        }
    }
}

/// The changes that change something, each key once, in the order given.
fn effective<'a>(
    own: &NodeState,
    changes: &'a [(String, Option<Vec<u8>>)],
) -> Vec<(&'a str, Option<&'a [u8]>)> {
    let last: BTreeMap<&str, usize> =
        changes.iter().enumerate().map(|(index, (key, _))| (key.as_str(), index)).collect();
    let changes = changes.iter().enumerate();
    let changes = changes.filter(|(index, (key, _))| last[key.as_str()] == *index);
    let changes = changes.map(|(_, (key, value))| (key.as_str(), value.as_deref()));
    changes.filter(|&(key, value)| own.get(key).map(AsRef::as_ref) != value).collect()
}
