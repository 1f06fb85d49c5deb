//! SIGTERM and SIGINT: the wish that this process ends.

use crate::exit::{Exit, Failure};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Both signals, from the time this was made.
#[derive(Debug)]
pub(crate) struct Signals {
    term: Signal,
    int: Signal,
}

impl Signals {
    /// Catches both signals instead of ending at once.
    pub(crate) fn new() -> Result<Self, Failure> {
        let catch = |kind| {
            signal(kind).map_err(|error| {
                Failure::new(Exit::Failed, format!("cannot catch signals: {error}"))
            })
        };
        Ok(Self { term: catch(SignalKind::terminate())?, int: catch(SignalKind::interrupt())? })
    }

    /// Waits for the next signal; gives its name.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.term.recv() => "SIGTERM",
            _ = self.int.recv() => "SIGINT",
        }
    }
}
