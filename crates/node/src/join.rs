//! Joining a group, and finding back to it.
//!
//! The joiner opens a stream to an address it was given, and the two exchange their member lists.
//! A target that fails is tried again, after a wait that doubles up to [`WAIT_MAX`], until one
//! target of the list has answered. A node that finds itself alone tries them again.

use crate::NativeNode;
use crate::incoming::Route;
use bruit_engine::{Deadlines, Instant};
use bruit_model::{Event, NodeId, Now, Target};
use std::net::SocketAddr;
use std::time::Duration;

const WAIT_MIN: Duration = Duration::from_millis(500);
const WAIT_MAX: Duration = Duration::from_secs(15);
/// How often a node that knows no live member tries its targets.
const ALONE_PERIOD: Duration = Duration::from_secs(10);
const TARGETS_MAX: usize = 1024;

#[derive(Debug, Default)]
pub(crate) struct Joins {
    targets: Vec<Target>,
    waits: Vec<Duration>,
    due: Deadlines<usize>,
    has_joined: bool,
}

impl Joins {
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.due.next()
    }
}

impl NativeNode {
    pub(crate) fn join(&mut self, now: Now, targets: Vec<Target>) {
        for target in targets {
            if self.joins.targets.contains(&target)
                || target == Target::Addr(self.config.advertise)
                || self.joins.targets.len() >= TARGETS_MAX
            {
                continue;
            }
            let index = self.joins.targets.len();
            self.joins.targets.push(target);
            self.joins.waits.push(WAIT_MIN);
            self.joins.due.set(index, now.mono);
        }
        self.joins.has_joined = false;
        for index in 0..self.joins.targets.len() {
            self.joins.due.set(index, now.mono);
        }
        self.retry_joins(now);
    }

    pub(crate) fn retry_joins(&mut self, now: Now) {
        while let Some((_, index)) = self.joins.due.pop_due(now.mono) {
            let is_alone = self.swim.live_peers().is_empty();
            if self.leaving || (self.joins.has_joined && !is_alone) {
                self.joins.due.set(index, now.mono + ALONE_PERIOD);
                continue;
            }
            let Some(target) = self.joins.targets.get(index).cloned() else { continue };
            let jitter = self.rng.duration_below(self.joins.waits[index]);
            self.joins.due.set(index, now.mono + self.joins.waits[index] + jitter);
            self.joins.waits[index] = (self.joins.waits[index] * 2).min(WAIT_MAX);
            self.contact(now, target, true);
        }
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
        for (index, wait) in self.joins.waits.iter_mut().enumerate() {
            *wait = WAIT_MIN;
            self.joins.due.set(index, now.mono + ALONE_PERIOD);
        }
        if let Some(addr) = self.swim.get(&from).map(|member| member.record.addr) {
            self.event(Event::Joined { addr });
        }
    }

    pub(crate) fn join_failed(&mut self, _now: Now, target: &Target, why: &str) {
        let target = match target {
            Target::Addr(addr) => addr.to_string(),
            Target::Name(name, port) => format!("{name}:{port}"),
        };
        self.event(Event::JoinFailed { target, error: why.to_owned() });
    }

    pub(crate) fn leave(&mut self, now: Now) {
        self.leaving = true;
        self.swim.leave(now.mono, &mut self.swim_out);
        self.members_changed();
    }

    /// Where other members are, or were.
    pub(crate) fn known_addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        let others = self.swim.members().filter(|member| member.id != self.id);
        others.map(|member| member.record.addr)
    }
}

impl Joins {
    /// Targets of an earlier run, to be tried at once.
    pub(crate) fn remember(&mut self, now: Instant, targets: Vec<Target>) {
        for target in targets {
            if !self.targets.contains(&target) && self.targets.len() < TARGETS_MAX {
                let index = self.targets.len();
                self.targets.push(target);
                self.waits.push(WAIT_MIN);
                self.due.set(index, now);
            }
        }
    }
}
