//! The way of parts through a node.

use super::custody::Ended;
use super::held::bytes_of;
use super::machine::{Out, Timer};
use super::message::{Group, Parts, Send};
use super::question::Question;
use super::{Ask, Event, QuestionId, Reduce};
use crate::{Instant, MemberId};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

impl<M, Q, P> Ask<M, Q, P>
where
    M: MemberId,
    Q: QuestionId<M>,
    P: Clone + Ord + Debug + AsRef<[u8]>,
{
    /// Whether `groups` may be taken; one more stands for the message that brought them.
    pub(super) fn has_room(&self, groups: &[Group<M, P>]) -> bool {
        let parts: usize = groups.iter().map(|group| group.from.len()).sum();
        let bytes = bytes_of(&self.params, groups);
        self.parts + parts < self.params.parts_max && self.bytes + bytes <= self.params.bytes_max
    }

    /// Makes room in the table for `question`, if it is new.
    pub(super) fn make_room(&mut self, now: Instant, question: &Q, out: &mut Out<M, Q, P>) {
        if self.questions.contains_key(question) {
            return;
        }
        while self.questions.len() >= self.params.questions_max.max(1) {
            let ends = |known: &Q| self.timers.get(&Timer::Forget(known.clone()));
            let is_own = |known: &&Q| known.origin() == self.me;
            let others = self.questions.keys().filter(|known| !is_own(known));
            let first = others.min_by_key(|known| ends(known));
            let Some(first) = first.or(self.questions.keys().next()).cloned() else { return };
            self.stats.questions_shed += 1;
            self.forget(now, &first, out);
        }
    }

    /// Remembers a question of which only parts of others have come.
    pub(super) fn relay(&mut self, now: Instant, question: &Q, out: &mut Out<M, Q, P>) {
        self.make_room(now, question, out);
        let deadline = now + self.params.margin;
        self.timers.set(Timer::Forget(question.clone()), deadline + self.params.margin);
        self.questions.insert(question.clone(), Question::relayed(now, deadline));
    }

    /// Parts have reached their origin, which is here.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        question: &Q,
        groups: Vec<Group<M, P>>,
        out: &mut Out<M, Q, P>,
    ) {
        let known = self.questions.get_mut(question).filter(|known| known.deadline > now);
        let Some(known) = known else {
            self.stats.late += count(&groups);
            return;
        };
        for Group { part, is_last, from } in groups {
            let mut new = Vec::with_capacity(from.len());
            for (member, number) in from {
                if known.seen.contains(&(member.clone(), number)) {
                    self.stats.duplicates += 1;
                } else if self.parts >= self.params.parts_max {
                    self.stats.shed += 1;
                } else {
                    self.parts += 1;
                    self.stats.received += 1;
                    known.seen.insert((member.clone(), number));
                    new.push(member);
                }
            }
            let at_once = match known.reduce {
                Reduce::Collect => 1,
                Reduce::Tally => usize::MAX,
            };
            for from in new.chunks(at_once) {
                let (question, part, from) = (question.clone(), part.clone(), from.to_vec());
                out.event(Event::Answer { question, part, is_last, from });
            }
        }
    }

    /// Takes parts that are to be passed on.
    pub(super) fn take(
        &mut self,
        now: Instant,
        question: &Q,
        groups: &[Group<M, P>],
        source: Option<(M, u64)>,
        out: &mut Out<M, Q, P>,
    ) {
        let Some(known) = self.questions.get_mut(question) else { return };
        if known.deadline <= now {
            self.stats.late += count(groups);
            if let Some((to, ticket)) = source {
                // Nobody awaits them: their sender need not go on.
                out.send(Send::Confirm { to, ticket });
            }
            return;
        }
        for group in groups {
            known.held.add(&self.params, group);
            self.parts += group.from.len();
        }
        let bytes = bytes_of(&self.params, groups);
        known.held.counted_bytes += bytes;
        self.bytes += bytes;
        if let Some(source) = source {
            self.parts += usize::from(known.taken.insert(source.clone(), false).is_none());
            known.held.sources.push(source);
        }
        if known.hold_until <= now || known.held.fills(&self.params) {
            self.flush(now, question, out);
        } else {
            self.timers.set(Timer::Flush(question.clone()), known.hold_until);
        }
    }

    /// Passes on what is held.
    pub(super) fn flush(&mut self, now: Instant, question: &Q, out: &mut Out<M, Q, P>) {
        self.timers.cancel(&Timer::Flush(question.clone()));
        let Some(known) = self.questions.get_mut(question) else { return };
        if known.held.is_empty() {
            return;
        }
        let sources = std::mem::take(&mut known.held.sources);
        self.bytes -= std::mem::take(&mut known.held.counted_bytes);
        let messages = known.held.pack(&self.params);
        let left = known.deadline.since(now);
        let (to, patience, until) = match &known.parent {
            None => (question.origin(), Duration::ZERO, known.deadline),
            Some(parent) => {
                // Each member above holds one step longer than the one below it.
                let above = u32::from(known.hops.saturating_sub(1));
                let patience = self.params.hold_step.saturating_mul(above).min(left / 4);
                (parent.clone(), patience, now + left / 2)
            }
        };
        let batch = self.custody.begin(sources, messages.len());
        for groups in messages {
            let bytes = bytes_of(&self.params, &groups);
            self.bytes += bytes;
            let parts = Arc::new(Parts { question: question.clone(), groups });
            let number = self.custody.send(batch, to.clone(), parts, bytes);
            self.put_out(number, patience, until, out);
        }
    }

    pub(super) fn put_out(
        &mut self,
        number: u64,
        patience: Duration,
        until: Instant,
        out: &mut Out<M, Q, P>,
    ) {
        let Some(flight) = self.custody.get(number) else { return };
        let (to, parts) = (flight.to.clone(), flight.parts.clone());
        self.stats.sent += 1;
        out.send(Send::Parts { to, number, parts, patience, until });
    }

    /// A message is confirmed, or given up.
    pub(super) fn end(&mut self, number: u64, is_delivered: bool, out: &mut Out<M, Q, P>) {
        let Some(Ended { flight, sources }) = self.custody.end(number, is_delivered) else {
            return;
        };
        let parts = flight.parts.count();
        self.parts -= parts;
        self.bytes -= flight.bytes;
        if !is_delivered {
            self.stats.lost += count(&flight.parts.groups);
        }
        let Some(known) = self.questions.get_mut(&flight.parts.question) else { return };
        for (to, ticket) in sources {
            known.taken.insert((to.clone(), ticket), true);
            out.send(Send::Confirm { to, ticket });
        }
    }

    /// Forgets a question that this node has given its last part to, if it has nothing to pass on
    /// for it: so those that are answered make room for others.
    pub(super) fn forget_if_done(&mut self, now: Instant, question: &Q, out: &mut Out<M, Q, P>) {
        let Some(known) = self.questions.get(question) else { return };
        let has_said_all = known.was_asked && known.given.is_none();
        let has_nothing = known.held.is_empty() && known.taken.is_empty();
        let is_done = has_said_all && known.is_direct && has_nothing;
        if is_done && question.origin() != self.me && self.custody.about(question).is_empty() {
            self.forget(now, question, out);
        }
    }

    pub(super) fn forget(&mut self, now: Instant, question: &Q, out: &mut Out<M, Q, P>) {
        self.flush(now, question, out);
        for number in self.custody.about(question) {
            self.end(number, false, out);
        }
        self.timers.cancel(&Timer::Forget(question.clone()));
        if let Some(known) = self.questions.remove(question) {
            self.parts -= known.remembered();
            self.own_count -= usize::from(question.origin() == self.me);
        }
    }
}

pub(super) fn count<M, P>(groups: &[Group<M, P>]) -> u64 {
    groups.iter().map(|group| group.from.len() as u64).sum()
}
