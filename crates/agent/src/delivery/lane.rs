//! What a subscription and its worker share.

use super::attempt::Verdict;
use super::outcome::{FailReason, Outcome, PauseReason, Report, SubscriptionState};
use super::queue::{Entry, Queue};
use super::{DEAD_LETTERS_MAX, DeadLetter, Subscription, SubscriptionStatus, backoff};
use bruit_engine::Rng;
use bruit_model::Item;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::Notify;
use tokio::time::Instant;

/// One subscription: its queue, its state, its counters.
pub(super) struct Lane {
    /// The subscription's name.
    pub(super) name: Arc<str>,
    /// Wakes the worker, after anything that may give it work.
    pub(super) wake: Notify,
    state: Mutex<State>,
}

/// What changes in a lane. Outcomes are returned, to be reported when the lock is free.
pub(super) struct State {
    pub(super) subscription: Arc<Subscription>,
    pub(super) paused: Option<PauseReason>,
    /// The subscription was removed; the worker ends after what is under way.
    pub(super) closed: bool,
    pub(super) queue: Queue,
    pub(super) dead: VecDeque<DeadLetter>,
    pub(super) rng: Rng,
    counters: Counters,
    in_flight: usize,
    last_status: Option<u16>,
    last_error: Option<String>,
}

#[derive(Default)]
struct Counters {
    accepted: u64,
    delivered: u64,
    retried: u64,
    failed: u64,
    shed: u64,
    expired: u64,
}

/// How an attempt ended: a status, with what the consumer asked for, or no answer.
pub(super) enum Ended {
    /// The consumer answered.
    Answered { verdict: Verdict, status: u16, retry_after: Option<Duration> },
    /// It did not. The error in words.
    Failed(String),
}

impl Lane {
    pub(super) fn new(subscription: Subscription, rng: Rng) -> Self {
        Self {
            name: subscription.name.as_str().into(),
            wake: Notify::new(),
            state: Mutex::new(State {
                subscription: Arc::new(subscription),
                paused: None,
                closed: false,
                queue: Queue::default(),
                dead: VecDeque::new(),
                rng,
                counters: Counters::default(),
                in_flight: 0,
                last_status: None,
                last_error: None,
            }),
        }
    }

    /// The state. Nothing under this lock waits or calls out.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues an item if the pattern selects it; the reports are of what this sheds.
    pub(super) fn offer(&self, item: &Arc<Item>) -> Option<Vec<Report>> {
        let mut state = self.state();
        if state.closed || !state.subscription.pattern.matches(&item.path) {
            return None;
        }
        state.counters.accepted += 1;
        state.queue.push(Arc::clone(item), Instant::now());
        let reports = state.shed(&self.name);
        drop(state);
        self.wake.notify_one();
        Some(reports)
    }

    /// Takes new settings; what waits stays, whether or not the new pattern selects it.
    pub(super) fn replace(&self, subscription: Subscription) -> Vec<Report> {
        let mut state = self.state();
        state.subscription = Arc::new(subscription);
        let reports = state.shed(&self.name);
        drop(state);
        self.wake.notify_one();
        reports
    }

    /// Ends the lane; the reports are of what waited.
    pub(super) fn close(&self) -> Vec<Report> {
        let mut state = self.state();
        state.closed = true;
        let waiting = state.queue.drain();
        let reports =
            waiting.iter().map(|entry| report(&self.name, entry, FailReason::Unsubscribed));
        let reports = reports.collect();
        drop(state);
        self.wake.notify_one();
        reports
    }

    pub(super) fn pause(&self, reason: PauseReason) {
        self.state().paused.get_or_insert(reason);
    }

    pub(super) fn resume(&self) {
        let mut state = self.state();
        if state.paused.take().is_some() {
            state.queue.start_over(Instant::now());
        }
        drop(state);
        self.wake.notify_one();
    }

    pub(super) fn status(&self, now: Instant) -> SubscriptionStatus {
        let state = self.state();
        let oldest = state.queue.oldest().map(|since| millis(now.saturating_duration_since(since)));
        SubscriptionStatus {
            name: self.name.to_string(),
            pattern: state.subscription.pattern.to_string(),
            endpoint: state.subscription.mode.to_string(),
            state: match state.paused {
                None => SubscriptionState::Active,
                Some(_) => SubscriptionState::Paused,
            },
            why: state.paused.map(|reason| reason.to_string()),
            queued_items: state.queue.len(),
            queued_bytes: state.queue.bytes(),
            oldest_queued_millis: oldest,
            in_flight: state.in_flight,
            accepted: state.counters.accepted,
            delivered: state.counters.delivered,
            retried: state.counters.retried,
            failed: state.counters.failed,
            shed: state.counters.shed,
            expired: state.counters.expired,
            last_status: state.last_status,
            last_error: state.last_error.clone(),
        }
    }
}

impl State {
    /// The next item to try, if one is due and the lane is not paused.
    pub(super) fn begin(&mut self, now: Instant) -> Option<Entry> {
        if self.paused.is_some() {
            return None;
        }
        let mut entry = self.queue.take(now)?;
        entry.first_attempt.get_or_insert(now);
        self.in_flight += 1;
        Some(entry)
    }

