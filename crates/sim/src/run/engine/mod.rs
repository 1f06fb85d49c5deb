//! One run at engine scale: the rumor engine on every node, in a [`crate::universe`].
//!
//! Every node knows all others from the beginning, and messages have no bytes. The scenario's
//! topic says how items spread, its network how long messages take and how many are lost; nodes
//! may crash, for good.
//!
//! A run ends before its time once nothing can change any more: everything is published, every
//! fault has happened, and either nobody tells any more, or, where nodes poll each other for
//! ever, all have what they should have and no copy is under way.

mod measures;

use super::act::{Act, Timeline};
use super::{Progress, RunError};
use crate::Latency;
use crate::measure::{Outcome, ppm};
use crate::scenario::{Origins, Scenario, Select};
use crate::universe::rumor::{Group, Ledger, Peers, RumorUniverse, universe};
use crate::universe::{Settings, Way};
use bruit_engine::spread::rumor::{Spread, Style};
use bruit_engine::{Instant, Rng};
use std::ops::ControlFlow;
use std::time::Duration;

/// How often it is looked whether the run is over.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// After so many events whoever watches is told.
const EVENTS_BETWEEN: u64 = 1 << 17;
/// Coverage is counted in about so many steps of time.
const STEPS: u32 = 50_000;
/// The shortest such step.
const STEP_MIN: Duration = Duration::from_micros(10);

/// An item, and how many nodes should have it.
#[derive(Clone, Copy, Debug)]
struct Tracked {
    /// Its number in the universe.
    key: u32,
    /// Nodes that ran when it was published and did not crash before they had it.
    expected: u64,
}

/// A run under way.
pub(super) struct EngineRun<'a> {
    scenario: &'a Scenario,
    universe: RumorUniverse,
    spread: Spread,
    /// The longest time that a message takes.
    latency_max: Duration,
    timeline: Timeline,
    origins: Rng,
    /// Who publishes by turns; empty: anybody.
    publishers: Vec<u32>,
    published: u32,
    not_published: u64,
    items: Vec<Tracked>,
    end: Instant,
    /// Since when everybody has had everything.
    complete: Option<Instant>,
}

