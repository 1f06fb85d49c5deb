//! What signals ask of this process.

use crate::exit::{Exit, Failure};
use tokio::signal::unix::{Signal, SignalKind, signal};

fn catch(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind)
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot catch signals: {error}")))
}

/// SIGTERM and SIGINT, from the time this was made: the wish that this process ends.
#[derive(Debug)]
pub(crate) struct Signals {
    term: Signal,
    int: Signal,
}

impl Signals {
    /// Catches both signals instead of ending at once.
    pub(crate) fn new() -> Result<Self, Failure> {
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

/// SIGHUP and SIGUSR1, from the time this was made: wishes of an agent that goes on.
#[derive(Debug)]
pub(crate) struct Wishes {
    hup: Signal,
    usr1: Signal,
}

/// What an agent that goes on is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Read its settings again.
    Reload,
    /// Log its state.
    Dump,
}

impl Wishes {
    /// Catches both signals instead of ending at once.
    pub(crate) fn new() -> Result<Self, Failure> {
        Ok(Self { hup: catch(SignalKind::hangup())?, usr1: catch(SignalKind::user_defined1())? })
    }

    /// Waits for the next signal.
    pub(crate) async fn next(&mut self) -> Wish {
        tokio::select! {
            _ = self.hup.recv() => Wish::Reload,
            _ = self.usr1.recv() => Wish::Dump,
        }
    }
}
