//! Settings that are read again while the agent runs.
//!
//! A reload reads the same sources as the start did. What can be changed while the agent runs is
//! changed; what cannot is named, and stays as it is until a restart. Where anything is wrong,
//! nothing is changed at all. What stays as it is is not touched: nothing is delivered again.

use crate::config::{AgentConfig, ConfigError, LogLevel, Overlay, Shown, Sources};
use crate::shared::Shared;
use crate::start::{StartError, read_token};
use crate::subscriptions::{Refused, Subscriptions};
use bruit_model::{Command, Member};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the program around an agent does for it. Nothing here blocks.
pub trait Host: Send + Sync {
    /// Logs from this level on.
    fn set_log_level(&self, level: LogLevel);

    /// Takes note that a reload begins.
    fn reloading(&self);

    /// Takes note that it has ended, whether or not it changed anything.
    fn reloaded(&self);
}

/// A program that does nothing for its agent.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHost;

impl Host for NoHost {
    fn set_log_level(&self, _: LogLevel) {}

    fn reloading(&self) {}

    fn reloaded(&self) {}
}

/// What an agent is started with: settings, and where they can be read again.
pub struct Settings {
    /// Checked.
    pub config: AgentConfig,
    overlay: Overlay,
    sources: Option<Sources>,
    host: Arc<dyn Host>,
}

impl Settings {
    /// Reads `sources`. Blocks.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn read(sources: Sources) -> Result<Self, Vec<ConfigError>> {
        let overlay = sources.read()?;
        let config = AgentConfig::resolve_all(&overlay)?;
        Ok(Self { config, overlay, sources: Some(sources), host: Arc::new(NoHost) })
    }

    /// The settings and where each comes from.
    pub fn shown(&self) -> Vec<Shown> {
        Shown::list(&self.config, &self.overlay)
    }

    /// Makes `host` do what a reload asks of the program.
    #[must_use]
    pub fn with_host(mut self, host: Arc<dyn Host>) -> Self {
        self.host = host;
        self
    }
}

/// Settings that come from the program itself: a reload finds them as they were, and reads the
/// token's file only.
impl From<AgentConfig> for Settings {
    fn from(config: AgentConfig) -> Self {
        let (overlay, host) = (Overlay::default(), Arc::new(NoHost));
        Self { config, overlay, sources: None, host }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("config", &self.config).finish_non_exhaustive()
    }
}

/// What a reload did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reloaded {
    /// The settings that are other than before.
    pub applied: Vec<String>,
    /// Those that will be other after a restart.
    pub needs_restart: Vec<String>,
    /// How many are as before.
    pub unchanged: usize,
}

/// One setting that a reload would change.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Its name.
    pub key: String,
    /// Its value in the running agent; null is none.
    pub running: Value,
    /// Its value in the sources.
    pub wanted: Value,
    /// Where that comes from.
    pub origin: String,
    /// Whether a reload applies it; otherwise a restart does.
    pub live: bool,
}

/// The settings were not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// They cannot be used. At least one.
    #[error("{}", list(.0))]
    Settings(Vec<ConfigError>),
    /// The token cannot be read.
    #[error(transparent)]
    Token(#[from] StartError),
    /// A subscription or metadata was refused.
    #[error("the settings ask for too much: {0}")]
    Refused(String),
    /// The agent is ending.
    #[error("the agent is stopping")]
    Stopped,
}

fn list(errors: &[ConfigError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

impl From<Refused> for ReloadError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Stopped => Self::Stopped,
            Refused::Spec(_)
            | Refused::OfSettings(_)
            | Refused::Unknown(_)
            | Refused::NotAllowed(_)
            | Refused::Announce(_) => Self::Refused(refused.to_string()),
        }
    }
}

impl From<bruit_runtime::Stopped> for ReloadError {
    fn from(_: bruit_runtime::Stopped) -> Self {
        Self::Stopped
    }
}

/// What holds now, and what is needed to read it again.
pub(crate) struct Reload {
    sources: Option<Sources>,
    host: Arc<dyn Host>,
    /// Held over a whole reload.
    reloading: tokio::sync::Mutex<()>,
    holds: Mutex<Holds>,
}

/// What holds now.
#[derive(Clone)]
struct Holds {
    config: AgentConfig,
    shown: Vec<Shown>,
    token: Option<Arc<str>>,
}

/// What the sources say now.
struct Wanted {
    config: AgentConfig,
    shown: Vec<Shown>,
    token: Option<Arc<str>>,
}

