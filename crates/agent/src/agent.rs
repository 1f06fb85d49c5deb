//! A running agent: started, asked for its addresses, shut down.

use crate::announced::Announced;
use crate::api::{CONNECTIONS_MAX, Server};
use crate::changes::Changes;
use crate::config::AgentConfig;
use crate::delivery::{Delivery, Journal, NoJournal};
use crate::keys::{Keys, Ring};
use crate::metrics::{Durations, Propagation};
use crate::network::{self, Seed};
use crate::orders::Orders;
use crate::passage::{self, Passage};
use crate::questions::{self, Say};
use crate::random::random_bytes;
use crate::receipts::Receipts;
use crate::reload::{self, Reload, ReloadError, Reloaded, Settings};
use crate::shared::{Counters, Ends, Facts, SAYS_MAX, Shared};
use crate::start::{Files, StartError, listen};
use crate::state::StateDir;
use crate::store::{Handled, Loaded, StoreJournal, StoreThread};
use crate::subscriptions::{Keep, KeepNothing, Subscriptions};
use crate::trace::Traces;
use crate::{VERSION, drain, dump, pump, restore, upkeep};
use bruit_engine::Rng;
use bruit_model::{Command, CommandError, Node, Now};
use bruit_runtime::{Bound, Clock, Handle, Options};
use serde::Serialize;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

/// How long saying goodbye may take. Guess.
const LEAVE_PATIENCE: Duration = Duration::from_secs(3);
/// How long requests to the API that are under way may take at the end. Guess.
const API_PATIENCE: Duration = Duration::from_secs(5);

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

/// What shows that an agent is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// Members that answer, this one included.
    pub members_alive: usize,
    /// Members that are known and have not left.
    pub members: usize,
    /// Local subscriptions.
    pub subscriptions: usize,
    /// Items that wait for them.
    pub queued_items: usize,
    /// Deliveries that are under way.
    pub in_flight: usize,
    /// Whether the agent is on its way out.
    pub is_leaving: bool,
}

/// A running agent. Dropping it ends it without a goodbye.
pub struct Agent {
    pub(crate) shared: Arc<Shared>,
    server: Option<Server>,
    tasks: Vec<JoinHandle<()>>,
    upkeep: Option<JoinHandle<()>>,
    stop_upkeep: Arc<Notify>,
    /// Writes what waits when it is dropped.
    store: Option<StoreThread>,
    /// Held as long as the store writes.
    _dir: Option<Arc<StateDir>>,
}

/// What starts a node: the native network, or a test's own.
type StartNode = fn(Seed, Now) -> Result<Box<dyn Node + Send>, CommandError>;

impl Agent {
    /// Opens the state directory, takes the ports, and starts everything, in the tokio runtime
    /// in which it is called. One thread is enough.
    ///
    /// # Errors
    /// See [`StartError`]; each names what to do about it.
    pub async fn start(settings: impl Into<Settings>) -> Result<Self, StartError> {
        Self::start_with(settings, network::native).await
    }

