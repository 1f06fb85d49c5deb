//! The keys of the group: which each agent has, and how all change theirs.
//!
//! A group changes its key in three steps, none of which cuts anybody off: every agent *installs*
//! the new key, then every agent *uses* it, and later the old one is *removed* from every agent.
//! Each step is a question to all agents under `$ask/keys`, sealed as everything is that travels;
//! the next is taken only when all that may be there have done the one before.
//!
//! An agent with a state directory keeps its keys there ([`Ring`]), so that a restart with the
//! old key file finds the group again. One without has them in memory only.
//!
//! A member that was away when the group changed its key comes back with the old one alone. It
//! cannot be told the new one by gossip: all others seal with a key that it does not have. Its
//! operator puts the new key into its key file; until then it counts as failed.

mod change;
mod message;
mod ring;

pub(crate) use change::{AtMember, Changed, Choice, Refused, Step, list, remove, rotate};
pub(crate) use message::{Holding, Operation, is_fingerprint};
pub(crate) use ring::Ring;

use crate::shared::Shared;
use crate::state::StateDir;
use bruit_model::{Command, KeyInfo};
use bytes::Bytes;
use ring::RingError;
use std::sync::{Arc, PoisonError};
use tokio::sync::Mutex;

/// The keys of this agent; there is none of these in a group without a key.
#[derive(Debug)]
pub(crate) struct Keys {
    ring: Mutex<Ring>,
    /// Where they are kept, until the agent ends.
    dir: std::sync::Mutex<Option<Arc<StateDir>>>,
    /// Held while this agent changes the keys of the group.
    changing: Mutex<()>,
}

/// Why an operation failed here. Nothing was changed.
#[derive(Debug, thiserror::Error)]
enum KeysError {
    #[error("{0}")]
    Ring(#[from] RingError),
    #[error("its keys cannot be kept: {0}")]
    NotKept(String),
    #[error("{0}")]
    Node(String),
}

impl Keys {
    /// Of an agent that has been started with this ring.
    pub(crate) fn new(ring: Ring, dir: Option<Arc<StateDir>>) -> Self {
        Self { ring: Mutex::new(ring), dir: dir.into(), changing: Mutex::default() }
    }

    /// Lets go of the state directory: the next run may take it. Changes are not kept any more.
    pub(crate) fn close(&self) {
        self.dir.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn dir(&self) -> Option<Arc<StateDir>> {
        self.dir.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces what is kept; what is not kept anywhere is done at once.
    async fn keep(&self, ring: &Ring) -> Result<(), KeysError> {
        let Some(dir) = self.dir() else { return Ok(()) };
        let text = ring.to_text();
        let keeping = tokio::task::spawn_blocking(move || dir.keep_keyring(&text));
        let kept = keeping.await.expect("writing a file does not panic, and nothing cancels it");
        kept.map_err(|error| KeysError::NotKept(error.to_string()))
    }

    /// Changes the keys that are kept, then those of the node.
    async fn apply(&self, shared: &Shared, operation: &Operation) -> Result<(), KeysError> {
        let mut ring = self.ring.lock().await;
        let mut new = ring.clone();
        let secret = |key: &bruit_wire::ClusterKey| Box::new(*key.bytes());
        let command = match operation {
            Operation::List => return Ok(()),
            Operation::Install(key) => {
                new.install(key)?;
                Command::InstallKey(secret(key))
            }
            Operation::Use(fingerprint) => Command::UseKey(secret(new.use_key(fingerprint)?)),
            Operation::Remove(fingerprint) => {
                new.remove(fingerprint)?;
                Command::RemoveKey(fingerprint.clone())
            }
        };
        if new == *ring {
            return Ok(());
        }
        self.keep(&new).await?;
        let done = match shared.node.command(command).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(KeysError::Node(error.to_string())),
            Err(stopped) => Err(KeysError::Node(stopped.to_string())),
        };
        if let Err(error) = done {
            self.keep(&ring).await?;
            return Err(error);
        }
        *ring = new;
        Ok(())
    }
}

/// Does it here; tells what this agent has then.
pub(crate) async fn apply(shared: &Shared, operation: &Operation) -> Holding {
    let (mut why, mut is_kept) = (None, false);
    match &shared.keys {
        None => why = Some("it has no cluster key; start it with --key-file".to_owned()),
        Some(keys) => {
            is_kept = keys.dir().is_some();
            if let Err(error) = keys.apply(shared, operation).await {
                why = Some(error.to_string());
            }
        }
    }
    log(operation, why.as_deref());
    let keys: Vec<KeyInfo> = match shared.node.with(|node, _| node.keys()).await {
        Ok(keys) => keys,
        Err(stopped) => {
            why.get_or_insert_with(|| stopped.to_string());
            Vec::new()
        }
    };
    Holding { keys, is_kept, why }
}

/// Says what happens, by fingerprint.
fn log(operation: &Operation, why: Option<&str>) {
    let (what, fingerprint) = match operation {
        Operation::List => return,
        Operation::Install(key) => ("install", key.fingerprint()),
        Operation::Use(fingerprint) => ("use", fingerprint.clone()),
        Operation::Remove(fingerprint) => ("remove", fingerprint.clone()),
    };
    match why {
        None => tracing::info!(%fingerprint, "cluster key: {what}"),
        Some(why) => tracing::warn!(%fingerprint, why, "cluster key: cannot {what}"),
    }
}

/// Answers a question of another agent; `None` if it is not understood.
pub(crate) async fn answer(shared: &Shared, question: &[u8]) -> Option<Bytes> {
    let operation = Operation::decode(question).ok()?;
    Some(apply(shared, &operation).await.encode())
}