impl Reload {
    pub(crate) fn new(settings: Settings, token: Option<String>) -> Self {
        let shown = settings.shown();
        let Settings { config, sources, host, .. } = settings;
        let holds = Mutex::new(Holds { config, shown, token: token.map(Into::into) });
        Self { sources, host, reloading: tokio::sync::Mutex::default(), holds }
    }

    fn holds(&self) -> MutexGuard<'_, Holds> {
        self.holds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the API asks callers for.
    pub(crate) fn token(&self) -> Option<Arc<str>> {
        self.holds().token.clone()
    }

    /// What `of` says of the settings that hold.
    pub(crate) fn of<T>(&self, of: impl FnOnce(&AgentConfig) -> T) -> T {
        of(&self.holds().config)
    }

    /// Reads the sources, on a thread of its own.
    async fn read(&self) -> Result<Wanted, ReloadError> {
        let (sources, Holds { config, shown, .. }) = (self.sources.clone(), self.holds().clone());
        let reading = tokio::task::spawn_blocking(move || {
            let (config, shown) = match sources {
                Some(sources) => {
                    let settings = Settings::read(sources).map_err(ReloadError::Settings)?;
                    let shown = settings.shown();
                    (settings.config, shown)
                }
                None => (config, shown),
            };
            let token = config.token_file.as_deref().map(read_token).transpose()?;
            Ok(Wanted { config, shown, token: token.map(Into::into) })
        });
        // It is cancelled only with the runtime.
        reading.await.unwrap_or(Err(ReloadError::Stopped))
    }
}

/// Reads the settings again and applies what can be applied. It comes to its end even if nobody
/// waits for it any more.
pub(crate) async fn reload(shared: &Arc<Shared>) -> Result<Reloaded, ReloadError> {
    let shared = Arc::clone(shared);
    let reloading = tokio::spawn(async move {
        let this = &shared.reload;
        let _reloading = this.reloading.lock().await;
        this.host.reloading();
        let reloaded = apply(&shared).await;
        this.host.reloaded();
        match &reloaded {
            Ok(Reloaded { applied, needs_restart, unchanged }) => {
                let (applied, needs_restart) = (applied.join(" "), needs_restart.join(" "));
                tracing::info!(%applied, %needs_restart, unchanged, "settings reloaded");
            }
            Err(error) => tracing::error!(%error, "settings not reloaded; the old ones hold"),
        }
        reloaded
    });
    reloading.await.unwrap_or(Err(ReloadError::Stopped))
}

/// What a reload would change.
pub(crate) async fn differences(shared: &Shared) -> Result<Vec<Difference>, ReloadError> {
    let wanted = shared.reload.read().await?;
    let holds = shared.reload.holds().clone();
    Ok(compare(shared, &holds, &wanted))
}

/// All settings that hold, also those that were changed by calls of the API.
pub(crate) async fn shown(shared: &Shared) -> Result<Vec<Shown>, ReloadError> {
    let mut shown = shared.reload.holds().shown.clone();
    let me = shared.node.with(|node, now| {
        let id = node.id();
        node.members(now).get(&id)
    });
    if let Some(me) = me.await? {
        let tags = tags(&me);
        let given = |shown: &Shown| match shown.key.strip_prefix("tag.") {
            Some(name) => tags.get(name).is_some_and(|value| shown.value == **value),
            None => true,
        };
        shown.retain(given);
        for (name, value) in tags {
            let key = format!("tag.{name}");
            if !shown.iter().any(|shown| shown.key == key) {
                shown.push(Shown::at_run_time(key, value.into()));
            }
        }
    }
    for (name, entry) in shared.subscriptions.list_specs() {
        if entry.source == crate::delivery::Source::Api {
            let value = serde_json::to_value(&entry.spec);
            let value = value.expect("a spec has string keys and finite numbers");
            shown.push(Shown::at_run_time(format!("subscription.{name}"), value));
        }
    }
    Ok(shown)
}

/// The metadata of a member that is not the agent's own.
fn tags(member: &Member) -> BTreeMap<String, String> {
    let ours = member.metadata.iter().filter(|entry| !entry.key.starts_with('$'));
    let pair = |entry: &bruit_model::MetaEntry| {
        (entry.key.to_string(), String::from_utf8_lossy(&entry.value).into_owned())
    };
    ours.map(pair).collect()
}

