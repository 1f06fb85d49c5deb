//! A group of agents of one kind.

use crate::failure::{Doing as _, Failure};
use crate::peer::{Agent, Interest, Peer, Sighting, Sink, Spot, Task, View};
use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// How many sightings may wait to be taken.
const SIGHTINGS_MAX: usize = 65_536;
/// How often agents are asked for their view until they see all.
const POLL_PAUSE: Duration = Duration::from_millis(250);
/// How long an agent may take to answer a question.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Agents that know each other. Dropping it kills them and removes their files.
pub(crate) struct Group {
    label: &'static str,
    agents: Vec<Box<dyn Agent>>,
    _dir: TempDir,
}

impl Group {
    /// Starts a seed, then the others as fast as they can be spawned, and waits until each
    /// answers. Also says when the second was about to be spawned.
    pub(crate) async fn start_at_once(
        peer: &dyn Peer,
        count: usize,
    ) -> Result<(Self, Instant), Failure> {
        let mut group = Self::seed(peer).await?;
        let seed = group.agents[0].address().to_owned();
        let start = Instant::now();
        for index in 1..count {
            group.spawn(peer, index, Some(&seed)).await?;
        }
        for agent in &mut group.agents[1..] {
            agent.ready().await?;
        }
        Ok((group, start))
    }

    /// Starts one after the other and waits until each sees all.
    pub(crate) async fn start(
        peer: &dyn Peer,
        count: usize,
        patience: Duration,
    ) -> Result<Self, Failure> {
        let mut group = Self::seed(peer).await?;
        let seed = group.agents[0].address().to_owned();
        for index in 1..count {
            group.spawn(peer, index, Some(&seed)).await?;
            group.agents[index].ready().await?;
        }
        if group.converge(Instant::now() + patience).await?.is_none() {
            let least = group.views().await.iter().map(|view| view.alive).min().unwrap_or(0);
            return Err(Failure::new(format!(
                "{}: {count} agents do not all see each other after {} s (fewest seen: {least})",
                group.label,
                patience.as_secs()
            )));
        }
        Ok(group)
    }

    async fn seed(peer: &dyn Peer) -> Result<Self, Failure> {
        let dir = tempfile::Builder::new().prefix("bruit-bench-").tempdir();
        let dir = dir.doing("making a folder for logs")?;
        let mut group = Self { label: peer.label(), agents: Vec::new(), _dir: dir };
        group.spawn(peer, 0, None).await?;
        group.agents[0].ready().await?;
        Ok(group)
    }

    async fn spawn(
        &mut self,
        peer: &dyn Peer,
        index: usize,
        seed: Option<&str>,
    ) -> Result<(), Failure> {
        let spot = Spot { index, dir: self._dir.path(), seed };
        let agent = peer.spawn(spot).await?;
        self.agents.push(agent);
        Ok(())
    }

    /// The kind's name.
    pub(crate) fn label(&self) -> &'static str {
        self.label
    }

    /// The agents that run.
    pub(crate) fn agents(&self) -> &[Box<dyn Agent>] {
        &self.agents
    }

    /// How many run.
    pub(crate) fn len(&self) -> usize {
        self.agents.len()
    }

    /// Their process ids.
    pub(crate) fn pids(&self) -> Vec<u32> {
        self.agents.iter().map(|agent| agent.process().pid()).collect()
    }

    /// Kills the agent in place `index`, which leaves the group, and says its name and when.
    pub(crate) fn kill(&mut self, index: usize) -> (String, Instant) {
        let mut agent = self.agents.remove(index);
        let at = Instant::now();
        agent.process_mut().kill();
        (agent.name().to_owned(), at)
    }

    /// An error if an agent has ended by itself.
    pub(crate) fn check(&mut self) -> Result<(), Failure> {
        self.agents.iter_mut().try_for_each(|agent| agent.process_mut().check())
    }

    /// What each agent sees; one that does not answer sees nobody.
    pub(crate) async fn views(&self) -> Vec<View> {
        let mut views = Vec::new();
        for agent in &self.agents {
            views.push(view(agent.as_ref()).await);
        }
        views
    }

    /// Asks those that do not see all yet, now and then, until `deadline`. Says when the last one
    /// was found to see all; `None` if that did not come.
    pub(crate) async fn converge(&mut self, deadline: Instant) -> Result<Option<Instant>, Failure> {
        let count = self.len();
        let mut complete_at = Instant::now();
        let mut waiting: Vec<usize> = (0..count).collect();
        loop {
            let mut still = Vec::new();
            for index in waiting {
                if view(self.agents[index].as_ref()).await.alive == count {
                    complete_at = Instant::now();
                } else {
                    still.push(index);
                }
            }
            if still.is_empty() {
                // One that saw all may have come to doubt since.
                let views = self.views().await;
                still = (0..count).filter(|index| views[*index].alive != count).collect();
                if still.is_empty() {
                    return Ok(Some(complete_at));
                }
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            self.check()?;
            waiting = still;
            tokio::time::sleep(POLL_PAUSE).await;
        }
    }

    /// Listens to every agent.
    pub(crate) async fn watch(&self, interest: Interest) -> Result<Watching, Failure> {
        let (sender, sightings) = mpsc::channel(SIGHTINGS_MAX);
        let shed = Rc::new(Cell::new(0));
        let mut tasks = Vec::new();
        for (index, agent) in self.agents.iter().enumerate() {
            let sink = Sink::new(index, sender.clone(), Rc::clone(&shed));
            tasks.push(agent.watch(interest, sink).await?);
        }
        Ok(Watching { sightings, shed, _tasks: tasks })
    }
}

async fn view(agent: &dyn Agent) -> View {
    match tokio::time::timeout(ANSWER_TIMEOUT, agent.view()).await {
        Ok(Ok(view)) => view,
        Ok(Err(error)) => {
            eprintln!("warning: {} does not tell its view: {error}", agent.name());
            View::default()
        }
        Err(_) => View::default(),
    }
}

/// Listens to every agent of a group until it is dropped.
#[derive(Debug)]
pub(crate) struct Watching {
    sightings: mpsc::Receiver<Sighting>,
    shed: Rc<Cell<u64>>,
    _tasks: Vec<Task>,
}

impl Watching {
    /// The next sighting, if it comes before `deadline`.
    pub(crate) async fn next(&mut self, deadline: Instant) -> Result<Option<Sighting>, Failure> {
        if self.shed.get() > 0 {
            return Err(Failure::new("sightings came faster than they were taken"));
        }
        match tokio::time::timeout_at(deadline.into(), self.sightings.recv()).await {
            Err(_) => Ok(None),
            Ok(Some(sighting)) => Ok(Some(sighting)),
            Ok(None) => Err(Failure::new("nobody is watched")),
        }
    }
}
