//! How long it takes until all know that an agent was killed.

use crate::failure::Failure;
use crate::gate::Gate;
use crate::group::Group;
use crate::peer::{Interest, Sight};
use crate::stats::{Draw, Summary};
use serde::Serialize;
use std::time::{Duration, Instant};

/// How long that may take.
const TIMEOUT: Duration = Duration::from_secs(90);
/// Between two kills.
const PAUSE: Duration = Duration::from_secs(5);
/// Where the draw of victims starts.
const SEED: u64 = 3;

/// What one kind of agent did.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Detection {
    /// The kind.
    pub(crate) label: &'static str,
    /// Seconds until the first knew, by repetition.
    pub(crate) first_s: Vec<f64>,
    /// Seconds until the last knew, by repetition.
    pub(crate) last_s: Vec<f64>,
    /// The same, summed up.
    pub(crate) last: Option<Summary>,
    /// Agents that did not know in time, over all repetitions.
    pub(crate) missing: usize,
    /// Sightings of a failure of another than the victim.
    pub(crate) false_sightings: usize,
}

/// Kills `reps` agents of each group, the groups taking turns. The killed ones are not replaced:
/// all groups shrink alike. The seed stays.
pub(crate) async fn run(
    groups: &mut [&mut Group],
    reps: usize,
    gate: &mut Gate,
) -> Result<Vec<Detection>, Failure> {
    let mut results: Vec<Detection> = groups.iter().map(|group| new(group.label())).collect();
    let mut draw = Draw::new(SEED);
    for rep in 0..reps {
        for (group, result) in groups.iter_mut().zip(&mut results) {
            if group.len() < 3 {
                return Err(Failure::new("too few agents for so many repetitions"));
            }
            gate.pass(&format!("failure {}, {}", rep + 1, group.label()), &group.pids()).await?;
            let victim = 1 + draw.below(group.len() - 1);
            once(group, victim, result).await?;
            tokio::time::sleep(PAUSE).await;
        }
    }
    for result in &mut results {
        result.last = Summary::of(&result.last_s);
    }
    Ok(results)
}

fn new(label: &'static str) -> Detection {
    Detection {
        label,
        first_s: Vec::new(),
        last_s: Vec::new(),
        last: None,
        missing: 0,
        false_sightings: 0,
    }
}

async fn once(group: &mut Group, victim: usize, result: &mut Detection) -> Result<(), Failure> {
    let mut watching = group.watch(Interest::Failures).await?;
    let (name, start) = group.kill(victim);
    // The victim counts as knowing.
    let mut known: Vec<Option<f64>> = vec![None; group.len() + 1];
    let deadline = start + TIMEOUT;
    let waits = |known: &[Option<f64>]| {
        known.iter().enumerate().any(|(index, time)| index != victim && time.is_none())
    };
    while waits(&known) {
        let Some(sighting) = watching.next(deadline).await? else { break };
        match sighting.sight {
            Sight::Failed(of) if of == name => {
                let seconds = sighting.at.saturating_duration_since(start).as_secs_f64();
                known[sighting.agent].get_or_insert(seconds);
            }
            Sight::Failed(_) => result.false_sightings += 1,
            Sight::Lost(_) if sighting.agent == victim => {}
            Sight::Lost(why) => return Err(Failure::new(why)),
            Sight::Item(_) => {}
        }
    }
    let times: Vec<f64> = known.iter().flatten().copied().collect();
    let missing = group.len() - times.len();
    result.missing += missing;
    result.first_s.extend(times.iter().copied().reduce(f64::min));
    if missing == 0 {
        result.last_s.extend(times.iter().copied().reduce(f64::max));
    } else {
        // Not known everywhere in time: the repetition counts with the time that it was given.
        result.last_s.push(Instant::now().duration_since(start).as_secs_f64());
    }
    Ok(())
}
