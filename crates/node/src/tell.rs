//! Confirmed messages from one application to another, such as receipts.
//!
//! A message is sent by datagram and sent again, after a wait that doubles, until the receiver
//! confirms its token or [`GIVE_UP_AFTER`] is over. The receiver confirms each copy and passes on
//! the first.

use crate::NativeNode;
use crate::incoming::Route;
use bruit_engine::{Deadlines, Instant};
use bruit_model::{CommandError, Event, NodeId, Now};
use bruit_wire::Frame;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// The largest message, in bytes.
pub(crate) const BYTES_MAX: usize = 4096;
const GIVE_UP_AFTER: Duration = Duration::from_secs(5);
const PENDING_MAX: usize = 4096;
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
    /// The frame.
    bytes: Bytes,
    is_answer: bool,
    wait: Duration,
    give_up: Instant,
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
        self.send_confirmed(now, to, |token| Frame::Tell { token, bytes })
    }

    /// Sends a frame until it is confirmed.
    pub(crate) fn send_confirmed(
        &mut self,
        now: Now,
        to: NodeId,
        frame: impl FnOnce(u64) -> Frame,
    ) -> Result<(), CommandError> {
        if self.tells.pending.len() >= PENDING_MAX {
            return Err(CommandError::Busy("the queue of unconfirmed messages"));
        }
        let token = self.tells.next_token;
        self.tells.next_token = token.wrapping_add(1);
        let wait = self.config.profile.retry_delay();
        let give_up = now.mono + GIVE_UP_AFTER;
        let frame = frame(token);
        let is_answer = matches!(frame, Frame::Answers { .. });
        let mut bytes = Vec::with_capacity(frame.encoded_len());
        frame.encode(&mut bytes);
        let bytes = Bytes::from(bytes);
        self.send_encoded(now, Route::Member(to), bytes.clone());
        self.tells.pending.insert(token, Pending { to, bytes, is_answer, wait, give_up });
        self.tells.retries.set(token, now.mono + wait);
        Ok(())
    }

    pub(crate) fn retry_tells(&mut self, now: Now) {
        while let Some((_, token)) = self.tells.retries.pop_due(now.mono) {
            let Some(mut pending) = self.tells.pending.remove(&token) else { continue };
            if now.mono >= pending.give_up {
                self.counters.tells_failed += 1;
                if !pending.is_answer {
                    self.event(Event::TellFailed { to: pending.to });
                }
                continue;
            }
            self.send_encoded(now, Route::Member(pending.to), pending.bytes.clone());
            pending.wait *= 2;
            self.tells.retries.set(token, now.mono + pending.wait);
            self.tells.pending.insert(token, pending);
        }
    }

    pub(crate) fn on_tell(&mut self, from: NodeId, token: u64, bytes: Bytes) {
        if self.tells.is_first(from, token) {
            self.event(Event::Told { from, bytes });
        } else {
            self.counters.tells_duplicate += 1;
        }
    }

    pub(crate) fn on_told(&mut self, from: NodeId, token: u64) {
        if self.tells.pending.get(&token).is_some_and(|pending| pending.to == from) {
            self.tells.pending.remove(&token);
            self.tells.retries.cancel(&token);
        }
    }
}
