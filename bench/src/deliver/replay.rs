//! What a replay adds to calling the consumer directly, one call at a time.

use super::agent::{Agent, BODY};
use super::service::Service;
use crate::failure::{Doing as _, Failure};
use crate::peers::bruit::Client;
use crate::stats::Summary;
use bytes::Bytes;
use http::Method;
use serde::Serialize;
use std::path::Path;
use std::time::{Duration, Instant};

/// Calls of each kind in a repetition.
const CALLS: usize = 500;
/// Calls before those that count.
const WARM: usize = 50;
/// How long one call may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The outcome, in milliseconds until the consumer has the request.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Replay {
    pub(super) direct_ms: Option<Summary>,
    pub(super) bruit_ms: Option<Summary>,
    /// The difference of the medians, by repetition.
    pub(super) added_ms: Option<Summary>,
}

/// Calls in turn: directly, and by the agent beside the consumer.
pub(super) async fn run(program: &Path, reps: usize) -> Result<Replay, Failure> {
    let folder = tempfile::tempdir().doing("a folder")?;
    let mut service = Service::start().await?;
    let settings = format!("app = \"http://{}\"\nsubscribe = [\"replay/**\"]\n", service.addr);
    let agent = Agent::start(program, &settings, folder.path(), false)?;
    let mut direct = Client::connect(service.addr).await?;
    let mut by_agent = agent.client().await?;
    let (mut directs, mut bruits, mut added) = (Vec::new(), Vec::new(), Vec::new());
    for rep in 0..reps {
        let (mut d, mut b) = (Vec::new(), Vec::new());
        for call in 0..CALLS + WARM {
            let token = format!("{rep}-{call}");
            let path = format!("/replay/d{token}");
            d.push(timed(&mut direct, &mut service, &path).await?);
            let path = format!("/all/replay/a{token}");
            b.push(timed(&mut by_agent, &mut service, &path).await?);
        }
        let [d, b] = [d, b].map(|times| Summary::of(&times[WARM..]));
        if let (Some(d), Some(b)) = (d, b) {
            directs.push(d.p50);
            bruits.push(b.p50);
            added.push(b.p50 - d.p50);
        }
    }
    let [direct_ms, bruit_ms, added_ms] =
        [directs, bruits, added].map(|values| Summary::of(&values));
    Ok(Replay { direct_ms, bruit_ms, added_ms })
}

/// From just before a request is written until the consumer has it.
async fn timed(client: &mut Client, service: &mut Service, path: &str) -> Result<f64, Failure> {
    let begin = Instant::now();
    let answered = client.send(Method::POST, path, Bytes::from_static(BODY));
    let arrived = service.arrival();
    let both = async { tokio::join!(answered, arrived) };
    let (answer, arrival) = tokio::time::timeout(PATIENCE, both).await.doing("a call")?;
    client.finish(answer?).await?;
    let (at, came) = arrival?;
    if !path.ends_with(came.trim_start_matches('/')) {
        return Err(Failure::new(format!("{came} came for {path}")));
    }
    Ok(at.saturating_duration_since(begin).as_secs_f64() * 1000.0)
}
