//! The local subscriptions, and how items get to them.

use super::entry::Entry;
use super::fifo::{Chained, Gap, Run};
use super::hub::{Hub, WallClock, system_wall};
use super::lane::Lane;
use super::seen::{Missing, Seen};
use super::{
    Journal, Notice, PauseReason, Reader, Report, SUBSCRIPTIONS_MAX, SubscribeError, Subscription,
    SubscriptionStatus, TestResult, attempt,
};
use bruit_engine::Rng;
use bruit_model::{Item, ItemId, NodeId, Order, PatternMap};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;
use tokio::time::Instant;

/// The local subscriptions and their workers, which end when this is dropped.
pub struct Delivery {
    pub(super) hub: Arc<Hub>,
    index: RwLock<Index>,
    seen: Mutex<Seen>,
}

/// The subscriptions, by name and by what they select.
#[derive(Default)]
struct Index {
    by_name: BTreeMap<Arc<str>, Target>,
    by_pattern: PatternMap<Target>,
}

/// A subscription with its settings, so that matching takes no lock of it.
#[derive(Clone)]
struct Target {
    lane: Arc<Lane>,
    subscription: Arc<Subscription>,
}

impl PartialEq for Target {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.lane, &other.lane)
    }
}

impl Target {
    fn is_fifo(&self, order: Order) -> bool {
        order == Order::Fifo || self.subscription.order == Order::Fifo
    }
}

impl Delivery {
    /// Starts without subscriptions. Each outcome is given to `sink`, on the thread that caused
    /// it; it must not block. `journal` is told what must survive a restart. `rng` jitters the
    /// waits between attempts.
    ///
    /// # Panics
    /// Outside a tokio runtime: workers run on the one in which this is called.
    pub fn new(
        sink: impl Fn(Report) + Send + Sync + 'static,
        journal: Arc<dyn Journal>,
        rng: Rng,
    ) -> Self {
        Self::with_wall(sink, journal, rng, Box::new(system_wall))
    }

    pub(super) fn with_wall(
        sink: impl Fn(Report) + Send + Sync + 'static,
        journal: Arc<dyn Journal>,
        rng: Rng,
        wall: Box<WallClock>,
    ) -> Self {
        Self {
            hub: Arc::new(Hub::new(Box::new(sink), journal, rng, wall)),
            index: RwLock::default(),
            seen: Mutex::default(),
        }
    }

    /// Tells each change of a subscription's state to `sink`, on the thread that caused it; it
    /// must not block. Only the first call has an effect; whether it was this one.
    pub fn on_notice(&self, sink: impl Fn(Notice) + Send + Sync + 'static) -> bool {
        self.hub.notices.set(Box::new(sink)).is_ok()
    }

    /// Adds a subscription, or gives new settings to the one of that name: what waits there
    /// stays, and it stays paused if it is.
    ///
    /// # Errors
    /// See [`SubscribeError`]; nothing is changed then.
    pub fn subscribe(&self, subscription: Subscription) -> Result<(), SubscribeError> {
        subscription.check()?;
        let mut index = self.index_mut();
        let shared = Arc::new(subscription.clone());
        if let Some(old) = index.by_name.get(subscription.name.as_str()).cloned() {
            let target = Target { lane: Arc::clone(&old.lane), subscription: shared };
            index.by_pattern.remove(&old.subscription.pattern, &old);
            index.by_pattern.insert(&subscription.pattern, target.clone());
            index.by_name.insert(Arc::clone(&target.lane.name), target);
            drop(index);
            old.lane.replace(subscription);
            return Ok(());
        }
        if index.by_name.len() >= SUBSCRIPTIONS_MAX {
            return Err(SubscribeError::TooMany);
        }
        let lane = Lane::new(subscription, Arc::clone(&self.hub));
        let target = Target { lane, subscription: shared };
        index.by_pattern.insert(&target.subscription.pattern, target.clone());
        index.by_name.insert(Arc::clone(&target.lane.name), target);
        Ok(())
    }

    /// Removes a subscription with its dead letters and all that waits there; what is under way
    /// may finish. How many items waited, if it was there.
    pub fn unsubscribe(&self, name: &str) -> Option<usize> {
        let removed = {
            let mut index = self.index_mut();
            let removed = index.by_name.remove(name)?;
            index.by_pattern.remove(&removed.subscription.pattern, &removed);
            removed
        };
        let waited = removed.lane.close();
        self.hub.journal.unsubscribed(&removed.lane.name);
        Some(waited)
    }

