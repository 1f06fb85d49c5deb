//! Drives any [`Node`](bruit_model::Node) with tokio: UDP and TCP, IPv4 and IPv6.
//!
//! [`bind()`] takes a port, [`spawn`] starts one task, the *driver*, which owns the node, the
//! datagram socket and one timer. Everything else reaches the node through that task:
//!
//! ```text
//!  UDP socket ----> +--------+ ----> UDP socket
//!  one timer -----> | driver | ----> Events   (bounded: sheds the oldest, counted)
//!  Handle --------> |  node  | ----> stream tasks (bounded by credit)
//!  stream tasks --> +--------+
//!       ^ inbox, bounded: a stream has at most one chunk of 16 KiB in it
//! ```
//!
//! The driver wakes when something is there, takes a bounded batch from each source, drains what
//! the node wants done, arms the timer anew if the node's deadline changed, and sleeps. It has no
//! periodic tick: a node that waits costs nothing. Batches are bounded, and after a full one the
//! driver yields, so that no source starves another and no node starves other tasks.
//!
//! What this crate does not do: it takes no protocol decision. A stream on which nothing happens
//! stays open until the node resets it; a failed connect is told once and not tried again.

mod bind;
mod clock;
mod datagram;
mod driver;
mod events;
mod handle;
mod lag;
mod options;
mod stats;
mod streams;
mod tcp;

pub use bind::{BindError, Bound, bind};
pub use clock::Clock;
pub use driver::spawn;
pub use events::Events;
pub use handle::{Handle, Stopped};
pub use lag::LAG_REPORTED_MIN;
pub use options::Options;
pub use stats::DriverStats;
