//! What outlives a run in files of the state directory: the identity seed, the run's number, when
//! the first run began, the group's keys. What changes more often is in the store beside them.
//!
//! Everything here blocks, and is called on a thread of its own. A file is replaced whole: it is
//! written beside the old one, synced and renamed, so that a kill at any moment leaves the old
//! or the new content.

use crate::keys::Ring;
use crate::random::random_bytes;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

const IDENTITY: &str = "identity.seed";
const GENERATION: &str = "generation";
const SINCE: &str = "since";
/// What versions before the store kept for the node.
const OLD_SNAPSHOT: &str = "snapshot";
const KEYRING: &str = "keyring";
const LOCK: &str = "lock";

/// The largest old snapshot that is read, in bytes. Guess.
const SNAPSHOT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The largest keyring that is read back, in bytes: 8 keys and 64 fingerprints take about 2,300.
const KEYRING_BYTES_MAX: u64 = 16 * 1024;

/// The state directory cannot be used. Nothing was started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// It cannot be made or written.
    #[error(
        "cannot {what} {path}; give --data a directory that this user may write, or leave --data \
         out to keep state in memory only"
    )]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file or directory.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Another agent uses it.
    #[error("{path} is in use by another agent; give each agent a --data directory of its own")]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// A file in it is not what we wrote.
    #[error(
        "{path} is damaged: {why}; restore it, or remove it to start as a new member with a new id"
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The kept keys are not what we wrote.
    #[error(
        "{path} is damaged; restore it, or remove it to start with the key of --key-file alone"
    )]
    Keyring {
        /// Which file.
        path: PathBuf,
    },
}

/// What a run starts from.
#[derive(Debug)]
pub(crate) struct Started {
    /// The Ed25519 seed of the node's identity.
    pub(crate) identity_seed: [u8; 32],
    /// The run's number, higher than that of any earlier run with this identity.
    pub(crate) generation: u32,
    /// When the first run with this identity began, milliseconds since 1970: items from before
    /// are history, which subscriptions do not get.
    pub(crate) since_unix_millis: u64,
    /// The directory, locked as long as this lives; `None` is in memory only.
    pub(crate) dir: Option<StateDir>,
}

/// A state directory that this process holds.
#[derive(Debug)]
pub(crate) struct StateDir {
    path: PathBuf,
    /// Held while a file is replaced: two writers would share the new file.
    writing: Mutex<()>,
    _lock: File,
}

impl Started {
    /// A run without a directory: a new identity, numbered by the wall clock.
    pub(crate) fn in_memory() -> Self {
        let identity_seed = random_bytes();
        Self {
            identity_seed,
            generation: unix_seconds(),
            since_unix_millis: unix_millis(),
            dir: None,
        }
    }

    /// Opens or makes the directory at `path` and begins the next run in it. Blocks.
    pub(crate) fn open(path: &Path) -> Result<Self, StateError> {
        let io = |what, path: &Path| {
            let path = path.to_owned();
            move |source| StateError::Io { what, path, source }
        };
        let mut builder = fs::DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(path);
        made.map_err(io("make the state directory", path))?;
        let lock = lock(&path.join(LOCK))?;
        let dir = StateDir { path: path.to_owned(), writing: Mutex::default(), _lock: lock };
        let identity_seed = dir.identity()?;
        let generation = dir.next_generation(unix_seconds())?;
        let since_unix_millis = dir.since(unix_millis())?;
        Ok(Self { identity_seed, generation, since_unix_millis, dir: Some(dir) })
    }
}

impl StateDir {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What a version before the store kept for the node. Blocks.
    pub(crate) fn old_snapshot(&self) -> Result<Option<Vec<u8>>, StateError> {
        self.read(OLD_SNAPSHOT, SNAPSHOT_BYTES_MAX)
    }

    /// Removes that: the store has it. Blocks.
    pub(crate) fn remove_old_snapshot(&self) -> Result<(), StateError> {
        let path = self.path.join(OLD_SNAPSHOT);
        fs::remove_file(&path).map_err(|source| StateError::Io { what: "remove", path, source })
    }

    /// The keys that an earlier run kept. Blocks.
    pub(crate) fn keyring(&self) -> Result<Option<Ring>, StateError> {
        let Some(bytes) = self.read(KEYRING, KEYRING_BYTES_MAX)? else { return Ok(None) };
        let ring = std::str::from_utf8(&bytes).ok().and_then(Ring::parse);
        ring.map(Some).ok_or_else(|| StateError::Keyring { path: self.path.join(KEYRING) })
    }

    /// Keeps the group's keys. Blocks.
    pub(crate) fn keep_keyring(&self, text: &str) -> Result<(), StateError> {
        self.replace(KEYRING, text.as_bytes())
    }

    fn identity(&self) -> Result<[u8; 32], StateError> {
        if let Some(bytes) = self.read(IDENTITY, 33)? {
            let why = "it does not have 32 bytes";
            let damaged = |_| StateError::Damaged { path: self.path.join(IDENTITY), why };
            return bytes.try_into().map_err(damaged);
        }
        let seed = random_bytes();
        self.replace(IDENTITY, &seed)?;
        Ok(seed)
    }

