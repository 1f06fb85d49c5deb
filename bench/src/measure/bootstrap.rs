//! How long a group takes that is started at once.

use super::complete;
use crate::failure::Failure;
use crate::group::Group;
use crate::peer::Peer;
use serde::Serialize;
use std::time::{Duration, Instant};

/// How often the views are read while they are to stay.
const LOOK_PAUSE: Duration = Duration::from_secs(5);

/// What one kind of agent did.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Bootstrap {
    /// The kind.
    pub(crate) label: &'static str,
    /// How many agents.
    pub(crate) nodes: usize,
    /// Seconds from the first spawn until all saw all; none if that did not come in time.
    pub(crate) all_see_all_s: Option<f64>,
    /// Seconds that were waited at most.
    pub(crate) cap_s: f64,
    /// How many agents saw all when the wait ended.
    pub(crate) complete: usize,
    /// The fewest members that one saw then.
    pub(crate) fewest: usize,
    /// The fewest members that one agent saw in the time after.
    pub(crate) fewest_after: Option<usize>,
    /// Seconds of that time.
    pub(crate) stayed_s: f64,
}

/// For how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// How long it may take.
    pub(crate) cap: Duration,
    /// How long it has to stay so.
    pub(crate) stay: Duration,
}

/// Starts `count` agents at once against one seed.
pub(crate) async fn run(
    peer: &dyn Peer,
    count: usize,
    bounds: Bounds,
) -> Result<Bootstrap, Failure> {
    let (mut group, start) = Group::start_at_once(peer, count).await?;
    let done = group.converge(start + bounds.cap).await?;
    let views = group.views().await;
    let fewest = |views: &[crate::peer::View]| views.iter().map(|view| view.alive).min();
    let mut result = Bootstrap {
        label: peer.label(),
        nodes: count,
        all_see_all_s: done.map(|at| at.duration_since(start).as_secs_f64()),
        cap_s: bounds.cap.as_secs_f64(),
        complete: complete(&views, count),
        fewest: fewest(&views).unwrap_or(0),
        fewest_after: None,
        stayed_s: 0.0,
    };
    if done.is_some() {
        let settled = Instant::now();
        let mut least = count;
        while settled.elapsed() < bounds.stay {
            tokio::time::sleep(LOOK_PAUSE).await;
            least = least.min(fewest(&group.views().await).unwrap_or(0));
        }
        result.fewest_after = Some(least);
        result.stayed_s = settled.elapsed().as_secs_f64();
    }
    Ok(result)
}
