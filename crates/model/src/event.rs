//! What a node tells.

use crate::{Item, ItemId, Member, MemberState, NodeId};
use bytes::Bytes;
use std::any::Any;
use std::net::SocketAddr;
use std::sync::Arc;

/// An event, the same for all dialects.
#[derive(Clone, Debug)]
pub enum Event {
    /// A member came, or changed its state.
    MemberChanged {
        /// As it is after the change.
        member: Box<Member>,
        /// Its state before; `None` for a new one.
        was: Option<MemberState>,
    },
    /// A member's metadata, name or address changed.
    MemberUpdated(Box<Member>),
    /// A member was forgotten.
    MemberReaped {
        /// Which.
        id: NodeId,
        /// Its name.
        name: Arc<str>,
    },
    /// An item was seen for the first time, accepted here or received.
    Item {
        /// The item.
        item: Arc<Item>,
        /// Who sent it; `None` if it was accepted here.
        from: Option<NodeId>,
        /// Whether anti-entropy brought it.
        repaired: bool,
    },
    /// A registry record changed.
    RecordChanged {
        /// Its name.
        key: Arc<str>,
        /// Its value; `None` if it was removed.
        value: Option<Bytes>,
    },
    /// Another member sent bytes to this one.
    Told {
        /// Who.
        from: NodeId,
        /// What.
        bytes: Bytes,
    },
    /// A `Tell` was given up unconfirmed.
    TellFailed {
        /// To whom.
        to: NodeId,
    },
    /// Members answered a question of this node's. Each part of each member comes once.
    Answer {
        /// The question.
        to: ItemId,
        /// Who answered; of several, the first.
        from: NodeId,
        /// What.
        part: Bytes,
        /// Whether they have said all with it.
        is_last: bool,
        /// How many members this stands for: 1 with [`crate::Reduce::Collect`]. With
        /// [`crate::Reduce::Tally`], the sum over all events with this part is the total.
        count: u64,
        /// The next few of them, at most [`crate::Ask::NAMED_MAX`] less one.
        also_from: Vec<NodeId>,
    },
    /// A join reached the node at this address.
    Joined {
        /// Where.
        addr: SocketAddr,
    },
    /// A contact of a join failed; it will be tried again.
    JoinFailed {
        /// Which target, in words.
        target: String,
        /// What went wrong, in words.
        error: String,
    },
    /// Goodbye has been said; the node may be dropped.
    Left,
    /// What only one dialect has.
    Extra(Arc<dyn Any + Send + Sync>),
}
