//! What an agent costs while nothing happens.

use super::real;
use crate::failure::Failure;
use crate::group::Group;
use crate::procfs::{CpuReading, CpuUse};
use crate::stats::Summary;
use serde::Serialize;
use std::time::{Duration, Instant};

/// Idle cost of the processes of one kind of agent.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Idle {
    /// The kind.
    pub(crate) label: &'static str,
    /// Percent of a core, by `schedstat`.
    pub(crate) cpu_percent: Option<Summary>,
    /// The mean over all processes.
    pub(crate) cpu_percent_mean: f64,
    /// The same by `stat`, which has 10 ms of resolution.
    pub(crate) stat_percent_mean: f64,
    /// Context switches a second.
    pub(crate) switches_per_second: Option<Summary>,
}

/// Looks at all groups over the same time, in which nobody asks the agents anything.
pub(crate) async fn run(groups: &[&Group], window: Duration) -> Result<Vec<Idle>, Failure> {
    let start = Instant::now();
    let before = groups.iter().map(|group| read(group)).collect::<Result<Vec<_>, _>>()?;
    tokio::time::sleep(window).await;
    let elapsed = start.elapsed().as_secs_f64();
    let mut results = Vec::new();
    for (group, before) in groups.iter().zip(before) {
        let after = read(group)?;
        let uses: Vec<CpuUse> =
            after.iter().zip(&before).map(|(now, then)| now.since(then)).collect();
        let percent = |nanos: u64| real(nanos) / 1e7 / elapsed;
        let cpu: Vec<f64> = uses.iter().map(|used| percent(used.nanos)).collect();
        let stat: Vec<f64> = uses.iter().map(|used| percent(used.stat_nanos)).collect();
        let switches: Vec<f64> = uses.iter().map(|used| real(used.switches) / elapsed).collect();
        results.push(Idle {
            label: group.label(),
            cpu_percent: Summary::of(&cpu),
            cpu_percent_mean: mean(&cpu),
            stat_percent_mean: mean(&stat),
            switches_per_second: Summary::of(&switches),
        });
    }
    Ok(results)
}

fn read(group: &Group) -> Result<Vec<CpuReading>, Failure> {
    group.pids().into_iter().map(CpuReading::of).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / super::real_count(values.len().max(1))
}
