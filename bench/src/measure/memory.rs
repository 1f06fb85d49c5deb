//! Resident memory of a process.

use super::real;
use crate::failure::{Doing as _, Failure};
use crate::group::Group;
use crate::procfs::Memory;
use crate::stats::{Draw, Summary};
use serde::Serialize;
use std::time::Duration;

/// How many events the load has.
const EVENTS: usize = 300;
/// Between two of them. Ten a second is what serf's gossip carries without a growing queue.
const PERIOD: Duration = Duration::from_millis(100);
/// How long to wait after the last.
const AFTER: Duration = Duration::from_secs(5);
/// How long an agent may take to accept an event.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(10);
/// Where the draw of publishers starts.
const SEED: u64 = 2;

/// Memory of the processes of one kind of agent, in MiB.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct MemoryUse {
    /// The kind.
    pub(crate) label: &'static str,
    /// Resident.
    pub(crate) rss_mib: Option<Summary>,
    /// Resident, shared pages shared out.
    pub(crate) pss_mib: Option<Summary>,
}

/// What the processes of each group have.
pub(crate) fn read(groups: &[&Group]) -> Result<Vec<MemoryUse>, Failure> {
    let mut uses = Vec::new();
    for group in groups {
        let readings = group.pids().into_iter().map(Memory::of);
        let readings = readings.collect::<Result<Vec<_>, _>>()?;
        let mib = |of: fn(&Memory) -> u64| {
            let values: Vec<f64> =
                readings.iter().map(|memory| real(of(memory)) / 1_048_576.0).collect();
            Summary::of(&values)
        };
        uses.push(MemoryUse {
            label: group.label(),
            rss_mib: mib(|memory| memory.rss),
            pss_mib: mib(|memory| memory.pss),
        });
    }
    Ok(uses)
}

/// Publishes the load to drawn agents of each group, by a new connection each time.
pub(crate) async fn load(groups: &[&Group]) -> Result<(), Failure> {
    let mut draw = Draw::new(SEED);
    let mut tick = tokio::time::interval(PERIOD);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for event in 0..EVENTS {
        tick.tick().await;
        for group in groups {
            let agent = &group.agents()[draw.below(group.len())];
            let publish =
                async { agent.publisher().await?.publish(&format!("load-{event}")).await };
            let published = tokio::time::timeout(PUBLISH_TIMEOUT, publish).await;
            published.doing("publishing the load")??;
        }
    }
    tokio::time::sleep(AFTER).await;
    Ok(())
}
