//! Group commit, tickets, and what is shed when something is full.

use super::super::SyncLevel;
use super::super::queue::ROWS_MAX;
use super::*;
use std::sync::atomic::Ordering;

/// A store whose disk has stalled in the middle of a transaction.
fn stalled(disk: &Disk) -> StoreThread {
    let (thread, _) = on(disk);
    disk.stall(true);
    let syncs = disk.syncs();
    drop(thread.store().ended(id(0), &name("other"), None));
    disk.wait_for_sync(syncs);
    thread
}

#[test]
fn many_changes_share_one_transaction() {
    let disk = Disk::default();
    let thread = stalled(&disk);
    let store = thread.store();
    let a = name("a");
    for seq in 1..=1000 {
        store.offered(&item(seq), &[Arc::clone(&a)]);
    }
    let tickets: Vec<_> = (1..=999).map(|seq| store.ended(id(seq), &a, None)).collect();
    let before = store.counters().commits.load(Ordering::Relaxed);
    disk.stall(false);
    for ticket in tickets {
        assert!(wait(ticket.kept()));
    }
    assert_eq!(store.counters().commits.load(Ordering::Relaxed), before + 2, "two in all");
    assert_eq!(store.status().pending, 1);
    let one = store.status().bytes;
    assert!((100..300).contains(&one), "the others never reached the disk: {one}");
}

#[test]
fn a_ticket_waits_for_the_disk() {
    let disk = Disk::default();
    let thread = stalled(&disk);
    let store = thread.store();
    let expected = store.expect(id(1)).unwrap();
    store.offered(&item(1), &[name("a")]);
    let ended = store.ended(id(2), &name("a"), None);
    wait(async {
        let mut both = std::pin::pin!(async { (expected.kept().await, ended.kept().await) });
        let early = tokio::time::timeout(Duration::from_millis(50), &mut both).await;
        assert!(early.is_err(), "the disk has not confirmed anything");
        disk.stall(false);
        assert_eq!(both.await, (true, true));
    });
}

#[test]
fn at_level_batch_nobody_waits() {
    let disk = Disk::default();
    let (thread, _) = open_on(&disk, settings(SyncLevel::Batch));
    let store = thread.store();
    assert!(store.expect(id(1)).is_none());
    store.offered(&item(1), &[name("a")]);
    store.offered(&item(2), &[name("a")]);
    assert!(!store.ended(id(1), &name("a"), None).is_open());
    drop(thread);
    let (_thread, loaded) = on(&disk);
    assert_eq!(pending(&loaded), [("a", 2)]);
}

#[test]
fn who_expects_an_item_that_never_comes_leaves_nothing_behind() {
    let disk = Disk::default();
    let (thread, _) = on(&disk);
    let store = thread.store();
    let expected = store.expect(id(1)).unwrap();
    assert_eq!(store.queue.lock().expected.len(), 1);
    drop(expected);
    assert_eq!(store.queue.lock().expected.len(), 0);
    let expected = store.expect(id(2)).unwrap();
    drop(thread);
    assert!(!wait(expected.kept()), "the store has ended");
}

#[test]
fn telling_a_stalled_store_sheds_and_never_waits() {
    let disk = Disk::default();
    let thread = stalled(&disk);
    let store = thread.store();
    let a = name("a");
    let shed = || store.counters().shed.load(Ordering::Relaxed);
    let rows = ROWS_MAX as u64 / 2;
    for seq in 1..=rows {
        store.offered(&item(seq), &[Arc::clone(&a)]);
    }
    assert_eq!(shed(), 0);
    let expected = store.expect(id(rows + 1)).unwrap();
    store.offered(&item(rows + 1), &[Arc::clone(&a)]);
    assert_eq!(shed(), 1, "a row for the delivery and one for the id: full");
    assert!(!wait(expected.kept()));
    let reserve = ROWS_MAX as u64;
    let tickets: Vec<_> =
        (0..reserve).map(|at| store.ended(id(1_000_000 + at), &a, None)).collect();
    assert!(tickets.iter().all(super::super::Ticket::is_open), "there is a reserve for these");
    assert!(!store.ended(id(1), &a, None).is_open());
    assert_eq!(shed(), 2);
    disk.stall(false);
    drop(thread);
    let (_thread, loaded) = on(&disk);
    assert_eq!(loaded.pending.len() as u64, rows);
}

#[test]
fn bytes_that_wait_are_bounded() {
    let disk = Disk::default();
    let thread = stalled(&disk);
    let store = thread.store();
    for seq in 1..=40 {
        store.offered(&item_of(OTHER, seq, 1 << 20), &[name("a"), name("b")]);
    }
    // 1 MiB and some each, held once for both: the 32nd passes the bound of 32 MiB.
    assert_eq!(store.counters().shed.load(Ordering::Relaxed), 8);
    disk.stall(false);
}

#[test]
fn a_full_store_drops_dead_letters_and_then_takes_no_more() {
    let disk = Disk::default();
    let small = Settings { bytes_max: 3_500, ..settings(SyncLevel::Commit) };
    let (thread, _) = open_on(&disk, small);
    let store = thread.store();
    let a = name("a");
    let stored = |seq| {
        let expected = store.expect(id(seq)).unwrap();
        store.offered(&item_of(OTHER, seq, 1_000), &[Arc::clone(&a)]);
        wait(expected.kept())
    };
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    assert!(stored(1) && stored(2) && stored(3));
    for seq in [2, 1] {
        let dead = letter("a", &item_of(OTHER, seq, 1_000), seq);
        assert!(wait(store.ended(id(seq), &a, Some(&dead)).kept()));
    }
    assert!(stored(4));
    assert_eq!(count(&store.counters().dead_dropped), 1, "the letter that was there first");
    assert!(stored(5));
    assert_eq!((store.status().dead, count(&store.counters().refused)), (0, 0));
    assert!(!stored(6));
    assert_eq!((store.status().pending, count(&store.counters().refused)), (3, 1));
    assert!(wait(store.ended(id(3), &a, None).kept()));
    assert!(stored(7), "there is room again");
    drop(thread);
    let (_thread, loaded) = on(&disk);
    assert_eq!(pending(&loaded), [("a", 4), ("a", 5), ("a", 7)]);
    assert!(!loaded.handled.take(&id(6)), "what was not stored may come again");
}
