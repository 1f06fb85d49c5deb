//! Which items have come here, so that an ordered subscription knows which have not.
//!
//! An item names the one before it in its topic. If that one has not come, what is to be
//! delivered in order waits for it for a while: it may have been overtaken on its way. If it has
//! come, whoever was to get it has got it into his queue, where the order is kept.

use super::fifo::Run;
use super::lane::Lane;
use bruit_engine::spread::intervals::{Intervals, Limits};
use bruit_model::{Item, ItemId};
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How long an item waits for one before it that was overtaken. A guess: longer than repair takes
/// to bring it.
pub const GAP_PATIENCE: Duration = Duration::from_secs(5);

/// The same for the first item that comes of an origin's run: what was before it is then likely
/// to be older than the subscription. A guess: longer than a push takes.
pub const FIRST_PATIENCE: Duration = Duration::from_secs(1);

/// How many items that have not come are waited for by name; beyond, the oldest is waited for
/// until patience ends, even if it comes.
const AWAITED_MAX: usize = 10_000;

/// What has come, and who waits for what has not.
pub(super) struct Seen {
    intervals: Intervals<Run>,
    awaited: BTreeMap<(Run, u64), Vec<Weak<Lane>>>,
}

/// An item before another that has not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Missing {
    pub(super) seq: u64,
    pub(super) patience: Duration,
}

impl Default for Seen {
    fn default() -> Self {
        Self { intervals: Intervals::new(Limits::default()), awaited: BTreeMap::new() }
    }
}

impl Seen {
    /// An item came; who waited for it.
    pub(super) fn note(&mut self, id: ItemId) -> Vec<Arc<Lane>> {
        let run = (id.origin, id.start);
        self.intervals.insert(&run, id.seq);
        if self.awaited.is_empty() {
            return Vec::new();
        }
        let waiting = self.awaited.remove(&(run, id.seq)).unwrap_or_default();
        waiting.iter().filter_map(Weak::upgrade).collect()
    }

    /// All items of this run up to `seq` are known to have ended or to be queued.
    pub(super) fn note_up_to(&mut self, run: Run, seq: u64) {
        self.intervals.insert_ranges(&run, &[(1, seq)]);
    }

    /// The item before `item`, which has just been noted, if it has not come.
    pub(super) fn missing(&self, item: &Item) -> Option<Missing> {
        let run = (item.id.origin, item.id.start);
        let seq = item.previous_in_topic.filter(|&seq| seq != 0)?;
        // A run of which nothing is known is one too many to be kept track of.
        let is_tracked = self.intervals.contains(&run, item.id.seq);
        if !is_tracked || self.intervals.contains(&run, seq) {
            return None;
        }
        let is_first = self.intervals.ranges(&run) == [(item.id.seq, item.id.seq)];
        Some(Missing { seq, patience: if is_first { FIRST_PATIENCE } else { GAP_PATIENCE } })
    }

    /// `lane` waits for an item of this run.
    pub(super) fn wait(&mut self, run: Run, seq: u64, lane: &Arc<Lane>) {
        if self.awaited.len() >= AWAITED_MAX {
            self.awaited.pop_first();
        }
        let waiting = self.awaited.entry((run, seq)).or_default();
        if !waiting.iter().any(|other| other.as_ptr() == Arc::as_ptr(lane)) {
            waiting.push(Arc::downgrade(lane));
        }
    }

    /// Whether an item has come.
    pub(super) fn contains(&self, run: Run, seq: u64) -> bool {
        self.intervals.contains(&run, seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::tests::event;

    fn after(seq: u64, previous: u64) -> Item {
        Item { previous_in_topic: Some(previous), ..event(seq, "a") }
    }

    #[test]
    fn what_has_not_come_is_missing() {
        let mut seen = Seen::default();
        seen.note(event(1, "a").id);
        assert_eq!(seen.missing(&event(1, "a")), None);
        seen.note(event(2, "a").id);
        assert_eq!(seen.missing(&after(2, 1)), None);
        seen.note(event(5, "a").id);
        let missing = Missing { seq: 3, patience: GAP_PATIENCE };
        assert_eq!(seen.missing(&after(5, 3)), Some(missing));
        seen.note_up_to((event(1, "a").id.origin, 1), 4);
        assert_eq!(seen.missing(&after(5, 3)), None);
    }

    #[test]
    fn the_first_of_a_run_has_less_patience() {
        let mut seen = Seen::default();
        seen.note(event(7, "a").id);
        let missing = Missing { seq: 6, patience: FIRST_PATIENCE };
        assert_eq!(seen.missing(&after(7, 6)), Some(missing));
    }
}