    /// The subscriptions, by name.
    pub fn list(&self) -> Vec<Arc<Subscription>> {
        let index = self.index();
        index.by_name.values().map(|target| Arc::clone(&target.subscription)).collect()
    }

    /// The subscription of this name.
    pub fn get(&self, name: &str) -> Option<Arc<Subscription>> {
        self.index().by_name.get(name).map(|target| Arc::clone(&target.subscription))
    }

    /// Queues `item` for each subscription that selects it; their names, in order. `order` is
    /// that of the item's topic. Never waits. An item that is offered twice is delivered twice.
    pub fn offer(&self, item: &Arc<Item>, order: Order) -> Vec<Arc<str>> {
        let mut targets: Vec<Target> = Vec::new();
        self.index().by_pattern.matches(&item.path, &mut |target| {
            if target.subscription.filter.selects(item) {
                targets.push(target.clone());
            }
        });
        targets.sort_by(|a, b| a.lane.name.cmp(&b.lane.name));
        let names: Vec<Arc<str>> =
            targets.iter().map(|target| Arc::clone(&target.lane.name)).collect();
        let missing = self.note(item, &targets, order);
        self.hub.journal.offered(item, &names);
        if targets.is_empty() {
            return names;
        }
        let (now, unix_millis) = (Instant::now(), self.hub.unix_millis());
        for target in &targets {
            let mut entry = Entry::new(Arc::clone(item), now, unix_millis);
            if target.is_fifo(order) {
                entry.chained = Some(chained(item.id, now, missing));
            }
            target.lane.push(entry);
        }
        if let Some(missing) = missing {
            self.look_again(item, &targets, missing);
        }
        names
    }

    /// Notes that an item came, and lets go those that waited for it; what it waits for itself.
    fn note(&self, item: &Item, targets: &[Target], order: Order) -> Option<Missing> {
        let mut seen = self.seen();
        let released = seen.note(item.id);
        let is_ordered = targets.iter().any(|target| target.is_fifo(order));
        let missing = if is_ordered { seen.missing(item) } else { None };
        let run = (item.id.origin, item.id.start);
        if let Some(missing) = missing {
            let ordered = targets.iter().filter(|target| target.is_fifo(order));
            ordered.for_each(|target| seen.wait(run, missing.seq, &target.lane));
        }
        drop(seen);
        released.iter().for_each(|lane| lane.arrived(run, item.id.seq));
        missing
    }

    /// Lets go what was queued to wait for an item that came before it was queued.
    fn look_again(&self, item: &Item, targets: &[Target], missing: Missing) {
        let run = (item.id.origin, item.id.start);
        if self.seen().contains(run, missing.seq) {
            targets.iter().for_each(|target| target.lane.arrived(run, missing.seq));
        }
    }

    /// Notes that an item came which nobody here gets, so that no ordered subscription waits for
    /// it.
    pub fn pass_over(&self, id: ItemId) {
        let released = self.seen().note(id);
        released.iter().for_each(|lane| lane.arrived((id.origin, id.start), id.seq));
    }

    /// Notes that all items of a run up to `seq` have come in an earlier run of the agent, so
    /// that no ordered subscription waits for them. To be called before items are offered.
    pub fn pass_over_up_to(&self, origin: NodeId, start: u64, seq: u64) {
        self.seen().note_up_to((origin, start), seq);
    }

    /// Queues `item` for one subscription, whether or not it selects it; whether it is there.
    pub fn offer_to(&self, name: &str, item: &Arc<Item>) -> bool {
        let Some(target) = self.target(name) else { return false };
        self.hub.journal.offered(item, &[Arc::clone(&target.lane.name)]);
        let mut entry = Entry::new(Arc::clone(item), Instant::now(), self.hub.unix_millis());
        entry.chained = target.is_fifo(Order::None).then(|| Chained::new(item.id));
        target.lane.push(entry)
    }

