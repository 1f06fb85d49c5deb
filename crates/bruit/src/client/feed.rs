//! The agent's stream of changes, opened again when it breaks off.
//!
//! A new connection goes on after the last event that came (`Last-Event-ID`), so nothing is lost
//! while the agent still has it; what it has no more is told as a gap.

use super::Client;
use super::events::Changes;
use super::sse::Event;
use crate::args::Address;
use crate::exit::{Exit, Failure};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// How long the agent may take to open the stream. Guess.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
/// After how long without a sign of life a connection is held to be dead: three heartbeats.
const SILENCE_MAX: Duration = Duration::from_secs(45);
/// The first and the longest pause between attempts to connect again. Guess.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// What the stream tells.
#[derive(Debug)]
pub(crate) enum Told {
    /// How things are.
    Snapshot(Value),
    /// Something changed.
    Change(Value),
    /// Changes were missed; a snapshot follows.
    Gap {
        /// How many; unknown if there was no connection.
        missed: Option<u64>,
    },
    /// The connection broke off, for this reason.
    Lost(String),
    /// There is a connection again.
    Back,
}

/// A stream that lasts.
#[derive(Debug)]
pub(crate) struct Feed {
    address: Address,
    types: String,
    addr: String,
    /// `None`: there is no connection.
    changes: Option<Changes>,
    last_id: Option<String>,
    pause: Duration,
    /// Nothing has come since the connection was made again.
    is_back: bool,
}

impl Feed {
    /// Opens the stream of the given types, such as `item,member`.
    pub(crate) async fn open(address: &Address, types: &str) -> Result<Self, Failure> {
        let mut feed = Self {
            address: address.clone(),
            types: types.to_owned(),
            addr: String::new(),
            changes: None,
            last_id: None,
            pause: PAUSE_MIN,
            is_back: false,
        };
        feed.connect().await?;
        Ok(feed)
    }

    /// Where the agent is, for messages.
    pub(crate) fn addr(&self) -> &str {
        &self.addr
    }

    async fn connect(&mut self) -> Result<(), Failure> {
        let mut client = Client::new(&self.address, OPEN_TIMEOUT)?;
        client.addr().clone_into(&mut self.addr);
        let opening = Changes::open(&mut client, &self.types, self.last_id.as_deref());
        let changes = tokio::time::timeout(OPEN_TIMEOUT, opening).await.unwrap_or_else(|_| {
            Err(Failure::new(Exit::Incomplete, "the agent did not open the stream of changes"))
        })?;
        self.changes = Some(changes);
        Ok(())
    }

    /// Waits for the next thing that is told. Nothing is lost if the wait is cancelled.
    ///
    /// That the agent is away is told and waited for; that it refuses, or says what is not
    /// understood, is a failure.
    pub(crate) async fn next(&mut self) -> Result<Told, Failure> {
        loop {
            let Some(changes) = &mut self.changes else {
                self.reconnect().await?;
                return Ok(Told::Back);
            };
            let event = match tokio::time::timeout(SILENCE_MAX, changes.next()).await {
                Ok(Ok(event)) => event,
                Ok(Err(failure)) if failure.exit == Exit::Unreachable => {
                    self.changes = None;
                    return Ok(Told::Lost(failure.line()));
                }
                Ok(Err(failure)) => return Err(failure),
                Err(_) => {
                    self.changes = None;
                    return Ok(Told::Lost(format!("the agent at {} is silent", self.addr)));
                }
            };
            self.pause = PAUSE_MIN;
            let Some(event) = event else { continue };
            if let Some(told) = self.on_event(event)? {
                return Ok(told);
            }
        }
    }

    fn on_event(&mut self, event: Event) -> Result<Option<Told>, Failure> {
        #[derive(Deserialize)]
        struct Gap {
            wanted: u64,
            next: u64,
        }
        let is_back = std::mem::take(&mut self.is_back);
        if let Some(id) = event.id {
            self.last_id = Some(id);
        }
        let bad = |error: serde_json::Error| {
            Failure::new(Exit::Failed, format!("the stream of changes is not understood: {error}"))
        };
        Ok(match event.kind.as_str() {
            "snapshot" => Some(Told::Snapshot(serde_json::from_str(&event.data).map_err(bad)?)),
            "change" => Some(Told::Change(serde_json::from_str(&event.data).map_err(bad)?)),
            "gap" => {
                let Gap { wanted, next } = serde_json::from_str(&event.data).map_err(bad)?;
                // Numbers of another run of the agent say nothing of how many.
                Some(Told::Gap { missed: (!is_back).then(|| next.saturating_sub(wanted)) })
            }
            _ => None,
        })
    }

    /// Tries until there is a connection.
    async fn reconnect(&mut self) -> Result<(), Failure> {
        loop {
            tokio::time::sleep(self.pause).await;
            self.pause = (self.pause * 2).min(PAUSE_MAX);
            match self.connect().await {
                Ok(()) => break,
                Err(failure) if is_passing(failure.exit) => {}
                Err(failure) => return Err(failure),
            }
        }
        self.is_back = true;
        Ok(())
    }
}

/// Whether another attempt may end otherwise.
const fn is_passing(exit: Exit) -> bool {
    matches!(exit, Exit::Unreachable | Exit::Incomplete | Exit::Failed)
}
