//! One `bruit agent` with subscriptions from a file of settings.

use crate::failure::{Doing as _, Failure};
use crate::peer::Task;
use crate::peers::bruit::Client;
use crate::process::{Output, Process};
use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use std::cell::Cell;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ChildStdout;
use std::rc::Rc;

/// Connections by which items are published at once.
const PUBLISHERS: usize = 8;
/// The body of each item, in bytes.
pub(super) const BODY: &[u8] = &[b'x'; 100];

/// A running agent.
#[derive(Debug)]
pub(super) struct Agent {
    process: Process,
    /// Kept open, as a program that starts agents would.
    _stdout: BufReader<ChildStdout>,
    /// Where its API listens.
    pub(super) api: SocketAddr,
}

/// What is used of a subscription's status.
#[derive(Debug, Deserialize)]
pub(super) struct Status {
    pub(super) queued_items: u64,
    pub(super) queued_bytes: u64,
    pub(super) delivered: u64,
    pub(super) failed: u64,
    pub(super) shed: u64,
}

impl Agent {
    /// Starts one whose settings are `lines` of TOML, and waits until it is ready. With `data`,
    /// its state is in a folder.
    pub(super) fn start(
        program: &Path,
        lines: &str,
        folder: &Path,
        data: bool,
    ) -> Result<Self, Failure> {
        #[derive(Deserialize)]
        struct Ready {
            api: SocketAddr,
        }
        let file = folder.join("agent.toml");
        std::fs::write(&file, lines).doing("writing settings")?;
        let text = file.display().to_string();
        let mut arguments = vec!["agent", "--quiet", "--bind", "127.0.0.1:0"];
        arguments.extend(["--api", "127.0.0.1:0", "--config", &text]);
        let state = folder.join("state").display().to_string();
        if data {
            arguments.extend(["--data", &state]);
        }
        let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
        let log = folder.join("agent.log");
        let mut process = Process::start(program, &arguments, log, Output::Piped)?;
        let pipe = process.stdout().ok_or_else(|| Failure::new("no standard output"))?;
        let mut stdout = BufReader::new(pipe);
        let mut line = String::new();
        stdout.read_line(&mut line).doing("the ready line")?;
        if line.is_empty() {
            let log = std::fs::read_to_string(folder.join("agent.log")).unwrap_or_default();
            return Err(Failure::new(format!("the agent did not start: {log}")));
        }
        let Ready { api } = serde_json::from_str(&line).doing("the ready line")?;
        Ok(Self { process, _stdout: stdout, api })
    }

    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// A connection to its API.
    pub(super) async fn client(&self) -> Result<Client, Failure> {
        Client::connect(self.api).await
    }

    /// How a subscription is doing.
    pub(super) async fn status(&self, client: &mut Client, name: &str) -> Result<Status, Failure> {
        client.json(&format!("/v1/subscriptions/{name}")).await
    }

    /// Pauses or resumes a subscription.
    pub(super) async fn set(&self, name: &str, change: &str) -> Result<(), Failure> {
        let path = format!("/v1/subscriptions/{name}/{change}");
        drop(self.client().await?.send(Method::POST, &path, Bytes::new()).await?);
        Ok(())
    }

    /// Publishes `count` items below `path`, by several connections at once.
    pub(super) async fn publish(&self, path: &str, count: usize) -> Result<(), Failure> {
        let next = Rc::new(Cell::new(0));
        let trouble = Rc::<Cell<Option<Failure>>>::default();
        let mut tasks = Vec::new();
        for _ in 0..PUBLISHERS {
            let mut client = self.client().await?;
            let (next, trouble) = (Rc::clone(&next), Rc::clone(&trouble));
            let path = path.to_owned();
            tasks.push(Task::run(async move {
                while next.get() < count {
                    let number = next.replace(next.get() + 1);
                    let path = format!("/all/{path}/{number}");
                    if let Err(error) = client.post(&path, BODY.to_vec()).await {
                        trouble.set(Some(error));
                        return;
                    }
                }
            }));
        }
        for task in tasks {
            task.ended().await;
        }
        trouble.take().map_or(Ok(()), Err)
    }
}
