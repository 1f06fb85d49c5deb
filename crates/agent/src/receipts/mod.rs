//! Who got an item: the origin's side.
//!
//! At acceptance the origin lists the (agent, subscription) pairs that it expects, from the
//! subscriptions that the members announce. The item is a question, to which each agent answers
//! the end of each of its deliveries, up to 256 of them; a caller waits until enough are
//! delivered, all have ended, or its time is up. Ends that come later still count, as long as the
//! result is kept and the question is open.

mod close;
mod message;
mod want;

pub(crate) use close::{close_patterns, close_to};
pub(crate) use message::{NAME_BYTES_MAX, Receipt};
pub(crate) use want::{Want, parse_duration};

use crate::questions::Say;

use bruit_model::{Ask, ItemId, Member, MemberState, Members, NodeId, Path, Pattern, Reduce};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

/// How long a caller waits if it does not say. Guess.
pub(crate) const TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);
/// How long a caller may wait at most. Guess.
pub(crate) const TIMEOUT_MAX: Duration = Duration::from_secs(300);
/// How much longer than its caller waits an item's deliveries are told. Guess.
const LATE: Duration = Duration::from_secs(60);
/// How many items are waited for at a time. Guess.
const WAITED_MAX: usize = 256;
/// How many pairs are expected at a time, in all. Guess: 64 waits for 1,000 agents.
const PAIRS_MAX: usize = 65_536;
/// How many items' results are kept after the wait has ended. Guess.
const ENDED_MAX: usize = 32;

/// One expected delivery, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    /// Which agent.
    pub(crate) node: NodeId,
    /// The agent's name.
    pub(crate) name: Arc<str>,
    /// Which of its subscriptions.
    pub(crate) subscription: Arc<str>,
    /// How it ended; `None` while it has not.
    pub(crate) end: Option<End>,
}

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// Whether the consumer took it.
    pub(crate) delivered: bool,
    /// What the consumer answered last, if it did.
    pub(crate) status: Option<u16>,
    /// How many times it was tried.
    pub(crate) attempts: u16,
    /// From the acceptance until the origin knew.
    pub(crate) after: Duration,
}

/// What is known of an item's deliveries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Each expected pair, by agent name and subscription.
    pub(crate) pairs: Vec<Expected>,
    /// Whether what the caller waits for is there.
    pub(crate) is_met: bool,
}

impl Summary {
    /// How many are delivered, failed, and not heard of.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        let ends = || self.pairs.iter().filter_map(|pair| pair.end);
        let delivered = ends().filter(|end| end.delivered).count();
        let failed = ends().count() - delivered;
        (delivered, failed, self.pairs.len() - delivered - failed)
    }
}

/// No more waits are taken at the moment. Nothing was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// Counters, for metrics.
#[derive(Debug, Default)]
pub(crate) struct ReceiptCounters {
    /// Receipts that ended an expected delivery.
    pub(crate) received: AtomicU64,
    /// Receipts of items that nobody waits for, of unexpected pairs, or repeated.
    pub(crate) unexpected: AtomicU64,
    /// Messages that are no receipt.
    pub(crate) malformed: AtomicU64,
    /// Receipts given to the node, for other agents.
    pub(crate) sent: AtomicU64,
    /// Receipts that it refused: the time of the item is over, or too much waits.
    pub(crate) unsent: AtomicU64,
    /// Waits refused for lack of room.
    pub(crate) refused: AtomicU64,
}

/// The items of this origin whose deliveries are counted.
#[derive(Debug, Default)]
pub(crate) struct Receipts {
    waited: Mutex<Waited>,
    /// Whom to tell of questions that can end.
    says: OnceLock<mpsc::Sender<Say>>,
    /// What was counted.
    pub(crate) counters: ReceiptCounters,
}

#[derive(Debug, Default)]
struct Waited {
    active: BTreeMap<ItemId, Tracked>,
    ended: VecDeque<(ItemId, Tracked)>,
    pairs: usize,
}

#[derive(Debug)]
struct Tracked {
    pairs: Vec<Expected>,
    accepted: Instant,
    changed: Arc<Notify>,
    want: Want,
}

impl Tracked {
    fn summary(&self) -> Summary {
        let mut summary = Summary { pairs: self.pairs.clone(), is_met: false };
        summary.is_met = summary.counts().0 >= self.want.of(summary.pairs.len());
        summary
    }

    /// Whether waiting longer can change anything that the caller asked for.
    fn is_over(&self) -> bool {
        let ends = || self.pairs.iter().filter_map(|pair| pair.end);
        let delivered = ends().filter(|end| end.delivered).count();
        delivered >= self.want.of(self.pairs.len()) || ends().count() == self.pairs.len()
    }

    /// Whether nothing more can come.
    fn is_complete(&self) -> bool {
        self.pairs.iter().all(|pair| pair.end.is_some())
    }

    fn end(&mut self, from: NodeId, receipt: &Receipt) -> bool {
        let after = self.accepted.elapsed();
        let pair = self.pairs.iter_mut().find(|pair| {
            pair.node == from && *pair.subscription == *receipt.subscription && pair.end.is_none()
        });
        let Some(pair) = pair else { return false };
        let Receipt { delivered, status, attempts, .. } = *receipt;
        pair.end = Some(End { delivered, status, attempts, after });
        true
    }
}

