//! One subscription: its state, and who is woken when that gives work.
//!
//! Attempts are made by *slots*: tasks that take what is due, one entry at a time, and own a
//! connection. They are started when there is work, at most as many as the policy's concurrency,
//! and end when they have been idle for a while; so a subscription that rests costs no task. A
//! *keeper* is the task that waits until something is due, while there is such a time.

use super::effect::{self, Effect};
use super::entry::Entry;
use super::fifo::Run;
use super::http::Http2Cell;
use super::hub::Hub;
use super::journal::Kept;
use super::mode::Mode;
use super::outcome::FailReason;
use super::state::{Begin, State, Wellness};
use super::status::{PauseReason, SubscriptionState, SubscriptionStatus};
use super::{Subscription, keeper, probe, slot};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::time::Instant;

/// One subscription.
pub(super) struct Lane {
    /// The subscription's name.
    pub(super) name: Arc<str>,
    pub(super) hub: Arc<Hub>,
    state: Mutex<State>,
    /// Wakes the keeper.
    pub(super) keeper: Notify,
    /// Wakes readers of the stream.
    pub(super) readers: Notify,
    /// Wakes the task that probes the consumer.
    pub(super) probe: Notify,
    /// The connection that all slots share, for a consumer that speaks HTTP/2.
    pub(super) http2: Http2Cell,
}

impl Lane {
    pub(super) fn new(subscription: Subscription, hub: Arc<Hub>) -> Arc<Self> {
        let state = State::new(subscription);
        let lane = Arc::new(Self {
            name: Arc::clone(&state.name),
            hub,
            state: Mutex::new(state),
            keeper: Notify::new(),
            readers: Notify::new(),
            probe: Notify::new(),
            http2: Http2Cell::default(),
        });
        lane.start_probe(&mut lane.state());
        lane
    }

    /// The state. Nothing under this lock waits or calls out.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what followed from a change; what the last end is to wait for.
    pub(super) fn perform(&self, effects: Vec<Effect>) -> Option<Kept> {
        if effects.is_empty() { None } else { effect::perform(&self.hub, &self.name, effects) }
    }

    /// Changes the state, wakes who has work by that, and does what followed.
    fn change<T>(
        self: &Arc<Self>,
        change: impl FnOnce(&mut State, Instant, &mut Vec<Effect>) -> T,
    ) -> T {
        let mut effects = Vec::new();
        let now = Instant::now();
        let mut state = self.state();
        let result = change(&mut state, now, &mut effects);
        state.notice(now, &mut effects);
        self.stir(&mut state, now);
        drop(state);
        self.perform(effects);
        result
    }

    /// Whether nothing new may start, for reasons that are not the subscription's own.
    fn is_kept_from(&self, state: &State) -> bool {
        self.hub.is_stopping() || self.is_held(state)
    }

    fn is_held(&self, state: &State) -> bool {
        self.hub.is_held() && matches!(state.subscription.mode, Mode::Http(_))
    }

    /// Looks again at what there is to do.
    pub(super) fn look(self: &Arc<Self>) {
        self.change(|_, _, _| ());
    }

    /// Wakes or starts who serves the next entry, or sees to it when it is due.
    pub(super) fn stir(self: &Arc<Self>, state: &mut State, now: Instant) {
        if self.is_kept_from(state) {
            return;
        }
        match state.prospect(now) {
            Err(None) => {}
            Err(Some(at)) => self.wake_at(state, at),
            Ok(_) if state.subscription.mode == Mode::Stream => self.readers.notify_one(),
            Ok(_) => {
                if let Some(slot) = state.workers.parked.pop() {
                    slot.notify_one();
                } else if state.workers.slots < state.subscription.policy.concurrency.get().into() {
                    state.workers.slots += 1;
                    self.hub.spawn(slot::run(Arc::clone(self)));
                }
            }
        }
    }

    /// Looks again at `at`, if not before.
    pub(super) fn wake_at(self: &Arc<Self>, state: &mut State, at: Instant) {
        let workers = &mut state.workers;
        if workers.alarm.is_some_and(|alarm| alarm <= at) {
            return;
        }
        workers.alarm = Some(at);
        if workers.has_keeper {
            self.keeper.notify_one();
        } else {
            workers.has_keeper = true;
            self.hub.spawn(keeper::run(Arc::clone(self)));
        }
    }

