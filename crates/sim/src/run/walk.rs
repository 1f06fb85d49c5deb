//! A run, one thing at a time, with what each changed.

use super::group::Group;
use super::world::World;
use super::{Progress, RunError};
use crate::HostId;
use crate::Net;
use crate::check::HostView;
use crate::log::{Step, diff};
use crate::measure::Outcome;
use crate::scenario::{Scale, Scenario};
use bruit_engine::Instant;
use std::ops::ControlFlow;
use std::time::Duration;

/// An event is shown up to so many characters.
const EVENT_CHARS_MAX: usize = 300;

/// The same run as [`super::run`], one thing at a time.
pub struct Walk<'a> {
    world: World<'a>,
    begin: Instant,
    number: u64,
    /// What each host showed last; empty until somebody looks.
    views: Vec<HostView>,
}

impl<'a> Walk<'a> {
    /// A run at its beginning: the group has formed.
    ///
    /// # Errors
    /// As [`super::run`].
    pub fn new(
        scenario: &'a Scenario,
        seed: u64,
        watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Self, RunError> {
        if scenario.scale == Scale::Engine {
            return Err(RunError::NoSteps);
        }
        let group = Group::form(scenario, seed, 0, watch)?;
        let begin = group.net.now();
        Ok(Self { world: World::begin(scenario, seed, group), begin, number: 0, views: Vec::new() })
    }

    /// How much of it had passed at that moment.
    pub fn since_begin(&self, at: Instant) -> Duration {
        at.since(self.begin)
    }

    /// Goes on without a look, until the next thing is that far in the run; false if nothing is.
    pub fn skip_to(&mut self, passed: Duration) -> bool {
        self.views = Vec::new();
        while self.world.next_at().is_some_and(|at| at.since(self.begin) < passed) {
            if self.world.step(&mut |_, _| {}).is_none() {
                return false;
            }
            self.number += 1;
        }
        self.world.next_at().is_some()
    }

    /// Does the next thing, and says what it changed; `None` once the run is over.
    pub fn step(&mut self) -> Option<Step> {
        if self.views.is_empty() {
            self.views = HostView::all(self.world.net());
        }
        let mut lines = Vec::new();
        let views = &mut self.views;
        let happened = self.world.step(&mut |net, happened| {
            if happened.is_for_all {
                for host in net.hosts() {
                    let changes = look(net, host, views);
                    lines.extend(changes.into_iter().map(|line| format!("{host}: {line}")));
                }
            } else {
                lines = look(net, happened.host, views);
            }
        })?;
        self.number += 1;
        let (number, at, host, what) = (self.number, happened.at, happened.host, happened.what);
        Some(Step { number, at, host, what, diff: lines })
    }

    /// Goes on to the end.
    pub fn close(mut self) -> Outcome {
        while self.world.step(&mut |_, _| {}).is_some() {}
        self.world.close().0
    }
}

/// What changed on a host since the last look, and what its node told.
fn look(net: &Net, host: HostId, views: &mut [HostView]) -> Vec<String> {
    let view = HostView::of(net, host);
    let mut lines = diff(&views[host.index()], &view);
    views[host.index()] = view;
    for (_, event) in net.told(host) {
        let text: String = format!("{event:?}").chars().take(EVENT_CHARS_MAX).collect();
        lines.push(format!("told {text}"));
    }
    lines
}
