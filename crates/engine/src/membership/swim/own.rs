//! What this node says of itself.

use super::message::Update;
use super::{Event, Incarnation, Out, State, Swim, Timer, Why};
use crate::{Instant, MemberId};
use std::fmt;

impl<I: MemberId, R: Clone + Eq + fmt::Debug> Swim<I, R> {
    /// Changes this node's record and tells the group, in a new incarnation. Nothing happens if
    /// the record is the same, or the node is leaving.
    pub fn set_record(&mut self, now: Instant, record: R, out: &mut Out<I, R>) {
        if self.own().record == record || self.is_leaving() {
            return;
        }
        if let Some(own) = self.members.get_mut(&self.me) {
            own.record = record;
        }
        self.raise_incarnation(self.incarnation());
        self.spread_own(now);
        out.event(Event::Updated { id: self.me.clone() });
    }

    /// Says goodbye. The node probes no longer, but answers and gossips on;
    /// [`Event::LeaveSpread`] tells when the goodbye has been sent as often as the limit allows,
    /// or after [`super::Params::leave_timeout`], or at once if nobody is there to hear it.
    pub fn leave(&mut self, now: Instant, out: &mut Out<I, R>) {
        if self.is_leaving() {
            return;
        }
        let (me, incarnation) = (self.me.clone(), self.incarnation());
        self.change(now, &me, (State::Left, incarnation), Why::SaidGoodbye, out);
        self.timers.cancel(&Timer::Period);
        self.spread(now, Update::Left { id: me, incarnation }, 0);
        if self.live.is_empty() {
            out.event(Event::LeaveSpread);
        } else {
            self.timers.set(Timer::Leave, now + self.params.leave_timeout);
        }
    }

    /// Another member's statement about this node.
    pub(super) fn on_told_about_me(
        &mut self,
        now: Instant,
        from: &I,
        update: Update<I, R>,
        out: &mut Out<I, R>,
    ) {
        let mine = self.incarnation();
        if self.is_leaving() {
            self.repeat_goodbye(now, &update);
            return;
        }
        match update {
            Update::Alive { incarnation, record, .. } => {
                let differs = incarnation == mine && record != self.own().record;
                if incarnation > mine || differs {
                    self.on_id_conflict(now, incarnation, out);
                }
            }
            Update::Suspect { incarnation, .. }
            | Update::Failed { incarnation, .. }
            | Update::Left { incarnation, .. }
                if incarnation < mine =>
            {
                let me = self.me.clone();
                self.owe(from, &me, out);
            }
            Update::Suspect { incarnation, .. } | Update::Failed { incarnation, .. } => {
                self.stats.refutations += 1;
                self.health.worsen(1);
                self.refute(now, incarnation, out);
            }
            // An earlier run said goodbye: no doubt is cast on this one.
            Update::Left { incarnation, .. } => self.refute(now, incarnation, out),
        }
    }

    /// A goodbye loses against a higher incarnation: it is said again in that one.
    fn repeat_goodbye(&mut self, now: Instant, update: &Update<I, R>) {
        let (Update::Alive { incarnation, .. }
        | Update::Suspect { incarnation, .. }
        | Update::Failed { incarnation, .. }
        | Update::Left { incarnation, .. }) = update;
        let incarnation = *incarnation;
        if incarnation > self.incarnation() {
            if let Some(own) = self.members.get_mut(&self.me) {
                own.incarnation = incarnation;
            }
            self.spread(now, Update::Left { id: self.me.clone(), incarnation }, 0);
        }
    }

    /// The group knows another record or a later life of this id: from an earlier run, or from a
    /// second node with the same id. The first is settled by one refutation; so that the second
    /// cannot turn into a contest, there is at most one per protocol period.
    fn on_id_conflict(&mut self, now: Instant, incarnation: Incarnation, out: &mut Out<I, R>) {
        self.stats.id_conflicts += 1;
        let period = self.params.probe_interval;
        if self.last_conflict.is_none_or(|last| now.since(last) >= period) {
            self.last_conflict = Some(now);
            self.refute(now, incarnation, out);
        }
    }

    fn refute(&mut self, now: Instant, above: Incarnation, out: &mut Out<I, R>) {
        self.raise_incarnation(above);
        if let Some(own) = self.members.get_mut(&self.me) {
            own.why = Why::Refuted;
        }
        self.spread_own(now);
        out.event(Event::Refuted { incarnation: self.incarnation() });
    }

    /// Saturates at [`super::Params::incarnation_max`]. A node that is there can be accused
    /// without being able to refute; [`super::Params::incarnation_leap_max`] keeps it from
    /// getting there.
    fn raise_incarnation(&mut self, above: Incarnation) {
        let max = self.params.incarnation_max;
        if let Some(own) = self.members.get_mut(&self.me) {
            let raised = own.incarnation.max(above).0.saturating_add(1).min(max);
            own.incarnation = Incarnation(raised);
        }
    }

    fn spread_own(&mut self, now: Instant) {
        let update = Self::update_about(self.own(), State::Alive);
        self.spread(now, update, 0);
    }
}
