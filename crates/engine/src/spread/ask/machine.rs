//! The engine.

use super::custody::Custody;
use super::flow::count;
use super::message::{Group, Parts, Send};
use super::question::Question;
use super::{Asked, Event, Params, QuestionId, Refused, Stats};
use crate::{Deadlines, Instant, MemberId, Outbox};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

/// Where an [`Ask`] puts its sends and events.
pub type Out<M, Q, P> = Outbox<Send<M, Q, P>, Event<M, Q, P>>;

/// What the engine waits for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer<Q> {
    /// Held parts are to be passed on.
    Flush(Q),
    /// A question is over.
    Forget(Q),
}

/// Gathers answers to questions. See the [module](super).
#[derive(Clone, Debug)]
pub struct Ask<M, Q, P> {
    pub(super) params: Params,
    pub(super) me: M,
    pub(super) questions: BTreeMap<Q, Question<M, P>>,
    pub(super) own_count: usize,
    pub(super) custody: Custody<M, Q, P>,
    pub(super) timers: Deadlines<Timer<Q>>,
    /// Parts held, in flight or remembered.
    pub(super) parts: usize,
    /// Bytes of parts held or in flight.
    pub(super) bytes: usize,
    pub(super) stats: Stats,
}

impl<M, Q, P> Ask<M, Q, P>
where
    M: MemberId,
    Q: QuestionId<M>,
    P: Clone + Ord + Debug + AsRef<[u8]>,
{
    /// An engine that knows no question.
    pub fn new(params: Params, me: M) -> Self {
        Self {
            params,
            me,
            questions: BTreeMap::new(),
            own_count: 0,
            custody: Custody::new(),
            timers: Deadlines::default(),
            parts: 0,
            bytes: 0,
            stats: Stats::default(),
        }
    }

    /// Whether this node may ask one question more.
    pub fn may_ask(&self) -> bool {
        self.own_count < self.params.own_questions_max.min(self.params.questions_max)
    }

    /// A question was asked here, or its first copy has come. One that is known stays as it is,
    /// but for one of which only parts of others had come.
    pub fn on_question(
        &mut self,
        now: Instant,
        question: Q,
        asked: Asked<M>,
        out: &mut Out<M, Q, P>,
    ) {
        if self.questions.get(&question).is_some_and(|known| known.was_asked) {
            return;
        }
        self.make_room(now, &question, out);
        let is_direct = asked.members_count <= self.params.direct_members_max;
        let origin = question.origin();
        let parent = asked.parent.filter(|parent| !is_direct && *parent != origin);
        let hold = if is_direct || origin == self.me {
            Duration::ZERO
        } else {
            let left = asked.deadline.since(now);
            self.params.hold(asked.members_count, asked.hops).min(left / 4)
        };
        let forget_at = asked.deadline + self.params.margin;
        self.timers.set(Timer::Forget(question.clone()), forget_at);
        self.own_count += usize::from(origin == self.me);
        let fresh = Question::relayed(now, asked.deadline);
        let known = self.questions.entry(question).or_insert(fresh);
        known.reduce = asked.reduce;
        known.parent = parent;
        known.hops = asked.hops;
        known.deadline = asked.deadline;
        known.hold_until = now + hold;
        known.given = Some(0);
        known.was_asked = true;
        known.is_direct = is_direct;
    }

    /// This node is done with a question: with one of its own, answers are of no more use; to one
    /// of another member, it gives no more parts. It is forgotten as soon as nobody else needs
    /// this node for it.
    pub fn finish(&mut self, now: Instant, question: &Q, out: &mut Out<M, Q, P>) {
        if question.origin() == self.me {
            self.forget(now, question, out);
            return;
        }
        if let Some(known) = self.questions.get_mut(question).filter(|known| known.was_asked) {
            known.given = None;
            self.forget_if_done(now, question, out);
        }
    }

    /// This node answers. Its first part is number 0; with `is_last` it may give no more.
    ///
    /// # Errors
    /// Nothing was changed.
    pub fn answer(
        &mut self,
        now: Instant,
        question: &Q,
        part: P,
        is_last: bool,
        out: &mut Out<M, Q, P>,
    ) -> Result<(), Refused> {
        let known = self.questions.get(question).filter(|known| known.was_asked);
        let known = known.filter(|known| known.deadline > now).ok_or(Refused::Unknown)?;
        let number = known.given.ok_or(Refused::Over)?;
        let groups = vec![Group { part, is_last, from: vec![(self.me.clone(), number)] }];
        if !self.has_room(&groups) {
            return Err(Refused::Full);
        }
        if let Some(known) = self.questions.get_mut(question) {
            known.given = number.checked_add(1).filter(|_| !is_last);
        }
        if question.origin() == self.me {
            self.receive(now, question, groups, out);
        } else {
            self.take(now, question, &groups, None, out);
        }
        Ok(())
    }

    /// Parts have come from `from`, in a message that is confirmed by its `ticket`. A message
    /// that comes again does no harm.
    pub fn handle_message(
        &mut self,
        now: Instant,
        from: &M,
        ticket: u64,
        parts: Parts<M, Q, P>,
        out: &mut Out<M, Q, P>,
    ) {
        let Parts { question, groups } = parts;
        self.stats.came += 1;
        if question.origin() == self.me {
            out.send(Send::Confirm { to: from.clone(), ticket });
            self.receive(now, &question, groups, out);
            return;
        }
        let source = (from.clone(), ticket);
        let known = self.questions.get(&question);
        match known.and_then(|known| known.taken.get(&source)) {
            Some(true) => out.send(Send::Confirm { to: source.0, ticket }),
            // The message that it is passed on in is not confirmed yet.
            Some(false) => {}
            None => {
                if !self.has_room(&groups) {
                    self.stats.shed += count(&groups);
                    return;
                }
                if known.is_none() {
                    self.relay(now, &question, out);
                }
                self.stats.gathered += count(&groups);
                self.take(now, &question, &groups, Some(source), out);
            }
        }
    }

    /// A message was confirmed.
    pub fn delivered(&mut self, now: Instant, number: u64, out: &mut Out<M, Q, P>) {
        let flight = self.custody.get(number);
        let question = flight.map(|flight| flight.parts.question.clone());
        self.end(number, true, out);
        if let Some(question) = question {
            self.forget_if_done(now, &question, out);
        }
    }

    /// A message was not confirmed in time: what it brought goes to the origin itself, as does
    /// what is still to come.
    pub fn undelivered(&mut self, now: Instant, number: u64, out: &mut Out<M, Q, P>) {
        let Some(flight) = self.custody.get(number) else { return };
        let question = flight.parts.question.clone();
        let origin = question.origin();
        let is_over = flight.to == origin;
        let known = self.questions.get_mut(&question).filter(|known| known.deadline > now);
        let Some(known) = known.filter(|_| !is_over) else {
            self.end(number, false, out);
            return;
        };
        known.parent = None;
        self.stats.fallbacks += 1;
        let until = known.deadline;
        if let Some(number) = self.custody.redirect(number, origin) {
            self.put_out(number, Duration::ZERO, until, out);
        }
    }

    /// A member failed or left: nothing more is passed on by it, and what is in flight to it goes
    /// to the origin. The origin itself is given its time: it may be there after all.
    pub fn member_gone(&mut self, now: Instant, member: &M, out: &mut Out<M, Q, P>) {
        for known in self.questions.values_mut() {
            if known.parent.as_ref() == Some(member) {
                known.parent = None;
            }
        }
        for number in self.custody.to(member) {
            let flight = self.custody.get(number);
            if flight.is_some_and(|flight| flight.parts.question.origin() != *member) {
                self.undelivered(now, number, out);
            }
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut Out<M, Q, P>) {
        while let Some((_, timer)) = self.timers.pop_due(now) {
            match timer {
                Timer::Flush(question) => self.flush(now, &question, out),
                Timer::Forget(question) => self.forget(now, &question, out),
            }
        }
    }

    /// When [`Self::handle_timeout`] has something to do.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// The totals.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// How many questions are remembered; how many parts are held, in flight or remembered; and
    /// the bytes of those that are held or in flight.
    pub fn load(&self) -> (usize, usize, usize) {
        (self.questions.len(), self.parts, self.bytes)
    }

    #[cfg(test)]
    pub(super) fn is_clean(&self) -> bool {
        let is_idle = self.timers.is_empty() && self.custody.is_empty();
        is_idle && self.load() == (0, 0, 0) && self.own_count == 0
    }
}
