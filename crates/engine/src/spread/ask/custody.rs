//! Messages in flight, and whose parts are in them.

use super::message::Parts;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A message that was sent and is not confirmed.
#[derive(Clone, Debug)]
pub(super) struct Flight<M, Q, P> {
    pub(super) to: M,
    pub(super) parts: Arc<Parts<M, Q, P>>,
    pub(super) bytes: usize,
    batch: u64,
}

/// What was passed on together: when all its messages are confirmed, so are its sources.
#[derive(Clone, Debug)]
struct Batch<M> {
    sources: Vec<(M, u64)>,
    open: usize,
    is_whole: bool,
}

/// A message that has ended.
#[derive(Clone, Debug)]
pub(super) struct Ended<M, Q, P> {
    pub(super) flight: Flight<M, Q, P>,
    /// What is confirmed by that: messages of others, by sender and ticket.
    pub(super) sources: Vec<(M, u64)>,
}

/// Everything that this node has passed on and that may be lost still.
#[derive(Clone, Debug)]
pub(super) struct Custody<M, Q, P> {
    flights: BTreeMap<u64, Flight<M, Q, P>>,
    batches: BTreeMap<u64, Batch<M>>,
    next: u64,
}

impl<M: Clone + PartialEq, Q: PartialEq, P> Custody<M, Q, P> {
    pub(super) fn new() -> Self {
        Self { flights: BTreeMap::new(), batches: BTreeMap::new(), next: 0 }
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Begins a batch of `messages` messages.
    pub(super) fn begin(&mut self, sources: Vec<(M, u64)>, messages: usize) -> u64 {
        let batch = self.number();
        self.batches.insert(batch, Batch { sources, open: messages, is_whole: true });
        batch
    }

    /// Sends a message of a batch; its number is returned.
    pub(super) fn send(
        &mut self,
        batch: u64,
        to: M,
        parts: Arc<Parts<M, Q, P>>,
        bytes: usize,
    ) -> u64 {
        let number = self.number();
        self.flights.insert(number, Flight { to, parts, bytes, batch });
        number
    }

    pub(super) fn get(&self, number: u64) -> Option<&Flight<M, Q, P>> {
        self.flights.get(&number)
    }

    /// Sends a message to somebody else; its new number is returned.
    pub(super) fn redirect(&mut self, number: u64, to: M) -> Option<u64> {
        let mut flight = self.flights.remove(&number)?;
        flight.to = to;
        let number = self.number();
        self.flights.insert(number, flight);
        Some(number)
    }

    /// Ends a message. If its batch is at an end by that and whole, its sources are confirmed.
    pub(super) fn end(&mut self, number: u64, is_delivered: bool) -> Option<Ended<M, Q, P>> {
        let flight = self.flights.remove(&number)?;
        let batch = self.batches.get_mut(&flight.batch).expect("a batch outlives its messages");
        batch.open -= 1;
        batch.is_whole &= is_delivered;
        if batch.open > 0 {
            return Some(Ended { flight, sources: Vec::new() });
        }
        let batch = self.batches.remove(&flight.batch).expect("it was there just before");
        let sources = if batch.is_whole { batch.sources } else { Vec::new() };
        Some(Ended { flight, sources })
    }

    /// The messages to a member.
    pub(super) fn to(&self, member: &M) -> Vec<u64> {
        let of = self.flights.iter().filter(|(_, flight)| flight.to == *member);
        of.map(|(number, _)| *number).collect()
    }

    /// The messages about a question.
    pub(super) fn about(&self, question: &Q) -> Vec<u64> {
        let of = self.flights.iter().filter(|(_, flight)| flight.parts.question == *question);
        of.map(|(number, _)| *number).collect()
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.flights.is_empty() && self.batches.is_empty()
    }
}
