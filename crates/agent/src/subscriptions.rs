//! Which subscriptions this agent has, who made each, and that the group knows of them.
//!
//! Every change goes through here, one after the other: it is checked, announced to the group as
//! metadata (`$sub/<name>` = pattern), given to delivery, and, if the API made it, kept. A change
//! runs to its end even if whoever asked for it has gone, so that what the group believes, what
//! delivery does and what is kept agree.
//!
//! What comes from settings is changed by settings only. Where both say a name, settings win.

use crate::api::views::ChangeView;
use crate::changes::Kind;
use crate::delivery::{
    From, Kept, SUBSCRIPTIONS_MAX, Source, SpecError, SubscribeError, Subscription,
    SubscriptionSpec,
};
use crate::shared::Shared;
use bruit_model::{Command, CommandError, Item, Member};
use bruit_runtime::{Handle, Stopped};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Keeps the subscriptions that the API made over a restart. Nothing here blocks or waits; the
/// answer, if there is one, resolves once it is kept or cannot be.
pub(crate) trait Keep: Send + Sync {
    /// This is how it is from here on.
    fn put(&self, name: &str, spec: &SubscriptionSpec) -> Option<Kept>;

    /// It is no more.
    fn remove(&self, name: &str) -> Option<Kept>;
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeepNothing;

impl Keep for KeepNothing {
    fn put(&self, _: &str, _: &SubscriptionSpec) -> Option<Kept> {
        None
    }

    fn remove(&self, _: &str) -> Option<Kept> {
        None
    }
}

/// A subscription as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// What was asked for.
    pub(crate) spec: SubscriptionSpec,
    /// Who asked.
    pub(crate) source: Source,
}

/// What became of a subscription that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    /// It is new.
    Added,
    /// It has new settings; what waited there waits on.
    Changed,
    /// It was so already: nothing was done.
    Unchanged,
}

/// The change was not made. Nothing else was changed either.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// What it is to be breaks a rule.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// It is in the settings.
    #[error("{0} is in the agent's settings; change it there and reload, or choose another name")]
    OfSettings(String),
    /// It is to go to a machine that the settings do not allow.
    #[error(
        "subscriptions made by the API deliver on this machine, not to {0}; allow it with \
         --allow-endpoints {0}, or write the subscription in the settings"
    )]
    NotAllowed(String),
    /// There is no such subscription.
    #[error("this agent has no subscription {0}; GET /v1/subscriptions lists them")]
    Unknown(String),
    /// The group cannot be told of it.
    #[error("it cannot be announced to the group: {0}; remove a subscription or metadata first")]
    Announce(#[from] CommandError),
    /// The agent is ending.
    #[error("the agent is stopping")]
    Stopped,
}

impl std::convert::From<SubscribeError> for Refused {
    fn from(error: SubscribeError) -> Self {
        Self::Spec(error.into())
    }
}

impl std::convert::From<Stopped> for Refused {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

/// The subscriptions of this agent.
pub(crate) struct Subscriptions {
    keep: Arc<dyn Keep>,
    /// Held over a whole change.
    changing: tokio::sync::Mutex<()>,
    entries: Mutex<BTreeMap<String, Entry>>,
}

impl Subscriptions {
    /// None yet. Those that the API makes are given to `keep`.
    pub(crate) fn new(keep: Arc<dyn Keep>) -> Self {
        Self { keep, changing: tokio::sync::Mutex::default(), entries: Mutex::default() }
    }

    /// The subscription of that name, as it was asked for.
    pub(crate) fn get(&self, name: &str) -> Option<Entry> {
        self.entries().get(name).cloned()
    }

    /// All, as they were asked for, by name.
    pub(crate) fn list_specs(&self) -> Vec<(String, Entry)> {
        self.entries().iter().map(|(name, entry)| (name.clone(), entry.clone())).collect()
    }

    /// Makes the subscriptions with which the agent starts, announced all at once.
    pub(crate) async fn start(
        shared: &Arc<Shared>,
        entries: Vec<(String, Entry)>,
    ) -> Result<(), Refused> {
        let this = &shared.subscriptions;
        let _changing = this.changing.lock().await;
        let resolved: Vec<Subscription> = entries
            .iter()
            .map(|(name, entry)| entry.spec.resolve(name, entry.source))
            .collect::<Result<_, _>>()?;
        if resolved.len() > SUBSCRIPTIONS_MAX {
            return Err(SubscribeError::TooMany.into());
        }
        let told = resolved.iter().map(|subscription| {
            (subscription.name.clone(), Some(subscription.pattern.as_str().to_owned()))
        });
        announce(&shared.node, told.collect(), Vec::new()).await?;
        for subscription in resolved {
            shared.delivery.subscribe(subscription)?;
        }
        this.entries().extend(entries);
        Ok(())
    }

