//! Asking whether members are alive (SWIM section 3.1).

use super::message::{Message, Send};
use super::{Event, Incarnation, Out, ProbeEnd, Seq, State, Swim, Timer, Why};
use crate::{FullView, Instant, MemberId, PeerSampler as _};
use std::fmt;
use std::time::Duration;

/// What a probe is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The round robin.
    Turn,
    /// To confirm another member's suspicion, or not.
    Confirm,
    /// To be sure before declaring a failure.
    Verify,
}

/// A probe under way.
#[derive(Clone, Debug)]
pub(super) struct Probe<I> {
    pub(super) target: I,
    pub(super) purpose: Purpose,
    pub(super) sent: Instant,
    /// Helpers that were asked.
    pub(super) indirect: u32,
    /// Of these, those that have neither answered nor sent the nack they were asked for.
    pub(super) silent: Vec<I>,
    incarnation: Incarnation,
    /// How long helpers have, from when they are asked.
    indirect_window: Duration,
    is_extended: bool,
}

/// Most probes out of turn at once. 64 (guess): more suspects than that at one time mean that
/// many members failed together, or that this node is cut off; waiting for turns is right then.
const CHECKS_MAX: usize = 64;

impl<I: MemberId, R: Clone + Eq + fmt::Debug> Swim<I, R> {
    pub(super) fn on_period(&mut self, now: Instant, due: Instant, out: &mut Out<I, R>) {
        let period = self.health.scale(self.params.probe_interval);
        let on_time = due + period;
        self.timers.set(Timer::Period, if on_time > now { on_time } else { now + period });
        let Some(target) = self.order.advance(&mut self.rng) else { return };
        self.stats.probes_sent += 1;
        let timeout = self.probe_timeout();
        let end = match self.params.probe_end {
            ProbeEnd::AtPeriodEnd => period,
            ProbeEnd::WhenOverdue => period.min(timeout * 2),
        };
        let seq = self.ping(now, &target, Purpose::Turn, end.saturating_sub(timeout), out);
        self.timers.set(Timer::Indirect(seq), now + timeout);
        self.timers.set(Timer::ProbeEnd(seq), now + end);
    }

    /// Pings a suspect out of turn, directly and through helpers at the same time; false if too
    /// many such probes run.
    pub(super) fn check(
        &mut self,
        now: Instant,
        target: &I,
        purpose: Purpose,
        out: &mut Out<I, R>,
    ) -> bool {
        if self.probes.len() > CHECKS_MAX {
            self.stats.checks_shed += 1;
            return false;
        }
        self.stats.checks_sent += 1;
        let timeout = self.probe_timeout();
        let seq = self.ping(now, target, purpose, timeout, out);
        self.ask_helpers(seq, false, out);
        self.timers.set(Timer::ProbeEnd(seq), now + timeout);
        true
    }

    fn ping(
        &mut self,
        now: Instant,
        target: &I,
        purpose: Purpose,
        indirect_window: Duration,
        out: &mut Out<I, R>,
    ) -> Seq {
        let seq = self.fresh_seq();
        let member = self.members.get(target).expect("only members are probed");
        let probe = Probe {
            target: target.clone(),
            purpose,
            sent: now,
            indirect: 0,
            silent: Vec::new(),
            incarnation: member.incarnation,
            indirect_window,
            is_extended: false,
        };
        self.probes.insert(seq, probe);
        let message = Message::Ping { seq, target: target.clone() };
        out.send(Send { to: target.clone(), message });
        seq
    }

    /// A sequence number that no open question uses.
    pub(super) fn fresh_seq(&mut self) -> Seq {
        loop {
            self.next_seq = self.next_seq.wrapping_add(1);
            let seq = Seq(self.next_seq);
            if !self.probes.contains_key(&seq) && !self.relays.contains_key(&seq) {
                return seq;
            }
        }
    }

    fn ask_helpers(&mut self, seq: Seq, wants_nack: bool, out: &mut Out<I, R>) {
        let Some(probe) = self.probes.get_mut(&seq) else { return };
        let mut helpers = Vec::new();
        let count = usize::from(self.params.indirect_probes);
        let exclude = [probe.target.clone()];
        FullView(&self.live).sample(&mut self.rng, count, &exclude, &mut helpers);
        probe.indirect = u32::try_from(helpers.len()).expect("at most 255 helpers");
        for to in &helpers {
            let target = probe.target.clone();
            let message = Message::PingReq { seq, target, wants_nack };
            out.send(Send { to: to.clone(), message });
        }
        if wants_nack {
            probe.silent = helpers;
        }
    }

    pub(super) fn on_indirect(
        &mut self,
        now: Instant,
        due: Instant,
        seq: Seq,
        out: &mut Out<I, R>,
    ) {
        self.ask_helpers(seq, self.params.wants_nack, out);
        // Helpers get their whole time even if this node asked them late.
        if let (Some(probe), Some(end)) =
            (self.probes.get(&seq), self.timers.get(&Timer::ProbeEnd(seq)))
            && now > due
        {
            let end = end.max(now + probe.indirect_window);
            self.timers.set(Timer::ProbeEnd(seq), end);
        }
    }

