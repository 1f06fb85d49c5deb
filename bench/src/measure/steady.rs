//! Whether agents that run are ever said to have failed.

use crate::failure::Failure;
use crate::group::Group;
use crate::peer::{Interest, Sight};
use serde::Serialize;
use std::time::{Duration, Instant};

/// What one kind of agent did.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Steady {
    /// The kind.
    pub(crate) label: &'static str,
    /// How long it was watched, in seconds.
    pub(crate) seconds: f64,
    /// How often an agent was told that another failed.
    pub(crate) false_failures: usize,
    /// The most members that one agent held for failed at the end.
    pub(crate) failed_at_end: usize,
    /// The fewest members that one agent held for alive at the end.
    pub(crate) fewest_at_end: usize,
}

/// Watches all groups over the same time; nothing is killed.
pub(crate) async fn run(groups: &mut [&mut Group], time: Duration) -> Result<Vec<Steady>, Failure> {
    let start = Instant::now();
    let deadline = start + time;
    let mut watched = Vec::new();
    for group in groups.iter() {
        watched.push(group.watch(Interest::Failures).await?);
    }
    let mut results = Vec::new();
    for (group, watching) in groups.iter_mut().zip(&mut watched) {
        let mut false_failures = 0;
        // The first group takes the whole time; what the others tell meanwhile waits.
        while let Some(sighting) = watching.next(deadline).await? {
            match sighting.sight {
                Sight::Failed(_) => false_failures += 1,
                Sight::Lost(why) => return Err(Failure::new(why)),
                Sight::Item(_) => {}
            }
        }
        group.check()?;
        let views = group.views().await;
        results.push(Steady {
            label: group.label(),
            seconds: start.elapsed().as_secs_f64(),
            false_failures,
            failed_at_end: views.iter().map(|view| view.failed).max().unwrap_or(0),
            fewest_at_end: views.iter().map(|view| view.alive).min().unwrap_or(0),
        });
    }
    Ok(results)
}
