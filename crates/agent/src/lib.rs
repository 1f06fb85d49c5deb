//! The agent: topics, delivery, receipts, state and HTTP API around a running node.
//!
//! ```text
//!   callers --HTTP--> api --publish--> node --events--> pump --offer--> delivery --> services
//!                      ^                 ^                |                  |
//!                      |                 +--- receipts ---|------------------+
//!                      +------ changes (ring) <-----------+
//! ```
//!
//! [`Agent::start`] takes checked settings, opens the state directory, takes the ports, starts a
//! node and everything around it. What the agent does not do: it takes no protocol decision and
//! keeps no second member table.

mod agent;
mod announced;
mod api;
mod changes;
pub mod config;
mod drain;
mod dump;
mod keys;
mod metrics;
mod network;
mod orders;
mod passage;
mod pump;
mod questions;
mod random;
mod receipts;
mod reload;
mod restore;
mod shared;
mod start;
mod state;
mod store;
mod subscriptions;
#[cfg(test)]
mod tests;
mod trace;
mod upkeep;

pub mod delivery;

pub use agent::{Agent, Pulse, Ready};
pub use bruit_wire::ClusterKey;
pub use config::{
    API_PORT, Advertise, AgentConfig, Bad, ConfigError, GOSSIP_PORT, LogFormat, LogLevel, Origin,
    Overlay, Profile, Shown, Sources, Subject, Value,
};
pub use random::new_cluster_key;
pub use reload::{Difference, Host, NoHost, ReloadError, Reloaded, Settings};
pub use start::StartError;
pub use state::StateError;
pub use store::{StoreError, SyncLevel};

/// The version of this build.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