    /// Drops an item that [`State::begin`] gave, without an attempt.
    pub(super) fn abandon(&mut self, name: &str, entry: &Entry, reason: FailReason) -> Report {
        self.in_flight -= 1;
        self.fail(name, entry, reason, None)
    }

    /// Takes note of how an attempt ended; the reports are of what this decides.
    pub(super) fn end(&mut self, name: &str, mut entry: Entry, ended: Ended) -> Vec<Report> {
        self.in_flight -= 1;
        entry.attempts = entry.attempts.saturating_add(1);
        entry.attempts_counted = entry.attempts_counted.saturating_add(1);
        let now = Instant::now();
        let (verdict, retry_after, error) = match ended {
            Ended::Failed(error) => (Verdict::Retry, None, Some(error)),
            Ended::Answered { verdict, status, retry_after } => {
                entry.last_status = Some(status);
                self.last_status = Some(status);
                let error = (verdict != Verdict::Delivered).then(|| format!("answered {status}"));
                (verdict, retry_after, error)
            }
        };
        if error.is_some() {
            self.last_error.clone_from(&error);
        }
        match verdict {
            Verdict::Delivered => vec![self.delivered(name, &entry, now)],
            Verdict::Refused => vec![self.fail(name, &entry, FailReason::Refused, error)],
            Verdict::Gone => self.gone(name, entry, now),
            Verdict::Retry => self.retry(name, entry, now, retry_after, error),
        }
    }

    fn delivered(&mut self, name: &str, entry: &Entry, now: Instant) -> Report {
        self.counters.delivered += 1;
        Report {
            subscription: name.into(),
            item: Arc::clone(&entry.item),
            outcome: Outcome::Delivered {
                status: entry.last_status.unwrap_or_default(),
                attempts: entry.attempts,
                after: now.saturating_duration_since(entry.accepted),
            },
        }
    }

    fn gone(&mut self, name: &str, entry: Entry, now: Instant) -> Vec<Report> {
        if self.closed {
            return vec![self.fail(name, &entry, FailReason::Unsubscribed, None)];
        }
        if self.paused.is_none() {
            self.paused = Some(PauseReason::Gone);
            tracing::warn!(
                subscription = name,
                endpoint = %self.subscription.mode,
                "paused: {}",
                PauseReason::Gone
            );
        }
        self.queue.put_back(entry, now);
        self.shed(name)
    }

    fn retry(
        &mut self,
        name: &str,
        entry: Entry,
        now: Instant,
        retry_after: Option<Duration>,
        error: Option<String>,
    ) -> Vec<Report> {
        if self.closed {
            return vec![self.fail(name, &entry, FailReason::Unsubscribed, None)];
        }
        let policy = &self.subscription.policy;
        let counted = entry.attempts_counted;
        let due = now + backoff::delay(policy, counted, retry_after, &mut self.rng);
        let used = due.saturating_duration_since(entry.first_attempt.unwrap_or(now));
        let attempts_left = policy.attempts_max.is_none_or(|max| counted < max.get());
        if !attempts_left || used > policy.retry_for {
            return vec![self.fail(name, &entry, FailReason::GaveUp, error)];
        }
        self.counters.retried += 1;
        self.queue.put_back(entry, due);
        self.shed(name)
    }

    /// Counts a failure, and keeps a dead letter of what is one.
    fn fail(
        &mut self,
        name: &str,
        entry: &Entry,
        reason: FailReason,
        error: Option<String>,
    ) -> Report {
        match reason {
            FailReason::Shed => self.counters.shed += 1,
            FailReason::Expired => self.counters.expired += 1,
            FailReason::Unsubscribed => {}
            FailReason::Refused | FailReason::GaveUp | FailReason::Unreplayable(_) => {
                self.counters.failed += 1;
                let reason = match error {
                    None => reason.to_string(),
                    Some(error) => format!("{reason}: {error}"),
                };
                tracing::debug!(subscription = name, item = %entry.item.id, reason, "dead letter");
                self.bury(name, entry, reason);
            }
        }
        report(name, entry, reason)
    }

    fn bury(&mut self, name: &str, entry: &Entry, reason: String) {
        if self.dead.len() >= DEAD_LETTERS_MAX {
            self.dead.pop_front();
        }
        self.dead.push_back(DeadLetter {
            subscription: name.to_owned(),
            item: entry.item.id.to_string(),
            path: entry.item.path.to_string(),
            reason,
            status: entry.last_status,
            attempts: entry.attempts,
            unix_millis: unix_millis(),
        });
    }

    fn shed(&mut self, name: &str) -> Vec<Report> {
        let policy = &self.subscription.policy;
        let (items_max, bytes_max) = (policy.queue_items_max.get(), policy.queue_bytes_max.get());
        let shed = self.queue.shed(items_max, bytes_max);
        shed.iter().map(|entry| self.fail(name, entry, FailReason::Shed, None)).collect()
    }
}

fn report(name: &str, entry: &Entry, reason: FailReason) -> Report {
    Report {
        subscription: name.into(),
        item: Arc::clone(&entry.item),
        outcome: Outcome::Failed { reason, status: entry.last_status, attempts: entry.attempts },
    }
}

/// The wall clock, milliseconds since 1970-01-01 UTC.
pub(super) fn unix_millis() -> u64 {
    millis(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
