//! What changes in a subscription, and what may begin.

use super::breaker::{Allowed, Breaker};
use super::effect::Effect;
use super::entry::Entry;
use super::hub::Hub;
use super::letters::{DeadLetter, Letters};
use super::limiter::Limiter;
use super::mode::Mode;
use super::outcome::{FailReason, Outcome, Report};
use super::queue::Queue;
use super::status::{Notice, PauseReason, SubscriptionState, SubscriptionStatus};
use super::{DEAD_LETTER_BYTES_MAX, DEAD_LETTERS_MAX, Subscription};
use bruit_model::Item;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::time::Instant;

/// What changes in a subscription. What follows from a change is returned as effects, to be
/// done when the lock is free. Nothing under the lock waits or calls out.
pub(super) struct State {
    pub(super) name: Arc<str>,
    pub(super) subscription: Arc<Subscription>,
    pub(super) paused: Option<PauseReason>,
    pub(super) health: Wellness,
    /// The subscription was removed; what is under way may end.
    pub(super) closed: bool,
    pub(super) queue: Queue,
    pub(super) letters: Letters,
    pub(super) breaker: Breaker,
    pub(super) limiter: Option<Limiter>,
    /// Whose place is taken, by number.
    pub(super) under_way: BTreeMap<u64, UnderWay>,
    pub(super) counters: Counters,
    pub(super) last_status: Option<u16>,
    pub(super) last_error: Option<String>,
    /// The state that was told last.
    pub(super) shown: SubscriptionState,
    pub(super) workers: Workers,
}

/// Who serves the subscription.
#[derive(Default)]
pub(super) struct Workers {
    /// Tasks that make attempts, those that wait for one included.
    pub(super) slots: usize,
    /// Those that wait, with how to wake them; the one that waits shortest is last.
    pub(super) parked: Vec<Arc<Notify>>,
    /// When the subscription is to be looked at again, and whether a task waits for that.
    pub(super) alarm: Option<Instant>,
    pub(super) has_keeper: bool,
    /// Readers of the stream.
    pub(super) readers: usize,
    /// Which task probes the consumer; those of other numbers end.
    pub(super) probe: u64,
}

/// What the consumer says of itself, if it is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Wellness {
    /// It is not asked.
    #[default]
    Unasked,
    /// It has not answered yet.
    Unknown,
    Up,
    /// Why.
    Down(String),
}

/// A delivery under way.
pub(super) struct UnderWay {
    pub(super) item: Arc<Item>,
    pub(super) attempts: u32,
    pub(super) last_status: Option<u16>,
    pub(super) since_unix_millis: u64,
}

#[derive(Default)]
pub(super) struct Counters {
    pub(super) accepted: u64,
    pub(super) delivered: u64,
    pub(super) retried: u64,
    pub(super) failed: u64,
    pub(super) shed: u64,
    pub(super) expired: u64,
    pub(super) gaps_skipped: u64,
}

/// What may begin.
pub(super) enum Begin {
    /// This, after these settings.
    Entry(Box<Entry>, Arc<Subscription>),
    /// Nothing but the end of this, which has expired.
    Expired(Box<Entry>),
    /// Nothing, before then, if that is known.
    Idle(Option<Instant>),
}

impl State {
    pub(super) fn new(subscription: Subscription) -> Self {
        let mut state = Self {
            name: subscription.name.as_str().into(),
            paused: None,
            health: Wellness::Unasked,
            closed: false,
            queue: Queue::default(),
            letters: Letters::new(DEAD_LETTERS_MAX, DEAD_LETTER_BYTES_MAX),
            breaker: Breaker::default(),
            limiter: None,
            under_way: BTreeMap::new(),
            counters: Counters::default(),
            last_status: None,
            last_error: None,
            shown: SubscriptionState::Active,
            workers: Workers::default(),
            subscription: Arc::new(subscription),
        };
        state.limiter = state.subscription.policy.rate_per_second.map(Limiter::new);
        state.shown = state.state();
        state
    }

