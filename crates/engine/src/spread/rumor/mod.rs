//! Rumor mongering: who gets which item from this node, and when.
//!
//! # Intuition
//!
//! An item is a rumor. A node that hears one that is new to it becomes keen to tell it ("hot"),
//! tells it to nodes chosen at random, and loses interest when it finds that telling is of no more
//! use. Nobody plans a route, so nothing has to be repaired when a node fails or a message is
//! lost. The price is redundancy, and a small chance that some node never hears: what the rule
//! leaves, anti-entropy repairs.
//!
//! Items are keys here; payloads are the caller's, who puts them in place of
//! [`message::Message::Push`] and says for each arrival whether it had the item before.
//!
//! # An item at a node
//!
//! ```text
//!              publish, or on_item (not known, rounds left)
//!  susceptible ---------------------------------------------> hot --+ contacts: at once, then
//!      |  ^                                                   | ^   | each period (push, lazy
//!      |  | abandoned after                                   | +---+ push), or when a peer polls
//!      |  | the last attempt         stop rule, age, or too   |       (pull, push-pull)
//!      |  |                          many hot items           |
//!      |  |                                                   v
//!      |  |            on_item,                  answering: fetches of what was announced get
//!      v  |            no rounds                 copies with rounds, as long as a peer goes on
//!     fetching --------------------> removed <-- asking (lazy push, pull, push-pull only)
//!      |  ^
//!      +--+ no answer in fetch_timeout: another announcer is asked
//! ```
//!
//! # Styles
//!
//! | style | on publish | on first receipt | later | contact |
//! |---|---|---|---|---|
//! | direct | a copy to every peer, no rounds | – | – | – |
//! | push | copies to `fanout_count` peers | as on publish | as on publish | a copy |
//! | lazy push | announces to as many | as on publish | as on publish | an announcement |
//! | pull | – | – | tells those who poll | a period with a poll |
//! | push-pull | as push | as push | as pull | as pull |
//!
//! Peers are random; the sender of the item is never among them. *Later* is each `period`, under a
//! counter or a coin. Fetches are answered in every style.
//!
//! A receiver fetches what is announced, from the first announcer, then from the others. Polling
//! is periodic and not about an item, so the caller switches it ([`Rumor::set_pulling`]).
//!
//! # Stop rules
//!
//! * *Rounds*: a copy carries the hops that it has left; a node passes an item on once, at its
//!   first receipt (infect and die). If the mean fanout is ln n + c, all n nodes hear with
//!   probability exp(-exp(-c)) for large n. Pull and push-pull items wait to be asked: the hops
//!   are bounded by the rounds, the time by [`Limits::hot_periods_max`].
//! * *Counter k*, *coin 1/k*, *blind*: each contact counts. A rule can end an item in the middle
//!   of a batch, so a node makes exactly k contacts (counter), k on average (coin), whatever the
//!   fanout, which then says how many are made at a time.
//! * *feedback*: only contacts that knew the item count. They are weighed when all of a batch have
//!   answered, or at the next period. **A useful contact resets the counter to zero**; Demers'
//!   table 1 comes out only so, and only if two copies that reach a susceptible node in one cycle
//!   both count as useful (k = 2 leaves .037 of the nodes; without the reset .048, without both
//!   .059).
//!   - push: the receiver answers [`message::Message::Feedback`]. A contact that does not answer
//!     counts as nothing; the age bounds it.
//!   - lazy push: a fetch is a useful contact; an announcement that is not followed by a fetch
//!     until the next period is one that knew. So `period` should exceed the round trip.
//!   - pull: the requests of one period, from the first of them, are one contact: useful if any of
//!     them led to a fetch (Demers et al., note to table 3). Push-pull alike; the copies that open
//!     it are not counted.
//!
//! A copy with `rounds_left` 0 is not passed on, under any rule. A copy under a rule that does not
//! count hops carries [`ROUNDS_UNLIMITED`], so that a node that has not learnt the topic, and
//! falls back to rounds, still forwards.
//!
//! # Cycles
//!
//! The papers' synchronous cycles are this engine with a latency of one period: in each cycle,
//! deliver the copies sent in the last one (under a feedback rule with `known` as it was before
//! the cycle), then the feedback, then call [`Rumor::handle_timeout`]. For pull, let all requests,
//! announcements, fetches and copies of a cycle pass in that order. The theory tests of `sim`
//! reproduce Demers' tables so.
//!
//! # What it does not do
//!
//! It keeps no member list and no payload, finds no duplicates ([`super::intervals`] does), and
//! does not repair: an item whose copies are all lost, or that is published while there are no
//! peers, is not sent again. It does not adapt the fanout to the group's size, does not
//! authenticate, and does not order items. It does not stop a peer from announcing what it does
//! not have; such fetches are bounded, time out and are counted.
//!
//! # Sources
//!
//! * Demers et al., "Epidemic algorithms for replicated database maintenance", PODC 1987 (Xerox
//!   CSL-89-1), section 1.4 and tables 1 to 3: rumor mongering, its variants, and residue = e^-m
//!   for push, where m is the traffic per node.
//! * Karp, Schindelhauer, Shenker, Vöcking, "Randomized rumor spreading", FOCS 2000: push-pull.
//! * Kermarrec, Massoulié, Ganesh, "Probabilistic reliable dissemination in large-scale systems",
//!   IEEE TPDS 14(3), 2003: exp(-exp(-c)).

mod batch;
mod config;
mod event;
mod fetch;
mod hot;
mod life;
mod limits;
mod machine;
pub mod message;
mod stats;
#[cfg(test)]
mod tests;

pub use config::{DIRECT_MEMBERS_MAX, Spread, StopRule, Style, resolve};
pub use event::{Cooled, Event};
pub use limits::Limits;
pub use machine::Rumor;
pub use stats::Stats;

use std::time::Duration;

/// What a copy carries as its rounds under a stop rule that does not count hops.
pub const ROUNDS_UNLIMITED: u8 = u8::MAX;

/// Shorter periods count as this one. Unit: time. Guess: below it, timers cost more than they
/// save.
pub const PERIOD_MIN: Duration = Duration::from_millis(1);

/// The sink of a [`Rumor`].
pub type Out<I, K> = crate::Outbox<message::Send<I, K>, Event<I, K>>;

/// An item that has arrived, by push or in answer to a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival<'a, I, K> {
    /// Who sent it.
    pub from: &'a I,
    /// Which item.
    pub key: K,
    /// How it is to be spread.
    pub spread: Spread,
    /// As the copy says.
    pub rounds_left: u8,
    /// As the copy says.
    pub wants_feedback: bool,
    /// Whether the caller had the item before.
    pub known: bool,
}
