//! What all subscriptions share: where reports go, the journal, the clock, the tasks.

use super::journal::Journal;
use super::outcome::Report;
use super::status::Notice;
use bruit_engine::Rng;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

type Sink = dyn Fn(Report) + Send + Sync;
type NoticeSink = dyn Fn(Notice) + Send + Sync;
/// Gives milliseconds since 1970-01-01 UTC.
pub(super) type WallClock = dyn Fn() -> u64 + Send + Sync;

/// Shared by all subscriptions.
pub(super) struct Hub {
    pub(super) sink: Box<Sink>,
    pub(super) notices: OnceLock<Box<NoticeSink>>,
    pub(super) journal: Arc<dyn Journal>,
    wall: Box<WallClock>,
    rng: Mutex<Rng>,
    /// Nothing new is started.
    is_stopping: AtomicBool,
    /// Nothing new goes over HTTP for now.
    is_held: AtomicBool,
    /// Deliveries under way, of all subscriptions.
    pub(super) in_flight: AtomicUsize,
    runtime: Handle,
    tasks: Mutex<JoinSet<()>>,
}

impl Hub {
    /// # Panics
    /// Outside a tokio runtime.
    pub(super) fn new(
        sink: Box<Sink>,
        journal: Arc<dyn Journal>,
        rng: Rng,
        wall: Box<WallClock>,
    ) -> Self {
        Self {
            sink,
            notices: OnceLock::new(),
            journal,
            wall,
            rng: Mutex::new(rng),
            is_stopping: AtomicBool::new(false),
            is_held: AtomicBool::new(false),
            in_flight: AtomicUsize::new(0),
            runtime: Handle::current(),
            tasks: Mutex::new(JoinSet::new()),
        }
    }

    /// The wall clock, milliseconds since 1970-01-01 UTC. Nothing is timed by it.
    pub(super) fn unix_millis(&self) -> u64 {
        (self.wall)()
    }

    /// Uniform in `0..bound`.
    pub(super) fn duration_below(&self, bound: Duration) -> Duration {
        self.rng.lock().unwrap_or_else(PoisonError::into_inner).duration_below(bound)
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }

    pub(super) fn is_held(&self) -> bool {
        self.is_held.load(Ordering::Relaxed)
    }

    pub(super) fn hold(&self, is_held: bool) {
        self.is_held.store(is_held, Ordering::Relaxed);
    }

    pub(super) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    /// A delivery began.
    pub(super) fn took_off(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// A delivery that had begun is over.
    pub(super) fn landed(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// Starts a task that ends with the delivery at the latest.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(ended) = tasks.try_join_next() {
            if let Err(error) = ended
                && error.is_panic()
            {
                tracing::error!(%error, "a delivery task ended by a bug");
            }
        }
        tasks.spawn_on(task, &self.runtime);
    }

    /// Ends all tasks.
    pub(super) fn abort(&self) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }
}

/// The system's wall clock.
pub(super) fn system_wall() -> u64 {
    millis(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
