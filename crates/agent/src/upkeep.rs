//! What is done now and then: the node's snapshot is kept. And what is told of subscriptions.

use crate::api::views::ChangeView;
use crate::changes::{Changes, Kind};
use crate::delivery::{Notice, SubscriptionState};
use crate::shared::{Shared, count};
use crate::state::StateDir;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// How often. A run that is killed starts from a snapshot this old, and delivers again what ended
/// since. Guess.
const PERIOD: Duration = Duration::from_secs(1);
/// How often without a state directory, when there is nothing to keep. Guess.
const PERIOD_IN_MEMORY: Duration = Duration::from_secs(5);

/// Runs until `stop` is told; then nothing is being written any more.
pub(crate) async fn run(shared: Arc<Shared>, dir: Option<Arc<StateDir>>, stop: Arc<Notify>) {
    let period = if dir.is_some() { PERIOD } else { PERIOD_IN_MEMORY };
    let mut kept = Vec::new();
    loop {
        if let Some(dir) = &dir {
            keep(&shared, dir, &mut kept).await;
        }
        tokio::select! {
            () = tokio::time::sleep(period) => {}
            () = stop.notified() => return,
        }
    }
}

/// Keeps the node's snapshot if it differs from the one in `kept`.
pub(crate) async fn keep(shared: &Shared, dir: &Arc<StateDir>, kept: &mut Vec<u8>) {
    let undone = shared.undone.items();
    let Ok(snapshot) = shared.node.with(move |node, _| node.snapshot(&undone)).await else {
        return;
    };
    if snapshot == *kept {
        return;
    }
    kept.clone_from(&snapshot);
    let dir = Arc::clone(dir);
    let written = tokio::task::spawn_blocking(move || dir.keep_snapshot(&snapshot)).await;
    if let Ok(Err(error)) = written {
        kept.clear();
        count(&shared.counters.snapshots_failed);
        tracing::error!(%error, cause = ?std::error::Error::source(&error), "state not kept");
    }
}

/// Tells that a subscription's state changed.
pub(crate) fn tell(changes: &Changes, notice: Notice) {
    let subscription = notice.status;
    let is_active = subscription.state == SubscriptionState::Active;
    let change = if is_active { "resumed" } else { subscription.state.word() };
    let why = subscription.why.as_deref().unwrap_or_default();
    tracing::warn!(name = %subscription.name, %why, "subscription {change}");
    let change = ChangeView::Subscription { change, subscription };
    changes.push(Kind::Subscription, &change);
}