async fn apply(shared: &Arc<Shared>) -> Result<Reloaded, ReloadError> {
    let this = &shared.reload;
    let wanted = this.read().await?;
    let holds = this.holds().clone();
    let differences = compare(shared, &holds, &wanted);
    let is_pending = |key: &str| differences.iter().any(|each| each.key == key && !each.live);
    let new = effective(&holds, &wanted, is_pending("token-file"));

    let old_tags = &holds.config.tags;
    let gone = old_tags.keys().filter(|key| !new.config.tags.contains_key(*key));
    let gone = gone.map(|key| (key.clone(), None));
    let set = new.config.tags.iter().filter(|(key, value)| old_tags.get(*key) != Some(value));
    let set = set.map(|(key, value)| (key.clone(), Some(value.clone().into_bytes())));
    let metadata = gone.chain(set).collect();
    let subscriptions = new.config.subscriptions();
    // The one step that may be refused comes first.
    Subscriptions::apply(shared, subscriptions, metadata).await?;

    let is_new = |target: &&_| !holds.config.join.contains(target);
    let targets: Vec<_> = new.config.join.iter().filter(is_new).cloned().collect();
    if !targets.is_empty()
        && let Err(error) = shared.node.command(Command::Join(targets)).await?
    {
        tracing::warn!(%error, "the agents of --join were not contacted");
    }
    if new.config.log_level != holds.config.log_level {
        this.host.set_log_level(new.config.log_level);
    }
    let (live, pending): (Vec<_>, Vec<_>) = differences.into_iter().partition(|each| each.live);
    let keys = |list: Vec<Difference>| list.into_iter().map(|each| each.key).collect::<Vec<_>>();
    let (applied, needs_restart) = (keys(live), keys(pending));
    let shown = merge(&holds.shown, &wanted.shown, &needs_restart);
    let unchanged = shown.iter().filter(|each| !applied.contains(&each.key)).count();
    let unchanged = unchanged - needs_restart.len();
    *this.holds() = Holds { shown, ..new };
    Ok(Reloaded { applied, needs_restart, unchanged })
}

/// Each setting whose value differs, in the order of the example file; those that are gone last.
fn compare(shared: &Shared, holds: &Holds, wanted: &Wanted) -> Vec<Difference> {
    let find = |list: &[Shown], key: &str| list.iter().find(|shown| shown.key == key).cloned();
    // What is open to other machines stays so until a restart, and so does its token.
    let is_token_kept = !shared.facts.is_api_loopback && wanted.token.is_none();
    let is_token_new = holds.token != wanted.token;
    let mut differences = Vec::new();
    for new in &wanted.shown {
        let old = find(&holds.shown, &new.key);
        let running = old.map_or(Value::Null, |old| old.value);
        let is_token = new.key == "token-file";
        if running == new.value && !(is_token && is_token_new) {
            continue;
        }
        let live = Shown::is_live(&new.key) && !(is_token && is_token_kept);
        let (key, wanted, origin) = (new.key.clone(), new.value.clone(), new.origin.clone());
        differences.push(Difference { key, running, wanted, origin, live });
    }
    for old in &holds.shown {
        if find(&wanted.shown, &old.key).is_none() {
            let (key, running) = (old.key.clone(), old.value.clone());
            let origin = crate::config::Origin::Default.to_string();
            let live = Shown::is_live(&key);
            differences.push(Difference { key, running, wanted: Value::Null, origin, live });
        }
    }
    differences
}

/// What holds after a reload: of `wanted`, what can be changed while the agent runs.
fn effective(holds: &Holds, wanted: &Wanted, is_token_kept: bool) -> Holds {
    let new = &wanted.config;
    let mut config = AgentConfig {
        join: new.join.clone(),
        app: new.app.clone(),
        app_host: new.app_host.clone(),
        exec: new.exec.clone(),
        subscribe: new.subscribe.clone(),
        subscription: new.subscription.clone(),
        allow_endpoints: new.allow_endpoints.clone(),
        tags: new.tags.clone(),
        token_file: new.token_file.clone(),
        drain_timeout: new.drain_timeout,
        log_level: new.log_level,
        ..holds.config.clone()
    };
    let mut token = wanted.token.clone();
    if is_token_kept {
        config.token_file.clone_from(&holds.config.token_file);
        token.clone_from(&holds.token);
    }
    Holds { config, shown: Vec::new(), token }
}

/// The settings of `new`, but of `old` where the key is among `kept`.
fn merge(old: &[Shown], new: &[Shown], kept: &[String]) -> Vec<Shown> {
    let one = |shown: &Shown| {
        let before = old.iter().find(|old| old.key == shown.key);
        before.filter(|_| kept.contains(&shown.key)).unwrap_or(shown).clone()
    };
    new.iter().map(one).collect()
}
