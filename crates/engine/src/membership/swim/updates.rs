//! The rules by which a statement about another member changes the table.

use super::formula::{Bounds, spread_time};
use super::message::Update;
use super::probe::Purpose;
use super::suspicion::Suspicion;
use super::{EvictError, FailedInFullState, Incarnation, Member, Out, State, Swim, Why};
use crate::rng::mix;
use crate::{Instant, MemberId};
use std::fmt;
use std::time::Duration;

impl<I: MemberId, R: Clone + Eq + fmt::Debug> Swim<I, R> {
    /// Takes in an update that `from` sent beside a message.
    pub fn handle_update(
        &mut self,
        now: Instant,
        from: &I,
        update: Update<I, R>,
        out: &mut Out<I, R>,
    ) {
        self.apply(now, from, update, None, out);
    }

    /// Takes in the full state of `from`.
    ///
    /// What it holds failed arrives as [`super::Params::failed_in_full_state`] says; unknown
    /// members are passed on [`super::Params::merged_transmissions`] times.
    pub fn merge(
        &mut self,
        now: Instant,
        from: &I,
        updates: impl IntoIterator<Item = Update<I, R>>,
        out: &mut Out<I, R>,
    ) {
        let merged = self.params.merged_transmissions.map(std::num::NonZeroU32::get);
        for update in updates {
            let update = match (update, self.params.failed_in_full_state) {
                (
                    Update::Failed { id, incarnation, .. }
                    | Update::Suspect { id, incarnation, .. },
                    FailedInFullState::AsSuspect,
                ) => Update::Suspect { id, incarnation, from: from.clone() },
                (other, _) => other,
            };
            self.apply(now, from, update, merged, out);
        }
    }

