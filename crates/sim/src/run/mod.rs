//! One run of (scenario, seed). At node scale, native nodes speak bytes over a
//! [`Net`](crate::Net); at engine scale, engines pass typed messages in a [`crate::universe`].
//!
//! ```text
//! form (nothing is lost) -> set the topic -> the run: items, faults -> Outcome
//! ```
//!
//! A run is a function of (scenario, seed). Its times are virtual; nothing here reads a clock,
//! and who runs many seeds on many threads gets the same as who runs them one by one.

mod account;
mod act;
mod engine;
mod group;
mod walk;
mod world;

pub use group::NotFormed;
pub use walk::Walk;

use crate::measure::Outcome;
use crate::scenario::{Scale, Scenario};
use bruit_model::TopicParams;
use group::Group;
use std::ops::ControlFlow;
use std::time::Duration;
use world::World;

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How much of the run has passed, in virtual time; `None` while the group forms.
    pub passed: Option<Duration>,
    /// Items published so far.
    pub items: u32,
    /// Of the pairs of an item and a node that should have it: parts in a million that do.
    pub coverage_ppm: u32,
}

/// There is no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The nodes did not come to know each other.
    #[error(transparent)]
    NotFormed(#[from] NotFormed),
    /// Only nodes can be looked at one thing at a time.
    #[error("at engine scale there are no steps to be shown; use scale = \"nodes\"")]
    NoSteps,
    /// Whoever watches wished its end.
    #[error("interrupted; run it again")]
    Interrupted,
}

/// How often a run looks around: events are taken from the nodes, and whoever watches is told.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Runs a scenario with one seed. `watch` is told how far it is, and may end it.
///
/// # Errors
/// [`RunError`].
pub fn run(
    scenario: &Scenario,
    seed: u64,
    watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Outcome, RunError> {
    let (outcome, _) = run_logged(scenario, seed, 0, watch)?;
    Ok(outcome)
}

/// As [`run`]; gives the last `lines_max` lines of the event log too. At engine scale there is
/// none.
///
/// # Errors
/// As [`run`].
pub fn run_logged(
    scenario: &Scenario,
    seed: u64,
    lines_max: usize,
    watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<(Outcome, Vec<String>), RunError> {
    if scenario.scale == Scale::Engine {
        return Ok((engine::run(scenario, seed, watch)?, Vec::new()));
    }
    let group = Group::form(scenario, seed, lines_max, watch)?;
    let (outcome, group) = finish(World::begin(scenario, seed, group), watch)?;
    let log = group.net.trace().map(str::to_owned).collect();
    Ok((outcome, log))
}

/// Runs one scenario with several topics, one after the other, in one group that forms once: what
/// differs between the outcomes is the topic. Between two, the group rests, and loses nothing. At
/// engine scale nothing has to form: each topic has a run of its own.
///
/// # Errors
/// As [`run`].
pub fn run_topics(
    scenario: &Scenario,
    seed: u64,
    topics: &[TopicParams],
    watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Vec<Outcome>, RunError> {
    if scenario.scale == Scale::Engine {
        let run = |topic: &TopicParams| {
            let mut scenario = scenario.clone();
            scenario.protocol.topic = topic.clone();
            engine::run(&scenario, seed, watch)
        };
        return topics.iter().map(run).collect();
    }
    let mut group = Group::form(scenario, seed, 0, watch)?;
    let mut outcomes = Vec::with_capacity(topics.len());
    for topic in topics {
        group.change_topic(scenario, topic);
        let (outcome, rest) = finish(World::begin(scenario, seed, group), watch)?;
        outcomes.push(outcome);
        group = rest;
    }
    Ok(outcomes)
}

/// Lets a run go on to its end.
fn finish(
    mut world: World<'_>,
    watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<(Outcome, Group), RunError> {
    loop {
        if watch(world.progress()).is_break() {
            return Err(RunError::Interrupted);
        }
        if !world.go_on(LOOK_EVERY) {
            break;
        }
    }
    Ok(world.close())
}
