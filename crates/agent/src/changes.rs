//! What changed, for everybody who watches: a bounded ring that each watcher reads at its own
//! pace.
//!
//! A watcher holds nothing but the id of the next change that it wants, so a slow one costs no
//! memory. One that is too slow, or comes back too late, finds that its place has been
//! overwritten and is told so. While nobody watches, and nobody could come back to a place that is
//! still there, changes are counted and not kept.

use serde::Serialize;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// How many changes are kept.
pub(crate) const RING_MAX: usize = 1024;
/// How many bytes they hold. Guess.
const RING_BYTES_MAX: usize = 512 * 1024;

/// What a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The member list.
    Member,
    /// An item was seen.
    Item,
    /// A delivery ended.
    Delivery,
    /// A local subscription came, went, paused or resumed.
    Subscription,
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Self; 4] =
        [Self::Member, Self::Item, Self::Delivery, Self::Subscription];

    /// The word for it, in the API.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Item => "item",
            Self::Delivery => "delivery",
            Self::Subscription => "subscription",
        }
    }

    /// The kind that `word` is for.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// One change.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// Its number; they grow by one.
    pub(crate) id: u64,
    /// What it is about.
    pub(crate) kind: Kind,
    /// The JSON text.
    pub(crate) json: Arc<str>,
}

/// What a watcher finds.
#[derive(Debug)]
pub(crate) enum Read {
    /// These, in order; perhaps none yet.
    Changes(Vec<Change>),
    /// Changes before this id are lost.
    Gap(u64),
}

#[derive(Debug)]
struct Ring {
    kept: VecDeque<Change>,
    bytes: usize,
    next_id: u64,
    /// From this change on, who watched last could not come back to where it was.
    wanted_until: u64,
}

impl Ring {
    /// Whether somebody might read the next change.
    fn is_wanted(&mut self, is_watched: bool) -> bool {
        if is_watched {
            self.wanted_until = self.next_id + 1 + RING_MAX as u64;
        }
        self.next_id < self.wanted_until
    }

    fn keep(&mut self, kind: Kind, json: String) {
        self.bytes += json.len();
        self.kept.push_back(Change { id: self.next_id, kind, json: json.into() });
        while self.kept.len() > RING_MAX || self.bytes > RING_BYTES_MAX {
            let Some(oldest) = self.kept.pop_front() else { break };
            self.bytes -= oldest.json.len();
        }
    }

    fn clear(&mut self) {
        self.kept.clear();
        self.bytes = 0;
    }
}

/// The ring and its watchers.
#[derive(Debug)]
pub(crate) struct Changes {
    ring: Mutex<Ring>,
    /// The id of the next change; dropped when there will be no more.
    next: Mutex<Option<watch::Sender<u64>>>,
    /// What watchers start from.
    watch: watch::Receiver<u64>,
}

