//! Scuttlebutt reconciliation: everyone gets everyone's few keys and values.
//!
//! Each node owns a small map of keys to values and numbers its writes: a write takes a *version*
//! above all before. Everyone holds a copy of everyone's map. To tell what one has it is enough
//! to name the highest version one knows of each node (the *digest*); a peer answers with the
//! entries above it (the *delta*), in version order, as many as fit. A value that was overwritten
//! is never sent.
//!
//! ```text
//!   q                                        p
//!   |  digest: (r, generation, max, purged)  |
//!   | -------------------------------------> |   entries of r with a version above max,
//!   |  delta of r: from, to, entries         |   lowest first, cut to the budget
//!   | <------------------------------------- |
//!   apply: max becomes `to`
//! ```
//!
//! # Invariants
//!
//! Fix a node *r* and one of its generations. Let *x(k)* be the version of the last write of key
//! *k* by *r*, and let *q*'s digest of *r* be *(m, p)*, *p* being its purged version. Then, for
//! every participant *q* and key *k*:
//!
//! - **I**: x(k) ≤ m ⇒ q holds exactly that write, or it is a deletion and q holds nothing of k.
//!   (So of any two participants p and q: either they agree on k, or the higher version of k is
//!   above the m of the one that lacks it: the paper's invariant.)
//! - **A**: k is deleted, x(k) ≤ m, and q holds no tombstone of k ⇒ x(k) ≤ p.
//! - **B**: k is deleted and x(k) ≤ p ⇒ q holds no value of k.
//!
//! They hold because of the following rules, *(M, P)* being the sender's digest.
//!
//! - *Cut*: an entry is left out only with all higher ones of its node; a delta that ends at
//!   version e lets the receiver's m become e.
//! - *Start over*: if m < P and p < P, a deletion that the receiver lacks may be purged at the
//!   sender, so the delta starts from zero, and the receiver forgets what it has and takes P for
//!   p. Since p is in the digest, the next delta continues where a cut one ended. Each start over
//!   raises p, so there are no more of them than deletions.
//! - *No resurrection*: if M < p and P < p, the sender may hold a value that the receiver knows to
//!   be deleted, so it sends nothing; someone who knows more will.
//!
//! The receiver checks the same by the delta alone, so deltas may be lost, repeated, reordered and
//! delayed.
//!
//! # Restarts
//!
//! A restarted node has a higher *generation*, whose state replaces all of a lower one. A node
//! that restarts with an old clock (a lower generation), or that lost its count of writes (the
//! same generation), finds out when somebody tells it of more than it wrote, and takes a
//! generation above that. So a generation should be new for each run, and need not be.
//!
//! # What it does not do
//!
//! It does not know who is a member: the caller asks about members and removes those that are
//! reaped. It does not withstand members that lie. It does not choose peers or rates; the flow
//! control of the paper's section 4 is not here. While a copy is started over in several deltas,
//! keys that are yet to come are absent.
//!
//! # Source
//!
//! Van Renesse, Dumitriu, Gough, Thomas, "Efficient reconciliation and flow control for
//! anti-entropy protocols", LADIS 2008, section 3. Generations as in Cassandra's gossip, the idea
//! of a purged version next to the highest as in chitchat.

pub mod message;

mod apply;
mod config;
mod own;
mod pack;
mod state;
#[cfg(test)]
mod tests;

pub use apply::{Applied, Refusal};
pub use config::{Counts, Limits};
pub use own::SetError;
pub use pack::{DeltaCost, Order};
pub use state::NodeState;

use super::buckets::hash_words;
use crate::{Deadlines, Instant, MemberId, Rng};
use message::{DigestEntry, NodeDelta};
use std::collections::BTreeMap;

/// The highest generation: one below the highest number, so that it can always be named.
pub const GENERATION_MAX: u64 = u64::MAX - 1;

/// One participant: its own state and its copies of everyone else's.
#[derive(Clone, Debug)]
pub struct Scuttlebutt<I> {
    limits: Limits,
    me: I,
    /// Own state is always there.
    nodes: BTreeMap<I, NodeState>,
    /// When the first tombstone of a node is due.
    purges: Deadlines<I>,
    counts: Counts,
}