    /// Takes new settings.
    pub(super) fn replace(&mut self, subscription: Subscription) {
        let rate = subscription.policy.rate_per_second;
        if rate != self.subscription.policy.rate_per_second {
            self.limiter = rate.map(Limiter::new);
        }
        if subscription.mode != self.subscription.mode {
            self.breaker.reset();
        }
        self.subscription = Arc::new(subscription);
    }

    /// How many deliveries are under way at once.
    fn concurrency(&self) -> usize {
        self.subscription.policy.concurrency.get().into()
    }

    /// Whether everything waits for somebody or something else.
    fn is_held(&self) -> bool {
        let is_unwell = matches!(self.health, Wellness::Unknown | Wellness::Down(_));
        self.closed || self.paused.is_some() || is_unwell
    }

    /// The next entry to try, if one is due and may be tried.
    pub(super) fn begin(&mut self, now: Instant, unix_millis: u64) -> Begin {
        let due = match self.prospect(now) {
            Ok(due) => due,
            Err(at) => return Begin::Idle(at),
        };
        debug_assert!(due <= now);
        if self.queue.peek(now).is_some_and(|entry| entry.is_expired(now)) {
            return match self.take(now, unix_millis) {
                Some(entry) => Begin::Expired(entry),
                None => Begin::Idle(None),
            };
        }
        let is_probe = match self.breaker.allows(now, self.under_way.len()) {
            Allowed::Yes => false,
            Allowed::Probe => true,
            Allowed::At(at) => return Begin::Idle(Some(at)),
            Allowed::No => return Begin::Idle(None),
        };
        if let Some(limiter) = &mut self.limiter
            && let Err(at) = limiter.take(now)
        {
            return Begin::Idle(Some(at));
        }
        let Some(mut entry) = self.take(now, unix_millis) else { return Begin::Idle(None) };
        entry.first_attempt.get_or_insert(now);
        entry.is_probe = is_probe;
        Begin::Entry(entry, Arc::clone(&self.subscription))
    }

    /// When the next entry has been due; `Err` if none may be tried now, with when to look again.
    /// It does not ask the limiter, which counts who asks.
    pub(super) fn prospect(&self, now: Instant) -> Result<Instant, Option<Instant>> {
        if self.is_held() || self.under_way.len() >= self.concurrency() {
            return Err(None);
        }
        match self.queue.next_due() {
            None => Err(None),
            Some(due) if due > now => Err(Some(due)),
            Some(due) => match self.breaker.allows(now, self.under_way.len()) {
                Allowed::Yes | Allowed::Probe => Ok(due),
                Allowed::At(at) => Err(Some(at)),
                Allowed::No => Err(None),
            },
        }
    }

    fn take(&mut self, now: Instant, unix_millis: u64) -> Option<Box<Entry>> {
        let mut entry = self.queue.take(now)?;
        if let Some(at) = &mut entry.chained
            && at.gap.take().is_some()
        {
            self.counters.gaps_skipped += 1;
        }
        let under_way = UnderWay {
            item: Arc::clone(&entry.item),
            attempts: entry.attempts,
            last_status: entry.last_status,
            since_unix_millis: unix_millis,
        };
        self.under_way.insert(entry.number, under_way);
        Some(entry)
    }

