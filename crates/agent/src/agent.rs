//! A running agent: started, asked for its addresses, shut down.

use crate::announced::Announced;
use crate::api::{CONNECTIONS_MAX, Server};
use crate::changes::Changes;
use crate::config::AgentConfig;
use crate::delivery::{Delivery, NoJournal, Source};
use crate::keys::{Keys, Ring};
use crate::network::{self, Seed};
use crate::orders::Orders;
use crate::questions::{self, Say};
use crate::random::random_bytes;
use crate::receipts::Receipts;
use crate::shared::{Counters, Ends, Facts, SAYS_MAX, Shared};
use crate::start::{Files, StartError, listen};
use crate::state::StateDir;
use crate::subscriptions::{Entry, KeepNothing, Subscriptions};
use crate::trace::Traces;
use crate::undone::Undone;
use crate::{VERSION, pump, upkeep};
use bruit_engine::Rng;
use bruit_model::{Command, CommandError, Node, Now};
use bruit_runtime::{Bound, Clock, Handle, Options};
use serde::Serialize;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

/// How long saying goodbye may take. Guess.
const LEAVE_PATIENCE: Duration = Duration::from_secs(3);
/// How long requests under way, to the API and to services, may take at the end. Guess.
const DRAIN_PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked whether deliveries have ended, at the end.
const DRAIN_PERIOD: Duration = Duration::from_millis(20);

/// What an agent tells once it is ready: the JSON ready line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ready {
    /// Its name.
    pub name: String,
    /// Its id, 32 hexadecimal digits.
    pub id: String,
    /// Where it gossips, with the real port.
    pub gossip: SocketAddr,
    /// Where its API listens, with the real port.
    pub api: SocketAddr,
    /// Its process.
    pub pid: u32,
    /// The version of this build.
    pub version: &'static str,
    /// Whether its identity outlives the process.
    pub persistent: bool,
}

/// A running agent. Dropping it ends it without a goodbye.
pub struct Agent {
    pub(crate) shared: Arc<Shared>,
    server: Option<Server>,
    tasks: Vec<JoinHandle<()>>,
    upkeep: Option<JoinHandle<()>>,
    stop_upkeep: Arc<Notify>,
    dir: Option<Arc<StateDir>>,
}

/// What starts a node: the native network, or a test's own.
type StartNode = fn(Seed, Now) -> Result<Box<dyn Node + Send>, CommandError>;

impl Agent {
    /// Opens the state directory, takes the ports, and starts everything, in the tokio runtime
    /// in which it is called. One thread is enough.
    ///
    /// # Errors
    /// See [`StartError`]; each names what to do about it.
    pub async fn start(config: AgentConfig) -> Result<Self, StartError> {
        Self::start_with(config, network::native).await
    }

    pub(crate) async fn start_with(
        config: AgentConfig,
        start_node: StartNode,
    ) -> Result<Self, StartError> {
        let Files { started, ring, token } = Files::read(&config).await?;
        let listener = listen(config.api).await?;
        let api =
            listener.local_addr().map_err(|source| StartError::Api { addr: config.api, source })?;
        let bound = bruit_runtime::bind(config.bind)?;
        let gossip = bound.local_addr();
        let advertise = config.advertise.map_or(gossip, |advertise| {
            SocketAddr::new(advertise.ip, advertise.port.unwrap_or(gossip.port()))
        });
        let id = bruit_wire::Identity::from_seed(&started.identity_seed).id();
        let name = config.name_or_host(&id);
        let seed = Seed {
            name: name.clone(),
            advertise,
            profile: config.profile,
            identity_seed: started.identity_seed,
            cluster_key: ring.as_ref().map(|ring| ring.primary().clone()),
            generation: started.generation,
            snapshot: started.snapshot,
        };
        let clock = Clock::new();
        let node = start_node(seed, clock.now())?;
        let me = node.id();
        let ready = Ready {
            name,
            id: me.to_string(),
            gossip,
            api,
            pid: std::process::id(),
            version: VERSION,
            persistent: started.dir.is_some(),
        };
        let facts = Facts {
            ready,
            me,
            advertise,
            profile: config.profile.word(),
            is_keyed: ring.is_some(),
            generation: started.generation,
            since_unix_millis: started.since_unix_millis,
            token,
            is_api_loopback: api.ip().is_loopback(),
        };
        let running = Running { bound, node, clock, listener, ring };
        Self::assemble(&config, facts, running, started.dir.map(Arc::new)).await
    }

