//! The queue between a node and whoever watches it: bounded, sheds the oldest, never blocks.

use crate::Options;
use crate::stats::{Counters, add};
use bruit_model::Event;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// What an event is counted as beside the payload that it holds. Source: guess.
const EVENT_BYTES: usize = 256;

/// A queue that once was long gives its memory back when it is empty again.
const CAPACITY_KEPT: usize = 1024;

#[derive(Debug, Default)]
struct Waiting {
    queue: VecDeque<Event>,
    bytes: usize,
    /// The driver has stopped: nothing more comes.
    ended: bool,
    /// Nobody will take anything.
    unwatched: bool,
}

#[derive(Debug)]
struct Shared {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // No code that can panic runs under the lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The driver's side.
#[derive(Debug)]
pub(crate) struct EventSink {
    shared: Arc<Shared>,
    counters: Arc<Counters>,
    events_max: usize,
    bytes_max: usize,
}

/// The events of a node, in order. If they are not taken in time, the oldest are shed, which
/// [`events_shed`](crate::DriverStats::events_shed) counts: compare it before and after, and read
/// the node's tables anew when it grew.
#[derive(Debug)]
pub struct Events {
    shared: Arc<Shared>,
}

/// A queue within the bounds of `options`.
pub(crate) fn queue(options: &Options, counters: Arc<Counters>) -> (EventSink, Events) {
    let shared = Arc::new(Shared { waiting: Mutex::default(), arrived: Notify::new() });
    let sink = EventSink {
        shared: Arc::clone(&shared),
        counters,
        events_max: options.events_max,
        bytes_max: options.event_bytes_max,
    };
    (sink, Events { shared })
}

fn held_bytes(event: &Event) -> usize {
    let payload = match event {
        Event::Item { item, .. } => item.held_bytes(),
        Event::Told { bytes, .. } | Event::Answer { part: bytes, .. } => bytes.len(),
        Event::RecordChanged { key, value } => key.len() + value.as_ref().map_or(0, bytes_len),
        Event::JoinFailed { target, error } => target.len() + error.len(),
        Event::MemberChanged { member, .. } | Event::MemberUpdated(member) => {
            member.metadata.iter().map(|entry| entry.key.len() + entry.value.len()).sum()
        }
        Event::MemberReaped { .. }
        | Event::TellFailed { .. }
        | Event::Joined { .. }
        | Event::Left
        | Event::Extra(_) => 0,
    };
    EVENT_BYTES + payload
}

fn bytes_len(bytes: &impl AsRef<[u8]>) -> usize {
    bytes.as_ref().len()
}

impl EventSink {
    /// Adds an event. Beyond a bound the oldest are shed, the new one itself last of all.
    pub(crate) fn push(&self, event: Event) {
        let mut shed = Vec::new();
        {
            let mut waiting = self.shared.lock();
            if waiting.unwatched {
                return;
            }
            waiting.bytes += held_bytes(&event);
            waiting.queue.push_back(event);
            while waiting.queue.len() > self.events_max || waiting.bytes > self.bytes_max {
                let Some(oldest) = waiting.queue.pop_front() else { break };
                waiting.bytes -= held_bytes(&oldest);
                shed.push(oldest);
            }
        }
        add(&self.counters.events_shed, shed.len());
        self.shared.arrived.notify_one();
    }
}

impl Drop for EventSink {
    fn drop(&mut self) {
        self.shared.lock().ended = true;
        self.shared.arrived.notify_one();
    }
}

impl Events {
    /// The next event; `None` once the driver has stopped and all events have been taken.
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            {
                let mut waiting = self.shared.lock();
                if let Some(event) = waiting.pop() {
                    return Some(event);
                }
                if waiting.ended {
                    return None;
                }
            }
            self.shared.arrived.notified().await;
        }
    }

    /// How many events wait.
    pub fn waiting(&self) -> usize {
        self.shared.lock().queue.len()
    }

    /// The next event, if there is one already.
    pub fn try_next(&mut self) -> Option<Event> {
        self.shared.lock().pop()
    }
}

impl Waiting {
    fn pop(&mut self) -> Option<Event> {
        let event = self.queue.pop_front()?;
        self.bytes -= held_bytes(&event);
        if self.queue.is_empty() && self.queue.capacity() > CAPACITY_KEPT {
            self.queue.shrink_to(CAPACITY_KEPT);
        }
        Some(event)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let mut waiting = self.shared.lock();
        waiting.unwatched = true;
        waiting.bytes = 0;
        let queue = std::mem::take(&mut waiting.queue);
        drop(waiting);
        drop(queue);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bruit_model::NodeId;

    fn told(number: u8, bytes: usize) -> Event {
        Event::Told { from: NodeId([number; 16]), bytes: vec![number; bytes].into() }
    }

    fn first_byte(event: Option<Event>) -> Option<u8> {
        let Some(Event::Told { bytes, .. }) = event else { return None };
        bytes.first().copied()
    }

    #[tokio::test]
    async fn the_oldest_are_shed_by_count_and_by_bytes() {
        let counters = Arc::new(Counters::default());
        let options = Options { events_max: 3, event_bytes_max: 2000, ..Options::default() };
        let (sink, mut events) = queue(&options, Arc::clone(&counters));
        for number in 1..=5 {
            sink.push(told(number, 1));
        }
        assert_eq!(counters.snapshot().events_shed, 2);
        assert_eq!(events.waiting(), 3);
        assert_eq!(first_byte(events.next().await), Some(3));
        // 4 and 5 hold 257 bytes each, this one 1,556: together more than 2,000.
        sink.push(told(6, 1300));
        assert_eq!(counters.snapshot().events_shed, 3);
        assert_eq!(first_byte(events.try_next()), Some(5));
        sink.push(told(7, 1745));
        assert_eq!(counters.snapshot().events_shed, 5, "too large by itself");
        assert!(events.try_next().is_none());
        drop(sink);
        assert!(events.next().await.is_none());
    }

    #[test]
    fn without_a_watcher_nothing_is_kept_or_counted() {
        let counters = Arc::new(Counters::default());
        let (sink, events) = queue(&Options::default(), Arc::clone(&counters));
        sink.push(told(1, 1));
        drop(events);
        sink.push(told(2, 1));
        assert!(sink.shared.lock().queue.is_empty());
        assert_eq!(counters.snapshot().events_shed, 0);
    }
}