    /// Makes what settings ask for exactly these, and changes metadata: both, or, where the node
    /// refuses, nothing. Those that stay as they are are not touched.
    pub(crate) async fn apply(
        shared: &Arc<Shared>,
        settings: BTreeMap<String, SubscriptionSpec>,
        metadata: Vec<(String, Option<Vec<u8>>)>,
    ) -> Result<(), Refused> {
        let shared = Arc::clone(shared);
        to_its_end(async move {
            let _changing = shared.subscriptions.changing.lock().await;
            apply(&shared, settings, metadata).await
        })
        .await
    }

    /// Makes a subscription, or gives new settings to the one of that name. One that settings ask
    /// for takes the place of one that the API made.
    pub(crate) async fn put(
        shared: &Arc<Shared>,
        name: &str,
        entry: Entry,
    ) -> Result<Put, Refused> {
        let (shared, name) = (Arc::clone(shared), name.to_owned());
        to_its_end(async move {
            let _changing = shared.subscriptions.changing.lock().await;
            put(&shared, &name, entry).await
        })
        .await
    }

    /// Removes a subscription that `source` made; how many items waited in it, which are dropped.
    pub(crate) async fn remove(
        shared: &Arc<Shared>,
        name: &str,
        source: Source,
    ) -> Result<usize, Refused> {
        let (shared, name) = (Arc::clone(shared), name.to_owned());
        to_its_end(async move {
            let _changing = shared.subscriptions.changing.lock().await;
            remove(&shared, &name, source).await
        })
        .await
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a change to its end, whether or not it is waited for.
async fn to_its_end<T: Send + 'static>(
    change: impl Future<Output = Result<T, Refused>> + Send + 'static,
) -> Result<T, Refused> {
    // It is cancelled only with the runtime.
    tokio::spawn(change).await.unwrap_or(Err(Refused::Stopped))
}

async fn put(shared: &Shared, name: &str, entry: Entry) -> Result<Put, Refused> {
    let this = &shared.subscriptions;
    let subscription = entry.spec.resolve(name, entry.source)?;
    check_allowed(shared, &subscription)?;
    let before = this.get(name);
    match &before {
        Some(before) if *before == entry => return Ok(Put::Unchanged),
        Some(Entry { source: Source::Settings, .. }) if entry.source == Source::Api => {
            return Err(Refused::OfSettings(name.to_owned()));
        }
        Some(_) => {}
        None if this.entries().len() >= SUBSCRIPTIONS_MAX => {
            return Err(SubscribeError::TooMany.into());
        }
        None => {}
    }
    let pattern = subscription.pattern.as_str().to_owned();
    announce(&shared.node, vec![(name.to_owned(), Some(pattern))], Vec::new()).await?;
    begin(shared, entry, before, subscription).await
}

/// What the API makes delivers only where the settings allow it.
pub(crate) fn check_allowed(shared: &Shared, subscription: &Subscription) -> Result<(), Refused> {
    let (Source::Api, Some(endpoint)) = (subscription.source, subscription.mode.endpoint()) else {
        return Ok(());
    };
    if shared.reload.of(|config| config.allows(endpoint)) {
        return Ok(());
    }
    Err(Refused::NotAllowed(endpoint.authority().to_owned()))
}

/// Makes or changes a subscription of which the group has been told.
async fn begin(
    shared: &Shared,
    entry: Entry,
    before: Option<Entry>,
    subscription: Subscription,
) -> Result<Put, Refused> {
    let this = &shared.subscriptions;
    let (name, from) = (subscription.name.clone(), subscription.from);
    if let Err(error) = shared.delivery.subscribe(subscription) {
        let pattern = before.map(|before| before.spec.pattern);
        announce(&shared.node, vec![(name, pattern)], Vec::new()).await?;
        return Err(error.into());
    }
    let name = &*name;
    this.entries().insert(name.to_owned(), entry.clone());
    let kept = match (entry.source, before.as_ref().map(|before| before.source)) {
        (Source::Api, _) => this.keep.put(name, &entry.spec),
        (Source::Settings, Some(Source::Api)) => this.keep.remove(name),
        (Source::Settings, Some(Source::Settings) | None) => None,
    };
    if let Some(kept) = kept {
        kept.await;
    }
    let (put, change) = match before {
        None => (Put::Added, "added"),
        Some(_) => (Put::Changed, "changed"),
    };
    tell(shared, name, change);
    if put == Put::Added && from == From::Retained {
        offer_retained(shared, name).await;
    }
    Ok(put)
}

/// Queues for a new subscription what the agent holds for it, the oldest first. What comes at
/// this very moment may be queued twice.
async fn offer_retained(shared: &Shared, name: &str) {
    let Some(subscription) = shared.delivery.get(name) else { return };
    let held = shared.node.with(move |node, _| {
        let is_own = |item: &Arc<Item>| item.path.as_str().starts_with('$');
        let selects = |item: &Arc<Item>| {
            subscription.pattern.matches(&item.path) && subscription.filter.selects(item)
        };
        let items = node.items().iter().filter(|item| !is_own(item) && selects(item));
        let mut items: Vec<Arc<Item>> = items.collect();
        items.sort_by_key(|item| (item.time, item.id));
        items
    });
    for item in held.await.unwrap_or_default() {
        shared.delivery.offer_to(name, &item);
    }
}

async fn remove(shared: &Shared, name: &str, source: Source) -> Result<usize, Refused> {
    let this = &shared.subscriptions;
    match this.get(name) {
        None => return Err(Refused::Unknown(name.to_owned())),
        Some(Entry { source: Source::Settings, .. }) if source == Source::Api => {
            return Err(Refused::OfSettings(name.to_owned()));
        }
        Some(_) => {}
    }
    announce(&shared.node, vec![(name.to_owned(), None)], Vec::new()).await?;
    Ok(end(shared, name).await)
}

/// Removes a subscription of which the group has been told that it is no more; how many items
/// waited in it.
async fn end(shared: &Shared, name: &str) -> usize {
    let this = &shared.subscriptions;
    tell(shared, name, "removed");
    let dropped = shared.delivery.unsubscribe(name).unwrap_or(0);
    let entry = this.entries().remove(name);
    let kept = match entry {
        Some(Entry { source: Source::Api, .. }) => this.keep.remove(name),
        Some(Entry { source: Source::Settings, .. }) | None => None,
    };
    if let Some(kept) = kept {
        kept.await;
    }
    dropped
}

async fn apply(
    shared: &Shared,
    settings: BTreeMap<String, SubscriptionSpec>,
    metadata: Vec<(String, Option<Vec<u8>>)>,
) -> Result<(), Refused> {
    let this = &shared.subscriptions;
    let known = this.entries().clone();
    let is_gone = |(name, entry): &(&String, &Entry)| {
        entry.source == Source::Settings && !settings.contains_key(*name)
    };
    let gone: Vec<String> = known.iter().filter(is_gone).map(|(name, _)| name.clone()).collect();
    let mut changed = Vec::new();
    let mut told: Vec<_> = gone.iter().map(|name| (name.clone(), None)).collect();
    for (name, spec) in settings {
        let entry = Entry { spec, source: Source::Settings };
        let before = known.get(&name).cloned();
        if before.as_ref() == Some(&entry) {
            continue;
        }
        let subscription = entry.spec.resolve(&name, entry.source)?;
        told.push((name, Some(subscription.pattern.as_str().to_owned())));
        changed.push((entry, before, subscription));
    }
    let added = changed.iter().filter(|(_, before, _)| before.is_none()).count();
    if known.len() - gone.len() + added > SUBSCRIPTIONS_MAX {
        return Err(SubscribeError::TooMany.into());
    }
    announce(&shared.node, told, metadata).await?;
    for name in &gone {
        end(shared, name).await;
    }
    for (entry, before, subscription) in changed {
        begin(shared, entry, before, subscription).await?;
    }
    Ok(())
}

/// Tells the group which pattern each of these subscriptions has (`None`: that it is no more),
/// and other metadata with it. All or nothing: the node refuses what goes beyond the metadata that
/// a member may have.
async fn announce(
    node: &Handle,
    changes: Vec<(String, Option<String>)>,
    others: Vec<(String, Option<Vec<u8>>)>,
) -> Result<(), Refused> {
    let mut metadata = others;
    metadata.extend(changes.into_iter().map(|(name, pattern)| {
        (format!("{}{name}", Member::SUBSCRIPTION_KEY), pattern.map(String::into_bytes))
    }));
    if !metadata.is_empty() {
        node.command(Command::SetMetadata(metadata)).await??;
    }
    Ok(())
}

/// Tells those who watch this agent.
fn tell(shared: &Shared, name: &str, change: &'static str) {
    if let Some(subscription) = shared.delivery.status(name) {
        tracing::info!(%name, "subscription {change}");
        let view = || ChangeView::Subscription { change, subscription };
        shared.changes.push(Kind::Subscription, view);
    }
}
