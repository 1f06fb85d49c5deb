//! Confirmed messages: from one application to another, such as receipts, and answers.
//!
//! A message is sent by datagram and sent again, after a wait that doubles, until the receiver
//! confirms its token or [`GIVE_UP_AFTER`] is over. The receiver confirms each copy and passes on
//! the first.

use crate::NativeNode;
use crate::incoming::Route;
use bruit_engine::{Deadlines, Instant};
use bruit_model::{CommandError, Event, NodeId, Now};
use bruit_wire::{Answers, Frame};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// The largest message, in bytes.
pub(crate) const BYTES_MAX: usize = 4096;
const GIVE_UP_AFTER: Duration = Duration::from_secs(5);
const PENDING_MAX: usize = 4096;
/// How often answers are sent to a member on their way; then they go to the origin (guess).
const PARENT_TRIES: u32 = 3;
/// The wait for the confirmation of answers grows up to so many times the first, since their time
/// is short (guess).
const ANSWER_WAIT_FACTOR_MAX: u32 = 4;
/// Tokens remembered to tell copies apart; at the longest wait of 5 s that is 800 a second.
const RECENT_MAX: usize = 4096;

#[derive(Debug, Default)]
pub(crate) struct Tells {
    pending: BTreeMap<u64, Pending>,
    retries: Deadlines<u64>,
    next_token: u64,
    recent: BTreeSet<(NodeId, u64)>,
    recent_order: VecDeque<(NodeId, u64)>,
}

#[derive(Debug)]
struct Pending {
    to: NodeId,
    frame: Bytes,
    plan: Plan,
}

/// How a message is repeated.
#[derive(Clone, Copy, Debug)]
struct Plan {
    /// Until the next time.
    wait: Duration,
    /// It doubles each time up to this.
    wait_max: Duration,
    tries_left: u32,
    give_up: Instant,
    /// Under which number the `ask` engine knows it; `None` for a message of the application.
    answers: Option<u64>,
}

impl Tells {
    /// Tokens of different runs must differ, or a restarted sender's messages would pass for
    /// copies: `first_token` is random.
    pub(crate) fn new(first_token: u64) -> Self {
        Self { next_token: first_token, ..Self::default() }
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.retries.next()
    }

    /// True for the first copy.
    fn is_first(&mut self, from: NodeId, token: u64) -> bool {
        if !self.recent.insert((from, token)) {
            return false;
        }
        self.recent_order.push_back((from, token));
        if self.recent_order.len() > RECENT_MAX
            && let Some(oldest) = self.recent_order.pop_front()
        {
            self.recent.remove(&oldest);
        }
        true
    }
}

impl NativeNode {
    pub(crate) fn tell(&mut self, now: Now, to: NodeId, bytes: Bytes) -> Result<(), CommandError> {
        if bytes.len() > BYTES_MAX {
            let (what, given, limit) = ("the message's length", bytes.len(), BYTES_MAX);
            return Err(CommandError::TooLarge { what, given, limit });
        }
        if to == self.id {
            self.event(Event::Told { from: to, bytes });
            return Ok(());
        }
        if self.swim.get(&to).is_none() {
            return Err(CommandError::UnknownMember(to));
        }
        let plan = Plan {
            wait: self.config.profile.retry_delay(),
            wait_max: GIVE_UP_AFTER,
            tries_left: u32::MAX,
            give_up: now.mono + GIVE_UP_AFTER,
            answers: None,
        };
        self.send_confirmed(now, to, plan, |token| Frame::Tell { token, bytes })
    }

    /// Sends parts of answers until they are confirmed. What `patience` and `until` are,
    /// [`bruit_engine::spread::ask::message::Send`] says.
    pub(crate) fn send_answers(
        &mut self,
        now: Now,
        to: NodeId,
        number: u64,
        answers: Arc<Answers>,
        (patience, until): (Duration, Instant),
    ) -> Result<(), CommandError> {
        let retry_delay = self.config.profile.retry_delay();
        let to_origin = to == answers.question.origin;
        let tries_left = if to_origin { u32::MAX } else { PARENT_TRIES };
        let plan = Plan {
            wait: retry_delay + patience,
            wait_max: (retry_delay + patience) * ANSWER_WAIT_FACTOR_MAX,
            tries_left,
            give_up: until,
            answers: Some(number),
        };
        self.send_confirmed(now, to, plan, |token| Frame::Answers { token, answers })
    }

    /// Sends a frame until it is confirmed.
    fn send_confirmed(
        &mut self,
        now: Now,
        to: NodeId,
        plan: Plan,
        frame: impl FnOnce(u64) -> Frame,
    ) -> Result<(), CommandError> {
        if self.tells.pending.len() >= PENDING_MAX {
            return Err(CommandError::Busy("the queue of unconfirmed messages"));
        }
        let token = self.tells.next_token;
        self.tells.next_token = token.wrapping_add(1);
        let frame = frame(token);
        let mut bytes = Vec::with_capacity(frame.encoded_len());
        frame.encode(&mut bytes);
        let frame = Bytes::from(bytes);
        self.tells.pending.insert(token, Pending { to, frame, plan });
        self.try_tell(now, token);
        Ok(())
    }

    /// Sends a pending message, and waits for its confirmation.
    fn try_tell(&mut self, now: Now, token: u64) {
        let Some(pending) = self.tells.pending.get_mut(&token) else { return };
        let (to, frame, plan) = (pending.to, pending.frame.clone(), &mut pending.plan);
        plan.tries_left -= 1;
        let wait = plan.wait;
        plan.wait = (wait * 2).min(plan.wait_max);
        self.tells.retries.set(token, now.mono + wait);
        self.send_encoded(now, Route::Member(to), frame);
    }

    pub(crate) fn retry_tells(&mut self, now: Now) {
        while let Some((_, token)) = self.tells.retries.pop_due(now.mono) {
            let Some(Pending { plan, .. }) = self.tells.pending.get(&token) else { continue };
            if now.mono < plan.give_up && plan.tries_left > 0 {
                self.try_tell(now, token);
            } else if let Some(pending) = self.tells.pending.remove(&token) {
                match pending.plan.answers {
                    None => {
                        self.counters.tells_failed += 1;
                        self.event(Event::TellFailed { to: pending.to });
                    }
                    Some(number) => {
                        self.asks.undelivered(now.mono, number, &mut self.asks_out);
                    }
                }
            }
        }
    }

    pub(crate) fn on_tell(&mut self, from: NodeId, token: u64, bytes: Bytes) {
        if self.tells.is_first(from, token) {
            self.event(Event::Told { from, bytes });
        } else {
            self.counters.tells_duplicate += 1;
        }
    }

    pub(crate) fn on_told(&mut self, now: Now, from: NodeId, token: u64) {
        if self.tells.pending.get(&token).is_some_and(|pending| pending.to == from) {
            self.tells.retries.cancel(&token);
            let pending = self.tells.pending.remove(&token);
            if let Some(number) = pending.and_then(|pending| pending.plan.answers) {
                self.asks.delivered(now.mono, number, &mut self.asks_out);
            }
        }
    }
}
