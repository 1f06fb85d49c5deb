//! Starts the network that the agent takes part in.

use crate::config::Profile;
use crate::random::random_bytes;
use bruit_model::{CommandError, Item, Node, Now};
use bruit_node::NativeNode;
use bruit_wire::ClusterKey;
use std::net::SocketAddr;
use std::sync::Arc;

/// What a node is started from.
#[derive(Debug)]
pub(crate) struct Seed {
    /// Its name.
    pub(crate) name: String,
    /// Where others reach it.
    pub(crate) advertise: SocketAddr,
    /// Timing.
    pub(crate) profile: Profile,
    /// Its Ed25519 seed.
    pub(crate) identity_seed: [u8; 32],
    /// The group's key.
    pub(crate) cluster_key: Option<ClusterKey>,
    /// The run's number.
    pub(crate) generation: u32,
    /// What an earlier run kept.
    pub(crate) snapshot: Option<Vec<u8>>,
    /// Items that earlier runs accepted.
    pub(crate) held: Vec<Arc<Item>>,
}

/// Starts a node of the native network.
pub(crate) fn native(seed: Seed, now: Now) -> Result<Box<dyn Node + Send>, CommandError> {
    let mut config = bruit_node::Config::new(seed.name, seed.advertise);
    config.profile = seed.profile;
    config.generation = seed.generation;
    config.snapshot = seed.snapshot;
    config.held = seed.held;
    let secrets = bruit_node::Secrets {
        identity_seed: seed.identity_seed,
        cluster_key: seed.cluster_key,
        start: u64::from_be_bytes(random_bytes()),
        seed: u64::from_be_bytes(random_bytes()),
        cookie_secret: random_bytes(),
    };
    Ok(Box::new(NativeNode::new(config, &secrets, now)?))
}