    /// Counts a failure, and keeps a dead letter of what is one.
    pub(super) fn fail(
        &mut self,
        hub: &Hub,
        entry: Entry,
        reason: FailReason,
        error: Option<String>,
        effects: &mut Vec<Effect>,
    ) {
        let mut dead = None;
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
                dead = Some(self.letter(hub, &entry, reason));
            }
        }
        let gone = match &dead {
            Some(letter) if !self.closed => self.letters.keep(entry.number, letter.clone()),
            Some(_) | None => Vec::new(),
        };
        let Entry { item, last_status: status, attempts, notes, .. } = entry;
        let report = Report {
            subscription: Arc::clone(&self.name),
            item,
            outcome: Outcome::Failed { reason, status, attempts },
            attempts_made: notes,
        };
        effects.push(Effect::Ended { report, dead: dead.map(Box::new), is_kept: !self.closed });
        effects.extend(gone.into_iter().map(|letter| Effect::LetterGone(letter.item.id)));
    }

    fn letter(&self, hub: &Hub, entry: &Entry, reason: String) -> DeadLetter {
        let name = &*self.name;
        tracing::debug!(subscription = name, item = %entry.item.id, reason, "dead letter");
        DeadLetter {
            id: DeadLetter::id_of(name, entry.number),
            subscription: name.to_owned(),
            item: Arc::clone(&entry.item),
            reason,
            status: entry.last_status,
            attempts: entry.attempts,
            unix_millis: hub.unix_millis(),
        }
    }

    /// Drops what is over the queue's bounds.
    pub(super) fn shed(&mut self, hub: &Hub, effects: &mut Vec<Effect>) {
        let policy = &self.subscription.policy;
        let (items_max, bytes_max) = (policy.queue_items_max.get(), policy.queue_bytes_max.get());
        for entry in self.queue.shed(items_max, bytes_max) {
            self.fail(hub, entry, FailReason::Shed, None, effects);
        }
    }

    /// Tells the state if it is another than the one told last.
    pub(super) fn notice(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        let state = self.state();
        if state == self.shown || self.closed {
            return;
        }
        let was = std::mem::replace(&mut self.shown, state);
        effects.push(Effect::Notice(Box::new(Notice { was, status: self.status(now, false) })));
    }

    /// Whether it is being served; what must be waited for longest comes first.
    fn state(&self) -> SubscriptionState {
        if self.paused.is_some() {
            SubscriptionState::Paused
        } else if matches!(self.health, Wellness::Down(_)) {
            SubscriptionState::Down
        } else if self.breaker.open_after().is_some() {
            SubscriptionState::Open
        } else if self.subscription.mode == Mode::Stream && self.workers.readers == 0 {
            SubscriptionState::Waiting
        } else {
            SubscriptionState::Active
        }
    }

    fn why(&self) -> Option<String> {
        match self.state() {
            SubscriptionState::Active => None,
            SubscriptionState::Paused => self.paused.map(|reason| reason.to_string()),
            SubscriptionState::Down => match &self.health {
                Wellness::Down(why) => Some(why.clone()),
                Wellness::Unasked | Wellness::Unknown | Wellness::Up => None,
            },
            SubscriptionState::Open => self.breaker.open_after().map(|failures| {
                let error = self.last_error.as_deref().unwrap_or("no answer");
                format!("{failures} attempts failed in a row, the last: {error}; one at a time")
            }),
            SubscriptionState::Waiting => Some("nobody reads the stream".to_owned()),
        }
    }

    pub(super) fn status(&self, now: Instant, is_stopping: bool) -> SubscriptionStatus {
        let oldest =
            self.queue.oldest().map(|at| super::hub::millis(now.saturating_duration_since(at)));
        let (mut state, mut why) = (self.state(), self.why());
        if is_stopping && state == SubscriptionState::Active {
            state = SubscriptionState::Paused;
            why = Some("the agent is stopping".to_owned());
        }
        SubscriptionStatus {
            name: self.name.to_string(),
            pattern: self.subscription.pattern.to_string(),
            mode: self.subscription.mode.word(),
            endpoint: self.subscription.mode.to_string(),
            state,
            why,
            queued_items: self.queue.len(),
            queued_bytes: self.queue.bytes(),
            oldest_queued_millis: oldest,
            in_flight: self.under_way.len(),
            accepted: self.counters.accepted,
            delivered: self.counters.delivered,
            retried: self.counters.retried,
            failed: self.counters.failed,
            shed: self.counters.shed,
            expired: self.counters.expired,
            dead_letters: self.letters.len(),
            dead_letters_shed: self.letters.shed,
            gaps_skipped: self.counters.gaps_skipped,
            last_status: self.last_status,
            last_error: self.last_error.clone(),
        }
    }
}
