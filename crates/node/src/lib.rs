//! The native gossip node: engines composed into one deterministic machine that speaks bytes.
//!
//! [`NativeNode`] implements [`bruit_model::Node`]. It is driven by `bruit-runtime` over sockets
//! and by `bruit-sim` over a virtual network; it has no clock, socket or ambient randomness of
//! its own.
//!
//! ```text
//!            datagrams, streams (sealed)              commands, events
//!                      |                                    |
//!   channel/streams -> frames -> incoming --+--> membership (swim)      who is there
//!                                           +--> reconcile  (scuttlebutt, buckets)  metadata
//!                                           +--> items      (rumor)     spreading
//!                                           +--> repair     (intervals) what was missed
//!                                           +--> registry   shared records
//!                                           +--> asks       questions and their answers
//!                                           +--> tell       confirmed messages
//!   channel/streams <- packing <- outgoing <+
//! ```
//!
//! Every probe carries two hashes of what its sender knows. Equal ones end the matter; unequal
//! ones start an exchange of bucket sums, then of digests, then of what is missing
//! (`reconcile.rs`, `repair.rs`). So an idle group sends its probes and nothing else, at any size.

mod asks;
mod config;
mod counters;
mod incoming;
mod items;
mod join;
mod membership;
mod names;
mod node;
mod outgoing;
mod reconcile;
mod registry;
mod repair;
mod snapshot;
mod store;
mod streams;
mod tell;
mod upkeep;
mod view;

pub use bruit_wire::ClusterKey;
pub use config::{Config, Profile, Secrets};
pub use node::NativeNode;
