//! Delivery: replays items to the consumers beside this agent, as plain HTTP/1.1.
//!
//! [`Delivery::offer`] puts an item into the queue of each subscription that selects it. Each
//! subscription has a queue, a worker and connections of its own, so that a consumer that is
//! slow or dead delays no other.
//!
//! ```text
//!           offer            due              2xx
//! item ---------------> queue ----> attempt -------------> delivered
//!        |                ^ |          | |
//!        | bound passed   | | expired  | | 3xx, other 4xx, or retries used up
//!        v                | v          | v
//!       shed              | dropped    | dead letter
//!                         |            |
//!                         +------------+ 408 425 429 5xx, no answer: after a backoff
//!                                        410: the subscription pauses
//! ```
//!
//! Delivery is at least once: an attempt whose answer was lost is repeated. The sources of the
//! rules are the `CloudEvents` webhook specification 1.0 (410, 429, `Retry-After`, no
//! redirects) and RFC 9110 (hop-by-hop fields, `Retry-After`).
//!
//! It does not know how items come here, keeps nothing over a restart, delivers in no
//! particular order, and does not probe whether a consumer is well.

mod attempt;
mod backoff;
#[expect(dead_code, reason = "the worker is to write requests by it")]
mod cloudevents;
mod connection;
mod endpoint;
mod filter;
mod journal;
mod lane;
#[cfg_attr(not(test), expect(dead_code, reason = "the worker is to ask it"))]
mod limiter;
mod mode;
mod outcome;
mod queue;
mod replay;
mod spec;
mod subscription;
#[cfg(test)]
mod tests;
mod worker;

pub use cloudevents::{BATCH_EVENTS_MAX, EventError, EventFault};
pub use endpoint::{Endpoint, EndpointError};
pub use filter::{Filter, FilterError};
pub use journal::{Journal, Kept, NoJournal};
pub use mode::{Exec, Form, From, Health, HttpMode, Mode, Source};
pub use outcome::{
    DeadLetter, FailReason, Outcome, PauseReason, Report, SubscriptionState, SubscriptionStatus,
};
pub use replay::Unreplayable;
pub use spec::{SPEC_KEYS, SpecError, SubscriptionSpec};
pub use subscription::{Policy, SubscribeError, Subscription};

use bruit_engine::Rng;
use bruit_model::Item;
use lane::Lane;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use worker::Worker;

/// The header that each replayed request carries, with the printable id of its item. A request
/// that has it must not be spread: it has been spread already. In lower case.
pub const LOOP_GUARD: &str = "bruit-item";

/// How many dead letters each subscription keeps; the oldest goes first.
pub const DEAD_LETTERS_MAX: usize = 100;

/// How many subscriptions an agent takes.
pub const SUBSCRIPTIONS_MAX: usize = 10_000;

/// Where reports go.
type Sink = dyn Fn(Report) + Send + Sync;

/// The local subscriptions and their workers, which end when this is dropped.
pub struct Delivery {
    sink: Arc<Sink>,
    runtime: Handle,
    inner: Mutex<Inner>,
}

struct Inner {
    lanes: BTreeMap<String, (Arc<Lane>, AbortHandle)>,
    rng: Rng,
}

impl Delivery {
    /// Starts without subscriptions. Each outcome is given to `sink`, on the thread that caused
    /// it; it must not block. `rng` jitters the waits between attempts.
    ///
    /// # Panics
    /// Outside a tokio runtime: workers run on the one in which this is called.
    pub fn new(sink: impl Fn(Report) + Send + Sync + 'static, rng: Rng) -> Self {
        Self {
            sink: Arc::new(sink),
            runtime: Handle::current(),
            inner: Mutex::new(Inner { lanes: BTreeMap::new(), rng }),
        }
    }

    /// Adds a subscription, or gives new settings to the one of that name: what waits there
    /// stays, and it stays paused if it is.
    ///
    /// # Errors
    /// See [`SubscribeError`]; nothing is changed then.
    pub fn subscribe(&self, subscription: Subscription) -> Result<(), SubscribeError> {
        subscription.check()?;
        let mut inner = self.inner();
        if let Some((lane, _)) = inner.lanes.get(&subscription.name) {
            let lane = Arc::clone(lane);
            drop(inner);
            self.report(lane.replace(subscription));
            return Ok(());
        }
        if inner.lanes.len() >= SUBSCRIPTIONS_MAX {
            return Err(SubscribeError::TooMany);
        }
        let name = subscription.name.clone();
        let rng = inner.rng.fork(&name);
        let lane = Arc::new(Lane::new(subscription, rng));
        let worker = Worker::new(Arc::clone(&lane), Arc::clone(&self.sink));
        let task = self.runtime.spawn(worker.run());
        inner.lanes.insert(name, (lane, task.abort_handle()));
        Ok(())
    }

    /// Removes a subscription and all that waits there; what is under way may finish. Whether it
    /// was there.
    pub fn unsubscribe(&self, name: &str) -> bool {
        let removed = self.inner().lanes.remove(name);
        let Some((lane, _)) = removed else { return false };
        self.report(lane.close());
        true
    }

    /// The subscriptions, by name.
    pub fn list(&self) -> Vec<Arc<Subscription>> {
        let lanes = self.lanes();
        lanes.iter().map(|lane| Arc::clone(&lane.state().subscription)).collect()
    }

    /// Queues `item` for each subscription that selects it; their names, in order. Never waits.
    /// An item that is offered twice is delivered twice.
    pub fn offer(&self, item: &Arc<Item>) -> Vec<Arc<str>> {
        let mut names = Vec::new();
        for lane in self.lanes() {
            if let Some(reports) = lane.offer(item) {
                names.push(Arc::clone(&lane.name));
                self.report(reports);
            }
        }
        names
    }

    /// How all subscriptions are doing, by name.
    pub fn snapshot(&self) -> Vec<SubscriptionStatus> {
        let now = Instant::now();
        self.lanes().iter().map(|lane| lane.status(now)).collect()
    }

    /// The dead letters that are kept of one subscription, or of all; per subscription, the
    /// oldest first.
    pub fn dead_letters(&self, name: Option<&str>) -> Vec<DeadLetter> {
        let lanes = self.lanes();
        let wanted = |lane: &&Arc<Lane>| name.is_none_or(|name| *name == *lane.name);
        lanes.iter().filter(wanted).flat_map(|lane| lane.state().dead.clone()).collect()
    }

    /// Lets a subscription's items wait; what is under way may finish. Whether it is there.
    pub fn pause(&self, name: &str) -> bool {
        self.lane(name).is_some_and(|lane| {
            lane.pause(PauseReason::Operator);
            true
        })
    }

    /// Serves a paused subscription again: what waits is due at once, with all its attempts
    /// before it. Whether it is there.
    pub fn resume(&self, name: &str) -> bool {
        self.lane(name).is_some_and(|lane| {
            lane.resume();
            true
        })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lane(&self, name: &str) -> Option<Arc<Lane>> {
        self.inner().lanes.get(name).map(|(lane, _)| Arc::clone(lane))
    }

    fn lanes(&self) -> Vec<Arc<Lane>> {
        self.inner().lanes.values().map(|(lane, _)| Arc::clone(lane)).collect()
    }

    fn report(&self, reports: Vec<Report>) {
        reports.into_iter().for_each(|report| (self.sink)(report));
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.inner().lanes.values().for_each(|(_, task)| task.abort());
    }
}
