//! What can go wrong with the store.

use redb::{CommitError, DatabaseError, StorageError, TableError, TransactionError};
use std::io;
use std::path::PathBuf;

/// The store cannot be used. Nothing was started, and the file is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file cannot be made, read or written.
    #[error(
        "cannot {what} the store {path}; give --data a directory with room that this user may \
         write, or leave --data out to keep state in memory only"
    )]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Another process has it open.
    #[error("the store {path} is in use by another process; give each agent a --data of its own")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file is not what was written.
    #[error(
        "the store {path} is damaged: {why}; restore it, or move it away to start without it: what \
         had not been delivered is then lost, but for what the group retains"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A later version of Bruit wrote it.
    #[error(
        "the store {path} is of format {found}, and this version knows formats up to {known}; run \
         the version that wrote it, or a later one, or move the file away to start without it"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The format that it has.
        found: u64,
        /// The highest format that is known.
        known: u64,
    },
}

/// A transaction failed: nothing of it was written, and the database must be opened anew.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    /// From the database.
    #[error(transparent)]
    Database(#[from] Box<redb::Error>),
    /// It cannot be opened again.
    #[error(transparent)]
    Open(#[from] StoreError),
}

macro_rules! from_redb {
    ($($error:ty),*) => {$(
        impl From<$error> for WriteError {
            fn from(error: $error) -> Self {
                Self::Database(Box::new(error.into()))
            }
        }
    )*};
}
from_redb!(CommitError, DatabaseError, StorageError, TableError, TransactionError);