    async fn assemble(
        config: &AgentConfig,
        facts: Facts,
        running: Running,
        dir: Option<Arc<StateDir>>,
    ) -> Result<Self, StartError> {
        let Running { bound, node, clock, listener, ring } = running;
        let (node, events) = bruit_runtime::spawn(bound, node, clock, Options::default());
        for key in ring.iter().flat_map(Ring::others) {
            command(&node, Command::InstallKey(Box::new(*key.bytes()))).await?;
        }
        let keys = ring.map(|ring| Keys::new(ring, dir.clone()));
        let (says, to_say) = mpsc::channel(SAYS_MAX);
        let shared = Arc::new(share(facts, node, says, keys));
        let mut agent = Self {
            shared,
            server: None,
            tasks: Vec::new(),
            upkeep: None,
            stop_upkeep: Arc::default(),
            dir,
        };
        let shared = &agent.shared;
        agent.tasks.push(tokio::spawn(pump::run(Arc::clone(shared), events)));
        agent.tasks.push(tokio::spawn(questions::say(Arc::clone(shared), to_say)));
        let entry = |(name, spec)| (name, Entry { spec, source: Source::Settings });
        let entries = config.subscriptions().into_iter().map(entry).collect();
        Subscriptions::start(shared, entries)
            .await
            .map_err(|e| StartError::Refused(e.to_string()))?;
        let tags = config.tags.iter().map(|(key, value)| (key.clone(), Some(value.clone().into())));
        command(&shared.node, Command::SetMetadata(tags.collect())).await?;
        if !config.join.is_empty() {
            command(&shared.node, Command::Join(config.join.clone())).await?;
        }
        let stop = Arc::clone(&agent.stop_upkeep);
        let upkeep = upkeep::run(Arc::clone(shared), agent.dir.clone(), stop);
        agent.upkeep = Some(tokio::spawn(upkeep));
        agent.server = Some(Server::start(listener, Arc::clone(shared), CONNECTIONS_MAX));
        for warning in shared.warnings() {
            tracing::warn!("{warning}");
        }
        Ok(agent)
    }

    /// What the ready line says.
    pub fn ready(&self) -> &Ready {
        &self.shared.facts.ready
    }

    /// Waits until somebody asks this agent, by its API, to leave. The caller then shuts it
    /// down.
    pub async fn leave_asked(&self) {
        self.shared.leave_asked.notified().await;
    }

    /// Lets items wait that are to go to services, while `is_held`: they are not there yet, or
    /// about to go.
    pub fn hold_deliveries(&self, is_held: bool) {
        self.shared.delivery.hold(is_held);
    }

    /// Ends the agent. If `graceful`, says goodbye to the group first, and lets requests under
    /// way come to their end; takes at most 13 s. Otherwise the others find out by themselves.
    pub async fn shutdown(mut self, graceful: bool) {
        let shared = Arc::clone(&self.shared);
        shared.is_leaving.store(true, Ordering::Relaxed);
        if graceful && matches!(shared.node.command(Command::Leave).await, Ok(Ok(_))) {
            drop(tokio::time::timeout(LEAVE_PATIENCE, shared.left.notified()).await);
        }
        let patience = if graceful { DRAIN_PATIENCE } else { Duration::ZERO };
        shared.changes.close();
        if let Some(server) = self.server.take() {
            server.stop(patience).await;
        }
        drop(tokio::time::timeout(patience, drained(&shared.delivery)).await);
        self.stop_upkeep.notify_one();
        if let Some(upkeep) = self.upkeep.take() {
            // It ends by the signal; if it panicked there is nothing to wait for.
            drop(upkeep.await);
        }
        if let Some(keys) = &shared.keys {
            keys.close();
        }
        if let Some(dir) = self.dir.take() {
            upkeep::keep(&shared, &dir, &mut Vec::new()).await;
        }
        shared.node.stop().await;
    }
}

impl std::fmt::Debug for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agent").field("ready", self.ready()).finish_non_exhaustive()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.shared.changes.close();
        self.tasks.iter().chain(&self.upkeep).for_each(JoinHandle::abort);
    }
}

/// What was taken and made before anything runs.
struct Running {
    bound: Bound,
    node: Box<dyn Node + Send>,
    clock: Clock,
    listener: TcpListener,
    ring: Option<Ring>,
}

fn share(facts: Facts, node: Handle, says: mpsc::Sender<Say>, keys: Option<Keys>) -> Shared {
    let receipts = Arc::<Receipts>::default();
    receipts.tell(says.clone());
    // Wall-clock microseconds: a later run starts higher than an earlier one has come.
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let first_id = u64::try_from(unix.as_micros()).unwrap_or(0);
    let changes = Arc::new(Changes::new(first_id));
    let undone = Arc::<Undone>::default();
    let traces = Arc::<Traces>::default();
    let ends = Ends {
        me: facts.me,
        receipts: Arc::clone(&receipts),
        changes: Arc::clone(&changes),
        undone: Arc::clone(&undone),
        traces: Arc::clone(&traces),
        says: says.clone(),
    };
    let rng = Rng::from_seed(u64::from_be_bytes(random_bytes()));
    let delivery = Delivery::new(move |report| ends.take(&report), Arc::new(NoJournal), rng);
    let told = Arc::clone(&changes);
    delivery.on_notice(move |notice| upkeep::tell(&told, notice));
    Shared {
        facts,
        node,
        delivery,
        subscriptions: Subscriptions::new(Arc::new(KeepNothing)),
        announced: Announced::default(),
        orders: Orders::default(),
        receipts,
        changes,
        undone,
        traces,
        questions: Arc::default(),
        says,
        keys,
        counters: Counters::default(),
        started: std::time::Instant::now(),
        is_leaving: AtomicBool::new(false),
        leave_asked: Notify::new(),
        left: Notify::new(),
        body_bytes: AtomicU64::new(0),
    }
}

async fn command(node: &Handle, command: Command) -> Result<(), StartError> {
    match node.command(command).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.into()),
        Err(stopped) => Err(StartError::Refused(stopped.to_string())),
    }
}

/// Waits until nothing is under way to a service.
async fn drained(delivery: &Delivery) {
    while delivery.in_flight() > 0 {
        tokio::time::sleep(DRAIN_PERIOD).await;
    }
}
