//! A stream: one message each way.
//!
//! ```text
//!   label (initiator only) | body
//!   body: 0a length seal( compress( message )) | 09 compress( message ) | message
//! ```
//!
//! Nothing says how long a message is but the message itself, so that it is read structure by
//! structure as its bytes come. The acceptor's answer has no label but authenticates it.
//!
//! Source: memberlist `net.go` `handleConn`, `rawSendMsgStream`, `readStream`, `readRemoteState`.

mod body;
mod incoming;
mod outgoing;
#[cfg(test)]
mod tests;

pub use incoming::{Incoming, StreamError};

use super::message::{Ack, Failure, NodeState, Ping};
use bytes::Bytes;

/// A message of a stream.
#[derive(Clone, Debug, PartialEq)]
pub enum StreamMessage {
    /// Are you there? To be answered by an ack without payload.
    Ping(Ping),
    /// The answer.
    Ack(Ack),
    /// All that the sender knows, to be answered by the same.
    PushPull(PushPull),
    /// Bytes for what is above memberlist; has no answer.
    User(Bytes),
    /// Why the acceptor did not take what it got.
    Failure(Failure),
}

/// All that a member knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PushPull {
    /// Whether the initiator joins.
    pub join: bool,
    /// The members, the sender among them.
    pub nodes: Vec<NodeState>,
    /// What is above memberlist: with Serf, its clocks, intents and recent events.
    pub user_state: Bytes,
}
