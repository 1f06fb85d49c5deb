//! Disks that are full, and power that goes.

use super::*;
use bruit_engine::Rng;
use std::sync::atomic::Ordering;

#[test]
fn a_full_disk_is_told_and_overcome() {
    let disk = Disk::default();
    let (thread, _) = on(&disk);
    let store = thread.store();
    let a = name("a");
    store.offered(&item(1), &[Arc::clone(&a)]);
    store.offered(&item(2), &[Arc::clone(&a)]);
    flushed(&store);
    disk.set_room(Some(0));
    let expected = store.expect(id(3)).unwrap();
    store.offered(&item(3), &[Arc::clone(&a)]);
    assert!(!wait(expected.kept()), "it is not on disk");
    let status = store.status();
    assert!(!status.healthy);
    let error = status.last_error.unwrap();
    assert!(error.contains("no space left"), "{error}");
    assert!(store.expect(id(9)).is_none(), "nobody waits for a disk that fails");
    assert!(!store.ended(id(1), &a, None).is_open());
    store.paused(&a, Some("gone"));
    eventually("it is tried again", || store.counters().errors.load(Ordering::Relaxed) >= 2);
    disk.set_room(None);
    eventually("it is written again", || store.status().healthy);
    assert!(store.expect(id(9)).is_some());
    drop(thread);
    let (_thread, loaded) = on(&disk);
    assert_eq!(pending(&loaded), [("a", 2), ("a", 3)], "with all that was told meanwhile");
    assert_eq!(loaded.paused["a"], "gone");
}

#[test]
fn a_disk_may_fill_at_any_byte() {
    let mut rng = Rng::from_seed(3);
    for _ in 0..60 {
        let disk = Disk::default();
        let (thread, _) = on(&disk);
        let store = thread.store();
        let a = name("a");
        for seq in 1..=20 {
            store.offered(&item(seq), &[Arc::clone(&a)]);
        }
        flushed(&store);
        let room = usize::try_from(rng.below(40_000)).unwrap();
        disk.set_room(Some(room));
        for seq in 21..=40 {
            store.offered(&item_of(OTHER, seq, 2_000), &[Arc::clone(&a)]);
            drop(store.ended(id(seq - 20), &a, None));
        }
        eventually("it has failed", || !store.status().healthy);
        drop(thread);
        disk.set_room(None);
        let (_thread, loaded) = on(&disk);
        let found: Vec<u64> = loaded.pending.iter().map(|each| each.item.id.seq).collect();
        // Each transaction is there whole or not at all, and what was told first is there first.
        assert!((20..=21).contains(&found.len()), "room for {room} bytes: {found:?}");
        assert!(found.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{found:?}");
    }
}

#[test]
fn a_loss_of_power_loses_nothing_that_was_acknowledged() {
    let mut rng = Rng::from_seed(4);
    let disk = Disk::default();
    let (thread, _) = on(&disk);
    let store = thread.store();
    let a = name("a");
    let (mut offered, mut ended) = (0, 0);
    for round in 0..60 {
        for _ in 0..10 {
            offered += 1;
            store.offered(&item_of(OTHER, offered, 500), &[Arc::clone(&a)]);
        }
        // All of these are acknowledged.
        let acknowledged = offered;
        while ended + 7 < offered {
            ended += 1;
            assert!(wait(store.ended(id(ended), &a, None).kept()));
        }
        flushed(&store);
        // The power goes while more is being written.
        let syncs = disk.syncs();
        disk.stall(true);
        offered += 1;
        store.offered(&item(offered), &[Arc::clone(&a)]);
        drop(store.ended(id(0), &a, None));
        disk.wait_for_sync(syncs);
        for _ in 0..3 {
            let left = disk.after_power_loss(|| rng.below(2) == 0);
            let (_thread, loaded) = on(&left);
            let found: Vec<u64> = loaded.pending.iter().map(|each| each.item.id.seq).collect();
            let known: Vec<u64> = (ended + 1..=acknowledged).collect();
            let whole: Vec<u64> = (ended + 1..=offered).collect();
            assert!(found == known || found == whole, "round {round}: {found:?}");
        }
        disk.stall(false);
        flushed(&store);
    }
}
