//! A row of the member table.

use super::Incarnation;
use crate::Instant;
use std::fmt;
use std::time::Duration;

/// Whether a member is there. Of two statements about the same incarnation, the one further down
/// this list wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// It answers, or nobody has complained.
    Alive,
    /// Somebody got no answer; it may still refute.
    Suspect,
    /// It is held to have stopped (SWIM's "confirmed").
    Failed,
    /// It said goodbye.
    Left,
}

impl State {
    /// Whether such a member is probed and talked to.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Alive | Self::Suspect)
    }
}

/// Why a member is in its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why<I> {
    /// It is this node.
    Founder,
    /// This member told of it.
    HeardFrom(I),
    /// It raised its incarnation against an accusation, or came back.
    Refuted,
    /// It did not answer this node.
    Unanswered {
        /// Pings sent to it.
        direct: u32,
        /// Members asked to ping it.
        indirect: u32,
    },
    /// This member got no answer out of it.
    SuspectedBy(I),
    /// It did not refute in time.
    SuspicionExpired {
        /// Who accused it, the first first.
        accusers: Vec<I>,
    },
    /// This member declared it failed.
    DeclaredBy(I),
    /// It announced that it leaves.
    SaidGoodbye,
    /// It had failed, or was suspect, and was declared left.
    Evicted,
}

impl<I> Why<I> {
    /// The same reason with other ids, such as names.
    pub fn map<J>(&self, mut id: impl FnMut(&I) -> J) -> Why<J> {
        match self {
            Self::Founder => Why::Founder,
            Self::HeardFrom(from) => Why::HeardFrom(id(from)),
            Self::Refuted => Why::Refuted,
            Self::Unanswered { direct, indirect } => {
                Why::Unanswered { direct: *direct, indirect: *indirect }
            }
            Self::SuspectedBy(by) => Why::SuspectedBy(id(by)),
            Self::SuspicionExpired { accusers } => {
                Why::SuspicionExpired { accusers: accusers.iter().map(id).collect() }
            }
            Self::DeclaredBy(by) => Why::DeclaredBy(id(by)),
            Self::SaidGoodbye => Why::SaidGoodbye,
            Self::Evicted => Why::Evicted,
        }
    }
}

impl<I: fmt::Display> fmt::Display for Why<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Founder => f.write_str("this node"),
            Self::HeardFrom(id) => write!(f, "heard from {id}"),
            Self::Refuted => f.write_str("it refuted"),
            Self::Unanswered { direct, indirect } => {
                write!(f, "no answer to {direct} direct and {indirect} indirect probes")
            }
            Self::SuspectedBy(id) => write!(f, "suspected by {id}"),
            Self::SuspicionExpired { accusers } => {
                f.write_str("suspicion expired, accused by ")?;
                for (index, id) in accusers.iter().enumerate() {
                    write!(f, "{}{id}", if index == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
            Self::DeclaredBy(id) => write!(f, "declared failed by {id}"),
            Self::SaidGoodbye => f.write_str("said goodbye"),
            Self::Evicted => f.write_str("evicted: it did not answer"),
        }
    }
}

/// What this node knows of one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member<I, R> {
    /// Its id.
    pub id: I,
    /// What it says of itself.
    pub record: R,
    /// Whether it is there.
    pub state: State,
    /// Which of its lives that is about.
    pub incarnation: Incarnation,
    /// Why it is in that state.
    pub why: Why<I>,
    /// When it entered that state, as this node saw it.
    pub since: Instant,
    /// Round-trip time of direct pings, smoothed: `(7 × old + new) / 8` (RFC 6298 section 2).
    pub rtt: Option<Duration>,
    /// When it last answered a probe of this node, directly or through a helper.
    pub last_ack: Option<Instant>,
}

impl<I, R> Member<I, R> {
    /// Takes in one measured round trip.
    pub(super) fn note_round_trip(&mut self, sample: Duration) {
        self.rtt = Some(self.rtt.map_or(sample, |old| (old * 7 + sample) / 8));
    }
}
