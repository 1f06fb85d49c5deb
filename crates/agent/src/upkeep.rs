//! What is done now and then: the node's snapshot is kept, and items that the node no longer
//! retains are dropped from the store. And what is told of subscriptions.

use crate::api::views::ChangeView;
use crate::changes::{Changes, Kind};
use crate::delivery::{Notice, SubscriptionState};
use crate::shared::{Shared, count};
use crate::store::Store;
use bruit_model::ItemId;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// How often. A run that is killed starts from a snapshot this old; what was offered since, the
/// store knows. Guess.
const PERIOD: Duration = Duration::from_secs(1);
/// How many items of this node are looked at each time: first those accepted first, which mostly
/// go first, until one is retained; then the others in turn. Guess.
const OLDEST_MAX: usize = 16 * 1024;
const OTHERS_MAX: usize = 512;

/// Runs until `stop` is told; then nothing is being written any more.
pub(crate) async fn run(shared: Arc<Shared>, stop: Arc<Notify>) {
    let Some(store) = shared.store.clone() else { return };
    let (mut kept, mut last) = (Vec::new(), None);
    loop {
        keep(&shared, &store, &mut kept).await;
        forget(&shared, &store, &mut last).await;
        tokio::select! {
            () = tokio::time::sleep(PERIOD) => {}
            () = stop.notified() => return,
        }
    }
}

/// Keeps the node's snapshot if it differs from the one in `kept`.
///
/// What the snapshot covers must have been offered before it is kept, else a kill would lose what
/// the node had seen and nobody had been told of.
pub(crate) async fn keep(shared: &Shared, store: &Arc<Store>, kept: &mut Vec<u8>) {
    let mark = store.mark();
    let Ok(snapshot) = shared.node.with(|node, _| node.snapshot()).await else { return };
    if snapshot == *kept {
        return;
    }
    // When this second call is answered, the events of all that went before the first one wait
    // for the pump.
    if shared.node.with(|_, _| ()).await.is_err() {
        return;
    }
    shared.passage.passed().await;
    if store.keep_snapshot(snapshot.clone(), mark).kept().await {
        *kept = snapshot;
    } else {
        kept.clear();
        count(&shared.counters.snapshots_failed);
    }
}

/// Drops items of this node from the store that the node does not retain: nobody gets them from
/// it any more. `last` is the one that was looked at last.
async fn forget(shared: &Shared, store: &Arc<Store>, last: &mut Option<ItemId>) {
    let oldest = store.own_after(None, OLDEST_MAX);
    if oldest.is_empty() {
        return;
    }
    let others = store.own_after(*last, OTHERS_MAX);
    *last = others.last().copied();
    let gone = shared.node.with(move |node, _| {
        let is_gone = |id: &ItemId| node.items().get(id).is_none();
        let mut gone: Vec<ItemId> = oldest.into_iter().take_while(is_gone).collect();
        gone.extend(others.into_iter().filter(is_gone));
        gone
    });
    if let Ok(gone) = gone.await {
        store.not_retained(&gone);
    }
}

/// Tells that a subscription's state changed.
pub(crate) fn tell(changes: &Changes, notice: Notice) {
    let subscription = notice.status;
    let is_active = subscription.state == SubscriptionState::Active;
    let change = if is_active { "resumed" } else { subscription.state.word() };
    let name = &subscription.name;
    match subscription.why.as_deref().filter(|_| !is_active) {
        None => tracing::info!(%name, "subscription {change}"),
        Some(why) => tracing::warn!(%name, %why, "subscription {change}"),
    }
    changes.push(Kind::Subscription, || ChangeView::Subscription { change, subscription });
}
