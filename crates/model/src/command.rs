//! What a node can be asked to do.

use crate::{Ask, Header, ItemId, NodeId, Path, Pattern, Style, Target};
use bytes::Bytes;
use std::any::Any;
use std::time::Duration;

/// An item to be accepted and spread.
#[derive(Clone, Debug)]
pub struct Publish {
    /// Where it belongs.
    pub path: Path,
    /// The topic whose parameters apply, instead of the most specific one that selects `path`.
    pub topic: Option<Pattern>,
    /// What describes it.
    pub headers: Vec<Header>,
    /// What it says, at most [`crate::Item::PAYLOAD_BYTES_MAX`].
    pub payload: Bytes,
    /// The style, instead of the topic's.
    pub style: Option<Style>,
    /// After what time it is of no more use, instead of the topic's.
    pub expiry: Option<Duration>,
    /// Makes it a question: every member that receives it may answer, and the answers come back
    /// here as [`crate::Event::Answer`].
    pub ask: Option<Ask>,
}

/// A command, the same for all dialects.
#[derive(Debug)]
pub enum Command {
    /// Contact these nodes and merge with their group. Repeated until one answers.
    Join(Vec<Target>),
    /// Say goodbye. [`crate::Event::Left`] follows once that has been told.
    Leave,
    /// Accept and spread an item.
    Publish(Publish),
    /// Set this node's metadata; `None` removes a key. All or nothing.
    SetMetadata(Vec<(String, Option<Vec<u8>>)>),
    /// Write a registry record; `None` removes it.
    PutRecord {
        /// The record's name, at most 256 bytes.
        key: String,
        /// Its value, at most 16 KiB.
        value: Option<Bytes>,
    },
    /// Send bytes to one member, until it confirms them or for 5 s: [`crate::Event::Told`] there.
    Tell {
        /// The receiver.
        to: NodeId,
        /// At most 4 KiB.
        bytes: Bytes,
    },
    /// Answer a question, also one of this node's own: [`crate::Event::Answer`] at its origin.
    Answer {
        /// The question.
        to: ItemId,
        /// A part of the answer, at most [`Ask::PART_BYTES_MAX`].
        part: Bytes,
        /// Whether this node has said all with it: further parts are refused.
        is_last: bool,
    },
    /// Be done with a question: one of this node's own gets no more answers; to one of another
    /// node, this one gives no more parts. Its place is free for others then. One that is not
    /// known is done with.
    Finish(ItemId),
    /// Declare a failed or suspect member left, here and in the group, so that it is not sought
    /// and not waited for. If it is alive after all, it refutes and is back.
    Evict(NodeId),
    /// Accept what is sealed with this key, too.
    InstallKey(Box<[u8; 32]>),
    /// Seal with this key from here on; the previous one is accepted still.
    UseKey(Box<[u8; 32]>),
    /// Accept no more what is sealed with the key of this [`crate::KeyInfo::fingerprint`]. The key
    /// in use is refused.
    RemoveKey(String),
    /// How late the driver's loop runs: the longest delay since the last report. Feeds local
    /// health.
    ReportLag(Duration),
    /// What only one dialect has.
    Extra(Box<dyn Any + Send>),
}

/// What a command gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It is done, or under way.
    Done,
    /// The item was accepted and is being spread.
    Accepted(ItemId),
}

/// A command was refused. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// A limit was exceeded.
    #[error("{what} is {given}, the limit is {limit}")]
    TooLarge {
        /// Of what.
        what: &'static str,
        /// How much there was.
        given: usize,
        /// How much there may be.
        limit: usize,
    },
    /// The argument breaks a rule.
    #[error("{0}")]
    Invalid(String),
    /// There is no such member.
    #[error("no member {0}")]
    UnknownMember(NodeId),
    /// The node is leaving.
    #[error("this node is leaving")]
    Leaving,
    /// A queue is full: try again.
    #[error("{0} is full; try again later")]
    Busy(&'static str),
    /// The dialect has no such thing.
    #[error("this network cannot do that")]
    Unsupported,
}
