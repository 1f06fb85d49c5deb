//! A consumer that is dead and has a full queue: what that costs the agent and its neighbours.

use super::agent::{Agent, BODY, Status};
use super::service::Service;
use crate::failure::{Doing as _, Failure};
use crate::peers::bruit::Client;
use crate::procfs::Memory;
use crate::stats::Summary;
use bytes::Bytes;
use http::Method;
use serde::Serialize;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// Calls to the living consumer, before and after.
const CALLS: usize = 1000;
/// How long one call may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The bound of the dead consumer's queue, in bytes.
const QUEUE_BYTES: u64 = 48 * 1024 * 1024;
/// How long the agent is left alone with the full queue.
const SETTLE: Duration = Duration::from_secs(3);

/// The outcome.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Dead {
    /// Items that wait at the end.
    pub(super) queued: u64,
    /// What they count as, in MiB.
    pub(super) queued_mib: f64,
    /// The bound, in MiB.
    pub(super) bound_mib: f64,
    /// By how much the process grew, in MiB.
    pub(super) grown_mib: f64,
    /// Items dropped to hold the bound.
    pub(super) shed: u64,
    /// Until the living consumer has a request, before and with the full queue.
    pub(super) before_ms: Option<Summary>,
    pub(super) with_ms: Option<Summary>,
    /// The second by the first, by repetition.
    pub(super) ratio: Option<Summary>,
}

/// Two agents that are alike but for the queue take turns, so that noise meets both.
pub(super) async fn run(program: &Path, items: usize, reps: usize) -> Result<Dead, Failure> {
    // It is connected to and never answers.
    let silent = TcpListener::bind(("127.0.0.1", 0)).await.doing("listening")?;
    let silent = silent.local_addr().map(|addr| (silent, addr)).doing("asking for a port")?;
    let mut free = Side::start(program, silent.1).await?;
    let mut full = Side::start(program, silent.1).await?;
    free.calls(CALLS).await?;
    full.calls(CALLS).await?;
    let memory = Memory::of(full.agent.pid())?;
    full.agent.publish("dead", items).await?;
    tokio::time::sleep(SETTLE).await;
    let (mut before, mut with, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..reps {
        let [a, b] = [free.calls(CALLS).await?, full.calls(CALLS).await?];
        before.push(a);
        with.push(b);
        ratios.push(b / a);
    }
    let grown = Memory::of(full.agent.pid())?.rss.saturating_sub(memory.rss);
    let status = full.status().await?;
    Ok(Dead {
        queued: status.queued_items,
        queued_mib: mib(status.queued_bytes),
        bound_mib: mib(QUEUE_BYTES),
        grown_mib: mib(grown),
        shed: status.shed,
        before_ms: Summary::of(&before),
        with_ms: Summary::of(&with),
        ratio: Summary::of(&ratios),
    })
}

fn mib(bytes: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "megabytes, shown with two digits")]
    let bytes = bytes as f64;
    bytes / 1_048_576.0
}

/// An agent with a dead and a living consumer.
struct Side {
    agent: Agent,
    client: Client,
    calls: usize,
    service: Service,
    _folder: tempfile::TempDir,
}

impl Side {
    async fn start(program: &Path, silent: std::net::SocketAddr) -> Result<Self, Failure> {
        let folder = tempfile::tempdir().doing("a folder")?;
        let service = Service::start().await?;
        let settings = format!(
            "[[subscription]]\nname = \"dead\"\npattern = \"dead/**\"\n\
             endpoint = \"http://{silent}\"\ntimeout = \"500ms\"\n\
             queue_items = 1000000\nqueue_bytes = {QUEUE_BYTES}\n\
             [[subscription]]\nname = \"living\"\npattern = \"living/**\"\n\
             endpoint = \"http://{}\"\n",
            service.addr
        );
        let agent = Agent::start(program, &settings, folder.path(), false)?;
        let client = agent.client().await?;
        Ok(Self { agent, client, calls: 0, service, _folder: folder })
    }

    async fn status(&mut self) -> Result<Status, Failure> {
        self.agent.status(&mut self.client, "dead").await
    }

    /// The median time until the living consumer has a request, in milliseconds.
    async fn calls(&mut self, count: usize) -> Result<f64, Failure> {
        let mut times = Vec::with_capacity(count);
        for _ in 0..count {
            self.calls += 1;
            let path = format!("/all/living/{}", self.calls);
            let begin = Instant::now();
            let answered = self.client.send(Method::POST, &path, Bytes::from_static(BODY));
            let both = async { tokio::join!(answered, self.service.arrival()) };
            let (answer, arrival) = tokio::time::timeout(PATIENCE, both).await.doing("a call")?;
            self.client.finish(answer?).await?;
            times.push(arrival?.0.saturating_duration_since(begin).as_secs_f64() * 1000.0);
        }
        Ok(Summary::of(&times).unwrap_or_default().p50)
    }
}
