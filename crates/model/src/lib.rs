//! The vocabulary that all dialects share, and the [`Node`] trait: the only boundary between a
//! protocol and the outside.
//!
//! A node is a deterministic function of (config, seed, ordered inputs). A driver (the tokio
//! runtime, or the simulator) gives it the time and bytes, and carries away what it wants sent.

mod ask;
mod command;
mod event;
mod id;
mod item;
mod member;
mod node;
mod now;
mod path;
mod pattern_map;
mod topic;
mod topic_record;

pub use bruit_engine::Instant;
pub use bruit_engine::spread::ask::Reduce;
pub use bruit_engine::spread::rumor::{Spread, StopRule, Style};

pub use ask::{Ask, ItemTrace, KeyInfo};
pub use command::{Command, CommandError, Publish, Reply};
pub use event::Event;
pub use id::{ItemId, NodeId, ParseIdError};
pub use item::{Header, HybridTime, Item, meta};
pub use member::{Member, MemberRecord, MemberState, MetaEntry};
pub use node::{
    Items, Members, Node, Peer, Records, Rejected, SocketId, StreamId, StreamInput, StreamOutput,
    Target, Transmit, Transport, Wake, WakeReason, Why,
};
pub use now::{Now, UnixNanos};
pub use path::{Path, PathError, Pattern, PatternError};
pub use pattern_map::PatternMap;
pub use topic::{Order, Record, Retention, TopicParams};
pub use topic_record::{TopicRecordError, parse_stop, parse_style, stop_word, style_word};