/// Runs a scenario of engine scale with one seed.
pub(super) fn run(
    scenario: &Scenario,
    seed: u64,
    watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Outcome, RunError> {
    let mut run = EngineRun::new(scenario, seed);
    while run.go_on(watch)? {}
    Ok(measures::outcome(&run))
}

/// How messages travel.
fn way(scenario: &Scenario) -> Way {
    let link = scenario.network.link;
    let way = match link.latency {
        Latency::Constant(always) => Way::constant(always),
        Latency::Uniform { min, max } => Way::uniform(min, max),
        Latency::LogNormal { .. } | Latency::Exponential { .. } | Latency::Quantiles(_) => {
            unreachable!("a scenario of engine scale with such a latency is refused")
        }
    };
    way.with_loss(link.loss.ppm())
}

impl<'a> EngineRun<'a> {
    fn new(scenario: &'a Scenario, seed: u64) -> Self {
        let way = way(scenario);
        let step = (scenario.duration / STEPS).max(STEP_MIN);
        let group = Group::new(Ledger::new(step), Peers::Everyone);
        let universe = universe(seed, scenario.nodes, Settings::over(way), group);
        let mut rng = Rng::from_seed(seed).fork("scenario");
        let (mut origins, faults) = (rng.fork("origins"), rng.fork("faults"));
        let end = Instant::ZERO + scenario.duration;
        let mut timeline = Timeline::default();
        timeline.plan(scenario, (Instant::ZERO, end), &faults);
        let publishers = match scenario.workload.origins {
            Origins::Random => Vec::new(),
            Origins::Count(count) => Select::Count(count).pick(&mut origins, scenario.nodes, &[]),
        };
        Self {
            scenario,
            universe,
            spread: scenario.protocol.spread(scenario.nodes),
            latency_max: way.latency_max,
            timeline,
            origins,
            publishers,
            published: 0,
            not_published: 0,
            items: Vec::new(),
            end,
            complete: None,
        }
    }

    /// Goes on for a while; false once the run is over.
    fn go_on(
        &mut self,
        watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<bool, RunError> {
        let look = (self.universe.now() + LOOK_EVERY).min(self.end);
        let until = self.timeline.next().map_or(look, |next| next.min(look));
        self.pass_to(until, watch)?;
        while self.timeline.next().is_some_and(|at| at <= self.universe.now()) {
            if let Some(act) = self.timeline.pop() {
                self.act(act);
            }
        }
        if watch(self.progress(self.universe.now(), self.had())).is_break() {
            return Err(RunError::Interrupted);
        }
        Ok(self.universe.now() < self.end && !self.is_over())
    }

    fn pass_to(
        &mut self,
        until: Instant,
        watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<(), RunError> {
        let time = until.since(self.universe.now());
        let mut told_at = self.universe.counts().events();
        let (published, pairs) = (self.published, self.pairs());
        let stopped = self.universe.run_until(time, |universe| {
            let events = universe.counts().events();
            if events - told_at < EVENTS_BETWEEN {
                return false;
            }
            told_at = events;
            let had = had(universe);
            let passed = Some(universe.now().since(Instant::ZERO));
            watch(Progress { passed, items: published, coverage_ppm: ppm(had, pairs) }).is_break()
        });
        if stopped { Err(RunError::Interrupted) } else { Ok(()) }
    }

    fn progress(&self, now: Instant, had: u64) -> Progress {
        let passed = Some(now.since(Instant::ZERO));
        Progress { passed, items: self.published, coverage_ppm: ppm(had, self.pairs()) }
    }

    fn had(&self) -> u64 {
        had(&self.universe)
    }

    fn pairs(&self) -> u64 {
        self.items.iter().map(|item| item.expected).sum()
    }

    /// Whether nothing can change any more.
    fn is_over(&mut self) -> bool {
        if self.timeline.next().is_some() {
            return false;
        }
        let now = self.universe.now();
        if matches!(self.spread.style, Style::Pull | Style::PushPull) && self.had() == self.pairs()
        {
            return now.since(*self.complete.get_or_insert(now)) > self.latency_max;
        }
        let is_quiet = |node: &crate::universe::rumor::RumorNode| node.hot_count() == 0;
        let polls = matches!(self.spread.style, Style::Pull | Style::PushPull);
        (polls || self.universe.under_way() == 0) && self.universe.machines().iter().all(is_quiet)
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Publish => self.publish(),
            Act::Crash(nodes, _) => nodes.iter().for_each(|node| self.crash(*node)),
            Act::Look(_)
            | Act::Cut { .. }
            | Act::Heal { .. }
            | Act::Pause(_)
            | Act::Resume(_)
            | Act::Start(_)
            | Act::Churn { .. }
            | Act::Degrade { .. }
            | Act::Mend { .. }
            | Act::Slow(..)
            | Act::Skew(..) => unreachable!("a scenario of engine scale with it is refused"),
        }
    }

    fn publish(&mut self) {
        let number = self.published;
        self.published += 1;
        if self.published < self.scenario.workload.items {
            let next = self.universe.now() + self.scenario.workload.every;
            self.timeline.add(next, Act::Publish);
        }
        let Some(node) = self.publisher(number) else {
            self.not_published += 1;
            return;
        };
        let nodes = 0..self.universe.nodes();
        let running = nodes.filter(|node| !self.universe.is_down(*node)).count();
        let key = self.universe.publish(node, self.spread);
        self.items.push(Tracked { key, expected: running as u64 });
        self.complete = None;
    }

    /// Who publishes the item of that number: among those that run.
    fn publisher(&mut self, number: u32) -> Option<u32> {
        let draw = self.origins.next_u64();
        let universe = &self.universe;
        let runs = |node: &u32| !universe.is_down(*node);
        let pick = |running: &mut dyn Iterator<Item = u32>, count: usize, turn: u64| {
            let place = turn.checked_rem(count as u64)?;
            running.nth(usize::try_from(place).ok()?)
        };
        if self.publishers.is_empty() {
            let all = || (0..universe.nodes()).filter(runs);
            return pick(&mut all(), all().count(), draw);
        }
        let some = || self.publishers.iter().copied().filter(runs);
        pick(&mut some(), some().count(), number.into())
    }

    fn crash(&mut self, node: u32) {
        if self.universe.is_down(node) {
            return;
        }
        self.universe.crash(node);
        let ledger = &self.universe.shared.ledger;
        let lacking = self.items.iter_mut().filter(|item| !ledger.holds(node, item.key));
        lacking.for_each(|item| item.expected -= 1);
    }
}

/// Pairs of an item and a node that has had it.
fn had(universe: &RumorUniverse) -> u64 {
    universe.shared.ledger.items().iter().map(|item| item.holders).sum()
}
