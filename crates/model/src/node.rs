//! The `Node` trait: the only boundary between a protocol and the outside.

use crate::{
    Command, CommandError, Event, Item, ItemId, ItemTrace, KeyInfo, Member, NodeId, Now, Record,
    Reply, TopicParams,
};
use bruit_engine::Instant;
use std::net::SocketAddr;
use std::sync::Arc;

/// A datagram socket, in the order in which the driver bound them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u16);

/// A stream. The driver numbers accepted ones with the lowest bit set, the node its own with the
/// lowest bit clear; neither uses a number twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

/// Who is at the other end of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub addr: SocketAddr,
    /// What the transport proved of it: a libp2p peer id, a TLS leaf certificate.
    pub identity: Option<Vec<u8>>,
}

/// Why a stream ended or never began, for logs and for the member that is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why(pub String);

/// What happens on a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamInput<'a> {
    /// A peer connected to one of our listeners.
    Accepted {
        /// Which listener, in the order in which the driver bound them.
        listener: SocketId,
        /// Who.
        peer: Peer,
    },
    /// A stream that the node asked for is open.
    Connected {
        /// Who.
        peer: Peer,
    },
    /// A stream that the node asked for cannot be had. Its last input.
    Failed(Why),
    /// Bytes came.
    Data(&'a [u8]),
    /// So many more bytes may be written. The first comes right after `Accepted`/`Connected`.
    Credit(usize),
    /// The peer will send no more.
    Finished,
    /// The stream is gone, in both directions. Its last input.
    Closed(Why),
}

/// What a node wants of a stream. The bytes of a `Write` are in the caller's buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamOutput {
    /// Open one.
    Connect {
        /// Its number.
        id: StreamId,
        /// Where to.
        to: Target,
        /// By which transport.
        via: Transport,
    },
    /// Write the bytes in the buffer; never more than the credit given.
    Write {
        /// On which stream.
        id: StreamId,
    },
    /// Stop reading.
    Pause {
        /// On which stream.
        id: StreamId,
    },
    /// Read again.
    Resume {
        /// On which stream.
        id: StreamId,
    },
    /// No more will be written.
    Finish {
        /// On which stream.
        id: StreamId,
    },
    /// Drop it; no further input wanted, none is given.
    Reset {
        /// On which stream.
        id: StreamId,
    },
}

/// Where to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An address.
    Addr(SocketAddr),
    /// A name that the driver resolves, and a port.
    Name(String, u16),
}

/// How bytes travel on a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport {
    /// Plain TCP.
    Tcp,
}

/// Where a datagram goes. Its bytes are in the caller's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// From which socket.
    pub on: SocketId,
    /// To whom.
    pub to: SocketAddr,
    /// If set, the buffer holds several datagrams of this size, the last perhaps shorter.
    pub segment_size: Option<usize>,
}

/// When a node wants `handle_timeout`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wake {
    /// At this time, or later.
    pub at: Instant,
    /// What for.
    pub reason: WakeReason,
}

/// What a node is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WakeReason {
    /// Failure detection.
    Probe,
    /// Spreading items.
    Spread,
    /// Anti-entropy.
    Repair,
    /// Joining.
    Join,
    /// Streams and unconfirmed messages.
    Transport,
    /// Forgetting.
    Retention,
}

/// A datagram was refused whole; nothing changed but counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum Rejected {
    /// It ends too early.
    #[error("truncated")]
    Truncated,
    /// It is larger than any that we send.
    #[error("oversized")]
    Oversized,
    /// Another protocol, or another version of ours.
    #[error("unknown version")]
    UnknownVersion,
    /// Sealed with another key, or altered.
    #[error("not authentic")]
    Unauthentic,
    /// Seen before, or older than the window.
    #[error("replayed")]
    Replayed,
    /// From a run of a node that has not yet answered our cookie. It was challenged.
    #[error("first contact")]
    FirstContact,
    /// Authentic, but not understood.
    #[error("malformed")]
    Malformed,
}

