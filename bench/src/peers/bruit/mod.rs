//! `bruit agent`, with the LAN profile, every port chosen by the system.

mod build;
mod consumer;
mod http;
mod stream;

use crate::failure::{Doing as _, Failure};
use crate::peer::{
    Agent, Boxed, Interest, Peer, Publisher, Sent, Sight, Sink, Spot, Task, View, payload,
};
use crate::process::{Output, Process};
use consumer::Consumer;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use stream::Stream;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::ChildStdout;

pub(crate) use build::{BINARY_VARIABLE, binary};
pub(crate) use http::Client;

/// How long an agent may take to answer.
const READY_TIMEOUT: Duration = Duration::from_secs(60);

/// The kind of agent.
#[derive(Clone, Debug)]
pub(crate) struct Bruit {
    binary: PathBuf,
    version: String,
    /// Whether each agent has a service beside it, and what it gets is what counts.
    delivers: bool,
}

impl Bruit {
    /// Agents that run `binary`.
    pub(crate) fn new(binary: PathBuf) -> Result<Self, Failure> {
        let output = std::process::Command::new(&binary).arg("version").output();
        let output = output.doing(format_args!("running {}", binary.display()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version = text.lines().next().unwrap_or_default().trim().to_owned();
        Ok(Self { binary, version, delivers: false })
    }

    /// The same, each beside a service that is subscribed to everything.
    pub(crate) fn with_consumers(&self) -> Self {
        Self { delivers: true, ..self.clone() }
    }

    /// The program.
    pub(crate) fn binary(&self) -> &Path {
        &self.binary
    }

    fn arguments(&self, spot: Spot<'_>, consumer: Option<&Consumer>) -> Vec<String> {
        let mut arguments = vec!["agent".to_owned()];
        let mut flag = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
        flag("--name", format!("n{}", spot.index));
        flag("--bind", "127.0.0.1:0".to_owned());
        flag("--api", "127.0.0.1:0".to_owned());
        flag("--profile", "lan".to_owned());
        if let Some(seed) = spot.seed {
            flag("--join", seed.to_owned());
        }
        if let Some(consumer) = consumer {
            flag("--app", format!("http://{}", consumer.addr));
            flag("--subscribe", "bench/**".to_owned());
        }
        arguments.push("--quiet".to_owned());
        arguments
    }
}

impl Peer for Bruit {
    fn label(&self) -> &'static str {
        if self.delivers { "bruit, delivered" } else { "bruit" }
    }

    fn version(&self) -> String {
        self.version.clone()
    }

    fn spawn<'a>(&'a self, spot: Spot<'a>) -> Boxed<'a, Box<dyn Agent>> {
        Box::pin(async move {
            let consumer = if self.delivers { Some(Consumer::start().await?) } else { None };
            let arguments = self.arguments(spot, consumer.as_ref());
            let log = spot.dir.join(format!("bruit-{}.log", spot.index));
            let process = Process::start(&self.binary, &arguments, log, Output::Piped)?;
            let agent = BruitAgent {
                name: format!("n{}", spot.index),
                address: String::new(),
                api: None,
                stdout: None,
                process,
                consumer,
            };
            Ok(Box::new(agent) as Box<dyn Agent>)
        })
    }
}

#[derive(Debug)]
struct BruitAgent {
    name: String,
    address: String,
    api: Option<SocketAddr>,
    /// Kept open, as a program that starts agents would.
    stdout: Option<BufReader<ChildStdout>>,
    process: Process,
    consumer: Option<Consumer>,
}

/// The line that an agent prints when it is ready.
#[derive(Deserialize)]
struct Ready {
    gossip: SocketAddr,
    api: SocketAddr,
}

/// What is used of `/v1/status`.
#[derive(Deserialize)]
struct Status {
    members: BTreeMap<String, usize>,
    counters: BTreeMap<String, u64>,
}

impl BruitAgent {
    async fn read_ready_line(&mut self) -> Result<(), Failure> {
        let pipe = self.process.stdout().ok_or_else(|| Failure::new("no standard output"))?;
        let pipe = ChildStdout::from_std(pipe).doing("reading standard output")?;
        let reader = self.stdout.insert(BufReader::new(pipe));
        let mut line = String::new();
        let read = tokio::time::timeout(READY_TIMEOUT, reader.read_line(&mut line)).await;
        read.doing("waiting for the ready line")?.doing("reading the ready line")?;
        if line.is_empty() {
            // Its output has ended, so it ends: waiting is short.
            tokio::time::sleep(Duration::from_millis(100)).await;
            self.process.check()?;
        }
        let ready: Ready = serde_json::from_str(&line).doing("understanding the ready line")?;
        self.address = ready.gossip.to_string();
        self.api = Some(ready.api);
        Ok(())
    }

