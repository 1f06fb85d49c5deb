//! `CloudEvents` 1.0.2: the HTTP protocol binding and the JSON event format.

mod base64;
mod binary;
mod event;
mod inspect;
mod media;
mod structured;
#[cfg(test)]
mod tests;
mod time;
mod value;

pub(super) use event::is_name;
pub use event::{EventError, EventFault};
pub(super) use inspect::Attributes;

/// How many events a batch has at most. A guess.
pub const BATCH_EVENTS_MAX: usize = 1000;
