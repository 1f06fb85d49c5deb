//! The agents and services of the demo.

use super::child::{Agent, Flags, Ready, bruit, log_tail};
use super::service::Service;
use crate::args::Address;
use crate::client::{Client, Member};
use crate::exit::{Exit, Failure};
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::Instant;

/// How often a condition is looked at.
const PERIOD: Duration = Duration::from_millis(10);
/// How long each condition may take to come true. Guess, for a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);
/// How long an agent may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// One agent and the service beside it.
#[derive(Debug)]
pub(super) struct Node {
    /// The agent's name.
    pub(super) name: String,
    /// The service.
    pub(super) service: Service,
    /// Where the agent is, or was.
    pub(super) at: Ready,
    /// The agent, while it runs.
    agent: Option<Agent>,
    /// A connection to its API.
    pub(super) client: Client,
}

/// All of them. Agents are killed and the state is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Group {
    /// In order of their names.
    pub(super) nodes: Vec<Node>,
    folder: TempDir,
}

impl Group {
    /// Starts `count` agents, each beside a service of its own.
    pub(super) async fn new(count: usize) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("bruit-demo-").tempdir().map_err(|error| {
            Failure::new(Exit::Failed, format!("cannot make a folder for the state: {error}"))
                .hint("set TMPDIR to a folder that this user may write")
        })?;
        let any = Ready { gossip: "127.0.0.1:0".to_owned(), api: "127.0.0.1:0".to_owned() };
        let mut nodes: Vec<Node> = Vec::with_capacity(count);
        for number in 1..=count {
            let (name, service) = (format!("demo-{number}"), Service::start().await?);
            let first = nodes.first().map(|node| node.at.gossip.as_str());
            let (app, folder) = (service.url(), folder.path());
            let flags = Flags { name: &name, at: &any, join: first, app: &app, folder };
            let start = async {
                let mut agent = Agent::start(&flags)?;
                let at = agent.ready().await?;
                Ok((agent, at))
            };
            let with_log =
                |failure| log_tail(folder, &name).into_iter().fold(failure, Failure::detail);
            let (agent, at) = start.await.map_err(with_log)?;
            let client = client(&at)?;
            nodes.push(Node { name, service, at, agent: Some(agent), client });
        }
        Ok(Self { nodes, folder })
    }

    /// Kills an agent; its service goes on.
    pub(super) async fn kill(&mut self, index: usize) -> Result<(), Failure> {
        match self.nodes[index].agent.take() {
            Some(agent) => agent.kill().await,
            None => Ok(()),
        }
    }

    /// Starts a killed agent again, with its state and at its addresses.
    pub(super) async fn restart(&mut self, index: usize) -> Result<(), Failure> {
        let join = self.nodes[usize::from(index == 0)].at.gossip.clone();
        let node = &mut self.nodes[index];
        let app = node.service.url();
        let flags = Flags {
            name: &node.name,
            at: &node.at,
            join: Some(&join),
            app: &app,
            folder: self.folder.path(),
        };
        let mut agent = Agent::start(&flags)?;
        agent.ready().await?;
        node.agent = Some(agent);
        node.client = client(&node.at)?;
        Ok(())
    }

    /// Waits until `is_so` of the member list of every running agent; `what` is said if it does
    /// not come. Gives the time that it took.
    pub(super) async fn wait_until(
        &mut self,
        what: &str,
        is_so: impl Fn(&[Member]) -> bool,
    ) -> Result<Duration, Failure> {
        let begin = Instant::now();
        for node in self.nodes.iter_mut().filter(|node| node.agent.is_some()) {
            loop {
                let members: Vec<Member> = node.client.get("/v1/members").await?;
                if is_so(&members) {
                    break;
                }
                if begin.elapsed() > DEADLINE {
                    let told: Vec<String> = members.iter().map(short).collect();
                    let text = format!("{} did not see within {DEADLINE:?} that {what}", node.name);
                    let failure = Failure::new(Exit::Failed, text);
                    return Err(told.into_iter().fold(failure, Failure::detail));
                }
                tokio::time::sleep(PERIOD).await;
            }
        }
        Ok(begin.elapsed())
    }

    /// Waits until a service has got all of these requests. Gives the time that it took.
    pub(super) async fn wait_for_service(
        &self,
        index: usize,
        method: &str,
        targets: &[String],
    ) -> Result<Duration, Failure> {
        let begin = Instant::now();
        let service = &self.nodes[index].service;
        loop {
            let got = targets.iter().filter(|target| service.count(method, target) > 0).count();
            if got == targets.len() {
                return Ok(begin.elapsed());
            }
            if begin.elapsed() > DEADLINE {
                let (name, all) = (&self.nodes[index].name, targets.len());
                let text = format!("the service of {name} got {got} of {all} within {DEADLINE:?}");
                return Err(Failure::new(Exit::Failed, text));
            }
            tokio::time::sleep(PERIOD).await;
        }
    }

    /// Runs `bruit` with these arguments against an agent; gives what it printed.
    pub(super) async fn bruit(&self, index: usize, args: &[&str]) -> Result<String, Failure> {
        let mut command = bruit()?;
        command.args(args).args(["--addr", &self.nodes[index].at.api]).stdin(Stdio::null());
        let failed = |why: String| {
            Failure::new(Exit::Failed, format!("`bruit {}` failed: {why}", args.join(" ")))
        };
        let output = command.output().await.map_err(|error| failed(error.to_string()))?;
        if !output.status.success() {
            return Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The last lines of every agent's log.
    pub(super) fn logs(&self) -> Vec<String> {
        self.nodes.iter().flat_map(|node| log_tail(self.folder.path(), &node.name)).collect()
    }

    /// Ends every agent, and removes all state.
    pub(super) async fn end(mut self) {
        for node in &mut self.nodes {
            if let Some(agent) = node.agent.take() {
                // One that has ended by itself is gone as well.
                drop(agent.kill().await);
            }
        }
        if let Err(error) = self.folder.close() {
            crate::out::tell(&format!("warning: the demo's folder was not removed: {error}"));
        }
    }
}

fn short(member: &Member) -> String {
    format!("{} {}: {}", member.name, member.state, member.why)
}

fn client(at: &Ready) -> Result<Client, Failure> {
    Client::new(&Address { addr: at.api.clone(), token: None, curl: false }, ANSWER_TIMEOUT)
}
