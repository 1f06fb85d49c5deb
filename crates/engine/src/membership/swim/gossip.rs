//! Spreading updates: what goes beside which message, and when there is a message for its own
//! sake.

use super::formula::retransmit_limit;
use super::message::{Message, Send, Update};
use super::{Out, State, Swim, Timer};
use crate::{FullView, Instant, MemberId, PeerSampler as _};
use std::fmt;

/// Most members to be corrected at once. 256 (guess).
const CORRECTIONS_MAX: usize = 256;

impl<I: MemberId, R: Clone + Eq + fmt::Debug> Swim<I, R> {
    /// Appends the updates to send to `to` beside a message, at most `budget` bytes of them as
    /// `cost` counts each, and counts them as sent.
    ///
    /// First what `to` must know: that it is suspect, failed or left in our eyes, so that it can
    /// refute (Lifeguard's buddy system), and corrections owed to it. Then what has been sent
    /// least, of these the newest.
    pub fn fill_updates(
        &mut self,
        now: Instant,
        to: &I,
        budget: usize,
        cost: &mut dyn FnMut(&Update<I, R>) -> usize,
        into: &mut Vec<Update<I, R>>,
    ) {
        let mut left = budget;
        let mut fits = |update: &Update<I, R>| {
            let bytes = cost(update);
            let fits = bytes <= left;
            left -= if fits { bytes } else { 0 };
            fits
        };
        let mut told = Vec::new();
        let theirs = self.owed_theirs.remove(to);
        let buddy = self.buddy_update(to);
        let correction = || Some(Self::update_about(self.members.get(to)?, State::Alive));
        let about_them = buddy.or_else(|| if theirs { correction() } else { None });
        if let Some(update) = about_them.filter(&mut fits) {
            told.push(to.clone());
            into.push(update);
        }
        if self.owed_own.remove(to) {
            let update = Self::update_about(self.own(), self.own().state);
            if fits(&update) {
                told.push(self.me.clone());
                into.push(update);
            }
        }
        let limit = self.retransmit_limit();
        let had_own = self.queue.contains(&self.me);
        self.queue.fill(to, limit, &told, &mut fits, into);
        if had_own && self.is_leaving() && !self.queue.contains(&self.me) {
            self.timers.set(Timer::Leave, now);
        }
    }

    /// What `to` must know to refute: that it is suspect, failed or left in our eyes.
    pub fn buddy_update(&self, to: &I) -> Option<Update<I, R>> {
        let member = self.members.get(to).filter(|member| member.state != State::Alive)?;
        let update = Self::update_about(member, member.state);
        Some(update.with_accuser(self.first_accuser(to)))
    }

    /// Whether there are updates to spread.
    pub fn has_updates(&self) -> bool {
        !self.queue.is_empty()
    }

    /// How many updates are queued, at most one per known member.
    pub fn queued_updates(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn retransmit_limit(&self) -> u32 {
        retransmit_limit(self.params.retransmit_mult, self.group_size())
    }

    /// Queues an update as if it had been sent `transmissions` times.
    pub(super) fn spread(&mut self, now: Instant, update: Update<I, R>, transmissions: u32) {
        self.stats.updates_replaced += u64::from(self.queue.push(update, transmissions));
        if self.timers.get(&Timer::Gossip).is_none() && !self.live.is_empty() {
            let next = self.last_gossip.map_or(now, |last| last + self.params.gossip_interval);
            self.timers.set(Timer::Gossip, next.max(now));
        }
    }

    pub(super) fn on_gossip(&mut self, now: Instant, out: &mut Out<I, R>) {
        if self.queue.is_empty() || self.live.is_empty() {
            return;
        }
        self.last_gossip = Some(now);
        self.timers.set(Timer::Gossip, now + self.params.gossip_interval);
        let count = usize::from(self.params.gossip_fanout.get());
        let mut targets = Vec::new();
        let window = self.params.gossip_to_failed_for;
        if window.is_zero() || self.counts[State::Failed as usize] == 0 {
            FullView(&self.live).sample(&mut self.rng, count, &[], &mut targets);
        } else {
            let is_target = |state: State, since: Instant| {
                state.is_live() || (state == State::Failed && now.since(since) < window)
            };
            let all: Vec<I> = self
                .members
                .values()
                .filter(|member| member.id != self.me && is_target(member.state, member.since))
                .map(|member| member.id.clone())
                .collect();
            FullView(&all).sample(&mut self.rng, count, &[], &mut targets);
        }
        for to in targets {
            self.stats.gossip_sent += 1;
            out.send(Send { to, message: Message::Gossip });
        }
    }

    /// Tells `to` at once what this node holds of `about`, which is `to` or this node.
    pub(super) fn owe(&mut self, to: &I, about: &I, out: &mut Out<I, R>) {
        if !self.params.correct_stale || !self.members.contains_key(to) || *to == self.me {
            return;
        }
        if self.owed_own.len() + self.owed_theirs.len() >= CORRECTIONS_MAX {
            self.stats.corrections_shed += 1;
            return;
        }
        let owed = if *about == self.me { &mut self.owed_own } else { &mut self.owed_theirs };
        if owed.insert(to.clone()) {
            self.stats.gossip_sent += 1;
            out.send(Send { to: to.clone(), message: Message::Gossip });
        }
    }
}
