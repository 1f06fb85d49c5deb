//! What an agent is told: taken from flags and a file, checked once, then never in doubt.
//!
//! [`Overlay`] holds what one source says; [`AgentConfig::resolve`] turns the merged overlay into
//! checked values. An error names its cause and what to do about it, and nothing is started.

mod nearest;
mod overlay;
mod parse;

pub(crate) use nearest::{distance, nearest};
pub use overlay::{Overlay, Tags};
pub(crate) use parse::{check_tag, target};

use crate::delivery::{Endpoint, SubscriptionSpec};
use crate::store::SyncLevel;
use bruit_model::{MemberRecord, Pattern, Target};
pub use bruit_node::Profile;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

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
    /// Which paths the service gets.
    pub subscribe: Vec<Pattern>,
    /// Metadata to start with.
    pub tags: BTreeMap<String, String>,
    /// The file with the cluster key.
    pub key_file: Option<PathBuf>,
    /// The file with the token that the API asks for.
    pub token_file: Option<PathBuf>,
    /// Timing.
    pub profile: Profile,
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
            subscribe: Vec::new(),
            tags: BTreeMap::new(),
            key_file: None,
            token_file: None,
            profile: Profile::default(),
        }
    }
}

/// The settings cannot be used. Nothing was started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the settings in {path}; check that the file exists and may be read")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML, or a value has the wrong type.
    #[error("{path}: {message}")]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// What is wrong, with the line.
        message: String,
    },
    /// The file has a key that does not exist.
    #[error("{path}: there is no setting `{key}`; did you mean `{nearest}`?")]
    UnknownKey {
        /// Which file.
        path: PathBuf,
        /// The key.
        key: String,
        /// The existing key that is closest to it.
        nearest: &'static str,
    },
    /// A value cannot be used.
    #[error("--{key} `{value}`: {why}; {remedy}")]
    BadValue {
        /// The setting's name, as flag and in a file.
        key: &'static str,
        /// What was given.
        value: String,
        /// What is wrong with it.
        why: String,
        /// What to write instead.
        remedy: &'static str,
    },
    /// Gossip beyond this machine without a key.
    #[error(
        "--bind {0} can be reached from other machines, and no key is set; make one with \
         `bruit keys new > cluster.key` and start every agent with --key-file cluster.key, or \
         bind to 127.0.0.1"
    )]
    KeyRequired(SocketAddr),
    /// A wildcard address tells others nothing.
    #[error(
        "--bind {0} is every address of this machine, so others cannot be told which one to use; \
         add --advertise ADDR with the one that they can reach"
    )]
    AdvertiseRequired(SocketAddr),
    /// An API beyond this machine without a token.
    #[error(
        "--api {0} can be reached from other machines, and no token is set; add --token-file \
         FILE with a secret that callers send as Bruit-Token, or listen on 127.0.0.1"
    )]
    TokenRequired(SocketAddr),
    /// Paths without a service to get them.
    #[error("--subscribe is given, and no service to deliver to; add --app URL")]
    SubscribeWithoutApp,
    /// A service that would get nothing.
    #[error("--app is given, and no path that it is to get; add --subscribe, '**' for all paths")]
    AppWithoutSubscribe,
}

impl AgentConfig {
    /// The most subscriptions from the settings.
    pub const SUBSCRIPTIONS_MAX: usize = 64;
    /// The most addresses to join.
    pub const JOIN_MAX: usize = 64;
    /// The longest metadata key, in bytes.
    pub const TAG_KEY_BYTES_MAX: usize = 64;
    /// The longest metadata value that a setting or the API may give, in bytes.
    pub const TAG_VALUE_BYTES_MAX: usize = 16 * 1024;

    /// Checks an overlay and fills in what it leaves open.
    ///
    /// # Errors
    /// The first setting that cannot be used, with the remedy.
    pub fn resolve(overlay: Overlay) -> Result<Self, ConfigError> {
        let default = Self::default();
        let address = |key, text: Option<String>, default: SocketAddr| match text {
            Some(text) => parse::address(key, &text, default.port()),
            None => Ok(default),
        };
        let config = Self {
            name: overlay.name.map(parse::name).transpose()?,
            bind: address("bind", overlay.bind, default.bind)?,
            advertise: overlay.advertise.map(|text| parse::advertise(&text)).transpose()?,
            api: address("api", overlay.api, default.api)?,
            data: overlay.data,
            sync: default.sync,
            join: parse::targets(&overlay.join.unwrap_or_default())?,
            app: overlay.app.map(|text| parse::app(&text)).transpose()?,
            app_host: overlay.app_host.map(parse::host).transpose()?,
            subscribe: parse::patterns(&overlay.subscribe.unwrap_or_default())?,
            tags: parse::tags(overlay.tag.unwrap_or_default())?,
            key_file: overlay.key_file,
            token_file: overlay.token_file,
            profile: overlay.profile.map_or(Ok(default.profile), |text| parse::profile(&text))?,
        };
        config.check_together()?;
        Ok(config)
    }

    /// The rules that concern more than one setting.
    fn check_together(&self) -> Result<(), ConfigError> {
        if !self.bind.ip().is_loopback() && self.key_file.is_none() {
            return Err(ConfigError::KeyRequired(self.bind));
        }
        if self.bind.ip().is_unspecified() && self.advertise.is_none() {
            return Err(ConfigError::AdvertiseRequired(self.bind));
        }
        if !self.api.ip().is_loopback() && self.token_file.is_none() {
            return Err(ConfigError::TokenRequired(self.api));
        }
        match (&self.app, self.subscribe.is_empty()) {
            (None, false) => Err(ConfigError::SubscribeWithoutApp),
            (Some(_), true) => Err(ConfigError::AppWithoutSubscribe),
            (None, true) | (Some(_), false) => Ok(()),
        }
    }

    /// The subscriptions, by name: the first pattern of the service is `app`, the next ones are
    /// `app-2`, `app-3`, ….
    pub fn subscriptions(&self) -> Vec<(String, SubscriptionSpec)> {
        let Some(app) = &self.app else { return Vec::new() };
        let one = |(place, pattern): (usize, &Pattern)| {
            let name = if place == 0 { "app".to_owned() } else { format!("app-{}", place + 1) };
            let spec = SubscriptionSpec {
                pattern: pattern.as_str().to_owned(),
                endpoint: Some(app.to_string()),
                host: self.app_host.clone(),
                ..SubscriptionSpec::default()
            };
            (name, spec)
        };
        self.subscribe.iter().enumerate().map(one).collect()
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

#[cfg(test)]
mod tests;
