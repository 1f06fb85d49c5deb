//! The gossip of HashiCorp's memberlist, Serf and Consul: their wire formats.
//!
//! - [`codec`]: memberlist: messages, datagrams and streams;
//! - [`serf`]: what Serf says inside them;
//! - [`rpc`]: the protocol of Serf's command line with its agent.
//!
//! All of it is sans-IO and knows no clock and no randomness: nonces are given. What is odd in
//! these formats stands in `quirks.md`, each with its source.

pub mod codec;
pub mod limits;
pub mod rpc;
pub mod serf;
