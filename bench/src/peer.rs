//! What a measurement needs of the system that it measures.
//!
//! A [`Peer`] is one kind of agent, an [`Agent`] one process of it. Measurements know nothing
//! else, so that another system is measured by implementing these traits.

use crate::failure::Failure;
use crate::process::Process;
use std::cell::Cell;
use std::path::Path;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Instant;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// A future of a trait object, on this thread.
pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + 'a>>;

/// Where a new agent stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot<'a> {
    /// Its place in its group, from 0.
    pub(crate) index: usize,
    /// A folder for its files.
    pub(crate) dir: &'a Path,
    /// Whom it joins; the first joins nobody.
    pub(crate) seed: Option<&'a str>,
}

/// A kind of agent.
pub(crate) trait Peer {
    /// Its name in tables.
    fn label(&self) -> &'static str;
    /// The version of the program.
    fn version(&self) -> String;
    /// Starts a process, without waiting until it works.
    fn spawn<'a>(&'a self, spot: Spot<'a>) -> Boxed<'a, Box<dyn Agent>>;
}

/// One agent.
pub(crate) trait Agent {
    /// Its name in the group.
    fn name(&self) -> &str;
    /// The address that others join, once it is ready.
    fn address(&self) -> &str;
    /// Its process.
    fn process(&self) -> &Process;
    /// Its process, to end it.
    fn process_mut(&mut self) -> &mut Process;
    /// Waits until it answers.
    fn ready(&mut self) -> Boxed<'_, ()>;
    /// Its own view of the group.
    fn view(&self) -> Boxed<'_, View>;
    /// An open connection to publish by.
    fn publisher(&self) -> Boxed<'_, Box<dyn Publisher>>;
    /// Tells `sink` what this agent learns, from when this returns until the task is dropped.
    fn watch(&self, interest: Interest, sink: Sink) -> Boxed<'_, Task>;
    /// What it says that it has sent to other agents, if it counts that.
    fn sent(&self) -> Boxed<'_, Option<Sent>>;
}

/// An open connection to publish by.
pub(crate) trait Publisher {
    /// Publishes an event that carries `token`, which has no dot, in a payload of
    /// [`payload`]; returns when the agent has accepted it.
    fn publish<'a>(&'a mut self, token: &'a str) -> Boxed<'a, ()>;
}

/// The bytes of a published event.
pub(crate) const PAYLOAD_BYTES: usize = 100;

/// A payload with a token, filled up with dots.
pub(crate) fn payload(token: &str) -> Vec<u8> {
    let mut bytes = token.as_bytes().to_vec();
    bytes.resize(PAYLOAD_BYTES.max(bytes.len()), b'.');
    bytes
}

/// The token of a payload.
pub(crate) fn token(payload: &[u8]) -> String {
    let end = payload.iter().position(|byte| *byte == b'.').unwrap_or(payload.len());
    String::from_utf8_lossy(&payload[..end]).into_owned()
}

/// How many members an agent sees in each state, itself included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    /// Alive, or suspected of not being so.
    pub(crate) alive: usize,
    /// Failed.
    pub(crate) failed: usize,
}

/// What an agent has sent to others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    /// Datagrams.
    pub(crate) datagrams: u64,
    /// Their bytes, without IP and UDP headers.
    pub(crate) datagram_bytes: u64,
    /// Bytes on streams, without IP and TCP headers.
    pub(crate) stream_bytes: u64,
}

/// What a watcher wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    /// Published events.
    Items,
    /// Members that failed.
    Failures,
}

/// What an agent learnt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// The event with this token.
    Item(String),
    /// That the member with this name failed.
    Failed(String),
    /// Nothing more: the stream ended or had a gap.
    Lost(String),
}

/// When an agent learnt something.
#[derive(Clone, Debug)]
pub(crate) struct Sighting {
    /// The agent's place in its group.
    pub(crate) agent: usize,
    /// When this program read it.
    pub(crate) at: Instant,
    /// What it is.
    pub(crate) sight: Sight,
}

/// Where a watcher tells one agent's sightings.
#[derive(Clone, Debug)]
pub(crate) struct Sink {
    agent: usize,
    sender: mpsc::Sender<Sighting>,
    shed: Rc<Cell<u64>>,
}

impl Sink {
    /// For the agent in place `agent`; `shed` counts what does not fit the channel.
    pub(crate) fn new(agent: usize, sender: mpsc::Sender<Sighting>, shed: Rc<Cell<u64>>) -> Self {
        Self { agent, sender, shed }
    }

    /// Tells one.
    pub(crate) fn tell(&self, at: Instant, sight: Sight) {
        if self.sender.try_send(Sighting { agent: self.agent, at, sight }).is_err() {
            self.shed.set(self.shed.get() + 1);
        }
    }
}

/// A task that ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Task(Option<JoinHandle<()>>);

impl Task {
    /// Runs `future` on this thread.
    pub(crate) fn run(future: impl Future<Output = ()> + 'static) -> Self {
        Self(Some(tokio::task::spawn_local(future)))
    }

    /// Waits for its end.
    pub(crate) async fn ended(mut self) {
        if let Some(task) = self.0.take() {
            // It panics only with this program, and nobody else ends it.
            drop(task.await);
        }
    }

    /// Whether it has come to its end.
    pub(crate) fn has_ended(&self) -> bool {
        self.0.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            task.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_has_the_size_and_gives_its_token_back() {
        let bytes = payload("s-1-2");
        assert_eq!(bytes.len(), PAYLOAD_BYTES);
        assert_eq!(token(&bytes), "s-1-2");
        assert_eq!(token(b"whole"), "whole");
    }
}
