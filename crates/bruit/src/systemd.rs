//! Tells systemd how the agent is doing, where systemd started it (`sd_notify(3)`).

use bruit_agent::Agent;
use sd_notify::NotifyState;
use std::convert::Infallible;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How often the status line is told at least.
const STATUS_PERIOD: Duration = Duration::from_secs(5);

/// The agent listens and can do its work.
pub(crate) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The agent is about to end.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Tells how the agent is doing, and feeds the watchdog, as long as the agent's node answers: one
/// that hangs is restarted by systemd. Does nothing where nobody listens.
pub(crate) async fn watch(agent: &Agent) -> Infallible {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return std::future::pending().await;
    }
    // Half of the time, as sd_watchdog_enabled(3) has it.
    let watchdog = sd_notify::watchdog_enabled().map(|time| time / 2);
    let period = watchdog.unwrap_or(STATUS_PERIOD).min(STATUS_PERIOD);
    let mut told = String::new();
    let mut next = Instant::now();
    loop {
        if let Some(line) = agent.heartbeat().await {
            if watchdog.is_some() {
                tell(&[NotifyState::Watchdog]);
            }
            if line != told {
                tell(&[NotifyState::Status(&line)]);
                told = line;
            }
        }
        next = (next + period).max(Instant::now());
        sleep_until(next).await;
    }
}

/// Without systemd there is no socket, and nothing is told.
fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd cannot be told");
    }
}