    pub(crate) async fn start_with(
        settings: impl Into<Settings>,
        start_node: StartNode,
    ) -> Result<Self, StartError> {
        let settings = settings.into();
        let config = settings.config.clone();
        let Files { started, stored, ring, token } = Files::read(&config).await?;
        let (store, mut loaded) = stored.unzip();
        let (snapshot, held) = loaded.as_mut().map(Loaded::take_node).unwrap_or_default();
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
            snapshot,
            held,
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
            is_api_loopback: api.ip().is_loopback(),
        };
        let reload = Reload::new(settings, token);
        let running = Running { bound, node, clock, listener, ring, reload };
        let kept = Kept { dir: started.dir.map(Arc::new), store, loaded };
        Self::assemble(&config, facts, running, kept).await
    }

    async fn assemble(
        config: &AgentConfig,
        facts: Facts,
        running: Running,
        kept: Kept,
    ) -> Result<Self, StartError> {
        let Running { bound, node, clock, listener, ring, reload } = running;
        let Kept { dir, store, mut loaded } = kept;
        let (node, events) = bruit_runtime::spawn(bound, node, clock, Options::default());
        for key in ring.iter().flat_map(Ring::others) {
            command(&node, Command::InstallKey(Box::new(*key.bytes()))).await?;
        }
        let keys = ring.map(|ring| Keys::new(ring, dir.clone()));
        let (says, to_say) = mpsc::channel(SAYS_MAX);
        let handled = loaded.as_mut().map(|loaded| std::mem::take(&mut loaded.handled));
        let (passage, asked) = passage::passage();
        let ways = Ways { node, says, passage, reload, keys };
        let shared = Arc::new(share(facts, ways, store.as_ref(), handled.unwrap_or_default()));
        let mut agent = Self {
            shared,
            server: None,
            tasks: Vec::new(),
            upkeep: None,
            stop_upkeep: Arc::default(),
            store,
            _dir: dir,
        };
        let shared = &agent.shared;
        agent.tasks.push(tokio::spawn(questions::say(Arc::clone(shared), to_say)));
        let subscriptions = config.subscriptions();
        restore::restore(shared, subscriptions, loaded).await?;
        agent.tasks.push(tokio::spawn(pump::run(Arc::clone(shared), events, asked)));
        let tags = config.tags.iter().map(|(key, value)| (key.clone(), Some(value.clone().into())));
        command(&shared.node, Command::SetMetadata(tags.collect())).await?;
        if !config.join.is_empty() {
            command(&shared.node, Command::Join(config.join.clone())).await?;
        }
        let stop = Arc::clone(&agent.stop_upkeep);
        agent.upkeep = Some(tokio::spawn(upkeep::run(Arc::clone(shared), stop)));
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

    /// Reads the settings again, and applies what can be applied while the agent runs.
    ///
    /// # Errors
    /// See [`ReloadError`]; nothing was changed then.
    pub async fn reload(&self) -> Result<Reloaded, ReloadError> {
        reload::reload(&self.shared).await
    }

    /// Logs how the agent is doing, with a line for each subscription.
    pub async fn dump(&self) {
        dump::dump(&self.shared).await;
    }

    /// Asks the node, and tells how the agent is doing; `None` if the node has stopped. Waits as
    /// long as the node does not answer.
    pub async fn pulse(&self) -> Option<Pulse> {
        let shared = &self.shared;
        let counts = shared.node.with(|node, now| node.members(now).counts()).await.ok()?;
        let statuses = shared.delivery.snapshot();
        Some(Pulse {
            members_alive: counts[0],
            // The last are those that left.
            members: counts[..3].iter().sum(),
            subscriptions: statuses.len(),
            queued_items: statuses.iter().map(|status| status.queued_items).sum(),
            in_flight: shared.delivery.in_flight(),
            is_leaving: shared.is_leaving.load(Ordering::Relaxed),
        })
    }

    /// Begins the end: no delivery begins any more, those under way end, and the service beside
    /// the agent, if there is one, closes. Until it has, it can publish: gossip and API stay open.
    /// Takes at most the drain timeout of the settings. [`Agent::shutdown`] is to follow.
    pub async fn drain(&self) {
        drain::drain(&self.shared, true).await;
    }

    /// Ends the agent. If `graceful`, lets deliveries under way come to their end, which takes at
    /// most the drain timeout, then says goodbye to the group and lets requests to the API end,
    /// which takes at most 8 s. Otherwise the others find out by themselves.
    pub async fn shutdown(mut self, graceful: bool) {
        let shared = Arc::clone(&self.shared);
        shared.is_leaving.store(true, Ordering::Relaxed);
        if graceful {
            drain::drain(&shared, false).await;
            if matches!(shared.node.command(Command::Leave).await, Ok(Ok(_))) {
                drop(tokio::time::timeout(LEAVE_PATIENCE, shared.left.notified()).await);
            }
        }
        let patience = if graceful { API_PATIENCE } else { Duration::ZERO };
        shared.changes.close();
        shared.delivery.stop_taking();
        if let Some(server) = self.server.take() {
            server.stop(patience).await;
        }
        self.stop_upkeep.notify_one();
        if let Some(upkeep) = self.upkeep.take() {
            // It ends by the signal; if it panicked there is nothing to wait for.
            drop(upkeep.await);
        }
        if let Some(keys) = &shared.keys {
            keys.close();
        }
        if let Some(store) = &shared.store {
            upkeep::keep(&shared, store, &mut Vec::new()).await;
        }
        shared.node.stop().await;
        if let Some(store) = self.store.take() {
            // It ends when all is written; if it panicked there is nothing to wait for.
            drop(tokio::task::spawn_blocking(move || drop(store)).await);
        }
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
        self.shared.delivery.stop_taking();
        self.tasks.iter().chain(&self.upkeep).for_each(JoinHandle::abort);
    }
}

/// What was taken and made before anything runs.
struct Running {
    bound: Bound,
    node: Box<dyn Node + Send>,
    clock: Clock,
    listener: TcpListener,
    reload: Reload,
    ring: Option<Ring>,
}

/// What outlives a run.
struct Kept {
    dir: Option<Arc<StateDir>>,
    store: Option<StoreThread>,
    loaded: Option<Loaded>,
}

/// How the parts reach each other.
struct Ways {
    node: Handle,
    says: mpsc::Sender<Say>,
    passage: Passage,
    reload: Reload,
    keys: Option<Keys>,
}

fn share(facts: Facts, ways: Ways, store: Option<&StoreThread>, handled: Handled) -> Shared {
    let Ways { node, says, passage, reload, keys } = ways;
    let receipts = Arc::<Receipts>::default();
    receipts.tell(says.clone());
    // Wall-clock microseconds: a later run starts higher than an earlier one has come.
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let first_id = u64::try_from(unix.as_micros()).unwrap_or(0);
    let changes = Arc::new(Changes::new(first_id));
    let traces = Arc::<Traces>::default();
    let durations = Arc::<Durations>::default();
    let ends = Ends {
        me: facts.me,
        receipts: Arc::clone(&receipts),
        changes: Arc::clone(&changes),
        traces: Arc::clone(&traces),
        says: says.clone(),
        durations: Arc::clone(&durations),
    };
    let rng = Rng::from_seed(u64::from_be_bytes(random_bytes()));
    let store = store.map(StoreThread::store);
    let (journal, keep): (Arc<dyn Journal>, Arc<dyn Keep>) = match &store {
        Some(store) => {
            let journal = Arc::new(StoreJournal(Arc::clone(store)));
            (Arc::<StoreJournal>::clone(&journal), journal)
        }
        None => (Arc::new(NoJournal), Arc::new(KeepNothing)),
    };
    let delivery = Delivery::new(move |report| ends.take(&report), journal, rng);
    let told = Arc::clone(&changes);
    delivery.on_notice(move |notice| upkeep::tell(&told, notice));
    Shared {
        facts,
        node,
        delivery,
        reload,
        subscriptions: Subscriptions::new(keep),
        announced: Announced::default(),
        orders: Orders::default(),
        durations,
        propagation: Propagation::default(),
        receipts,
        changes,
        store,
        handled,
        passage,
        traces,
        questions: Arc::default(),
        says,
        keys,
        counters: Counters::default(),
        started: std::time::Instant::now(),
        is_leaving: AtomicBool::new(false),
        drain_until: OnceLock::new(),
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
