//! The items that a reader has been given and is not done with.

use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// In the order in which they were given. Only the first one's time runs: a reader may take one
/// after the other, and has the subscription's timeout for each.
#[derive(Debug)]
pub(super) struct Out {
    /// The number that the delivery knows, and the item's id.
    items: VecDeque<(u64, String)>,
    /// Since when the first one is the first.
    since: Instant,
}

impl Out {
    pub(super) fn new() -> Self {
        Self { items: VecDeque::new(), since: Instant::now() }
    }

    /// One more was given.
    pub(super) fn push(&mut self, seq: u64, id: String) {
        if self.items.is_empty() {
            self.since = Instant::now();
        }
        self.items.push_back((seq, id));
    }

    /// The reader is done with the item of this number.
    pub(super) fn remove(&mut self, seq: u64) {
        let place = self.items.iter().position(|(each, _)| *each == seq);
        place.and_then(|place| self.take(place));
    }

    /// The reader is done with the item of this id, in either case; its number, if it is out.
    pub(super) fn remove_id(&mut self, id: &str) -> Option<u64> {
        let place = self.items.iter().position(|(_, each)| each.eq_ignore_ascii_case(id))?;
        self.take(place)
    }

    fn take(&mut self, place: usize) -> Option<u64> {
        if place == 0 {
            self.since = Instant::now();
        }
        self.items.remove(place).map(|(seq, _)| seq)
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Until when the reader must be done with the first one.
    pub(super) fn deadline(&self, patience: Duration) -> Option<Instant> {
        (!self.items.is_empty()).then(|| self.since + patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_has_its_time_one_after_the_other() {
        let second = Duration::from_secs(1);
        let mut out = Out::new();
        assert_eq!(out.deadline(second), None);
        let start = Instant::now();
        out.push(7, "A-1".to_owned());
        out.push(8, "A-2".to_owned());
        out.push(9, "A-3".to_owned());
        assert_eq!(out.deadline(second), Some(start + second));
        tokio::time::advance(second / 2).await;
        assert_eq!(out.remove_id("a-2"), Some(8));
        assert_eq!(out.deadline(second), Some(start + second), "the first is still the first");
        out.remove(7);
        assert_eq!(out.deadline(second), Some(start + second / 2 + second));
        assert_eq!((out.remove_id("A-2"), out.len()), (None, 1));
        assert_eq!(out.remove_id("A-3"), Some(9));
        assert_eq!(out.deadline(second), None);
        tokio::time::advance(second).await;
        out.push(10, "A-4".to_owned());
        assert_eq!(out.deadline(second), Some(Instant::now() + second));
    }
}