impl Changes {
    /// An empty ring. Ids start at `first_id`; a later run starts higher, so that a watcher that
    /// comes back with an id of an earlier run finds a gap.
    pub(crate) fn new(first_id: u64) -> Self {
        let (sender, receiver) = watch::channel(first_id);
        let ring =
            Ring { kept: VecDeque::new(), bytes: 0, next_id: first_id, wanted_until: first_id };
        Self { ring: Mutex::new(ring), next: Mutex::new(Some(sender)), watch: receiver }
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a change, which is made only if somebody might read it.
    pub(crate) fn push<T: Serialize>(&self, kind: Kind, make: impl FnOnce() -> T) {
        let next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        // One of the receivers is what watchers start from.
        let is_watched = next.as_ref().is_some_and(|sender| sender.receiver_count() > 1);
        let mut ring = self.lock();
        if ring.is_wanted(is_watched) {
            let Ok(json) = serde_json::to_string(&make()) else { return };
            ring.keep(kind, json);
        } else {
            ring.clear();
        }
        ring.next_id += 1;
        if let Some(sender) = next.as_ref().filter(|_| is_watched) {
            sender.send_replace(ring.next_id);
        }
    }

    /// Changes may have been missed: every watcher finds a gap.
    pub(crate) fn lose(&self) {
        let next_id = {
            let mut ring = self.lock();
            ring.clear();
            ring.next_id += 1;
            ring.next_id
        };
        self.tell(next_id);
    }

    fn tell(&self, next_id: u64) {
        let next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = next.as_ref() {
            sender.send_replace(next_id);
        }
    }

    /// There will be no more changes: watchers end.
    pub(crate) fn close(&self) {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// The id of the next change.
    pub(crate) fn next_id(&self) -> u64 {
        self.lock().next_id
    }

    /// Tells when there are more; closed when there will be none.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.watch.clone()
    }

    /// At most `count_max` of the changes from the one with the id `from` on.
    pub(crate) fn read(&self, from: u64, count_max: usize) -> Read {
        let ring = self.lock();
        let oldest = ring.kept.front().map_or(ring.next_id, |change| change.id);
        if from < oldest || from > ring.next_id {
            return Read::Gap(ring.next_id);
        }
        let skip = usize::try_from(from - oldest).unwrap_or(usize::MAX);
        Read::Changes(ring.kept.iter().skip(skip).take(count_max).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(read: Read) -> Option<Vec<u64>> {
        match read {
            Read::Changes(changes) => Some(changes.iter().map(|change| change.id).collect()),
            Read::Gap(_) => None,
        }
    }

    #[test]
    fn a_watcher_reads_on_from_where_it_was() {
        let changes = Changes::new(100);
        let _watch = changes.watch();
        assert_eq!(ids(changes.read(100, 9)), Some(vec![]));
        changes.push(Kind::Item, || 1);
        changes.push(Kind::Member, || 2);
        assert_eq!(ids(changes.read(100, 9)), Some(vec![100, 101]));
        assert_eq!(ids(changes.read(100, 1)), Some(vec![100]));
        assert_eq!(ids(changes.read(102, 9)), Some(vec![]));
        assert_eq!(ids(changes.read(103, 9)), None, "an id of the future is of another run");
        assert_eq!(ids(changes.read(99, 9)), None);
    }

    #[test]
    fn the_ring_is_bounded_by_count_and_by_bytes() {
        let changes = Changes::new(0);
        let _watch = changes.watch();
        for number in 0..=RING_MAX {
            changes.push(Kind::Item, || number);
        }
        assert_eq!(ids(changes.read(0, 1)), None);
        assert_eq!(ids(changes.read(1, 1)), Some(vec![1]));
        changes.push(Kind::Item, || "x".repeat(RING_BYTES_MAX - 100));
        assert_eq!(ids(changes.read(1, 1)), None);
        let next_id = changes.next_id();
        assert!(ids(changes.read(next_id - 2, 9)).is_some());
    }

    #[test]
    fn what_nobody_could_read_is_not_made() {
        const LAST: u64 = RING_MAX as u64;
        let never = || -> u8 { panic!("nobody reads it") };
        let changes = Changes::new(0);
        changes.push(Kind::Item, never);
        assert_eq!(ids(changes.read(0, 1)), None);
        let watch = changes.watch();
        changes.push(Kind::Item, || 1);
        drop(watch);
        for number in 0..LAST {
            changes.push(Kind::Item, || number);
            assert_eq!(ids(changes.read(2, 1)), Some(vec![2]), "who comes back goes on");
        }
        changes.push(Kind::Item, never);
        assert_eq!(ids(changes.read(2, 1)), None, "its place is gone");
        assert_eq!(ids(changes.read(LAST + 3, 1)), Some(vec![]));
        let _watch = changes.watch();
        changes.push(Kind::Item, || 1);
        assert_eq!(ids(changes.read(LAST + 3, 1)), Some(vec![LAST + 3]));
    }

    #[tokio::test]
    async fn what_is_lost_is_a_gap_and_the_end_is_told() {
        let changes = Changes::new(0);
        let mut watch = changes.watch();
        changes.push(Kind::Item, || 1);
        watch.changed().await.unwrap();
        changes.lose();
        assert_eq!(ids(changes.read(1, 9)), None);
        assert_eq!(ids(changes.read(changes.next_id(), 9)), Some(vec![]));
        watch.changed().await.unwrap();
        changes.close();
        assert!(watch.changed().await.is_err());
    }
}
