//! Who got an item, and what became of it there.
//!
//! Each agent keeps a [`TraceLog`] of its deliveries. An agent that is asked about an item asks
//! all others by a question under `$ask/trace`; each answers with a [`Record`] of at most
//! 1 KiB: when and from whom the item came, by its node's account, and the deliveries, by its
//! log. [`clock`] says how far the clocks of two agents differ, as far as one exchange can tell;
//! [`report`] puts the answers together.

mod answer;
mod clock;
mod log;
mod record;
mod report;

pub(crate) use answer::{Question, answer, look_up};
pub(crate) use clock::Offset;
pub(crate) use log::{TraceLog, cut, unix_nanos};
pub(crate) use record::Record;
pub(crate) use report::{Heard, Known};

use std::sync::atomic::AtomicU64;
use tokio::sync::Semaphore;

/// How many traces are gathered at a time; more are refused. Guess: each holds up to 1 KiB of
/// each member.
pub(crate) const GATHERED_MAX: usize = 16;

/// What an agent needs for traces.
#[derive(Debug)]
pub(crate) struct Traces {
    /// What became of items here.
    pub(crate) log: TraceLog,
    /// Room for traces that are being gathered.
    pub(crate) gathered: Semaphore,
    /// Traces refused for lack of room.
    pub(crate) refused: AtomicU64,
}

impl Default for Traces {
    fn default() -> Self {
        Self {
            log: TraceLog::default(),
            gathered: Semaphore::new(GATHERED_MAX),
            refused: AtomicU64::new(0),
        }
    }
}
