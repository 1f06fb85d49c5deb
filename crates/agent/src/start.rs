//! What is read and taken before an agent runs, and what can go wrong with it.

use crate::config::AgentConfig;
use crate::keys::Ring;
use crate::state::{Started, StateDir, StateError};
use crate::store::{Loaded, StoreError, StoreThread};
use bruit_model::CommandError;
use bruit_runtime::BindError;
use bruit_wire::{BadKey, ClusterKey};
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio::net::TcpListener;

/// The agent did not start. Ports that were taken are free again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The state directory cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The store in it cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key or token file cannot be read.
    #[error("cannot read {path}; check that --{flag} names a file that this user may read")]
    Unreadable {
        /// Which setting.
        flag: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The key file is not one.
    #[error("--key-file {path}: {source}")]
    Key {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: BadKey,
    },
    /// The token file is not one.
    #[error(
        "--token-file {path}: a token has {} to {} printable letters without spaces",
        TOKEN_BYTES_MIN,
        TOKEN_BYTES_MAX
    )]
    Token {
        /// Which file.
        path: PathBuf,
    },
    /// The API's port is in use.
    #[error(
        "port {} (API) is in use by another process: stop it, or choose another with --api \
         ADDR:PORT (0 lets the system choose)",
        addr.port()
    )]
    ApiInUse {
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The API cannot listen for another reason.
    #[error("the API cannot listen on {addr}; choose another address with --api ADDR:PORT")]
    Api {
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The gossip port cannot be taken.
    #[error(transparent)]
    Gossip(#[from] BindError),
    /// The node refused its settings.
    #[error("the settings cannot be used: {0}")]
    Refused(String),
}

impl From<CommandError> for StartError {
    fn from(error: CommandError) -> Self {
        Self::Refused(error.to_string())
    }
}

const TOKEN_BYTES_MIN: usize = 16;
const TOKEN_BYTES_MAX: usize = 256;
/// The largest key or token file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 16 * 1024;

/// What was read from files.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) started: Started,
    /// What survives a restart; `None` is in memory only.
    pub(crate) stored: Option<(StoreThread, Loaded)>,
    pub(crate) ring: Option<Ring>,
    pub(crate) token: Option<String>,
}

impl Files {
    /// Reads everything, on a thread of its own.
    pub(crate) async fn read(config: &AgentConfig) -> Result<Self, StartError> {
        let config = config.clone();
        let reading = tokio::task::spawn_blocking(move || Self::read_blocking(&config));
        reading.await.expect("reading files does not panic, and nothing cancels it")
    }

    fn read_blocking(config: &AgentConfig) -> Result<Self, StartError> {
        let key = config.key_file.as_deref().map(read_key).transpose()?;
        let token = config.token_file.as_deref().map(read_token).transpose()?;
        let started = match &config.data {
            Some(path) => Started::open(path)?,
            None => Started::in_memory(),
        };
        let ring = key.map(|key| ring(&started, key)).transpose()?;
        let stored = started.dir.as_ref().map(|dir| open_store(dir, &started, config));
        Ok(Self { stored: stored.transpose()?, started, ring, token })
    }
}

fn open_store(
    dir: &StateDir,
    started: &Started,
    config: &AgentConfig,
) -> Result<(StoreThread, Loaded), StartError> {
    let me = bruit_wire::Identity::from_seed(&started.identity_seed).id();
    let (thread, mut loaded) = StoreThread::open(dir.path(), config.sync, me)?;
    if let Some(snapshot) = dir.old_snapshot()? {
        // It is from before the store was: an upgrade that was not cut short.
        if loaded.snapshot.is_none() {
            let ticket = thread.store().keep_snapshot(snapshot.clone(), 0);
            loaded.snapshot = Some(snapshot);
            if !ticket.blocking_kept() {
                return Ok((thread, loaded));
            }
        }
        dir.remove_old_snapshot()?;
    }
    Ok((thread, loaded))
}

/// The keys to start with: those that an earlier run kept, with that of the key file.
fn ring(started: &Started, key: ClusterKey) -> Result<Ring, StateError> {
    let Some(dir) = &started.dir else { return Ok(Ring::new(key)) };
    let ring = match dir.keyring()? {
        None => Ring::new(key),
        Some(mut kept) => {
            let fingerprint = key.fingerprint();
            if !kept.add_configured(key) {
                tracing::warn!(
                    %fingerprint,
                    "the key of --key-file was removed from the group and is not used; put the \
                     current key there, which is the first in the state directory's keyring"
                );
            }
            kept
        }
    };
    dir.keep_keyring(&ring.to_text())?;
    Ok(ring)
}

fn read_text(flag: &'static str, path: &Path) -> Result<String, StartError> {
    let unreadable = |source| StartError::Unreadable { flag, path: path.to_owned(), source };
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

fn read_key(path: &Path) -> Result<ClusterKey, StartError> {
    let text = read_text("key-file", path)?;
    warn_if_open(path);
    text.parse().map_err(|source| StartError::Key { path: path.to_owned(), source })
}

/// The token in a file. Blocks.
pub(crate) fn read_token(path: &Path) -> Result<String, StartError> {
    let text = read_text("token-file", path)?;
    warn_if_open(path);
    let token = text.trim();
    let is_token = (TOKEN_BYTES_MIN..=TOKEN_BYTES_MAX).contains(&token.len())
        && token.bytes().all(|byte| byte.is_ascii_graphic());
    if is_token { Ok(token.to_owned()) } else { Err(StartError::Token { path: path.to_owned() }) }
}

/// A secret that other users can read is one no more.
fn warn_if_open(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).map(|metadata| metadata.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o077 != 0) {
        let path = path.display();
        tracing::warn!(%path, "other users of this machine can read this secret; chmod 600 it");
    }
}

/// Takes the API's port.
pub(crate) async fn listen(addr: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(addr).await.map_err(|source| {
        if source.kind() == io::ErrorKind::AddrInUse {
            StartError::ApiInUse { addr, source }
        } else {
            StartError::Api { addr, source }
        }
    })
}
