//! What a second run finds.

use super::super::{StoreThread, SyncLevel};
use super::*;
use crate::delivery::SubscriptionSpec;
use std::sync::atomic::{AtomicU64, Ordering};

#[test]
fn a_second_run_finds_what_was_not_done() {
    let temp = tempfile::tempdir().unwrap();
    let (thread, loaded) = StoreThread::open(temp.path(), SyncLevel::Commit, ME).unwrap();
    assert!(loaded.pending.is_empty() && loaded.snapshot.is_none());
    let store = thread.store();
    let (a, b) = (name("a"), name("b"));
    for seq in 1..=4 {
        store.offered(&item(seq), &[Arc::clone(&b), Arc::clone(&a)]);
    }
    assert!(wait(store.ended(id(1), &a, None).kept()));
    assert!(wait(store.ended(id(2), &a, Some(&letter("a", &item(2), 5))).kept()));
    assert!(wait(store.ended(id(3), &b, None).kept()));
    store.paused(&a, Some("gone"));
    store.paused(&b, Some("operator"));
    store.paused(&b, None);
    let spec = SubscriptionSpec { pattern: "x/**".to_owned(), ..SubscriptionSpec::default() };
    assert!(wait(store.put_subscription("api", &spec).kept()));
    assert!(wait(store.keep_snapshot(b"known".to_vec(), store.mark()).kept()));
    drop(thread);
    let (thread, loaded) = StoreThread::open(temp.path(), SyncLevel::Commit, ME).unwrap();
    assert_eq!(pending(&loaded), [("b", 1), ("b", 2), ("a", 3), ("a", 4), ("b", 4)]);
    assert_eq!(loaded.pending[0].item, item(1), "whole, as it was");
    assert_eq!(loaded.dead, [letter("a", &item(2), 5)]);
    assert_eq!(
        loaded.paused.into_iter().collect::<Vec<_>>(),
        [("a".to_owned(), "gone".to_owned())]
    );
    assert_eq!(loaded.subscriptions.into_iter().collect::<Vec<_>>(), [("api".to_owned(), spec)]);
    assert_eq!(loaded.snapshot.as_deref(), Some(&b"known"[..]));
    let status = thread.store().status();
    assert_eq!((status.pending, status.dead, status.healthy), (5, 1, true));
    assert_eq!(status.path, temp.path().join("bruit.redb").display().to_string());
}