    /// One more than the last run's number, and at least `unix_seconds`: a clock that was set
    /// back cannot repeat a number.
    fn next_generation(&self, unix_seconds: u32) -> Result<u32, StateError> {
        let last: u32 = self.number(GENERATION)?.unwrap_or(0);
        let next = last.saturating_add(1).max(unix_seconds);
        self.replace(GENERATION, next.to_string().as_bytes())?;
        Ok(next)
    }

    /// When the first run began; `unix_millis` if this is it.
    fn since(&self, unix_millis: u64) -> Result<u64, StateError> {
        if let Some(since) = self.number(SINCE)? {
            return Ok(since);
        }
        self.replace(SINCE, unix_millis.to_string().as_bytes())?;
        Ok(unix_millis)
    }

    fn number<N: std::str::FromStr>(&self, name: &str) -> Result<Option<N>, StateError> {
        let Some(bytes) = self.read(name, 21)? else { return Ok(None) };
        let number = std::str::from_utf8(&bytes).ok().and_then(|text| text.trim().parse().ok());
        let why = "it is not a number";
        let damaged = || StateError::Damaged { path: self.path.join(name), why };
        number.map(Some).ok_or_else(damaged)
    }

    /// The content of a file; `None` if there is no such file.
    fn read(&self, name: &str, bytes_max: u64) -> Result<Option<Vec<u8>>, StateError> {
        let path = self.path.join(name);
        let io = |source| StateError::Io { what: "read", path: path.clone(), source };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io(error)),
        };
        let mut bytes = Vec::new();
        file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(io)?;
        if bytes.len() as u64 > bytes_max {
            return Err(StateError::Damaged { path, why: "it is too long" });
        }
        Ok(Some(bytes))
    }

    /// Replaces a file whole; only this user may read it.
    fn replace(&self, name: &str, content: &[u8]) -> Result<(), StateError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.path.join(name);
        let new = self.path.join(format!("{name}.new"));
        let write = || -> io::Result<()> {
            let mut options = OpenOptions::new();
            let mut file =
                options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
            file.write_all(content)?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            File::open(&self.path)?.sync_all()
        };
        write().map_err(|source| StateError::Io { what: "write", path: path.clone(), source })
    }
}

fn lock(path: &Path) -> Result<File, StateError> {
    let io = |source| StateError::Io { what: "write", path: path.to_owned(), source };
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).mode(0o600).open(path);
    let file = file.map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(StateError::Locked { path: path.to_owned() }),
        Err(fs::TryLockError::Error(error)) => Err(io(error)),
    }
}

fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Seconds since 1970, up to 2106.
fn unix_seconds() -> u32 {
    u32::try_from(unix_millis() / 1000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn identity_stays_and_generation_grows() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("a/b");
        let first = Started::open(&path).unwrap();
        let (seed, generation) = (first.identity_seed, first.generation);
        let since = first.since_unix_millis;
        drop(first);
        let second = Started::open(&path).unwrap();
        assert_eq!(second.identity_seed, seed);
        assert!(second.generation > generation);
        assert_eq!(second.since_unix_millis, since);
        let mode = fs::metadata(path.join(IDENTITY)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_clock_that_was_set_back_cannot_repeat_a_generation() {
        let temp = tempfile::tempdir().unwrap();
        let started = Started::open(temp.path()).unwrap();
        let dir = started.dir.unwrap();
        assert_eq!(dir.next_generation(4_000_000_000).unwrap(), 4_000_000_000);
        assert_eq!(dir.next_generation(7).unwrap(), 4_000_000_001);
    }

    #[test]
    fn two_agents_cannot_share_a_directory() {
        let temp = tempfile::tempdir().unwrap();
        let _held = Started::open(temp.path()).unwrap();
        let error = Started::open(temp.path()).unwrap_err();
        assert!(matches!(error, StateError::Locked { .. }), "{error}");
    }

    #[test]
    fn a_directory_that_cannot_be_made_names_path_and_remedy() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Started::open(&file.join("data")).unwrap_err().to_string();
        assert!(error.contains(file.to_str().unwrap()), "{error}");
        assert!(error.contains("--data"), "{error}");
    }

    #[test]
    fn damage_is_told_and_not_overwritten() {
        let temp = tempfile::tempdir().unwrap();
        for (name, content) in [(IDENTITY, "short"), (GENERATION, "x")] {
            drop(Started::open(temp.path()).unwrap());
            let kept = fs::read(temp.path().join(name)).unwrap();
            fs::write(temp.path().join(name), content).unwrap();
            let error = Started::open(temp.path()).unwrap_err();
            assert!(matches!(error, StateError::Damaged { .. }), "{error}");
            assert_eq!(fs::read_to_string(temp.path().join(name)).unwrap(), content);
            fs::write(temp.path().join(name), kept).unwrap();
        }
    }
}