impl<I: MemberId> Scuttlebutt<I> {
    /// A participant that knows only itself and has written nothing. `generation` should be above
    /// that of all earlier runs; it is brought into `1..=`[`GENERATION_MAX`].
    pub fn new(limits: Limits, me: I, generation: u64) -> Self {
        let own = NodeState::new(generation.clamp(1, GENERATION_MAX), 0);
        let nodes = BTreeMap::from([(me.clone(), own)]);
        Self { limits, me, nodes, purges: Deadlines::default(), counts: Counts::default() }
    }

    /// What is known of a node.
    pub fn get(&self, id: &I) -> Option<&NodeState> {
        self.nodes.get(id)
    }

    /// The nodes of which something is known, this one included, ascending.
    pub fn ids(&self) -> impl Iterator<Item = &I> {
        self.nodes.keys()
    }

    /// What this participant says it knows of a node.
    pub fn digest(&self, id: &I) -> Option<DigestEntry<I>> {
        self.nodes.get(id).map(|state| state.digest(id.clone()))
    }

    /// What it says of all nodes, ascending.
    pub fn digests(&self) -> impl Iterator<Item = DigestEntry<I>> {
        self.nodes.iter().map(|(id, state)| state.digest(id.clone()))
    }

    /// Whether there is something to tell the holder of a digest.
    pub fn has_news(&self, theirs: &DigestEntry<I>) -> bool {
        let known = self.nodes.get_key_value(&theirs.id);
        known.is_some_and(|(id, state)| pack::News::new(id, state, theirs).is_some())
    }

    /// What the holder of `theirs` lacks, of the nodes in `theirs` (for one of which it knows
    /// nothing see [`DigestEntry::unknown`]), cut so that the sum of `cost` is at most `budget`.
    ///
    /// An entry that alone is above the budget holds back the higher ones of its node: when
    /// [`Scuttlebutt::has_news`] and nothing comes, a larger budget is needed.
    pub fn delta(
        &self,
        theirs: &[DigestEntry<I>],
        order: Order,
        budget: usize,
        cost: &dyn DeltaCost<I>,
        rng: &mut Rng,
    ) -> Vec<NodeDelta<I>> {
        let theirs: BTreeMap<&I, &DigestEntry<I>> =
            theirs.iter().map(|digest| (&digest.id, digest)).collect();
        let news = theirs.into_iter().filter_map(|(id, digest)| {
            let (id, state) = self.nodes.get_key_value(id)?;
            pack::News::new(id, state, digest)
        });
        pack::pack(news.collect(), order, budget, cost, rng)
    }

    /// Drops the tombstones whose grace has passed.
    pub fn purge(&mut self, now: Instant) {
        while let Some((_, id)) = self.purges.pop_due(now) {
            let Some(state) = self.nodes.get_mut(&id) else { continue };
            self.counts.tombstones_purged += state.purge(now) as u64;
            if let Some(at) = state.next_purge() {
                self.purges.set(id, at);
            }
        }
    }

    /// When [`Scuttlebutt::purge`] has something to do.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.purges.next()
    }

    /// Forgets a node that is no longer a member; false if it is unknown, or this node.
    pub fn remove(&mut self, id: &I) -> bool {
        if *id == self.me {
            return false;
        }
        self.purges.cancel(id);
        self.nodes.remove(id).is_some()
    }

    /// A hash of a node's id, generation and highest version, for [`super::buckets::Buckets`]; 0
    /// if nothing is known of it.
    pub fn element_hash(&self, id: &I) -> u64 {
        self.nodes.get(id).map_or(0, |state| {
            hash_words(&[id.bucket_hash(), state.generation(), state.max_version()])
        })
    }

    /// What was shed or went wrong since the start.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn own(&self) -> &NodeState {
        self.nodes.get(&self.me).expect("own state is there from the start and never removed")
    }

    fn own_mut(&mut self) -> &mut NodeState {
        self.nodes.get_mut(&self.me).expect("own state is there from the start and never removed")
    }
}
