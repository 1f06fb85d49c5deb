//! The frames of the native protocol, as types.

use bruit_engine::membership::swim::message::Update;
use bruit_engine::membership::swim::{Incarnation, Seq};
use bruit_engine::reconcile::scuttlebutt::message::NodeDelta;
use bruit_model::{Item, ItemId, MemberRecord, NodeId};
use bytes::Bytes;
use std::sync::Arc;

/// Two hashes that say in 16 bytes what a node knows. Equal ones mean that nothing need travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Over all live members: (id, incarnation, generation, version).
    pub members: u64,
    /// Over all runs: (origin, start, intervals of sequence numbers seen).
    pub items: u64,
}

/// What a pair of bucket sums is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// Members and their metadata.
    Members,
    /// Items.
    Items,
}

/// What a node knows of one member: enough to see who of two knows more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberDigest {
    /// The member.
    pub id: NodeId,
    /// Which of its lives.
    pub incarnation: Incarnation,
    /// Whether the sender holds it to be failed or left.
    pub dead: bool,
    /// The run of its metadata.
    pub generation: u64,
    /// The highest version known of its metadata.
    pub max_version: u64,
    /// Versions up to here whose tombstones are forgotten, see
    /// [`bruit_engine::reconcile::scuttlebutt::message::DigestEntry`].
    pub purged_version: u64,
}

/// Intervals of one run of one origin, ascending, disjoint, not adjacent, both ends included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRanges {
    /// Whose items.
    pub origin: NodeId,
    /// Of which run.
    pub start: u64,
    /// Which sequence numbers.
    pub ranges: Vec<(u64, u64)>,
}

/// Parts of answers to a question.
pub type Answers = bruit_engine::spread::ask::message::Parts<NodeId, ItemId, Bytes>;

/// One frame. A datagram holds one or more; a stream message holds one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// "Are you alive?", and what the sender knows.
    Ping {
        /// Returned in the answer.
        seq: Seq,
        /// Who is asked.
        target: NodeId,
        /// What the sender knows.
        summary: Summary,
    },
    /// "Ping `target` for me."
    PingReq {
        /// Returned in the answer.
        seq: Seq,
        /// Who is to be asked.
        target: NodeId,
        /// Whether silence is to be answered.
        wants_nack: bool,
    },
    /// "Alive", and what the sender knows.
    Ack {
        /// That of the question.
        seq: Seq,
        /// What the sender knows.
        summary: Summary,
    },
    /// "The target did not answer me."
    Nack {
        /// That of the ping request.
        seq: Seq,
    },
    /// A change in the group.
    Update(Update<NodeId, MemberRecord>),
    /// The whole member list (or a part of it that fits a stream message).
    State {
        /// One update for each member.
        updates: Vec<Update<NodeId, MemberRecord>>,
        /// Whether the receiver is to answer with its own.
        wants_answer: bool,
    },
    /// An item.
    Item {
        /// The item, `rounds_left` being what the receiver may still use.
        item: Arc<Item>,
        /// Whether the receiver is to answer with `Feedback`.
        wants_feedback: bool,
        /// Whether anti-entropy sends it, so that it is not to be passed on.
        repair: bool,
    },
    /// "I have these."
    Announce(Vec<ItemId>),
    /// "Send me these."
    Fetch(Vec<ItemId>),
    /// "What is new?"
    PullRequest,
    /// "I knew it", or that it was news.
    Feedback {
        /// Which item.
        id: ItemId,
        /// True if it was known.
        known: bool,
    },
    /// Sums over the buckets of what the sender knows, so that the receiver sees where they
    /// differ.
    Buckets {
        /// About what.
        subject: Subject,
        /// One sum for each bucket.
        sums: Box<[u64; 64]>,
    },
    /// What the sender knows of the members in some buckets.
    MemberDigests {
        /// Which buckets, one bit each.
        buckets: u64,
        /// Every member in them.
        digests: Vec<MemberDigest>,
        /// Whether the receiver is to answer with its own.
        wants_answer: bool,
    },
    /// News about one member's metadata.
    Delta(NodeDelta<NodeId>),
    /// Which items the sender has seen, for the runs in some buckets.
    ItemDigests {
        /// Which buckets, one bit each.
        buckets: u64,
        /// Every run in them.
        runs: Vec<RunRanges>,
        /// Whether the receiver is to answer with its own.
        wants_answer: bool,
    },
    /// "Send me these items."
    Want(Vec<RunRanges>),
    /// "These are no more to be had": the receiver counts them as seen.
    Gone(Vec<RunRanges>),
    /// Bytes for the receiver's application, to be confirmed.
    Tell {
        /// Returned in the confirmation.
        token: u64,
        /// The bytes.
        bytes: Bytes,
    },
    /// Confirms a `Tell` or `Answers`.
    Told {
        /// That of what it confirms.
        token: u64,
    },
    /// Parts of answers on their way to the origin of a question, to be confirmed.
    Answers {
        /// Returned in the confirmation.
        token: u64,
        /// The parts.
        answers: Arc<Answers>,
    },
}