impl Rejected {
    /// The word for it in metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::Oversized => "oversized",
            Self::UnknownVersion => "unknown_version",
            Self::Unauthentic => "unauthentic",
            Self::Replayed => "replayed",
            Self::FirstContact => "first_contact",
            Self::Malformed => "malformed",
        }
    }
}

/// The member table of a node: the only one there is.
pub trait Members {
    /// Every member, this node included, in the order of ids.
    fn iter(&self) -> Box<dyn Iterator<Item = Member> + '_>;
    /// One member.
    fn get(&self, id: &NodeId) -> Option<Member>;
    /// How many there are in each state: alive, suspect, failed, left.
    fn counts(&self) -> [usize; 4];
}

/// The items that a node holds.
pub trait Items {
    /// Every held item, oldest arrival first.
    fn iter(&self) -> Box<dyn Iterator<Item = Arc<Item>> + '_>;
    /// One item.
    fn get(&self, id: &ItemId) -> Option<Arc<Item>>;
    /// The item with this printable id.
    fn find(&self, printable: &str) -> Option<Arc<Item>>;
    /// How many are held, and their bytes.
    fn held(&self) -> (usize, u64);
}

/// The registry, and the topics that follow from it.
pub trait Records {
    /// Every record, tombstones left out.
    fn iter(&self) -> Box<dyn Iterator<Item = Record> + '_>;
    /// Every topic, the root included.
    fn topics(&self) -> Vec<TopicParams>;
}

/// A running protocol participant. See the crate's documentation.
///
/// `handle_*` may be called several times between drains. After each, a driver drains
/// `poll_transmit`, `poll_stream` and `poll_event` until they give `None`, and arms one timer for
/// `poll_timeout`. `poll_*` never fails. Queues are bounded, and what is shed is counted.
pub trait Node {
    /// Takes a datagram in.
    ///
    /// # Errors
    /// Refused whole; nothing changed but counters.
    fn handle_datagram(
        &mut self,
        now: Now,
        on: SocketId,
        from: SocketAddr,
        bytes: &[u8],
    ) -> Result<(), Rejected>;

    /// Takes in what happened on a stream. Bad bytes are counted and answered by `Reset`.
    fn handle_stream(&mut self, now: Now, id: StreamId, input: StreamInput<'_>);

    /// Does what it is told.
    ///
    /// # Errors
    /// Refused; nothing changed.
    fn handle_command(&mut self, now: Now, command: Command) -> Result<Reply, CommandError>;

    /// Does what is due.
    fn handle_timeout(&mut self, now: Now);

    /// The next datagram to send; `buf` is cleared and filled.
    fn poll_transmit(&mut self, now: Now, buf: &mut Vec<u8>) -> Option<Transmit>;

    /// The next thing to do on a stream; `buf` is cleared, and filled for a `Write`.
    fn poll_stream(&mut self, now: Now, buf: &mut Vec<u8>) -> Option<StreamOutput>;

    /// The next event.
    fn poll_event(&mut self) -> Option<Event>;

    /// When to call `handle_timeout`, and why.
    fn poll_timeout(&self) -> Option<Wake>;

    /// This node's id.
    fn id(&self) -> NodeId;

    /// The member table. Durations in it are as of `now`.
    fn members(&self, now: Now) -> Box<dyn Members + '_>;

    /// The held items.
    fn items(&self) -> &dyn Items;

    /// The registry.
    fn records(&self) -> &dyn Records;

    /// How an item came here. `None` for one that is not held, and always for a dialect that keeps
    /// no such thing.
    fn item_trace(&self, _id: &ItemId) -> Option<ItemTrace> {
        None
    }

    /// The keys that this node accepts, in the order of their installation; none for a dialect
    /// without.
    fn keys(&self) -> Vec<KeyInfo> {
        Vec::new()
    }

    /// What a later run of this node may start from, opaque: items seen, clocks, and where members
    /// were.
    fn snapshot(&self) -> Vec<u8>;

    /// Calls `visit` with (metric name, label value or "", value) for every counter and gauge.
    fn counters(&self, visit: &mut dyn FnMut(&'static str, &'static str, u64));
}
