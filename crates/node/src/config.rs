//! What a node is told at its start.

use bruit_engine::membership::swim;
use bruit_model::Item;
use bruit_wire::ClusterKey;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// For which network the timers are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// One machine, or one rack: a fifth of a second.
    Local,
    /// One data centre: a second.
    #[default]
    Lan,
    /// Between data centres: five seconds.
    Wan,
}

impl Profile {
    /// The word for it, in flags and files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Lan => "lan",
            Self::Wan => "wan",
        }
    }

    pub(crate) fn swim(self) -> swim::Params {
        match self {
            Self::Local => swim::Params::local(),
            Self::Lan => swim::Params::lan(),
            Self::Wan => swim::Params::wan(),
        }
    }

    /// How long an item that another node has seen may still be on its way before it is asked
    /// for. It must exceed the time in which a push reaches all; asking too early costs a
    /// duplicate, asking late costs time. Default: 100 ms, 200 ms, 1 s (guess).
    pub(crate) fn repair_delay(self) -> Duration {
        match self {
            Self::Local => Duration::from_millis(100),
            Self::Lan => Duration::from_millis(200),
            Self::Wan => Duration::from_secs(1),
        }
    }

    /// See [`bruit_engine::spread::ask::Params::hold_step`]. Default: 10 ms, 20 ms, 200 ms (guess).
    pub(crate) fn hold_step(self) -> Duration {
        match self {
            Self::Local => Duration::from_millis(10),
            Self::Lan => Duration::from_millis(20),
            Self::Wan => Duration::from_millis(200),
        }
    }

    /// The first wait before an unconfirmed message is sent again; it doubles each time.
    pub(crate) fn retry_delay(self) -> Duration {
        match self {
            Self::Local => Duration::from_millis(50),
            Self::Lan => Duration::from_millis(150),
            Self::Wan => Duration::from_millis(800),
        }
    }
}

/// A node's configuration: public, and the same over restarts.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its name, see [`bruit_model::MemberRecord::name`].
    pub name: String,
    /// Where others reach it, by datagram and stream.
    pub advertise: SocketAddr,
    /// The timers.
    pub profile: Profile,
    /// The largest datagram it sends, in bytes of UDP payload. Default 1,400: what passes
    /// every common tunnel (memberlist `config.go` `UDPBufferSize`). Range 576..=65,507.
    pub datagram_bytes_max: usize,
    /// Up to so many members, answers to questions go straight to who asked. Default 1,000, see
    /// [`bruit_engine::spread::ask::Params::direct_members_max`].
    pub ask_direct_members_max: usize,
    /// A [`bruit_model::Node::snapshot`] of an earlier run.
    pub snapshot: Option<Vec<u8>>,
    /// Items that earlier runs of this node accepted: it holds them again, for those whom they
    /// have not reached, unless they are older than the root topic retains. It tells of none.
    pub held: Vec<Arc<Item>>,
    /// Higher than in any earlier run with the same identity, where that is known: the run's
    /// number for metadata. A value that is too low heals by itself once another member is met.
    pub generation: u32,
}

impl Config {
    /// The default configuration for a node called `name`, reached at `advertise`.
    pub fn new(name: impl Into<String>, advertise: SocketAddr) -> Self {
        Self {
            name: name.into(),
            advertise,
            profile: Profile::default(),
            datagram_bytes_max: 1400,
            ask_direct_members_max: 1000,
            snapshot: None,
            held: Vec::new(),
            generation: 1,
        }
    }
}

/// A node's secrets and random inputs, drawn by the driver.
#[derive(Clone)]
pub struct Secrets {
    /// The Ed25519 seed that is the node's identity. Kept over restarts with `--data`.
    pub identity_seed: [u8; 32],
    /// The group's key; `None` is the well-known key of unkeyed groups.
    pub cluster_key: Option<ClusterKey>,
    /// Names this run. Fresh at every start.
    pub start: u64,
    /// Seeds every choice. Fresh at every start, but for a replay.
    pub seed: u64,
    /// Keys the cookies of first contacts. Fresh at every start.
    pub cookie_secret: [u8; 32],
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}
