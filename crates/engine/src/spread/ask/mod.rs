//! Questions: gathering what the members answer.
//!
//! # Intuition
//!
//! A question is spread like anything else, by another engine. Whoever first gives it to a member
//! becomes that member's *parent*, so that the copies that were news form a tree with the origin
//! at its root, and answers flow up that tree. In a small group that is not worth while: up to
//! [`Params::direct_members_max`] members answer straight to the origin. Above, a member holds
//! what it has to pass on for a short time, shorter the deeper it is in the tree, so that the
//! parts of a whole branch travel in few messages, and equal parts once.
//!
//! ```text
//!             origin                 hold: none
//!            /      \
//!           a        b               4 steps
//!         / | \      |
//!        c  d  e     f               3 steps
//!        |
//!        g                           2 steps: its part reaches c before c passes on
//! ```
//!
//! **Custody ends at the origin.** A message up the tree is confirmed only once all that it
//! brought has been confirmed by the origin. So a member that dies with parts of others loses
//! none: their senders are not told that they arrived, and give them to the origin themselves.
//! That may bring a part twice. Parts are numbered by the member that gives them, and the origin
//! drops every (member, number) that it has had; this is also why the members of a tally travel
//! with it, and the totals are exact.
//!
//! ```text
//!            taken            hold over, or a message full         told so by the parent
//!   part  ----------->  held  ---------------------------> in flight -------> confirmed to
//!                                                             |  ^              its sender
//!                                  not told so by the parent  |  |
//!                                                             v  |
//!                                                        to the origin --- not told so: lost
//! ```
//!
//! The caller sends each [`message::Send::Parts`] again until it is confirmed
//! ([`Ask::delivered`]) or its time is over ([`Ask::undelivered`]).
//!
//! A question takes a place in a bounded table until its time is over. Where members answer
//! straight to the origin, one that has given its last part forgets the question once that is
//! confirmed, and an origin that has what it wants can end it ([`Ask::finish`]).
//!
//! # Sources
//!
//! Aggregation on the way is that of TAG (Madden et al., OSDI 2002, section 4: parents listen
//! while their children's interval lasts, intervals by depth). The rest is this implementation's.
//!
//! # What it does not do
//!
//! It does not spread questions, knows no bytes but the lengths of parts, and promises nothing
//! for a member that dies before its part is confirmed. Parts that come after the deadline are
//! dropped.

mod config;
mod custody;
mod event;
mod flow;
mod held;
mod machine;
pub mod message;
mod question;
#[cfg(test)]
mod tests;

pub use config::Params;
pub use event::{Event, Refused, Stats};
pub use machine::{Ask, Out};
pub use question::{Asked, QuestionId, Reduce};
