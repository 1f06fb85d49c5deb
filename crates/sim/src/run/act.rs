//! What a run does to its nodes, and when.

use crate::Link;
use crate::scenario::{FaultKind, Scenario, State};
use bruit_engine::{Instant, Rng};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

/// Some nodes, by number, in order.
pub(super) type Nodes = Rc<[u32]>;

/// One thing to do. Faults are named by their place in the scenario.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// Publish the next item.
    Publish,
    /// See how an item has fared: copies and the like.
    Look(usize),
    /// Cut some nodes off from others.
    Cut { fault: usize, from: Nodes, to: Nodes, is_one_way: bool },
    /// Connect them again.
    Heal { fault: usize },
    /// Stop processes.
    Pause(Nodes),
    /// Let them go on.
    Resume(Nodes),
    /// Kill processes.
    Crash(Nodes, State),
    /// Start those of them that are down.
    Start(Nodes),
    /// Kill one that runs, and start it again after so long.
    Churn { every: Duration, down: Duration, state: State, until: Instant },
    /// Give the links of some nodes other properties.
    Degrade { fault: usize, nodes: Nodes, link: Link },
    /// Give them their own again.
    Mend { fault: usize },
    /// Let inputs take so long.
    Slow(Nodes, Duration),
    /// Set wall clocks.
    Skew(Nodes, i64),
}

impl Act {
    /// What it is, for people.
    pub(super) fn words(&self) -> String {
        let nodes = |nodes: &Nodes| format!("{} nodes", nodes.len());
        match self {
            Self::Publish => "publish the next item".to_owned(),
            Self::Look(place) => format!("look at item {place}"),
            Self::Cut { from, to, is_one_way, .. } => {
                let way = if *is_one_way { "nothing passes from" } else { "cut off" };
                format!("{way} {} to {}", nodes(from), nodes(to))
            }
            Self::Heal { fault } => format!("end of the cut of fault {fault}"),
            Self::Pause(these) => format!("stop {}", nodes(these)),
            Self::Resume(these) => format!("let {} go on", nodes(these)),
            Self::Crash(these, _) => format!("kill {}", nodes(these)),
            Self::Start(these) => format!("start {}", nodes(these)),
            Self::Churn { .. } => "kill one node".to_owned(),
            Self::Degrade { nodes: these, .. } => format!("degrade the links of {}", nodes(these)),
            Self::Mend { fault } => format!("end of the degraded links of fault {fault}"),
            Self::Slow(these, time) => format!("{time:?} for each input of {}", nodes(these)),
            Self::Skew(these, millis) => {
                format!("set clocks of {} {millis} ms ahead", nodes(these))
            }
        }
    }
}

/// What is to be done, in order: by time, then as it was added.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    acts: BTreeMap<(Instant, u64), Act>,
    added: u64,
}

impl Timeline {
    pub(super) fn add(&mut self, at: Instant, act: Act) {
        self.added += 1;
        self.acts.insert((at, self.added), act);
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.acts.keys().next().map(|(at, _)| *at)
    }

    pub(super) fn pop(&mut self) -> Option<Act> {
        self.acts.pop_first().map(|(_, act)| act)
    }

    /// Adds what a scenario plans, for a run from `begin` to `end`. Which nodes a fault hits
    /// follows from `rng` and the fault's place.
    pub(super) fn plan(
        &mut self,
        scenario: &Scenario,
        (begin, end): (Instant, Instant),
        rng: &Rng,
    ) {
        if scenario.workload.items > 0 {
            self.add(begin + scenario.workload.at, Act::Publish);
        }
        let zones = scenario.network.zone_of_each();
        for (place, fault) in scenario.faults.iter().enumerate() {
            let mut rng = rng.clone().fork(&format!("fault {place}"));
            let from = begin + fault.at;
            let until = fault.lasts.map_or(end, |lasts| (from + lasts).min(end));
            let mut plan =
                Plan { timeline: self, rng: &mut rng, nodes: scenario.nodes, zones: &zones };
            plan.fault(place, &fault.kind, (from, until), fault.lasts.is_some());
        }
    }
}