    /// What [`Swim::merge`] takes on the other side: this node and all members it knows. A
    /// suspect comes twice, first as alive with its record. Failed and left members come without
    /// records, which their hearers have, or have no use for.
    pub fn full_state(&self) -> impl Iterator<Item = Update<I, R>> + '_ {
        self.members.values().flat_map(|member| {
            let alive = member.state.is_live().then(|| Self::update_about(member, State::Alive));
            let rest = match member.state {
                State::Alive => None,
                state @ (State::Suspect | State::Failed | State::Left) => {
                    Some(Update::with_accuser(
                        Self::update_about(member, state),
                        self.first_accuser(&member.id),
                    ))
                }
            };
            alive.into_iter().chain(rest)
        })
    }

    /// What `member` is, or would be in `state`, as an update; accusations are its own, to be
    /// replaced.
    pub(super) fn update_about(member: &Member<I, R>, state: State) -> Update<I, R> {
        let (id, incarnation) = (member.id.clone(), member.incarnation);
        match state {
            State::Alive => Update::Alive { id, incarnation, record: member.record.clone() },
            State::Suspect => Update::Suspect { from: id.clone(), id, incarnation },
            State::Failed => Update::Failed { from: id.clone(), id, incarnation },
            State::Left => Update::Left { id, incarnation },
        }
    }

    pub(super) fn first_accuser(&self, id: &I) -> I {
        let suspicion = self.suspicions.get(id);
        suspicion.and_then(|s| s.accusers.first()).unwrap_or(&self.me).clone()
    }

    fn apply(
        &mut self,
        now: Instant,
        from: &I,
        update: Update<I, R>,
        merged: Option<u32>,
        out: &mut Out<I, R>,
    ) {
        if self.is_impossible(from, &update) {
            self.stats.updates_refused += 1;
            return;
        }
        if *update.subject() == self.me {
            self.on_told_about_me(now, from, update, out);
            return;
        }
        match update {
            Update::Alive { id, incarnation, record } => match self.members.get(&id) {
                None => self.on_new(now, from, (id, incarnation, record), merged, out),
                Some(_) => self.on_alive(now, from, (id, incarnation, record), out),
            },
            Update::Suspect { id, incarnation, from } => {
                let why = Why::SuspectedBy(from.clone());
                self.on_suspect(now, (&id, incarnation), &from, why, out);
            }
            Update::Failed { id, incarnation, from } => {
                let why = Why::DeclaredBy(from.clone());
                if self.on_gone(now, (&id, incarnation), State::Failed, why, out) {
                    self.spread_failed(now, &id, incarnation, &from);
                }
            }
            Update::Left { id, incarnation } => {
                // Who has failed cannot say goodbye, so that somebody else has in its stead.
                let had_failed = self.get(&id).is_some_and(|held| held.state == State::Failed);
                let why = if had_failed { Why::Evicted } else { Why::SaidGoodbye };
                if self.on_gone(now, (&id, incarnation), State::Left, why, out) {
                    self.spread(now, Update::Left { id, incarnation }, 0);
                }
            }
        }
    }

    /// Declares a failed or suspect member left, and tells the group. If it is alive, it refutes.
    ///
    /// # Errors
    /// Refused; nothing was changed.
    pub fn evict(&mut self, now: Instant, id: &I, out: &mut Out<I, R>) -> Result<(), EvictError> {
        if *id == self.me {
            return Err(EvictError::Myself);
        }
        let member = self.members.get(id).ok_or(EvictError::Unknown)?;
        let incarnation = member.incarnation;
        match member.state {
            State::Alive => return Err(EvictError::Alive),
            State::Left => return Ok(()),
            State::Suspect | State::Failed => {}
        }
        self.change(now, id, (State::Left, incarnation), Why::Evicted, out);
        self.spread(now, Update::Left { id: id.clone(), incarnation }, 0);
        Ok(())
    }

    /// See [`super::Params::incarnation_leap_max`].
    fn is_impossible(&self, from: &I, update: &Update<I, R>) -> bool {
        let (Update::Alive { incarnation, .. }
        | Update::Suspect { incarnation, .. }
        | Update::Failed { incarnation, .. }
        | Update::Left { incarnation, .. }) = update;
        let subject = update.subject();
        let held = self.members.get(subject).map_or(0, |member| member.incarnation.0);
        let is_own_word = matches!(update, Update::Alive { .. }) && subject == from;
        let leap = incarnation.0.saturating_sub(held);
        incarnation.0 > self.params.incarnation_max
            || (leap > self.params.incarnation_leap_max && !is_own_word)
    }

    fn on_new(
        &mut self,
        now: Instant,
        from: &I,
        (id, incarnation, record): (I, Incarnation, R),
        merged: Option<u32>,
        out: &mut Out<I, R>,
    ) {
        if self.members.len() >= self.params.members_max {
            self.stats.members_refused += 1;
            return;
        }
        let why = Why::HeardFrom(from.clone());
        self.add(now, (id.clone(), incarnation, record.clone()), why, out);
        let sent = merged.map_or(0, |count| self.retransmit_limit().saturating_sub(count));
        self.spread(now, Update::Alive { id, incarnation, record }, sent);
    }

    fn on_alive(
        &mut self,
        now: Instant,
        from: &I,
        (id, incarnation, record): (I, Incarnation, R),
        out: &mut Out<I, R>,
    ) {
        let Some(member) = self.members.get_mut(&id) else { return };
        if incarnation <= member.incarnation {
            let differs = incarnation < member.incarnation || record != member.record;
            if id == *from && differs {
                self.owe(from, from, out);
            }
            return;
        }
        let is_updated = member.record != record;
        member.record = record.clone();
        let was = member.state;
        let why = match was {
            State::Alive => member.why.clone(),
            State::Suspect | State::Failed => Why::Refuted,
            State::Left => Why::HeardFrom(from.clone()),
        };
        self.stats.suspicions_refuted += u64::from(was == State::Suspect);
        self.stats.failures_refuted += u64::from(was == State::Failed);
        self.change(now, &id, (State::Alive, incarnation), why, out);
        if is_updated {
            out.event(super::Event::Updated { id: id.clone() });
        }
        self.spread(now, Update::Alive { id, incarnation, record }, 0);
    }

    pub(super) fn on_suspect(
        &mut self,
        now: Instant,
        (id, incarnation): (&I, Incarnation),
        accuser: &I,
        why: Why<I>,
        out: &mut Out<I, R>,
    ) {
        let Some(member) = self.members.get_mut(id) else { return };
        if incarnation < member.incarnation {
            return;
        }
        match member.state {
            // A failed or left member that is accused in a later life has had that life.
            State::Failed | State::Left if incarnation == member.incarnation => return,
            State::Alive | State::Failed | State::Left => {
                self.change(now, id, (State::Suspect, incarnation), why, out);
                self.begin_suspicion(now, id, accuser, out);
            }
            State::Suspect => {
                member.incarnation = incarnation;
                if !self.confirm(id, accuser) {
                    return;
                }
            }
        }
        let (id, from) = (id.clone(), accuser.clone());
        self.spread(now, Update::Suspect { id, incarnation, from }, 0);
    }

    fn begin_suspicion(&mut self, now: Instant, id: &I, accuser: &I, out: &mut Out<I, R>) {
        self.stats.suspicions += 1;
        let n = self.group_size();
        let is_mine = *accuser == self.me;
        let bounds = Bounds::new(&self.params, n);
        let named = bounds.confirmations + 1;
        let uses_names = self.params.confirm_by_probe || self.params.verify_before_failing;
        let is_named = !is_mine && uses_names && self.is_named(id, named);
        let goes_first = is_mine || is_named || !self.params.verify_before_failing;
        let grace = if goes_first { Duration::ZERO } else { spread_time(&self.params, n) };
        let suspicion = Suspicion::new(now, accuser.clone(), bounds, grace);
        self.suspicions.insert(id.clone(), suspicion);
        self.arm_suspicion(id);
        if is_named && self.params.confirm_by_probe && bounds.confirmations > 0 {
            self.check(now, id, Purpose::Confirm, out);
        }
    }

    /// Counts a further accuser; true if that is news.
    fn confirm(&mut self, id: &I, accuser: &I) -> bool {
        let Some(suspicion) = self.suspicions.get_mut(id) else { return false };
        if *accuser == self.me {
            suspicion.drop_grace();
        }
        let is_news = suspicion.confirm(accuser.clone());
        self.arm_suspicion(id);
        is_news
    }

    /// Whether this node is among the `count` that rendezvous hashing names for `suspect` out of
    /// the alive members. Views that agree name the same.
    fn is_named(&self, suspect: &I, count: usize) -> bool {
        let salt = suspect.bucket_hash();
        let score = |id: &I| mix(salt ^ id.bucket_hash().rotate_left(32));
        let own = score(&self.me);
        let is_before = |id: &&I| !self.suspicions.contains_key(id) && score(id) < own;
        let before = self.live.iter().filter(|id| *id != suspect).filter(is_before);
        before.take(count).count() < count
    }

    /// A member failed or left; true if that is news.
    fn on_gone(
        &mut self,
        now: Instant,
        (id, incarnation): (&I, Incarnation),
        state: State,
        why: Why<I>,
        out: &mut Out<I, R>,
    ) -> bool {
        let Some(member) = self.members.get_mut(id) else { return false };
        if (incarnation, state) <= (member.incarnation, member.state) {
            return false;
        }
        if member.state == state {
            member.incarnation = incarnation;
            return false;
        }
        self.change(now, id, (state, incarnation), why, out);
        true
    }

    pub(super) fn spread_failed(&mut self, now: Instant, id: &I, at: Incarnation, by: &I) {
        let update = Update::Failed { id: id.clone(), incarnation: at, from: by.clone() };
        self.spread(now, update, 0);
    }
}
