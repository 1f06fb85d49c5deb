//! What Serf says inside memberlist's user messages, metadata, acks and user state.

pub mod coordinate;
pub mod message;
pub mod tags;