    /// The next entry for who calls, which has a place from then on; wakes another if there is
    /// more. What has expired is ended first.
    pub(super) fn begin(self: &Arc<Self>, state: &mut State, now: Instant) -> Begin {
        if self.is_kept_from(state) {
            return Begin::Idle(None);
        }
        let begin = state.begin(now, self.hub.unix_millis());
        match &begin {
            Begin::Entry(..) | Begin::Expired(_) => {
                self.hub.took_off();
                self.stir(state, now);
            }
            Begin::Idle(Some(at)) => self.wake_at(state, *at),
            Begin::Idle(None) => {}
        }
        begin
    }

    /// Queues an entry; whether the subscription is still there.
    pub(super) fn push(self: &Arc<Self>, entry: Entry) -> bool {
        self.change(|state, _, effects| {
            state.counters.accepted += 1;
            if state.closed {
                state.fail(&self.hub, entry, FailReason::Unsubscribed, None, effects);
                // The journal heard of this item after it heard that the subscription is gone.
                if let Some(Effect::Ended { is_kept, .. }) = effects.last_mut() {
                    *is_kept = true;
                }
                return false;
            }
            state.queue.push(Box::new(entry));
            state.shed(&self.hub, effects);
            true
        })
    }

    /// Items that waited for this one to come do so no longer.
    pub(super) fn arrived(self: &Arc<Self>, run: Run, seq: u64) {
        self.change(|state, _, _| state.queue.arrived(run, seq));
    }

    /// Takes new settings; what waits stays, whether or not the new pattern selects it.
    pub(super) fn replace(self: &Arc<Self>, subscription: Subscription) {
        self.change(|state, _, effects| {
            let (is_other_mode, is_other_health) = (
                state.subscription.mode != subscription.mode,
                state.subscription.health != subscription.health,
            );
            state.replace(subscription);
            state.shed(&self.hub, effects);
            if is_other_mode || is_other_health {
                self.start_probe(state);
            }
        });
        self.readers.notify_waiters();
    }

    /// Ends the subscription; how many items waited.
    pub(super) fn close(self: &Arc<Self>) -> usize {
        let waited = self.change(|state, _, effects| {
            state.closed = true;
            state.workers.probe += 1;
            let waiting = state.queue.drain();
            let count = waiting.len();
            for entry in waiting {
                state.fail(&self.hub, entry, FailReason::Unsubscribed, None, effects);
            }
            state.letters.drain();
            // They close their connections.
            state.workers.parked.drain(..).for_each(|slot| slot.notify_one());
            count
        });
        self.readers.notify_waiters();
        self.wake_probes();
        waited
    }

    /// Lets everything wait; whether it did not before.
    pub(super) fn pause(self: &Arc<Self>, reason: PauseReason) -> bool {
        self.change(|state, _, effects| {
            let is_new = state.paused.is_none();
            if is_new {
                state.paused = Some(reason);
                effects.push(Effect::Paused(state.paused));
            }
            is_new
        })
    }

    pub(super) fn resume(self: &Arc<Self>) {
        self.change(|state, now, effects| {
            if state.paused.take().is_some() {
                state.queue.start_over(now);
                effects.push(Effect::Paused(None));
            }
            state.breaker.reset();
        });
        self.wake_probes();
    }

    /// Wakes those that wait, or else the next that will.
    fn wake_probes(&self) {
        self.probe.notify_waiters();
        self.probe.notify_one();
    }

    /// The consumer said how it is, to the probe of this number.
    pub(super) fn hear(self: &Arc<Self>, probe: u64, health: Wellness) {
        self.change(|state, now, _| {
            if state.workers.probe != probe || state.health == health {
                return;
            }
            if health == Wellness::Up {
                state.queue.start_over(now);
                state.breaker.reset();
            }
            state.health = health;
        });
    }

    /// Asks the consumer how it is from here on, if the settings say so; it is not trusted to be
    /// well before it has answered.
    fn start_probe(self: &Arc<Self>, state: &mut State) {
        state.workers.probe += 1;
        self.wake_probes();
        if state.subscription.health.is_none() {
            state.health = Wellness::Unasked;
            return;
        }
        state.health = Wellness::Unknown;
        self.hub.spawn(probe::run(Arc::clone(self), state.workers.probe));
    }

    pub(super) fn status(&self, now: Instant) -> SubscriptionStatus {
        let state = self.state();
        let mut status = state.status(now, self.hub.is_stopping());
        if self.is_held(&state) && status.state == SubscriptionState::Active {
            status.state = SubscriptionState::Paused;
            status.why = Some("the service beside the agent is not ready".to_owned());
        }
        status
    }
}