#[test]
fn only_this_user_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let temp = tempfile::tempdir().unwrap();
    drop(StoreThread::open(temp.path(), SyncLevel::Commit, ME).unwrap());
    let mode = std::fs::metadata(temp.path().join("bruit.redb")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn one_process_has_it_at_a_time() {
    let temp = tempfile::tempdir().unwrap();
    let (_thread, _) = StoreThread::open(temp.path(), SyncLevel::Commit, ME).unwrap();
    let error = StoreThread::open(temp.path(), SyncLevel::Commit, ME).unwrap_err();
    assert!(matches!(error, super::super::StoreError::InUse { .. }), "{error}");
}

#[test]
fn an_item_is_held_as_long_as_something_refers_to_it() {
    let disk = Disk::default();
    let (thread, _) = on(&disk);
    let store = thread.store();
    let (a, b) = (name("a"), name("b"));
    store.offered(&item(1), &[Arc::clone(&a), Arc::clone(&b)]);
    flushed(&store);
    let bytes = store.status().bytes;
    assert!((100..300).contains(&bytes), "{bytes}");
    assert!(wait(store.ended(id(1), &a, Some(&letter("a", &item(1), 1))).kept()));
    assert!(wait(store.ended(id(1), &b, None).kept()));
    assert_eq!(store.status().bytes, bytes, "the dead letter has it");
    // It is tried again: a delivery before the letter goes.
    store.offered(&item(1), &[Arc::clone(&a)]);
    store.dead_letter_gone(id(1), &a);
    flushed(&store);
    let status = store.status();
    assert_eq!((status.bytes, status.pending, status.dead), (bytes, 1, 0));
    assert!(wait(store.ended(id(1), &a, None).kept()));
    assert_eq!((store.status().bytes, store.status().pending), (0, 0));
}

#[test]
fn a_removed_subscription_takes_its_deliveries_with_it() {
    let disk = Disk::default();
    let (thread, _) = on(&disk);
    let store = thread.store();
    let (a, b) = (name("a"), name("a.b"));
    store.offered(&item(1), &[Arc::clone(&a), Arc::clone(&b)]);
    store.offered(&item(2), &[Arc::clone(&a)]);
    assert!(wait(store.ended(id(2), &a, Some(&letter("a", &item(2), 1))).kept()));
    store.paused(&a, Some("gone"));
    flushed(&store);
    // In one transaction: one delivery of before, one that comes and goes, one that stays.
    store.offered(&item(3), &[Arc::clone(&a)]);
    store.unsubscribed(&a);
    store.offered(&item(4), &[Arc::clone(&a)]);
    drop(thread);
    let (_thread, loaded) = on(&disk);
    assert_eq!(pending(&loaded), [("a.b", 1), ("a", 4)]);
    assert!(loaded.dead.is_empty() && loaded.paused.is_empty());
}

#[test]
fn a_snapshot_covers_what_was_offered_until_its_mark() {
    let disk = Disk::default();
    let (thread, _) = on(&disk);
    let store = thread.store();
    store.offered(&item(1), &[]);
    let mark = store.mark();
    store.offered(&item(2), &[]);
    assert!(wait(store.keep_snapshot(b"1".to_vec(), mark).kept()));
    drop(thread);
    let (thread, loaded) = on(&disk);
    assert!(!loaded.handled.take(&id(1)));
    assert!(loaded.handled.take(&id(2)));
    assert!(!loaded.handled.take(&id(2)), "once");
    // This run's node does not know of item 2 until it comes again.
    let store = thread.store();
    assert!(wait(store.keep_snapshot(b"2".to_vec(), store.mark()).kept()));
    drop(thread);
    let (thread, loaded) = on(&disk);
    assert!(loaded.handled.take(&id(2)));
    let store = thread.store();
    store.seen_again(id(2));
    assert!(wait(store.keep_snapshot(b"3".to_vec(), store.mark()).kept()));
    drop(thread);
    let (thread, loaded) = on(&disk);
    assert_eq!(loaded.handled.len(), 0);
    assert_eq!(thread.store().counters().recent.load(Ordering::Relaxed), 0);
}

#[test]
fn what_is_pending_or_dead_is_not_offered_again() {
    let disk = Disk::default();
    let (thread, _) = on(&disk);
    let store = thread.store();
    let a = name("a");
    store.offered(&item(1), &[Arc::clone(&a)]);
    store.offered(&item(2), &[Arc::clone(&a)]);
    assert!(wait(store.ended(id(2), &a, Some(&letter("a", &item(2), 1))).kept()));
    assert!(wait(store.keep_snapshot(Vec::new(), store.mark()).kept()));
    drop(thread);
    let (_thread, loaded) = on(&disk);
    assert!(loaded.handled.take(&id(1)) && loaded.handled.take(&id(2)));
}

#[test]
fn items_of_this_node_are_kept_while_they_are_retained() {
    let disk = Disk::default();
    let (thread, _) = on(&disk);
    let store = thread.store();
    let bare = Item { repair: false, ..(*item_of(ME, 3, 10)).clone() };
    store.offered(&item_of(ME, 2, 10), &[]);
    store.offered(&item_of(ME, 1, 10), &[]);
    let expected = store.expect(bare.id).unwrap();
    store.offered(&Arc::new(bare), &[name("a")]);
    assert!(!wait(expected.kept()), "the group will not get it after a kill");
    store.offered(&item(4), &[]);
    drop(thread);
    let (thread, loaded) = on(&disk);
    let own: Vec<u64> = loaded.own.iter().map(|item| item.id.seq).collect();
    assert_eq!(own, [2, 1], "in the order in which they came");
    thread.store().not_retained(&[id_of(ME, 2)]);
    drop(thread);
    let (_thread, loaded) = on(&disk);
    assert_eq!(loaded.own, [item_of(ME, 1, 10)]);
}

#[test]
fn the_wall_clock_orders_nothing() {
    static CLOCK: AtomicU64 = AtomicU64::new(5_000);
    let disk = Disk::default();
    let jumping = || Settings {
        wall: || CLOCK.fetch_sub(1_000, Ordering::Relaxed),
        ..settings(SyncLevel::Commit)
    };
    let (thread, _) = open_on(&disk, jumping());
    thread.store().offered(&item(9), &[name("a")]);
    thread.store().offered(&item(1), &[name("b")]);
    drop(thread);
    let (thread, _) = open_on(&disk, jumping());
    thread.store().offered(&item(5), &[name("a")]);
    drop(thread);
    let (_thread, loaded) = open_on(&disk, jumping());
    assert_eq!(pending(&loaded), [("a", 9), ("b", 1), ("a", 5)]);
    let millis: Vec<u64> = loaded.pending.iter().map(|each| each.unix_millis).collect();
    assert_eq!(millis, [5_000, 4_000, 3_000]);
}

#[test]
fn too_many_old_ids_are_forgotten_oldest_first() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("bruit.redb");
    let (thread, _) = StoreThread::open(temp.path(), SyncLevel::Commit, ME).unwrap();
    for seq in [5, 3, 4, 1] {
        thread.store().offered(&item(seq), &[]);
    }
    drop(thread);
    let db = file::open(&path).unwrap();
    super::super::load::trim(&db, 4).unwrap();
    assert_eq!(super::super::load::load(&db, &path).unwrap().handled.len(), 4);
    super::super::load::trim(&db, 2).unwrap();
    let handled = super::super::load::load(&db, &path).unwrap().handled;
    assert!(handled.take(&id(4)) && handled.take(&id(1)));
    assert_eq!(handled.len(), 0);
}
