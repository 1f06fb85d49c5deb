//! Files that are not what was written.

use super::super::StoreError;
use super::*;
use bruit_engine::Rng;
use redb::{Builder, TableDefinition};
use std::path::Path;

/// A store of some pages, closed properly or not.
fn written(dir: &Path, is_closed: bool) -> Vec<u8> {
    let path = dir.join("bruit.redb");
    let (thread, _) = StoreThread::open(dir, SyncLevel::Commit, ME).unwrap();
    let store = thread.store();
    for seq in 1..=200 {
        store.offered(&item_of(OTHER, seq, 1_000), &[name("a")]);
    }
    flushed(&store);
    assert!(wait(store.keep_snapshot(vec![1; 5_000], store.mark()).kept()));
    // The thread is idle: this is what a kill leaves.
    let killed = std::fs::read(&path).unwrap();
    drop(thread);
    let closed = std::fs::read(&path).unwrap();
    if is_closed { closed } else { killed }
}

fn open(dir: &Path) -> Result<Loaded, StoreError> {
    StoreThread::open(dir, SyncLevel::Commit, ME).map(|(_, loaded)| loaded)
}

/// Whether everything is there; if the store was not closed, the last transaction, which brought
/// the snapshot, may be missing.
fn is_whole(loaded: &Loaded, is_closed: bool) -> bool {
    let items: Vec<_> = (1..=200).map(|seq| item_of(OTHER, seq, 1_000)).collect();
    loaded.pending.iter().map(|each| &each.item).eq(&items)
        && match &loaded.snapshot {
            Some(snapshot) => snapshot[..] == [1; 5_000],
            None => !is_closed,
        }
}

/// Whether the file at `dir` is found damaged; else it must be found whole.
fn is_damaged(dir: &Path, bytes: &[u8], is_closed: bool, what: &str) -> bool {
    let path = dir.join("bruit.redb");
    std::fs::write(&path, bytes).unwrap();
    match open(dir) {
        Ok(loaded) => {
            assert!(is_whole(&loaded, is_closed), "damage was not found: {what}");
            false
        }
        Err(StoreError::Damaged { path: named, .. }) => {
            assert_eq!(named, path);
            true
        }
        Err(error) => panic!("{what}: {error}"),
    }
}

#[test]
fn a_truncated_store_is_refused() {
    for is_closed in [true, false] {
        let temp = tempfile::tempdir().unwrap();
        let whole = written(temp.path(), is_closed);
        assert!(!is_damaged(temp.path(), &whole, is_closed, "nothing"));
        for length in [0, 1, 8, 9, 100, 319, 320, 4_095, 4_096, whole.len() / 2, whole.len() - 1] {
            assert!(is_damaged(temp.path(), &whole[..length], true, &format!("{length} bytes")));
        }
        let error = open(temp.path()).unwrap_err().to_string();
        assert!(
            error.contains("bruit.redb is damaged") && error.contains("move it away"),
            "{error}"
        );
    }
}

#[test]
fn garbage_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    assert!(is_damaged(temp.path(), &[0; 100_000], true, "zeros"));
    assert!(is_damaged(temp.path(), &[b'x'; 100_000], true, "text"));
    let mut magic = b"redb\x1a\x0a\xa9\x0d\x0a".to_vec();
    magic.resize(1 << 20, 0xff);
    assert!(is_damaged(temp.path(), &magic, true, "a header of ones"));
}

#[test]
fn altered_bytes_are_found_or_were_of_no_use() {
    let mut rng = Rng::from_seed(1);
    for is_closed in [true, false] {
        let temp = tempfile::tempdir().unwrap();
        let whole = written(temp.path(), is_closed);
        let pages = whole.len() as u64 / 4096;
        let mut found = 0;
        for at in 0..200 {
            let mut bytes = whole.clone();
            let place = usize::try_from(rng.below(whole.len() as u64)).unwrap();
            let page = usize::try_from(1 + rng.below(pages - 1)).unwrap() * 4096;
            let fill = u8::try_from(rng.below(256)).unwrap();
            let what = match at % 4 {
                0 => {
                    bytes[place] ^= 0x55;
                    format!("byte {place}")
                }
                1 => {
                    bytes[page..page + 4096].fill(fill);
                    format!("page at {page} filled with {fill}")
                }
                2 => {
                    bytes[page..].fill(0);
                    format!("zeros from {page} on")
                }
                _ => {
                    bytes[12 + at % 20] ^= 1 << (at % 8);
                    format!("header byte {}", 12 + at % 20)
                }
            };
            found += usize::from(is_damaged(temp.path(), &bytes, is_closed, &what));
        }
        assert!((60..200).contains(&found), "{found}");
    }
}

#[test]
fn a_newer_store_is_refused_with_the_remedy() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("bruit.redb");
    drop(StoreThread::open(temp.path(), SyncLevel::Commit, ME).unwrap());
    let set = |format: u64| {
        let db = Builder::new().open(&path).unwrap();
        let txn = db.begin_write().unwrap();
        let meta: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
        txn.open_table(meta).unwrap().insert("format", format).unwrap();
        txn.commit().unwrap();
    };
    set(2);
    let error = open(temp.path()).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 2, known: 1, .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("run the version that wrote it") && text.contains("move"), "{text}");
    set(0);
    assert!(matches!(open(temp.path()), Err(StoreError::Damaged { .. })));
    set(1);
    assert!(open(temp.path()).is_ok(), "nothing was changed meanwhile");
    let mut bytes = std::fs::read(&path).unwrap();
    (bytes[64], bytes[192]) = (4, 4);
    std::fs::write(&path, bytes).unwrap();
    let error = open(temp.path()).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 4, known: 3, .. }), "{error}");
}

#[test]
fn a_database_of_somebody_else_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let db = Builder::new().create(temp.path().join("bruit.redb")).unwrap();
    drop(db);
    assert!(matches!(open(temp.path()), Err(StoreError::Damaged { .. })));
}

#[test]
fn a_start_that_was_cut_short_is_begun_anew() {
    let temp = tempfile::tempdir().unwrap();
    std::fs::write(temp.path().join("bruit.redb.new"), "half").unwrap();
    assert!(open(temp.path()).unwrap().pending.is_empty());
    assert!(!temp.path().join("bruit.redb.new").exists());
}

#[test]
fn a_store_that_cannot_be_made_names_the_remedy() {
    let temp = tempfile::tempdir().unwrap();
    let error = open(&temp.path().join("none")).unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }), "{error}");
    assert!(error.to_string().contains("--data"), "{error}");
}
