//! Gossip algorithms as sans-IO state machines.
//!
//! An engine is one published algorithm as a plain struct. It is a deterministic function of
//! (config, seed, ordered inputs): it takes the time and its random generator as arguments,
//! pushes what it wants done into an [`Outbox`] that the caller owns, and says through
//! `next_timeout` when it wants to be called again. It does not know bytes, addresses, sockets,
//! threads or clocks, so the same code runs in an agent, in the simulator and in a foreign
//! dialect.
//!
//! Being called late costs quality, never correctness.

mod deadlines;
mod few;
mod id;
mod outbox;
mod peers;
mod rng;
mod time;

pub mod clock;
pub mod membership;
pub mod reconcile;
pub mod spread;

pub use deadlines::Deadlines;
pub use id::MemberId;
pub use outbox::Outbox;
pub use peers::{FullView, PeerSampler};
pub use rng::Rng;
pub use time::Instant;
