//! Where an engine puts what it wants done.

use std::collections::VecDeque;

/// A bounded sink of sends and events, owned by the caller of an engine.
///
/// A send that does not fit is dropped and counted: gossip repeats itself. Events tell of state
/// that has changed already, so they are never dropped; their number per call is bounded by the
/// input that caused them.
#[derive(Clone, Debug)]
pub struct Outbox<S, E> {
    sends: VecDeque<S>,
    events: VecDeque<E>,
    sends_max: usize,
    shed_count: u64,
}

impl<S, E> Outbox<S, E> {
    /// An empty sink for at most `sends_max` undrained sends.
    pub fn new(sends_max: usize) -> Self {
        Self { sends: VecDeque::new(), events: VecDeque::new(), sends_max, shed_count: 0 }
    }

    /// Queues a send, or counts it as shed.
    pub fn send(&mut self, send: S) {
        if self.sends.len() < self.sends_max {
            self.sends.push_back(send);
        } else {
            self.shed_count += 1;
        }
    }

    /// Queues an event.
    pub fn event(&mut self, event: E) {
        self.events.push_back(event);
    }

    /// The oldest queued send.
    pub fn pop_send(&mut self) -> Option<S> {
        self.sends.pop_front()
    }

    /// The oldest queued event.
    pub fn pop_event(&mut self) -> Option<E> {
        self.events.pop_front()
    }

    /// How many sends were dropped since the start.
    pub fn shed_count(&self) -> u64 {
        self.shed_count
    }

    /// True when nothing is queued.
    pub fn is_empty(&self) -> bool {
        self.sends.is_empty() && self.events.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sends_beyond_the_bound_are_counted_and_events_kept() {
        let mut out = Outbox::new(1);
        out.send(1);
        out.send(2);
        out.event("a");
        out.event("b");
        assert_eq!((out.pop_send(), out.pop_send(), out.shed_count()), (Some(1), None, 1));
        assert_eq!(
            (out.pop_event(), out.pop_event(), out.pop_event()),
            (Some("a"), Some("b"), None)
        );
    }
}
