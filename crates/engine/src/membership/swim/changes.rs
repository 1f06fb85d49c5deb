//! Keeping the member table and what is derived from it in step.

use super::{Event, Incarnation, Member, Out, State, Swim, Timer, Why};
use crate::{Instant, MemberId};
use std::fmt;

impl<I: MemberId, R: Clone + Eq + fmt::Debug> Swim<I, R> {
    /// Adds an alive member.
    pub(super) fn add(
        &mut self,
        now: Instant,
        (id, incarnation, record): (I, Incarnation, R),
        why: Why<I>,
        out: &mut Out<I, R>,
    ) {
        let member = Member {
            id: id.clone(),
            record,
            state: State::Alive,
            incarnation,
            why,
            since: now,
            rtt: None,
            last_ack: None,
        };
        self.members.insert(id.clone(), member);
        self.counts[State::Alive as usize] += 1;
        self.add_live(&id);
        out.event(Event::Changed { id, was: None });
    }

    /// Puts a known member into a state, and does all that follows from it.
    pub(super) fn change(
        &mut self,
        now: Instant,
        id: &I,
        (state, incarnation): (State, Incarnation),
        why: Why<I>,
        out: &mut Out<I, R>,
    ) {
        let Some(member) = self.members.get_mut(id) else { return };
        let was = member.state;
        member.incarnation = incarnation;
        member.why = why;
        if was == state {
            return;
        }
        member.state = state;
        member.since = now;
        self.counts[was as usize] -= 1;
        self.counts[state as usize] += 1;
        if was == State::Suspect {
            self.suspicions.remove(id);
            self.timers.cancel(&Timer::Suspicion(id.clone()));
        }
        if *id != self.me {
            self.follow_up(now, id, was, state);
        }
        out.event(Event::Changed { id: id.clone(), was: Some(was) });
    }

    fn follow_up(&mut self, now: Instant, id: &I, was: State, state: State) {
        match (was.is_live(), state.is_live()) {
            (true, false) => self.remove_live(id),
            (false, true) => self.add_live(id),
            (true, true) | (false, false) => {}
        }
        let reap = Timer::Reap(id.clone());
        match state {
            State::Alive | State::Suspect => drop(self.timers.cancel(&reap)),
            State::Failed => self.timers.set(reap, now + self.params.failed_reap_after),
            State::Left => self.timers.set(reap, now + self.params.left_reap_after),
        }
        if state == State::Failed && self.timers.get(&Timer::Reconnect).is_none() {
            let phase = self.rng.duration_below(self.params.reconnect_interval);
            self.timers.set(Timer::Reconnect, now + phase);
        }
    }

    /// Forgets a member that failed or left long ago; its timer runs only in those states.
    pub(super) fn on_reap(&mut self, id: I, out: &mut Out<I, R>) {
        let Some(member) = self.members.remove(&id) else { return };
        self.counts[member.state as usize] -= 1;
        self.queue.remove(&id);
        self.owed_own.remove(&id);
        self.owed_theirs.remove(&id);
        out.event(Event::Reaped { id, record: member.record });
    }

    fn add_live(&mut self, id: &I) {
        if let Err(place) = self.live.binary_search(id) {
            self.live.insert(place, id.clone());
            self.order.insert(&mut self.rng, id.clone());
        }
    }

    fn remove_live(&mut self, id: &I) {
        if let Ok(place) = self.live.binary_search(id) {
            self.live.remove(place);
            self.order.remove(id);
        }
    }
}
