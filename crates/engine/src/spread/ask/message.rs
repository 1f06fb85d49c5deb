//! What travels back from those who answer.

use crate::Instant;
use std::sync::Arc;
use std::time::Duration;

/// Parts of answers to one question, on their way to its origin. `M` names a member, `Q` a
/// question, `P` is a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts<M, Q, P> {
    /// Which question.
    pub question: Q,
    /// The parts, equal ones once.
    pub groups: Vec<Group<M, P>>,
}

impl<M, Q, P> Parts<M, Q, P> {
    /// How many parts these are, counting equal ones of different members.
    pub fn count(&self) -> usize {
        self.groups.iter().map(|group| group.from.len()).sum()
    }
}

/// A part, and who gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group<M, P> {
    /// What they said.
    pub part: P,
    /// Whether they have said all with it.
    pub is_last: bool,
    /// Each member, and which of its parts this is: 0, 1, 2, … By the two, whoever gets a part by
    /// several ways tells repetitions.
    pub from: Vec<(M, u8)>,
}

/// What the engine wants sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Send<M, Q, P> {
    /// Parts, to be sent again until they are confirmed.
    Parts {
        /// The receiver.
        to: M,
        /// By which [`super::Ask::delivered`] and [`super::Ask::undelivered`] name them.
        number: u64,
        /// The parts.
        parts: Arc<Parts<M, Q, P>>,
        /// How much longer than a round trip the confirmation may take: the receiver, and those
        /// above it, hold them first.
        patience: Duration,
        /// When to give up.
        until: Instant,
    },
    /// All that came in the message with this ticket is at the origin.
    Confirm {
        /// Who sent that message.
        to: M,
        /// Its ticket.
        ticket: u64,
    },
}