struct Plan<'a> {
    timeline: &'a mut Timeline,
    rng: &'a mut Rng,
    nodes: u32,
    zones: &'a [usize],
}

impl Plan<'_> {
    fn pick(&mut self, select: &crate::scenario::Select) -> Nodes {
        select.pick(self.rng, self.nodes, self.zones).into()
    }

    fn fault(
        &mut self,
        fault: usize,
        kind: &FaultKind,
        (from, until): (Instant, Instant),
        is_bounded: bool,
    ) {
        match kind {
            FaultKind::Partition { nodes } => {
                let (these, others) = self.sides(nodes);
                let cut = Act::Cut { fault, from: these, to: others, is_one_way: false };
                self.timeline.add(from, cut);
                self.timeline.add(until, Act::Heal { fault });
            }
            FaultKind::OneWay { from: senders, to } => {
                let (senders, to) = (self.pick(senders), self.pick(to));
                let cut = Act::Cut { fault, from: senders, to, is_one_way: true };
                self.timeline.add(from, cut);
                self.timeline.add(until, Act::Heal { fault });
            }
            FaultKind::Flap { nodes, down, up } => {
                let (these, others) = self.sides(nodes);
                self.turns((from, until), (*down, *up), |timeline, at, end| {
                    let (from, to) = (these.clone(), others.clone());
                    timeline.add(at, Act::Cut { fault, from, to, is_one_way: false });
                    timeline.add(end, Act::Heal { fault });
                });
            }
            FaultKind::Stall { nodes, down, up } => {
                let these = self.pick(nodes);
                self.turns((from, until), (*down, *up), |timeline, at, end| {
                    timeline.add(at, Act::Pause(these.clone()));
                    timeline.add(end, Act::Resume(these.clone()));
                });
            }
            FaultKind::Crash { nodes, state } => {
                let these = self.pick(nodes);
                self.timeline.add(from, Act::Crash(these.clone(), *state));
                if is_bounded {
                    self.timeline.add(until, Act::Start(these));
                }
            }
            FaultKind::Churn { every, down, state } => {
                let (every, down, state) = (*every, *down, *state);
                self.timeline.add(from, Act::Churn { every, down, state, until });
            }
            FaultKind::Degrade { nodes, link } => {
                let nodes = self.pick(nodes);
                self.timeline.add(from, Act::Degrade { fault, nodes, link: *link });
                self.timeline.add(until, Act::Mend { fault });
            }
            FaultKind::Slow { nodes, per_input } => {
                let these = self.pick(nodes);
                self.timeline.add(from, Act::Slow(these.clone(), *per_input));
                if is_bounded {
                    self.timeline.add(until, Act::Slow(these, Duration::ZERO));
                }
            }
            FaultKind::Skew { nodes, ahead_millis } => {
                let these = self.pick(nodes);
                self.timeline.add(from, Act::Skew(these.clone(), *ahead_millis));
                if is_bounded {
                    self.timeline.add(until, Act::Skew(these, 0));
                }
            }
        }
    }

    /// Some nodes, and all others.
    fn sides(&mut self, nodes: &crate::scenario::Select) -> (Nodes, Nodes) {
        let these = self.pick(nodes);
        let others = (0..self.nodes).filter(|node| these.binary_search(node).is_err()).collect();
        (these, others)
    }

    /// Something that comes and goes.
    fn turns(
        &mut self,
        (from, until): (Instant, Instant),
        (down, up): (Duration, Duration),
        add: impl Fn(&mut Timeline, Instant, Instant),
    ) {
        let mut at = from;
        while at < until {
            add(self.timeline, at, (at + down).min(until));
            at = at + down + up;
        }
    }
}
