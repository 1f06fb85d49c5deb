//! How deliveries end, so that nothing is cut off and nothing is lost.
//!
//! ```text
//! nothing new is begun -> what is under way ends -> the service closes -> goodbye
//!      gossip and API stay open all the time: the service can publish to its end
//! ```
//!
//! All of it together takes at most the drain timeout. What has not been begun waits for the next
//! run, where there is a state directory.

use crate::delivery::Endpoint;
use crate::shared::Shared;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// How often it is looked whether deliveries have ended.
const PERIOD: Duration = Duration::from_millis(20);
/// How often it is looked whether the service has closed.
const PROBE_PERIOD: Duration = Duration::from_millis(100);
/// How long a service may take to accept a connection; one that does not is still there. Guess.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// Ends deliveries, and waits until what is under way has ended and, if it is to be waited for,
/// the service beside the agent has closed. The time that all calls together take is bounded.
pub(crate) async fn drain(shared: &Shared, waits_for_app: bool) {
    shared.is_leaving.store(true, Ordering::Relaxed);
    shared.delivery.stop_taking();
    let (patience, app) = shared.reload.of(|config| (config.drain_timeout, config.app.clone()));
    let until = *shared.drain_until.get_or_init(|| Instant::now() + patience);
    let drained = async {
        while shared.delivery.in_flight() > 0 {
            sleep(PERIOD).await;
        }
        if let Some(app) = app.filter(|_| waits_for_app) {
            closed(&app).await;
        }
    };
    if timeout_at(until, drained).await.is_err() {
        let in_flight = shared.delivery.in_flight();
        tracing::warn!(in_flight, ?patience, "the end was waited for as long as --drain-timeout");
    }
}

/// Waits until nobody accepts connections for the service.
async fn closed(app: &Endpoint) {
    let mut is_told = false;
    while !matches!(
        timeout(PROBE_TIMEOUT, TcpStream::connect((app.host(), app.port()))).await,
        Ok(Err(_))
    ) {
        if !is_told {
            is_told = true;
            tracing::info!(%app, "waiting for the service to close; it can publish until then");
        }
        sleep(PROBE_PERIOD).await;
    }
}