    pub(super) fn on_probe_end(
        &mut self,
        now: Instant,
        due: Instant,
        seq: Seq,
        out: &mut Out<I, R>,
    ) {
        let is_late = self.is_late(now, due);
        let Some(probe) = self.probes.get_mut(&seq) else { return };
        if is_late && !probe.is_extended {
            probe.is_extended = true;
            self.stats.probes_extended += 1;
            self.timers.set(Timer::ProbeEnd(seq), now + self.params.probe_timeout);
            return;
        }
        let Some(probe) = self.probes.remove(&seq) else { return };
        let is_live = self.members.get(&probe.target).is_some_and(|m| m.state.is_live());
        if is_live && !self.is_leaving() {
            self.on_silence(now, &probe, out);
        }
    }

    fn on_silence(&mut self, now: Instant, probe: &Probe<I>, out: &mut Out<I, R>) {
        match probe.purpose {
            Purpose::Turn => {
                self.stats.probes_failed += 1;
                let asked_for_nacks = self.params.wants_nack && probe.indirect > 0;
                let missing = if asked_for_nacks { probe.silent.len() as u64 } else { 1 };
                self.health.worsen(missing);
                self.accuse(now, probe, out);
            }
            Purpose::Confirm => self.accuse(now, probe, out),
            Purpose::Verify => self.on_verified_silent(now, probe, out),
        }
    }

    fn on_verified_silent(&mut self, now: Instant, probe: &Probe<I>, out: &mut Out<I, R>) {
        let held = self.members.get(&probe.target).map(|member| member.incarnation);
        if held == Some(probe.incarnation) {
            self.declare_failed(now, &probe.target, out);
        } else if let Some(suspicion) = self.suspicions.get_mut(&probe.target) {
            // The silence was about an earlier life.
            suspicion.is_verifying = false;
            self.arm_suspicion(&probe.target);
        }
    }

    fn accuse(&mut self, now: Instant, probe: &Probe<I>, out: &mut Out<I, R>) {
        let me = self.me.clone();
        let why = Why::Unanswered { direct: 1, indirect: probe.indirect };
        self.on_suspect(now, (&probe.target, probe.incarnation), &me, why, out);
    }

    /// The answer to a probe.
    pub(super) fn on_probe_answered(&mut self, now: Instant, from: &I, seq: Seq, probe: &Probe<I>) {
        self.timers.cancel(&Timer::Indirect(seq));
        self.timers.cancel(&Timer::ProbeEnd(seq));
        if let Some(member) = self.members.get_mut(&probe.target) {
            member.last_ack = Some(now);
            if *from == probe.target {
                member.note_round_trip(now.since(probe.sent));
            }
        }
        match probe.purpose {
            Purpose::Turn => self.health.improve(),
            Purpose::Confirm => {}
            Purpose::Verify => {
                if let Some(suspicion) = self.suspicions.get_mut(&probe.target) {
                    suspicion.reprieve(now);
                    self.arm_suspicion(&probe.target);
                }
            }
        }
    }

    /// Sets the timer of a suspicion: to its deadline, or a `probe_timeout` earlier if a last
    /// ping comes first.
    pub(super) fn arm_suspicion(&mut self, id: &I) {
        let Some(suspicion) = self.suspicions.get(id) else { return };
        if suspicion.is_verifying {
            return;
        }
        let lead = if self.params.verify_before_failing {
            self.params.probe_timeout
        } else {
            Duration::ZERO
        };
        self.timers.set(Timer::Suspicion(id.clone()), suspicion.deadline() - lead);
    }

    pub(super) fn on_suspicion(&mut self, now: Instant, due: Instant, id: &I, out: &mut Out<I, R>) {
        if self.is_leaving() {
            return;
        }
        let is_late = self.is_late(now, due);
        let Some(suspicion) = self.suspicions.get_mut(id) else { return };
        if self.params.verify_before_failing {
            suspicion.is_verifying = true;
            if !self.check(now, id, Purpose::Verify, out) {
                // Too many at once: not declared unheard, but asked later.
                if let Some(suspicion) = self.suspicions.get_mut(id) {
                    suspicion.is_verifying = false;
                }
                let later = now + self.params.probe_timeout;
                self.timers.set(Timer::Suspicion(id.clone()), later);
            }
        } else if is_late && !suspicion.is_extended {
            suspicion.is_extended = true;
            let later = now + self.params.probe_timeout;
            self.timers.set(Timer::Suspicion(id.clone()), later);
        } else {
            self.declare_failed(now, id, out);
        }
    }

    fn declare_failed(&mut self, now: Instant, id: &I, out: &mut Out<I, R>) {
        let Some(suspicion) = self.suspicions.get(id) else { return };
        let why = Why::SuspicionExpired { accusers: suspicion.accusers.clone() };
        let Some(member) = self.members.get(id) else { return };
        let incarnation = member.incarnation;
        self.stats.failures_declared += 1;
        let me = self.me.clone();
        self.change(now, id, (State::Failed, incarnation), why, out);
        self.spread_failed(now, id, incarnation, &me);
    }

    /// Proposes a failed member for a full-state exchange, with probability `failed / live`.
    pub(super) fn on_reconnect(&mut self, now: Instant, out: &mut Out<I, R>) {
        let failed = self.counts[State::Failed as usize];
        if failed == 0 || self.is_leaving() {
            return;
        }
        self.timers.set(Timer::Reconnect, now + self.params.reconnect_interval);
        if !self.rng.chance(failed as u64, self.live.len().max(1) as u64) {
            return;
        }
        let chosen = self.rng.index(failed);
        let mut all = self.members.values().filter(|member| member.state == State::Failed);
        let member = all.nth(chosen).expect("as many as are counted");
        out.event(Event::Reconnect { id: member.id.clone() });
    }
}
