//! The database's file: made whole or not at all, and verified before anything is read from it.
//!
//! redb trusts a file that was closed properly, and panics where that trust is misplaced. So each
//! start is told to it as one after a crash: then it verifies every checksum, which finds
//! whatever altered the file meanwhile. (Where only the last transaction was altered, that looks
//! like one that a crash cut short, and the one before holds.) What it asserts
//! before that, about the header and the length, is verified here. The layout of the header is
//! redb's documented format 3 (`docs/design.md`, "Super-header").

use super::error::{StoreError, WriteError};
use super::tables;
use redb::{Builder, Database, DatabaseError, StorageError};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

/// How much of the file redb keeps in memory, in bytes. Guess.
const CACHE_BYTES: usize = 4 * 1024 * 1024;

const MAGIC: [u8; 9] = *b"redb\x1a\x0a\xa9\x0d\x0a";
/// Where the flags are, in bytes from the start.
const FLAGS_AT: u64 = 9;
const RECOVERY_REQUIRED: u8 = 0x02;
const TWO_PHASE_COMMIT: u8 = 0x04;
/// Two commit slots of 128 bytes follow the 64 bytes of the header; each begins with its format.
const SLOTS: [usize; 2] = [64, 192];
const HEADER_BYTES: usize = 320;
const PAGE_BYTES: u64 = 4096;
/// The pages of a full region of 4 GiB, redb's default.
const REGION_PAGES: u64 = (4 << 30) / PAGE_BYTES;
/// The format of redb's that is understood.
const REDB_FORMAT: u8 = 3;

/// A database as we use it.
pub(super) fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

/// Opens the store at `path`, or makes it. Blocks.
pub(super) fn open(path: &Path) -> Result<Database, StoreError> {
    let io = |what| move |source| StoreError::Io { what, path: path.to_owned(), source };
    let opened = OpenOptions::new().read(true).write(true).open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make(path)?;
            OpenOptions::new().read(true).write(true).open(path).map_err(io("open"))?
        }
        Err(error) => return Err(io("open")(error)),
    };
    verify(&file, path)?;
    let db = builder().create_file(file).map_err(|error| told(error, path))?;
    tables::check(&db, path)?;
    Ok(db)
}

/// Makes a store beside `path` and moves it there when it is whole: a kill leaves none or one.
fn make(path: &Path) -> Result<(), StoreError> {
    let io = |source| StoreError::Io { what: "make", path: path.to_owned(), source };
    let new = path.with_extension("redb.new");
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true).mode(0o600);
    let file = options.open(&new).map_err(io)?;
    let db = builder().create_file(file).map_err(|error| told(error, path))?;
    tables::make(&db).map_err(|error| match error {
        WriteError::Database(error) => io(io::Error::other(error)),
        WriteError::Open(error) => error,
    })?;
    drop(db);
    fs::rename(&new, path).map_err(io)?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new("."))).and_then(|dir| dir.sync_all()).map_err(io)
}

/// Verifies what redb takes for granted, and has it verify the rest.
fn verify(file: &File, path: &Path) -> Result<(), StoreError> {
    let io = |source| StoreError::Io { what: "read", path: path.to_owned(), source };
    let damaged = |why: &str| StoreError::Damaged { path: path.to_owned(), why: why.to_owned() };
    let length = file.metadata().map_err(io)?.len();
    if length < HEADER_BYTES as u64 {
        return Err(damaged("it is truncated"));
    }
    let mut header = [0; HEADER_BYTES];
    file.read_exact_at(&mut header, 0).map_err(io)?;
    if header[..MAGIC.len()] != MAGIC {
        return Err(damaged("it is not a database"));
    }
    let number = |at: usize| {
        let bytes = [header[at], header[at + 1], header[at + 2], header[at + 3]];
        u64::from(u32::from_le_bytes(bytes))
    };
    let (page, head_pages, region_pages) = (number(12), number(16), number(20));
    let (full_regions, last_pages) = (number(24), number(28));
    if (page, head_pages, region_pages) != (PAGE_BYTES, 0, REGION_PAGES)
        || last_pages > REGION_PAGES
        || full_regions + last_pages == 0
    {
        return Err(damaged("its header is not what was written"));
    }
    let [first, second] = SLOTS.map(|at| header[at]);
    if first == second && first > REDB_FORMAT {
        let (found, known) = (u64::from(first), u64::from(REDB_FORMAT));
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    let pages = full_regions * REGION_PAGES + last_pages + 1;
    if pages.checked_mul(PAGE_BYTES).is_none_or(|bytes| bytes > length) {
        return Err(damaged("it is truncated"));
    }
    let flags = file_flags(&header) | RECOVERY_REQUIRED;
    file.write_all_at(&[flags & !TWO_PHASE_COMMIT], FLAGS_AT).map_err(|source| StoreError::Io {
        what: "write",
        path: path.to_owned(),
        source,
    })
}

fn file_flags(header: &[u8; HEADER_BYTES]) -> u8 {
    header[MAGIC.len()]
}

/// What redb's error means to whoever starts an agent.
pub(super) fn told(error: DatabaseError, path: &Path) -> StoreError {
    let path = path.to_owned();
    if matches!(error, DatabaseError::DatabaseAlreadyOpen) {
        return StoreError::InUse { path };
    }
    let is_damage = |error: &io::Error| {
        matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof)
    };
    if let DatabaseError::Storage(StorageError::Io(source)) = error {
        return if is_damage(&source) {
            StoreError::Damaged { path, why: source.to_string() }
        } else {
            StoreError::Io { what: "open", path, source }
        };
    }
    StoreError::Damaged { path, why: error.to_string() }
}
