//! What changed, for everybody who watches: a bounded ring that each watcher reads at its own
//! pace.
//!
//! A watcher holds nothing but the id of the next change that it wants, so a slow one costs no
//! memory. One that is too slow, or comes back too late, finds that its place has been
//! overwritten and is told so.

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
        let ring = Ring { kept: VecDeque::new(), bytes: 0, next_id: first_id };
        Self { ring: Mutex::new(ring), next: Mutex::new(Some(sender)), watch: receiver }
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a change.
    pub(crate) fn push(&self, kind: Kind, change: &impl Serialize) {
        let Ok(json) = serde_json::to_string(change) else { return };
        let next_id = {
            let mut ring = self.lock();
            let id = ring.next_id;
            ring.next_id += 1;
            ring.bytes += json.len();
            ring.kept.push_back(Change { id, kind, json: json.into() });
            while ring.kept.len() > RING_MAX || ring.bytes > RING_BYTES_MAX {
                let Some(oldest) = ring.kept.pop_front() else { break };
                ring.bytes -= oldest.json.len();
            }
            ring.next_id
        };
        self.tell(next_id);
    }

    /// Changes may have been missed: every watcher finds a gap.
    pub(crate) fn lose(&self) {
        let next_id = {
            let mut ring = self.lock();
            ring.kept.clear();
            ring.bytes = 0;
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
        assert_eq!(ids(changes.read(100, 9)), Some(vec![]));
        changes.push(Kind::Item, &1);
        changes.push(Kind::Member, &2);
        assert_eq!(ids(changes.read(100, 9)), Some(vec![100, 101]));
        assert_eq!(ids(changes.read(100, 1)), Some(vec![100]));
        assert_eq!(ids(changes.read(102, 9)), Some(vec![]));
        assert_eq!(ids(changes.read(103, 9)), None, "an id of the future is of another run");
        assert_eq!(ids(changes.read(99, 9)), None);
    }

    #[test]
    fn the_ring_is_bounded_by_count_and_by_bytes() {
        let changes = Changes::new(0);
        for number in 0..=RING_MAX {
            changes.push(Kind::Item, &number);
        }
        assert_eq!(ids(changes.read(0, 1)), None);
        assert_eq!(ids(changes.read(1, 1)), Some(vec![1]));
        changes.push(Kind::Item, &"x".repeat(RING_BYTES_MAX - 100));
        assert_eq!(ids(changes.read(1, 1)), None);
        let next_id = changes.next_id();
        assert!(ids(changes.read(next_id - 2, 9)).is_some());
    }

    #[tokio::test]
    async fn what_is_lost_is_a_gap_and_the_end_is_told() {
        let changes = Changes::new(0);
        let mut watch = changes.watch();
        changes.push(Kind::Item, &1);
        watch.changed().await.unwrap();
        changes.lose();
        assert_eq!(ids(changes.read(1, 9)), None);
        assert_eq!(ids(changes.read(changes.next_id(), 9)), Some(vec![]));
        watch.changed().await.unwrap();
        changes.close();
        assert!(watch.changed().await.is_err());
    }
}
