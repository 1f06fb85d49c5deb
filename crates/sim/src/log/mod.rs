//! A run as a file, and the same run again, one thing at a time.
//!
//! Everything in a run follows from its inputs, so an [`InputLog`] is small: seed, number of
//! hosts, link, plan, options for who makes the nodes, and the hash that the run ended with. A
//! [`Stepper`] runs it again and says, of each thing that happens, what changed on the host that
//! it happened to.

mod diff;
mod input;
mod stepper;

#[cfg(test)]
mod tests;

pub use diff::diff;
pub use input::{InputLog, LogError};
pub use stepper::{Step, Stepper};