/// The pairs that an item with this path will be delivered to, as `members` announce them:
/// every subscription that selects the path, of every member that may be there.
pub(crate) fn expected(members: &dyn Members, path: &Path) -> Vec<Expected> {
    let mut pairs = Vec::new();
    for member in members.iter() {
        if !matches!(member.state, MemberState::Alive | MemberState::Suspect) {
            continue;
        }
        for (subscription, pattern) in announced(&member) {
            if pattern.matches(path) {
                let name = Arc::clone(&member.name);
                let subscription = Arc::from(subscription);
                pairs.push(Expected { node: member.id, name, subscription, end: None });
            }
        }
    }
    pairs.sort_by(|a, b| {
        (&a.name, &a.node, &a.subscription).cmp(&(&b.name, &b.node, &b.subscription))
    });
    pairs
}

/// What is asked with an item whose deliveries a caller waits for so long.
pub(crate) fn ask(timeout: Duration) -> Ask {
    Ask { timeout: timeout.min(TIMEOUT_MAX) + LATE, reduce: Reduce::Collect }
}

/// The subscriptions that a member announces: name and pattern.
pub(crate) fn announced(member: &Member) -> impl Iterator<Item = (&str, Pattern)> {
    member.metadata.iter().filter_map(|entry| {
        let name = entry.key.strip_prefix(Member::SUBSCRIPTION_KEY)?;
        let pattern = std::str::from_utf8(&entry.value).ok()?;
        Some((name, Pattern::parse(pattern).ok()?))
    })
}

impl Receipts {
    fn lock(&self) -> MutexGuard<'_, Waited> {
        self.waited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether one more item with so many pairs can be waited for.
    pub(crate) fn check_room(&self, pairs: usize) -> Result<(), Full> {
        let waited = self.lock();
        if waited.active.len() < WAITED_MAX && waited.pairs + pairs <= PAIRS_MAX {
            return Ok(());
        }
        self.counters.refused.fetch_add(1, Ordering::Relaxed);
        Err(Full)
    }

    /// Counts the deliveries of `item` as long as the result lives. Called before any of them
    /// can have ended.
    pub(crate) fn track(self: &Arc<Self>, item: ItemId, pairs: Vec<Expected>, want: Want) -> Wait {
        let mut waited = self.lock();
        waited.pairs += pairs.len();
        let changed = Arc::<Notify>::default();
        let accepted = Instant::now();
        let tracked = Tracked { pairs, accepted, changed: Arc::clone(&changed), want };
        waited.active.insert(item, tracked);
        drop(waited);
        Wait { receipts: Arc::clone(self), item, accepted, changed }
    }

    /// Tells `says` of questions that can end.
    pub(crate) fn tell(&self, says: mpsc::Sender<Say>) {
        // Set once, when the agent starts.
        let _ = self.says.set(says);
    }

    /// Nothing more is wanted of this item. If that cannot be told, its time ends it.
    fn finish(&self, item: ItemId) {
        if let Some(says) = self.says.get() {
            let _ = says.try_send(Say::Finish(item));
        }
    }

    /// A delivery ended, here or at another agent.
    pub(crate) fn record(&self, from: NodeId, receipt: &Receipt) {
        let mut waited = self.lock();
        let (is_expected, is_complete) = if let Some(tracked) = waited.active.get_mut(&receipt.item)
        {
            let is_expected = tracked.end(from, receipt);
            tracked.changed.notify_one();
            (is_expected, tracked.is_complete())
        } else {
            let mut ended = waited.ended.iter_mut();
            let tracked = ended.find(|(item, _)| *item == receipt.item);
            tracked.map_or((false, false), |(_, tracked)| {
                (tracked.end(from, receipt), tracked.is_complete())
            })
        };
        drop(waited);
        if is_expected && is_complete {
            self.finish(receipt.item);
        }
        let counters = &self.counters;
        let counter = if is_expected { &counters.received } else { &counters.unexpected };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Another agent answered about an item of this origin.
    pub(crate) fn answered(&self, item: ItemId, from: NodeId, part: &[u8]) {
        match Receipt::decode(item, part) {
            Ok(receipt) => self.record(from, &receipt),
            Err(message::Malformed) => {
                self.counters.malformed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// What is known of an item that is or was waited for.
    pub(crate) fn summary(&self, item: ItemId) -> Option<Summary> {
        let waited = self.lock();
        let ended = || waited.ended.iter().find(|(id, _)| *id == item).map(|(_, tracked)| tracked);
        waited.active.get(&item).or_else(ended).map(Tracked::summary)
    }

    /// How many items are waited for.
    pub(crate) fn active(&self) -> usize {
        self.lock().active.len()
    }
}

/// An item is waited for; dropping this ends that.
#[derive(Debug)]
pub(crate) struct Wait {
    receipts: Arc<Receipts>,
    item: ItemId,
    accepted: Instant,
    changed: Arc<Notify>,
}

impl Wait {
    /// Waits until what the caller wants is there, cannot come, or `timeout`, counted from the
    /// acceptance, is over.
    pub(crate) async fn until(self, timeout: Duration) -> Summary {
        let deadline = self.accepted + timeout.min(TIMEOUT_MAX);
        loop {
            let (is_over, summary) = {
                let waited = self.receipts.lock();
                let tracked = &waited.active[&self.item];
                (tracked.is_over(), tracked.summary())
            };
            if is_over || tokio::time::timeout_at(deadline, self.changed.notified()).await.is_err()
            {
                return summary;
            }
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let mut waited = self.receipts.lock();
        let Some(tracked) = waited.active.remove(&self.item) else { return };
        waited.pairs -= tracked.pairs.len();
        waited.ended.push_back((self.item, tracked));
        let forgotten =
            if waited.ended.len() > ENDED_MAX { waited.ended.pop_front() } else { None };
        drop(waited);
        if let Some((item, tracked)) = forgotten
            && !tracked.is_complete()
        {
            self.receipts.finish(item);
        }
    }
}

#[cfg(test)]
mod tests;
