//! Engine scale: the engines themselves, with typed messages, for 10⁶ nodes and more.
//!
//! A [`Universe`] drives any number of [`Machine`]s. A machine is one engine of `bruit-engine`
//! with what its owner keeps beside it; the engine is the very code that an agent runs. There are
//! no addresses, no bytes and no member lists: a node is a number, and a peer is drawn from all
//! of them ([`Everyone`]) or from an overlay ([`Overlay`]).
//!
//! # Order
//!
//! What happens at one moment happens in the order in which it was caused, messages before timers:
//! at one moment the answers come before the questions. The same seed and the same calls give the
//! same run, to the bit, in debug and in release; [`Universe::trace_hash`] folds in every message
//! and every timeout that reaches an engine.
//!
//! # Cycles
//!
//! The papers' synchronous cycles are a setting: [`Settings::align`] calls timers only at
//! multiples of a period, and a [`Way`] of exactly one period lets what is sent in one cycle
//! arrive in the next ([`Settings::push_cycles`], [`Settings::pull_cycles`]). Being called late is
//! part of every engine's contract.
//!
//! # Events
//!
//! An event is one call of an engine: a message or a timeout. A wake-up that finds nothing to do
//! is none.

mod everyone;
mod machine;
pub mod rumor;
pub mod scuttlebutt;
mod settings;
pub mod swim;
mod world;

#[cfg(test)]
mod tests;

pub use everyone::{Everyone, Overlay};
pub use machine::{Call, Kind, Machine};
pub use settings::{Settings, Way};
pub use world::{Counts, Universe};
