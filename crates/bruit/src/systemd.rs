//! Tells systemd, or a manager that speaks as it does, how the agent is: `sd_notify(3)`.
//!
//! ```text
//! started: READY=1, STATUS=…        reload: RELOADING=1, MONOTONIC_USEC=…, then READY=1
//! meanwhile: STATUS=… as it changes, WATCHDOG=1 twice in each WATCHDOG_USEC     end: STOPPING=1
//! ```
//!
//! The watchdog is fed only after the agent's node has answered, so that an agent that hangs is
//! ended and started again. Without `NOTIFY_SOCKET` nothing is told.

use bruit_agent::{Agent, Pulse};
use sd_notify::NotifyState;
use std::time::Duration;

/// How often the status is looked at, unless the watchdog asks for more. Guess.
const STATUS_PERIOD: Duration = Duration::from_secs(2);

/// Tells the manager; that it does not listen is no reason to end.
fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager was not told");
    }
}

/// The agent listens and has its settings.
pub(crate) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// A reload begins. [`ready`] is to follow.
pub(crate) fn reloading() {
    // From version 253 on systemd fails a reload that does not say when it began.
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "the service manager was not told of the reload"),
    }
}

/// The agent ends.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("ending")]);
}

/// Tells how `agent` is, for as long as it is waited for. Never ends.
pub(crate) async fn watch(agent: &Agent) {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return std::future::pending().await;
    }
    let watchdog = sd_notify::watchdog_enabled().map(|period| period / 2);
    let period = watchdog.map_or(STATUS_PERIOD, |watchdog| watchdog.min(STATUS_PERIOD));
    let mut told = String::new();
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // As long as it does not answer, the manager hears nothing.
        let Some(pulse) = agent.pulse().await else { return std::future::pending().await };
        if watchdog.is_some() {
            tell(&[NotifyState::Watchdog]);
        }
        let status = status(&pulse);
        if status != told {
            tell(&[NotifyState::Status(&status)]);
            told = status;
        }
    }
}

/// One line.
fn status(pulse: &Pulse) -> String {
    let Pulse { members_alive, members, subscriptions, queued_items, in_flight, .. } = pulse;
    if pulse.is_leaving {
        return format!("ending: {in_flight} deliveries under way, {queued_items} items wait");
    }
    format!(
        "{members_alive} of {members} members alive, {subscriptions} subscriptions, {queued_items} \
         items wait"
    )
}