    async fn client(&self) -> Result<Client, Failure> {
        Client::connect(self.api()?).await
    }

    fn api(&self) -> Result<SocketAddr, Failure> {
        self.api.ok_or_else(|| Failure::new(format!("{} is not ready", self.name)))
    }

    async fn status(&self) -> Result<Status, Failure> {
        self.client().await?.json("/v1/status").await
    }
}

impl Agent for BruitAgent {
    fn name(&self) -> &str {
        &self.name
    }

    fn address(&self) -> &str {
        &self.address
    }

    fn process(&self) -> &Process {
        &self.process
    }

    fn process_mut(&mut self) -> &mut Process {
        &mut self.process
    }

    fn ready(&mut self) -> Boxed<'_, ()> {
        Box::pin(self.read_ready_line())
    }

    fn view(&self) -> Boxed<'_, View> {
        Box::pin(async move {
            let status = self.status().await?;
            let count = |state: &str| status.members.get(state).copied().unwrap_or(0);
            Ok(View { alive: count("alive") + count("suspect"), failed: count("failed") })
        })
    }

    fn publisher(&self) -> Boxed<'_, Box<dyn Publisher>> {
        Box::pin(async move {
            let client = self.client().await?;
            Ok(Box::new(BruitPublisher { client }) as Box<dyn Publisher>)
        })
    }

    fn watch(&self, interest: Interest, sink: Sink) -> Boxed<'_, Task> {
        Box::pin(async move {
            if let (Some(consumer), Interest::Items) = (&self.consumer, interest) {
                let told = std::rc::Rc::clone(&consumer.told);
                told.replace(Some(sink));
                return Ok(Task::run(std::future::pending()));
            }
            let mut stream = Stream::open(self.api()?, interest).await?;
            Ok(Task::run(async move {
                loop {
                    match stream.sight().await {
                        Ok(Some(sight)) => sink.tell(stream.read_at, sight),
                        Ok(None) => {}
                        Err(error) => {
                            sink.tell(Instant::now(), Sight::Lost(error.to_string()));
                            return;
                        }
                    }
                }
            }))
        })
    }

    fn sent(&self) -> Boxed<'_, Option<Sent>> {
        Box::pin(async move {
            let status = self.status().await?;
            let count = |name: &str| -> Result<u64, Failure> {
                let key = format!("bruit_{name}_total{{kind=\"out\"}}");
                let count = status.counters.get(&key).copied();
                count.ok_or_else(|| Failure::new(format!("/v1/status has no {key}")))
            };
            Ok(Some(Sent {
                datagrams: count("driver_datagrams")?,
                datagram_bytes: count("driver_datagram_bytes")?,
                stream_bytes: count("driver_stream_bytes")?,
            }))
        })
    }
}

#[derive(Debug)]
struct BruitPublisher {
    client: Client,
}

impl Publisher for BruitPublisher {
    fn publish<'a>(&'a mut self, token: &'a str) -> Boxed<'a, ()> {
        Box::pin(async move {
            let path = format!("/all/bench/{token}");
            self.client.post(&path, payload(token)).await
        })
    }
}
