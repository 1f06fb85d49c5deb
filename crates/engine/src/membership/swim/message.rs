//! What members tell each other.

use super::{Incarnation, Seq};

/// A probe message. Updates travel beside it: the caller fills the room left in the datagram
/// from [`super::Swim::fill_updates`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message<I> {
    /// "Are you alive?" `target` lets a node that took over an address stay silent.
    Ping {
        /// Returned in the answer.
        seq: Seq,
        /// Who is asked.
        target: I,
    },
    /// "Ping `target` for me."
    PingReq {
        /// Returned in the answer.
        seq: Seq,
        /// Who is to be asked.
        target: I,
        /// Whether a [`Message::Nack`] is wanted when `target` stays silent (Lifeguard).
        wants_nack: bool,
    },
    /// "Alive": the answer to a ping, or to a ping request whose target answered.
    Ack {
        /// That of the question.
        seq: Seq,
    },
    /// "I am here, but the target did not answer me" (Lifeguard).
    Nack {
        /// That of the ping request.
        seq: Seq,
    },
    /// A carrier for updates with nothing of its own to say.
    Gossip,
}

/// One change in the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Update<I, R> {
    /// `id` is alive in `incarnation`.
    Alive {
        /// Whom it is about.
        id: I,
        /// Which of its lives.
        incarnation: Incarnation,
        /// What it says of itself.
        record: R,
    },
    /// `from` got no answer out of `id`.
    Suspect {
        /// Whom it is about.
        id: I,
        /// Which of its lives.
        incarnation: Incarnation,
        /// Who suspects it.
        from: I,
    },
    /// `from` holds that `id` has failed.
    Failed {
        /// Whom it is about.
        id: I,
        /// Which of its lives.
        incarnation: Incarnation,
        /// Who declared it.
        from: I,
    },
    /// `id` said that it leaves.
    Left {
        /// Whom it is about.
        id: I,
        /// Which of its lives.
        incarnation: Incarnation,
    },
}

impl<I, R> Update<I, R> {
    /// Whom it is about.
    pub fn subject(&self) -> &I {
        match self {
            Self::Alive { id, .. }
            | Self::Suspect { id, .. }
            | Self::Failed { id, .. }
            | Self::Left { id, .. } => id,
        }
    }

    /// The same accusation in the name of `accuser`; other updates are left as they are.
    pub(super) fn with_accuser(self, accuser: I) -> Self {
        match self {
            Self::Suspect { id, incarnation, .. } => {
                Self::Suspect { id, incarnation, from: accuser }
            }
            Self::Failed { id, incarnation, .. } => Self::Failed { id, incarnation, from: accuser },
            Self::Alive { .. } | Self::Left { .. } => self,
        }
    }
}

/// A message and whom it goes to. The caller knows the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Send<I> {
    /// The receiver.
    pub to: I,
    /// The message.
    pub message: Message<I>,
}
