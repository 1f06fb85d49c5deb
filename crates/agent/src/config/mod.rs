//! What an agent is told, and by whom: defaults, files, environment and flags, each over those
//! before it.
//!
//! ```text
//!  files --\
//!  environment --> Overlay (values with their origins) --resolve--> AgentConfig (checked)
//!  flags --/
//! ```
//!
//! [`Sources`] reads and merges; [`AgentConfig::resolve_all`] turns what comes of it into checked
//! values. An error names where the value stands, its cause and what to do about it, and nothing
//! is started or changed. [`Shown`] is a setting with its origin, for people.

mod environment;
mod error;
mod example;
mod file;
mod nearest;
mod origin;
mod overlay;
mod parse;
mod resolve;
mod setting;
mod shown;
mod sources;
#[cfg(test)]
mod tests;
mod words;

pub use error::{Bad, ConfigError};
pub use example::{docs_table, example};
pub use file::parse_subscription;
pub(crate) use nearest::{distance, nearest};
pub use origin::{Origin, Subject};
pub use overlay::{Overlay, Value};
pub(crate) use parse::{check_tag, target};
pub use shown::Shown;
pub use sources::Sources;
pub use words::{LogFormat, LogLevel};

use crate::delivery::{Endpoint, Exec, SubscriptionSpec};
pub use crate::store::SyncLevel;
use bruit_model::{MemberRecord, Pattern, Target};
pub use bruit_node::Profile;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// The port on which agents gossip, unless told otherwise.
pub const GOSSIP_PORT: u16 = 7071;

/// The port of the HTTP API, unless told otherwise.
pub const API_PORT: u16 = 7070;

/// The address that others are told to reach this agent at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advertise {
    /// The address.
    pub ip: IpAddr,
    /// The port; `None` is the one that was bound.
    pub port: Option<u16>,
}

/// Everything an agent needs to know before it starts, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentConfig {
    /// Its name; `None` is the host's.
    pub name: Option<String>,
    /// Where it gossips, by UDP and TCP. Port 0 is any free one.
    pub bind: SocketAddr,
    /// What others are told instead of the bound address.
    pub advertise: Option<Advertise>,
    /// Where the HTTP API listens. Port 0 is any free one.
    pub api: SocketAddr,
    /// Where identity and generation are kept; `None` is in memory only.
    pub data: Option<PathBuf>,
    /// When an item that was taken is safe there.
    pub sync: SyncLevel,
    /// Agents to contact at start.
    pub join: Vec<Target>,
    /// The service beside the agent. Its path is a prefix.
    pub app: Option<Endpoint>,
    /// The Host that replayed requests name, unless the call says another.
    pub app_host: Option<String>,
    /// The program that is started for each item.
    pub exec: Option<Exec>,
    /// Which paths service and program get.
    pub subscribe: Vec<Pattern>,
    /// Subscriptions by name, beside those that `subscribe` makes.
    pub subscription: BTreeMap<String, SubscriptionSpec>,
    /// Metadata to start with.
    pub tags: BTreeMap<String, String>,
    /// Hosts, with or without port, that subscriptions made by the API may deliver to, beside this
    /// machine and the host of `app`; `*` is anywhere.
    pub allow_endpoints: Vec<String>,
    /// The file with the cluster key.
    pub key_file: Option<PathBuf>,
    /// The file with the token that the API asks for.
    pub token_file: Option<PathBuf>,
    /// Timing.
    pub profile: Profile,
    /// How long the end may wait for deliveries under way and for the service to close.
    pub drain_timeout: Duration,
    /// How much is logged.
    pub log_level: LogLevel,
    /// How logs are written.
    pub log_format: LogFormat,
}

impl Default for AgentConfig {
    fn default() -> Self {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Self {
            name: None,
            bind: SocketAddr::new(loopback, GOSSIP_PORT),
            advertise: None,
            api: SocketAddr::new(loopback, API_PORT),
            data: None,
            sync: SyncLevel::default(),
            join: Vec::new(),
            app: None,
            app_host: None,
            exec: None,
            subscribe: Vec::new(),
            subscription: BTreeMap::new(),
            tags: BTreeMap::new(),
            allow_endpoints: Vec::new(),
            key_file: None,
            token_file: None,
            profile: Profile::default(),
            drain_timeout: Self::DRAIN_TIMEOUT,
            log_level: LogLevel::default(),
            log_format: LogFormat::default(),
        }
    }
}

