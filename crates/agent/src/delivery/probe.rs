//! Asks a consumer whether it is well.

use super::http;
use super::lane::Lane;
use super::state::Wellness;
use super::{Health, Mode, Subscription};
use std::sync::Arc;
use tokio::time::{Instant, sleep_until, timeout};

/// Runs until another probe takes its place, or the subscription is removed. Nothing is asked
/// while the subscription is paused.
pub(super) async fn run(lane: Arc<Lane>, number: u64) {
    loop {
        let subscription = {
            let state = lane.state();
            if state.workers.probe != number {
                return;
            }
            state.paused.is_none().then(|| Arc::clone(&state.subscription))
        };
        let Some(subscription) = subscription else {
            lane.probe.notified().await;
            continue;
        };
        let Some(health) = &subscription.health else { return };
        let next = Instant::now() + health.period;
        let answer = ask(&subscription, health).await;
        lane.hear(number, answer);
        tokio::select! {
            () = sleep_until(next) => {}
            () = lane.probe.notified() => {}
        }
    }
}

async fn ask(subscription: &Subscription, health: &Health) -> Wellness {
    let Mode::Http(mode) = &subscription.mode else { return Wellness::Up };
    let limit = health.period.min(subscription.policy.timeout);
    let answer = timeout(limit, http::get(mode, subscription.host.as_deref(), &health.path)).await;
    let (path, authority) = (&health.path, mode.endpoint.authority());
    match answer {
        Ok(Ok(status)) if status.is_success() => Wellness::Up,
        Ok(Ok(status)) => {
            Wellness::Down(format!("GET {path} of {authority} answered {}", status.as_u16()))
        }
        Ok(Err(error)) => Wellness::Down(format!("GET {path} of {authority}: {error}")),
        Err(_) => Wellness::Down(format!("GET {path} of {authority}: no answer in {limit:?}")),
    }
}
