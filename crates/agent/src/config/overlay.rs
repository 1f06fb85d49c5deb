//! What one source of settings says: flags, or a TOML file with the flags' names.

use super::{ConfigError, nearest};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What one source says; `None` is "nothing". The names are those of the flags, with dashes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Overlay {
    /// The agent's name.
    pub name: Option<String>,
    /// Where to gossip: `ADDR` or `ADDR:PORT`.
    pub bind: Option<String>,
    /// What to tell others: `ADDR` or `ADDR:PORT`.
    pub advertise: Option<String>,
    /// Where the HTTP API listens: `ADDR` or `ADDR:PORT`.
    pub api: Option<String>,
    /// The state directory.
    pub data: Option<PathBuf>,
    /// Whom to contact at start: addresses or names, with or without port.
    pub join: Option<Vec<String>>,
    /// The service's URL.
    pub app: Option<String>,
    /// The Host that replayed requests name.
    pub app_host: Option<String>,
    /// Which paths the service gets.
    pub subscribe: Option<Vec<String>>,
    /// Metadata: a list of `K=V`, or in a file also a table.
    pub tag: Option<Tags>,
    /// The file with the cluster key.
    pub key_file: Option<PathBuf>,
    /// The file with the API's token.
    pub token_file: Option<PathBuf>,
    /// `local`, `lan` or `wan`.
    pub profile: Option<String>,
}

/// Metadata as a source gives it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Tags {
    /// `K=V` texts.
    List(Vec<String>),
    /// A table of keys and values.
    Table(BTreeMap<String, String>),
}

impl Default for Tags {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

/// Every setting's name.
pub(super) const KEYS: [&str; 13] = [
    "name",
    "bind",
    "advertise",
    "api",
    "data",
    "join",
    "app",
    "app-host",
    "subscribe",
    "tag",
    "key-file",
    "token-file",
    "profile",
];

impl Overlay {
    /// The largest file of settings, in bytes.
    pub const FILE_BYTES_MAX: u64 = 1024 * 1024;

    /// Reads a file of settings. Blocks.
    ///
    /// # Errors
    /// It cannot be read, is not TOML, or names a setting that does not exist.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        use std::io::Read as _;
        let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
        let mut text = String::new();
        let file = std::fs::File::open(path).map_err(unreadable)?;
        let read = file.take(Self::FILE_BYTES_MAX + 1).read_to_string(&mut text);
        if read.map_err(unreadable)? as u64 > Self::FILE_BYTES_MAX {
            let message = format!("more than {} bytes", Self::FILE_BYTES_MAX);
            return Err(ConfigError::Syntax { path: path.to_owned(), message });
        }
        Self::parse(&text, path)
    }

    /// Takes the text of a file of settings; `path` is for errors.
    ///
    /// # Errors
    /// It is not TOML, or names a setting that does not exist.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let syntax = |error: toml::de::Error| ConfigError::Syntax {
            path: path.to_owned(),
            message: error.to_string().trim_end().to_owned(),
        };
        let table: toml::Table = text.parse().map_err(syntax)?;
        for key in table.keys() {
            if !KEYS.contains(&key.as_str()) {
                let nearest = nearest(key, &KEYS).unwrap_or(KEYS[0]);
                let (path, key) = (path.to_owned(), key.clone());
                return Err(ConfigError::UnknownKey { path, key, nearest });
            }
        }
        toml::from_str(text).map_err(syntax)
    }

    /// What `self` says, and where it says nothing, what `lower` says. A list replaces a list.
    #[must_use]
    pub fn over(self, lower: Self) -> Self {
        Self {
            name: self.name.or(lower.name),
            bind: self.bind.or(lower.bind),
            advertise: self.advertise.or(lower.advertise),
            api: self.api.or(lower.api),
            data: self.data.or(lower.data),
            join: self.join.or(lower.join),
            app: self.app.or(lower.app),
            app_host: self.app_host.or(lower.app_host),
            subscribe: self.subscribe.or(lower.subscribe),
            tag: self.tag.or(lower.tag),
            key_file: self.key_file.or(lower.key_file),
            token_file: self.token_file.or(lower.token_file),
            profile: self.profile.or(lower.profile),
        }
    }
}