impl AgentConfig {
    /// The most subscriptions from the settings: a member's metadata, which announces them, has
    /// room for about so many.
    pub const SUBSCRIPTIONS_MAX: usize = 512;
    /// The most patterns that one service gets.
    pub const SUBSCRIBE_MAX: usize = 64;
    /// The most addresses to join.
    pub const JOIN_MAX: usize = 64;
    /// The longest metadata key, in bytes.
    pub const TAG_KEY_BYTES_MAX: usize = 64;
    /// The longest metadata value that a setting or the API may give, in bytes.
    pub const TAG_VALUE_BYTES_MAX: usize = 16 * 1024;
    /// The most hosts that are allowed beside this machine.
    pub const ALLOW_ENDPOINTS_MAX: usize = 256;
    /// How long the end may wait, unless told otherwise. Guess.
    pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);
    /// The longest that the end may be told to wait.
    pub const DRAIN_TIMEOUT_MAX: Duration = Duration::from_secs(3600);

    /// Whether a subscription that the API makes may deliver to `endpoint`: on this machine, at the
    /// host of the service of the settings, or where the settings allow it.
    pub fn allows(&self, endpoint: &Endpoint) -> bool {
        let is_here = match endpoint.host().parse::<IpAddr>() {
            Ok(ip) => ip.to_canonical().is_loopback(),
            Err(_) => endpoint.host().eq_ignore_ascii_case("localhost"),
        };
        let is_app = |app: &Endpoint| app.host().eq_ignore_ascii_case(endpoint.host());
        let is_allowed = |allowed: &String| {
            allowed == "*"
                || allowed.eq_ignore_ascii_case(endpoint.authority())
                || allowed.trim_matches(['[', ']']).eq_ignore_ascii_case(endpoint.host())
        };
        is_here
            || self.app.as_ref().is_some_and(is_app)
            || self.allow_endpoints.iter().any(is_allowed)
    }

    /// The subscriptions, by name: the first pattern of the service is `app`, the next ones are
    /// `app-2`, `app-3`, …; those of the program `exec`, `exec-2`, ….
    pub fn subscriptions(&self) -> BTreeMap<String, SubscriptionSpec> {
        let mut all = self.subscription.clone();
        all.extend(self.of_consumers().map(|(name, spec, _)| (name, spec)));
        all
    }

    /// The subscriptions that service and program make, with the setting that does so.
    fn of_consumers(&self) -> impl Iterator<Item = (String, SubscriptionSpec, &'static str)> {
        let app = self.app.as_ref().map(|app| SubscriptionSpec {
            endpoint: Some(app.to_string()),
            host: self.app_host.clone(),
            ..SubscriptionSpec::default()
        });
        let exec = self.exec.as_ref().map(|exec| {
            let program = exec.program.to_string_lossy().into_owned();
            SubscriptionSpec {
                mode: Some("exec".to_owned()),
                command: Some([vec![program], exec.arguments.clone()].concat()),
                ..SubscriptionSpec::default()
            }
        });
        let each = [("app", app), ("exec", exec)].into_iter();
        each.filter_map(|(key, spec)| Some((key, spec?))).flat_map(|(key, spec)| {
            let patterns = self.subscribe.iter().enumerate();
            patterns.map(move |(place, pattern)| {
                let number = if place == 0 { String::new() } else { format!("-{}", place + 1) };
                let pattern = pattern.as_str().to_owned();
                let spec = SubscriptionSpec { pattern, ..spec.clone() };
                (format!("{key}{number}"), spec, key)
            })
        })
    }

    /// The agent's name: the one that is set, else the host's, else one made from `id`.
    pub fn name_or_host(&self, id: &bruit_model::NodeId) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host = host.trim();
        if MemberRecord::is_valid_name(host) { host.to_owned() } else { format!("node-{id:?}") }
    }
}

/// Takes a command apart as a shell would; `None` if a quote is open at its end.
pub fn command(text: &str) -> Option<Vec<String>> {
    parse::command(text)
}
