//! The time between the wish that an agent ends and its goodbye.
//!
//! What is under way to services ends, and nothing new begins; publishing stays open meanwhile, and
//! until the service has closed, so that what it says at its own end is still spread.

use crate::Agent;
use crate::config::AgentConfig;
use crate::delivery::Endpoint;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpStream;

/// How often it is looked whether deliveries have ended, and whether the service is there.
const PERIOD: Duration = Duration::from_millis(50);
/// How long a service may take to take a connection before it counts as closed. Guess.
const CONNECT_PATIENCE: Duration = Duration::from_secs(1);

/// What is waited for at the end.
#[derive(Clone, Debug)]
pub(crate) struct Drain {
    timeout: Duration,
    app: Option<Endpoint>,
}

impl Drain {
    /// As the settings say.
    pub(crate) fn new(config: &AgentConfig) -> Self {
        Self { timeout: config.drain_timeout, app: config.app.clone() }
    }
}

impl Agent {
    /// Ends what is under way to services while the API stays open; with `waits_for_app`, also
    /// waits until the service of the settings takes no more connections. At most the drain
    /// timeout of the settings. [`Agent::shutdown`] comes next.
    pub async fn drain(&self, waits_for_app: bool) {
        let shared = &self.shared;
        shared.is_leaving.store(true, Ordering::Relaxed);
        shared.delivery.stop_taking();
        let app = self.drain.app.as_ref().filter(|_| waits_for_app);
        let ended = async {
            while shared.delivery.in_flight() > 0 {
                tokio::time::sleep(PERIOD).await;
            }
            if let Some(app) = app {
                tracing::info!(%app, "waiting until the service has closed");
                while is_open(app).await {
                    tokio::time::sleep(PERIOD).await;
                }
            }
        };
        if tokio::time::timeout(self.drain.timeout, ended).await.is_err() {
            let in_flight = shared.delivery.in_flight();
            tracing::warn!(in_flight, timeout = ?self.drain.timeout, "the drain timeout is over");
        }
    }
}

async fn is_open(app: &Endpoint) -> bool {
    let connecting = TcpStream::connect((app.host(), app.port()));
    matches!(tokio::time::timeout(CONNECT_PATIENCE, connecting).await, Ok(Ok(_)))
}
