//! How long an event takes to reach every agent.

use crate::failure::{Doing as _, Failure};
use crate::gate::Gate;
use crate::group::{Group, Watching};
use crate::peer::{Interest, Sight};
use crate::stats::{Draw, Summary, median};
use serde::Serialize;
use std::time::{Duration, Instant};

/// How long an event may take.
const EVENT_TIMEOUT: Duration = Duration::from_secs(30);
/// Between two events, and between two kinds of agents: passing on goes on after the last has it.
const PAUSE: Duration = Duration::from_millis(500);
const TURN_PAUSE: Duration = Duration::from_secs(1);
/// Where the draw of publishers starts.
const SEED: u64 = 1;

/// What one kind of agent did.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Spread {
    /// The kind.
    pub(crate) label: &'static str,
    /// Milliseconds until the last agent had it, one value for each event.
    pub(crate) all_ms: Option<Summary>,
    /// Milliseconds until an agent had it, one value for each event and agent.
    pub(crate) each_ms: Option<Summary>,
    /// The median of `all_ms` in each repetition.
    pub(crate) repetitions_ms: Vec<f64>,
    /// Agents that did not get an event, over all events.
    pub(crate) missing: usize,
    /// Sightings of an event by an agent that had it.
    pub(crate) duplicates: usize,
    #[serde(skip)]
    all: Vec<f64>,
    #[serde(skip)]
    each: Vec<f64>,
}

impl Spread {
    fn new(label: &'static str) -> Self {
        Self {
            label,
            all_ms: None,
            each_ms: None,
            repetitions_ms: Vec::new(),
            missing: 0,
            duplicates: 0,
            all: Vec::new(),
            each: Vec::new(),
        }
    }
}

/// How often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Repeat {
    /// Repetitions: the kinds take turns in each.
    pub(crate) reps: usize,
    /// Events of each kind in a repetition.
    pub(crate) events: usize,
}

struct Lane<'a> {
    group: &'a Group,
    watching: Watching,
    result: Spread,
}

/// Publishes to drawn agents, the groups taking turns.
pub(crate) async fn run(
    groups: &[&Group],
    repeat: Repeat,
    gate: &mut Gate,
) -> Result<Vec<Spread>, Failure> {
    let mut lanes = Vec::new();
    for group in groups {
        let watching = group.watch(Interest::Items).await?;
        lanes.push(Lane { group, watching, result: Spread::new(group.label()) });
    }
    let pids: Vec<u32> = groups.iter().flat_map(|group| group.pids()).collect();
    let mut draw = Draw::new(SEED);
    for rep in 0..repeat.reps {
        gate.pass(&format!("spread {}", rep + 1), &pids).await?;
        for lane in &mut lanes {
            tokio::time::sleep(TURN_PAUSE).await;
            let mut all = Vec::new();
            for event in 0..repeat.events {
                let by = draw.below(lane.group.len());
                all.extend(lane.event(by, &format!("{rep}-{event}")).await?);
                tokio::time::sleep(PAUSE).await;
            }
            lane.result.repetitions_ms.extend(median(&all));
            lane.result.all.extend(all);
        }
    }
    let results = lanes.into_iter().map(|lane| {
        let mut result = lane.result;
        result.all_ms = Summary::of(&result.all);
        result.each_ms = Summary::of(&result.each);
        result
    });
    Ok(results.collect())
}

impl Lane<'_> {
    /// Publishes one event; the milliseconds until all had it, if all got it.
    async fn event(&mut self, by: usize, token: &str) -> Result<Option<f64>, Failure> {
        let mut seen: Vec<Option<f64>> = vec![None; self.group.len()];
        // Opened before the clock starts, and not kept: servers close connections that idle.
        let mut publisher = self.group.agents()[by].publisher().await?;
        let start = Instant::now();
        let deadline = start + EVENT_TIMEOUT;
        let publish = tokio::time::timeout_at(deadline.into(), publisher.publish(token));
        let (result, watching) = (&mut self.result, &mut self.watching);
        let collect = async {
            while seen.iter().any(Option::is_none) {
                let Some(sighting) = watching.next(deadline).await? else { break };
                match sighting.sight {
                    Sight::Item(got) if got == token => {
                        let place = &mut seen[sighting.agent];
                        if place.is_some() {
                            result.duplicates += 1;
                        } else {
                            *place = Some(millis(sighting.at.duration_since(start)));
                        }
                    }
                    Sight::Item(_) => result.duplicates += 1,
                    Sight::Failed(_) => {}
                    Sight::Lost(why) => return Err(Failure::new(why)),
                }
            }
            Ok(())
        };
        let (published, collected) = tokio::join!(publish, collect);
        published.doing("publishing")??;
        collected?;
        let missing = seen.iter().filter(|time| time.is_none()).count();
        result.missing += missing;
        result.each.extend(seen.iter().flatten());
        let all = seen.iter().flatten().copied().fold(0.0, f64::max);
        Ok((missing == 0).then_some(all))
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
