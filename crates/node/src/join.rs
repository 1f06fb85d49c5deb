//! Joining a group, and finding back to it.
//!
//! The joiner opens a stream to an address it was given, and the two exchange their member lists.
//! A target that fails is tried again, after a wait that doubles up to [`WAIT_MAX`], until one
//! target of the list has answered. A node that finds itself alone tries them again.
//!
//! One answer is not the end: two halves of a group that was restarted piece by piece may each
//! have joined within, and know nothing of each other. So a target at whose address no live
//! member is known is tried now and then for as long as the node runs, those that an earlier run
//! remembered for [`REMEMBER_FOR`]. While all targets are live members, nothing is sent.

use crate::incoming::Route;
use crate::{NativeNode, Profile};
use bruit_engine::{Deadlines, Instant};
use bruit_model::{Event, NodeId, Now, Target};
use std::net::SocketAddr;
use std::time::Duration;

const WAIT_MIN: Duration = Duration::from_millis(500);
const WAIT_MAX: Duration = Duration::from_secs(15);
const TARGETS_MAX: usize = 1024;
/// The wait between two tries of an absent target is that of the profile for each target, at most
/// for this many.
const SEEK_TARGETS_MAX: u32 = 30;
const REMEMBER_FOR: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug)]
struct Entry {
    target: Target,
    wait: Duration,
    /// When it is dropped; `None` for one that was asked for.
    until: Option<Instant>,
}

#[derive(Debug, Default)]
pub(crate) struct Joins {
    entries: Vec<Entry>,
    due: Deadlines<usize>,
    has_joined: bool,
}

impl Joins {
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.due.next()
    }

    fn add(&mut self, target: Target, until: Option<Instant>) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.target == target) {
            entry.until = if until.is_none() { None } else { entry.until };
        } else if self.entries.len() < TARGETS_MAX {
            self.entries.push(Entry { target, wait: WAIT_MIN, until });
        }
    }

    fn make_due(&mut self, at: Instant) {
        (0..self.entries.len()).for_each(|index| self.due.set(index, at));
    }

    /// Targets of an earlier run, to be tried at once.
    pub(crate) fn remember(&mut self, now: Instant, targets: Vec<Target>) {
        for target in targets {
            self.add(target, Some(now + REMEMBER_FOR));
        }
        self.make_due(now);
    }

    /// How long until an absent target is sought again: a connection attempt for each wait and
    /// node, so that an address which is gone for good costs little. Guess.
    fn seek_wait(&self, profile: Profile) -> Duration {
        let each = match profile {
            Profile::Local => Duration::from_secs(2),
            Profile::Lan => Duration::from_secs(10),
            Profile::Wan => Duration::from_secs(30),
        };
        let count = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        each * count.clamp(1, SEEK_TARGETS_MAX)
    }
}

impl NativeNode {
    pub(crate) fn join(&mut self, now: Now, targets: Vec<Target>) {
        for target in targets {
            if target != Target::Addr(self.config.advertise) {
                self.joins.add(target, None);
            }
        }
        self.joins.has_joined = false;
        self.joins.make_due(now.mono);
        self.retry_joins(now);
    }

    pub(crate) fn retry_joins(&mut self, now: Now) {
        while let Some((_, index)) = self.joins.due.pop_due(now.mono) {
            let seek_wait = self.joins.seek_wait(self.config.profile);
            let Some(entry) = self.joins.entries.get_mut(index) else { continue };
            if self.leaving || entry.until.is_some_and(|until| until <= now.mono) {
                continue;
            }
            let target = entry.target.clone();
            let seeks = self.joins.has_joined && !self.swim.live_peers().is_empty();
            let wait = if seeks { seek_wait } else { entry.wait };
            if !seeks {
                entry.wait = (entry.wait * 2).min(WAIT_MAX);
            }
            let jitter = self.rng.duration_below(wait);
            self.joins.due.set(index, now.mono + wait + jitter);
            match &target {
                Target::Addr(addr) if seeks && self.is_present(*addr) => {}
                Target::Addr(_) | Target::Name(..) => self.contact(now, target, !seeks),
            }
        }
    }

    /// Whether a live member, or this node, is known at `addr`.
    fn is_present(&self, addr: SocketAddr) -> bool {
        let is_live = |id: &NodeId| {
            let member = self.swim.get(id).filter(|member| member.state.is_live());
            *id != self.id && member.is_some_and(|live| live.record.addr == addr)
        };
        addr == self.config.advertise || self.group.names.at(&addr).any(is_live)
    }

    /// Whether a stream, now that its target's address is known, turns out to lead where nothing
    /// is to be learnt.
    pub(crate) fn is_needless(&self, addr: SocketAddr) -> bool {
        addr == self.config.advertise || (self.joins.has_joined && self.is_present(addr))
    }

    /// Opens a stream and exchanges member lists on it.
    fn contact(&mut self, now: Now, target: Target, is_join: bool) {
        let Some(id) = self.open_stream(now, target.clone()) else { return };
        if is_join {
            self.set_joins(id, target);
        }
        self.send_state(now, Route::Stream(id), true);
    }

    /// Tries a failed member again, so that a healed partition merges.
    pub(crate) fn reconnect(&mut self, now: Now, id: NodeId) {
        if let Some(addr) = self.swim.get(&id).map(|member| member.record.addr) {
            self.contact(now, Target::Addr(addr), false);
        }
    }

    /// Another member has answered with its list.
    pub(crate) fn joined(&mut self, now: Now, route: Route, from: NodeId) {
        let Route::Stream(stream) = route else { return };
        if self.take_join(stream).is_none() {
            return;
        }
        self.joins.has_joined = true;
        for (index, entry) in self.joins.entries.iter_mut().enumerate() {
            entry.wait = WAIT_MIN;
            let wait = self.rng.duration_below(WAIT_MAX);
            self.joins.due.set(index, now.mono + wait);
        }
        if let Some(addr) = self.swim.get(&from).map(|member| member.record.addr) {
            self.event(Event::Joined { addr });
        }
    }

    pub(crate) fn join_failed(&mut self, target: &Target, why: &str) {
        let target = match target {
            Target::Addr(addr) => addr.to_string(),
            Target::Name(name, port) => format!("{name}:{port}"),
        };
        self.event(Event::JoinFailed { target, error: why.to_owned() });
    }

    pub(crate) fn leave(&mut self, now: Now) {
        self.leaving = true;
        self.swim.leave(now.mono, &mut self.swim_out);
        self.member_changed(self.id);
    }

    /// Where other members are, or were.
    pub(crate) fn known_addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        let others = self.swim.members().filter(|member| member.id != self.id);
        others.map(|member| member.record.addr)
    }
}
