//! The store on files and on a disk that fails, stalls or loses power.

mod bounds;
mod damage;
mod disk;
mod faults;
mod model;
mod restart;

use super::keeper::Open;
use super::{Loaded, LoadedDead, Settings, Store, StoreThread, SyncLevel, file, tables};
use bruit_model::{HybridTime, Item, ItemId, NodeId, Path, Style};
use disk::Disk;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longer than anything may take here.
const LONG: Duration = Duration::from_secs(60);

/// The node whose store it is.
const ME: NodeId = NodeId([1; 16]);
const OTHER: NodeId = NodeId([2; 16]);

fn id_of(origin: NodeId, seq: u64) -> ItemId {
    ItemId { origin, start: 7, seq }
}

fn item_of(origin: NodeId, seq: u64, bytes: usize) -> Arc<Item> {
    Arc::new(Item {
        id: id_of(origin, seq),
        path: Path::parse("a/b").unwrap(),
        previous_in_topic: None,
        time: HybridTime(seq),
        expires_unix_millis: Some(seq),
        style: Style::Push,
        repair: true,
        fanout_count: 4,
        rounds_left: 3,
        hops: 0,
        headers: Vec::new(),
        payload: vec![7; bytes].into(),
        signature: None,
    })
}

/// The item of this number, of another node.
fn item(seq: u64) -> Arc<Item> {
    item_of(OTHER, seq, 100)
}

fn id(seq: u64) -> ItemId {
    id_of(OTHER, seq)
}

fn name(text: &str) -> Arc<str> {
    text.into()
}

fn letter(subscription: &str, item: &Arc<Item>, number: u64) -> LoadedDead {
    LoadedDead {
        subscription: subscription.to_owned(),
        item: Arc::clone(item),
        number,
        unix_millis: 1_000 + number,
        attempts: 3,
        status: Some(403),
        reason: "the consumer refused it: answered 403".to_owned(),
    }
}

/// What is pending: subscriptions and numbers of items, in order.
fn pending(loaded: &Loaded) -> Vec<(&str, u64)> {
    let pending = loaded.pending.iter();
    pending.map(|each| (each.subscription.as_str(), each.item.id.seq)).collect()
}

/// Waits until `is_so`.
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < LONG, "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Waits for a ticket or the like.
fn wait<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(LONG, future).await.unwrap() })
}

fn settings(level: SyncLevel) -> Settings {
    let path = PathBuf::from("test.redb");
    Settings { path, level, me: ME, bytes_max: super::ITEM_BYTES_MAX, wall: super::unix_millis }
}

/// A store on a disk in memory.
fn open_on(disk: &Disk, settings: Settings) -> (StoreThread, Loaded) {
    let disk = disk.clone();
    let open: Open = Box::new(move || {
        let path = PathBuf::from("test.redb");
        let is_new = disk.is_empty();
        let db = file::builder().create_with_backend(disk.clone());
        let db = db.map_err(|error| file::told(error, &path))?;
        if is_new {
            tables::make(&db).unwrap();
        }
        tables::check(&db, &path)?;
        Ok(db)
    });
    let db = open().unwrap();
    StoreThread::start(settings, open, db).unwrap()
}

fn on(disk: &Disk) -> (StoreThread, Loaded) {
    open_on(disk, settings(SyncLevel::Commit))
}

/// Waits until all that was told is on disk.
fn flushed(store: &Arc<Store>) {
    assert!(wait(store.remove_subscription("none").kept()));
}
