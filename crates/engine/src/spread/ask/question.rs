//! What is remembered of a question.

use super::held::Held;
use crate::Instant;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

/// Names a question, and who asked it.
pub trait QuestionId<M>: Clone + Ord + Debug {
    /// The member that asked.
    fn origin(&self) -> M;
}

/// In which form the origin of a question gets the answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduce {
    /// Each part with the member that it is from.
    #[default]
    Collect,
    /// Equal parts as one, with how many members gave it and the first few of them.
    Tally,
}

/// A question that was asked here, or has come.
#[derive(Clone, Debug)]
pub struct Asked<M> {
    /// Who sent the first copy; `None` at the origin.
    pub parent: Option<M>,
    /// In which form the origin wants the answers.
    pub reduce: Reduce,
    /// How many hops brought it.
    pub hops: u8,
    /// Until when the origin awaits answers. A member that does not know when it was asked counts
    /// from when the question came: the origin confirms, and drops, what comes too late.
    pub deadline: Instant,
    /// How many members there are, this node included.
    pub members_count: usize,
}

/// A question that is remembered.
#[derive(Clone, Debug)]
pub(super) struct Question<M, P> {
    pub(super) reduce: Reduce,
    /// Parts that came, where this node is the origin.
    pub(super) seen: BTreeSet<(M, u8)>,
    /// Where answers go; `None` for straight to the origin.
    pub(super) parent: Option<M>,
    pub(super) hops: u8,
    pub(super) deadline: Instant,
    /// Parts are held until then.
    pub(super) hold_until: Instant,
    /// How many parts this node has given; `None` once it may give no more, or if only parts of
    /// others have come, and not the question.
    pub(super) given: Option<u8>,
    pub(super) was_asked: bool,
    /// Whether no member passes its parts on through this one.
    pub(super) is_direct: bool,
    pub(super) held: Held<M, P>,
    /// Messages taken from others, by sender and ticket, and whether they were confirmed.
    pub(super) taken: BTreeMap<(M, u64), bool>,
}

impl<M: Ord, P> Question<M, P> {
    /// One of which only parts of others have come: they go straight on.
    pub(super) fn relayed(now: Instant, deadline: Instant) -> Self {
        Self {
            reduce: Reduce::Collect,
            seen: BTreeSet::new(),
            parent: None,
            hops: 0,
            deadline,
            hold_until: now,
            given: None,
            was_asked: false,
            is_direct: false,
            held: Held::default(),
            taken: BTreeMap::new(),
        }
    }

    /// What it counts as against [`super::Params::parts_max`], beside what is held or in flight.
    pub(super) fn remembered(&self) -> usize {
        self.seen.len() + self.taken.len()
    }
}
