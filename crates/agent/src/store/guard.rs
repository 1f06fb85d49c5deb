//! What redb asserts of a damaged file, told as an error.
//!
//! Its checksums do not cover all that it trusts when it recovers a file after a crash, and where
//! that trust is misplaced it panics.

use super::error::StoreError;
use std::path::Path;

fn damaged(path: &Path) -> StoreError {
    StoreError::Damaged { path: path.to_owned(), why: "it cannot be recovered".to_owned() }
}

/// Runs `read`, in which a panic means that the file at `path` is damaged.
#[cfg(panic = "unwind")]
pub(super) fn guard<T>(
    path: &Path,
    read: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(read));
    caught.unwrap_or_else(|_| Err(damaged(path)))
}

/// Runs `read`, in which a panic means that the file at `path` is damaged: as it cannot be caught
/// in this build, the process says so and ends with status 1.
#[cfg(not(panic = "unwind"))]
pub(super) fn guard<T>(
    path: &Path,
    read: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    use std::panic::{set_hook, take_hook};
    let (error, reader) = (damaged(path), std::thread::current().id());
    let before = std::sync::Arc::new(take_hook());
    let others = std::sync::Arc::clone(&before);
    set_hook(Box::new(move |panic| {
        if std::thread::current().id() == reader {
            eprintln!("error: {error}");
            std::process::exit(1);
        }
        others(panic);
    }));
    let result = read();
    set_hook(Box::new(move |panic| before(panic)));
    result
}