    /// Queues an item that an earlier run of the agent had accepted; the journal is not told.
    /// Whether the subscription is there. `attempts` were made of it, and do not count against
    /// the policy.
    pub fn restore(
        &self,
        name: &str,
        item: Arc<Item>,
        attempts: u32,
        accepted_unix_millis: u64,
    ) -> bool {
        let Some(target) = self.target(name) else { return false };
        let (now, unix_millis) = (Instant::now(), self.hub.unix_millis());
        let id = item.id;
        let mut entry = Entry::new(item, now, unix_millis);
        let waited = Duration::from_millis(unix_millis.saturating_sub(accepted_unix_millis));
        entry.accepted = now.checked_sub(waited).unwrap_or(now);
        entry.accepted_unix_millis = accepted_unix_millis;
        entry.attempts = attempts;
        entry.chained = target.is_fifo(Order::None).then(|| Chained::new(id));
        self.seen().note(id);
        target.lane.push(entry)
    }

    /// How all subscriptions are doing, by name.
    pub fn snapshot(&self) -> Vec<SubscriptionStatus> {
        let now = Instant::now();
        self.lanes(None).iter().map(|lane| lane.status(now)).collect()
    }

    /// How the subscription of this name is doing.
    pub fn status(&self, name: &str) -> Option<SubscriptionStatus> {
        self.lane(name).map(|lane| lane.status(Instant::now()))
    }

    /// Lets a subscription's items wait; what is under way may finish. Whether it is there.
    pub fn pause(&self, name: &str) -> bool {
        self.pause_with(name, PauseReason::Operator)
    }

    /// The same, for this reason. A subscription that is paused keeps the reason it has.
    pub fn pause_with(&self, name: &str, reason: PauseReason) -> bool {
        self.lane(name).map(|lane| lane.pause(reason)).is_some()
    }

    /// Serves a paused subscription again: what waits is due at once, with all its attempts
    /// before it. Closes an open circuit too. Whether it is there.
    pub fn resume(&self, name: &str) -> bool {
        self.lane(name).map(|lane| lane.resume()).is_some()
    }

    /// Makes one attempt with `item`, outside the queue and whatever state the subscription is
    /// in; it counts nowhere. `None` if the subscription is not there.
    pub async fn test(&self, name: &str, item: Item) -> Option<TestResult> {
        let subscription = self.get(name)?;
        Some(attempt::test(&subscription, &item).await)
    }

    /// Reads the subscription's stream. `None` if it is not there or its mode is another.
    pub fn open_stream(&self, name: &str) -> Option<Reader> {
        Reader::open(self.lane(name)?)
    }

    /// Sends nothing new over HTTP while `is_held`: the services beside the agent are not there
    /// yet, or not for much longer. What waits stays, and so does what is offered. It is no pause:
    /// nothing is told to the journal, and one that is paused stays so.
    pub fn hold(&self, is_held: bool) {
        self.hub.hold(is_held);
        if !is_held {
            self.lanes(None).iter().for_each(|lane| lane.look());
        }
    }

    /// Starts nothing new from here on; what is under way ends, see [`Delivery::in_flight`].
    /// What waits stays, and so does what is offered. Streams end.
    pub fn stop_taking(&self) {
        self.hub.stop();
        self.lanes(None).iter().for_each(|lane| lane.readers.notify_waiters());
    }

    /// How many deliveries are under way.
    pub fn in_flight(&self) -> usize {
        self.hub.in_flight.load(Ordering::Relaxed)
    }

    /// All subscriptions, or the one of this name.
    pub(super) fn lanes(&self, name: Option<&str>) -> Vec<Arc<Lane>> {
        match name {
            Some(name) => self.lane(name).into_iter().collect(),
            None => self.index().by_name.values().map(|target| Arc::clone(&target.lane)).collect(),
        }
    }

    pub(super) fn lane(&self, name: &str) -> Option<Arc<Lane>> {
        self.index().by_name.get(name).map(|target| Arc::clone(&target.lane))
    }

    fn target(&self, name: &str) -> Option<Target> {
        self.index().by_name.get(name).cloned()
    }

    fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of an item that may wait for the one before it.
fn chained(id: ItemId, now: Instant, missing: Option<Missing>) -> Chained {
    let run: Run = (id.origin, id.start);
    let gap = missing.map(|missing| Gap { seq: missing.seq, until: now + missing.patience });
    Chained { run, seq: id.seq, gap }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.hub.abort();
    }
}
