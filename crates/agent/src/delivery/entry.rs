//! An item on its way to one consumer.

use super::ATTEMPTS_KEPT;
use super::fifo::Chained;
use super::outcome::AttemptNote;
use bruit_model::Item;
use std::sync::Arc;
use tokio::time::Instant;

/// An item on its way to one consumer.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The item.
    pub(super) item: Arc<Item>,
    /// Its place in the order of acceptance, and so its number among the subscription's
    /// deliveries.
    pub(super) number: u64,
    /// When it was offered.
    pub(super) accepted: Instant,
    /// The same by the wall clock, milliseconds since 1970-01-01 UTC.
    pub(super) accepted_unix_millis: u64,
    /// When it is of no more use. Of the monotonic clock, so that a wall clock that jumps while
    /// the item waits drops nothing and revives nothing.
    pub(super) expires: Option<Instant>,
    /// How many attempts were made.
    pub(super) attempts: u32,
    /// How many of them count against the policy: those since the last resume.
    pub(super) attempts_counted: u32,
    /// When the first of those began.
    pub(super) first_attempt: Option<Instant>,
    /// What the consumer answered last.
    pub(super) last_status: Option<u16>,
    /// The last attempts.
    pub(super) notes: Vec<AttemptNote>,
    /// Its place among the items of its origin, if they are delivered in order.
    pub(super) chained: Option<Chained>,
    /// Whether it was taken to find out if the consumer is back.
    pub(super) is_probe: bool,
    /// Which of the queue's fresh starts it has seen.
    pub(super) epoch: u32,
    /// When it is to be tried.
    pub(super) due: Instant,
    /// What it counts against the queue's bound.
    pub(super) bytes: usize,
}

impl Entry {
    /// What waiting takes beside the item, in bytes: 295 each were measured with 100,000.
    const BYTES: usize = 300;

    /// A new one, due at once.
    pub(super) fn new(item: Arc<Item>, now: Instant, unix_millis: u64) -> Self {
        let expires = item.expires_unix_millis.map(|at| expiry(at, unix_millis, now));
        let bytes = item.held_bytes() + Self::BYTES;
        Self {
            item,
            number: 0,
            accepted: now,
            accepted_unix_millis: unix_millis,
            expires,
            attempts: 0,
            attempts_counted: 0,
            first_attempt: None,
            last_status: None,
            notes: Vec::new(),
            chained: None,
            is_probe: false,
            epoch: 0,
            due: now,
            bytes,
        }
    }

    /// Remembers an attempt, and forgets the oldest of too many.
    pub(super) fn note(&mut self, note: AttemptNote) {
        if self.notes.len() >= ATTEMPTS_KEPT {
            self.notes.remove(0);
        }
        self.notes.push(note);
    }

    /// Whether it is of no more use.
    pub(super) fn is_expired(&self, now: Instant) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }
}

/// When, by the monotonic clock, the wall clock would show `at_unix_millis` if it ran on evenly.
fn expiry(at_unix_millis: u64, unix_millis: u64, now: Instant) -> Instant {
    /// Beyond what an `Instant` is sure to hold, an item does not expire while the agent runs.
    const FAR: u64 = 100 * 365 * 86_400_000;
    let left = at_unix_millis.saturating_sub(unix_millis).min(FAR);
    now + std::time::Duration::from_millis(left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::tests::event;
    use std::time::Duration;

    #[test]
    fn expiry_is_what_was_left_when_the_item_came() {
        let now = Instant::now();
        for (at, wall, left) in [(1000, 400, 600), (400, 400, 0), (1, 400, 0), (0, u64::MAX, 0)] {
            assert_eq!(expiry(at, wall, now), now + Duration::from_millis(left), "{at} {wall}");
        }
        assert!(expiry(u64::MAX, 0, now) > now + Duration::from_secs(86_400 * 365));
        let mut item = event(1, "a");
        item.expires_unix_millis = Some(1500);
        let entry = Entry::new(Arc::new(item), now, 1000);
        assert!(!entry.is_expired(now + Duration::from_millis(499)));
        assert!(entry.is_expired(now + Duration::from_millis(500)));
    }

    #[test]
    fn the_last_attempts_are_remembered() {
        let mut entry = Entry::new(Arc::new(event(1, "a")), Instant::now(), 0);
        for at_unix_millis in 1..=20 {
            let took = Duration::ZERO;
            entry.note(AttemptNote { status: None, error: None, at_unix_millis, took });
        }
        let kept: Vec<u64> = entry.notes.iter().map(|note| note.at_unix_millis).collect();
        assert_eq!(kept, (5..=20).collect::<Vec<u64>>());
    }
}
