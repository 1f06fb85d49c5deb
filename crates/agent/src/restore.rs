//! What earlier runs left is taken up again.

use crate::delivery::{SUBSCRIPTIONS_MAX, Source, SubscriptionSpec};
use crate::shared::Shared;
use crate::start::StartError;
use crate::store::{Loaded, Store, reason_of};
use crate::subscriptions::{Entry, Refused, Subscriptions, check_allowed};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Makes the subscriptions of the settings and those that the API made in earlier runs, and gives
/// them back what waited for them. To be called before any item is offered.
pub(crate) async fn restore(
    shared: &Arc<Shared>,
    settings: BTreeMap<String, SubscriptionSpec>,
    mut loaded: Option<Loaded>,
) -> Result<(), StartError> {
    let entry = |source| move |(name, spec)| (name, Entry { spec, source });
    let made: Vec<_> = match &mut loaded {
        None => Vec::new(),
        Some(loaded) => std::mem::take(&mut loaded.subscriptions)
            .into_iter()
            .filter(|(name, spec)| !settings.contains_key(name) && is_sound(shared, name, spec))
            .take(SUBSCRIPTIONS_MAX.saturating_sub(settings.len()))
            .collect(),
    };
    let of_settings = settings.into_iter().map(entry(Source::Settings));
    let entries = of_settings.chain(made.into_iter().map(entry(Source::Api))).collect();
    start(shared, entries).await?;
    if let (Some(loaded), Some(store)) = (loaded, &shared.store) {
        for (name, word) in &loaded.paused {
            shared.delivery.pause_with(name, reason_of(word));
        }
        give_back(shared, store, loaded);
    }
    Ok(())
}

async fn start(shared: &Arc<Shared>, entries: Vec<(String, Entry)>) -> Result<(), StartError> {
    let started = Subscriptions::start(shared, entries).await;
    started.map_err(|error| StartError::Refused(error.to_string()))
}

/// Whether the subscription can be made by this version, and these settings allow it. One that
/// cannot stays in the store.
fn is_sound(shared: &Shared, name: &str, spec: &SubscriptionSpec) -> bool {
    let resolved = spec.resolve(name, Source::Api).map_err(Refused::from);
    let checked = resolved.and_then(|subscription| check_allowed(shared, &subscription));
    if let Err(error) = &checked {
        tracing::warn!(%name, %error, "a subscription that an earlier run made cannot be used");
    }
    checked.is_ok()
}

/// Queues what had not ended, and takes back dead letters. What is of subscriptions that are no
/// more is dropped.
fn give_back(shared: &Shared, store: &Store, loaded: Loaded) {
    let mut orphans: BTreeMap<String, u64> = BTreeMap::new();
    let mut restored = (0, 0);
    // Letters first: what is queued is numbered after them.
    for dead in loaded.dead {
        let name = dead.subscription.clone();
        if shared.delivery.restore_dead(dead.into()) {
            restored.1 += 1;
        } else {
            *orphans.entry(name).or_default() += 1;
        }
    }
    for pending in loaded.pending {
        let name = pending.subscription;
        // How often it was tried is not kept: it has all attempts before it again.
        if shared.delivery.restore(&name, pending.item, 0, pending.unix_millis) {
            restored.0 += 1;
        } else {
            *orphans.entry(name).or_default() += 1;
        }
    }
    let (queued, dead_letters) = restored;
    if queued + dead_letters > 0 {
        tracing::info!(queued, dead_letters, "an earlier run left these");
    }
    let unknown = |name: &&String| shared.delivery.get(name).is_none();
    for name in loaded.paused.keys().filter(unknown) {
        orphans.entry(name.clone()).or_default();
    }
    for (name, count) in orphans {
        store.unsubscribed(&name.as_str().into());
        if count > 0 {
            tracing::warn!(
                %name, count,
                "dropped deliveries that an earlier run left: there is no such subscription any \
                 more"
            );
            store.counters().orphans.fetch_add(count, Ordering::Relaxed);
        }
    }
}
