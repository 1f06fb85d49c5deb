//! Datagrams, sealed.
//!
//! # Intuition
//!
//! Whoever holds the cluster key may take part; others can neither read, nor write, nor repeat
//! what was written. Each *run* of a node (its id, and a random number drawn at its start) seals
//! with a key of its own, under a counter that never repeats. Receivers know a run by a short
//! *tag*, and keep for each the set of counters seen.
//!
//! A receiver that has just started knows no counters: everything ever recorded would be new to
//! it. So a run that it does not know has no effect until it returns a *cookie*, which proves
//! that it is there now, at that address.
//!
//! ```text
//!   A (sends first)                         B (does not know A's run)
//!   ── Long(ping) ─────────────────────────▶  authentic, unknown: nothing happens
//!   ◀───────────────── Challenge(cookie of B)
//!   ── Hello(cookie of B; offer of A; ping) ▶  A's run is known from this counter on
//!   ◀── Hello(offer of A; offer of B; ack) ──  so B need not be challenged in turn
//!   ── Short(…) ───────────────────────────▶
//!   ◀────────────────────────────── Short(…)
//! ```
//!
//! A sender in the state *long* names itself in full and keeps copies of what it sent, for the
//! case of a challenge; in the state *short* it names itself by its tag:
//!
//! ```text
//!            challenge, or an offer of the peer ─ Hello ─▶
//!   ┌──────┐ an answer, and no challenge for 2 s          ┌───────┐
//!   │ long │ ───────────────────────────────────────────▶ │ short │ ─┐ challenge: Hello
//!   └──────┘ ◀─────────────────────────────────────────── └───────┘ ◀┘
//!            8 datagrams and 10 s without an answer
//! ```
//!
//! Any of these guesses may be wrong: then the peer challenges, and all is well again.
//!
//! # What it deliberately does not do
//!
//! No forward secrecy, no proof of which member sent something (all share the key), no binding to
//! the receiver: a datagram for B that somebody repeats to C is taken by C. What nodes say is such
//! that this does no harm (`docs/wire.md`).
//!
//! Source: the cookie is that of DTLS (RFC 6347 section 4.2.1), the window that of RFC 4303
//! section 3.4.3, the counter as nonce that of TLS 1.3 (RFC 8446 section 5.3).

mod channel;
mod cookie;
pub(crate) mod crypto;
mod destinations;
mod header;
mod key;
mod keyring;
mod limiter;
mod sessions;
mod stats;
#[cfg(test)]
mod tests;
mod window;

pub use channel::Channel;
pub use key::{BadKey, ClusterKey};
pub use keyring::{Keyring, KeyringError};
pub use stats::Stats;
