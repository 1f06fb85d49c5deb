use super::*;

const HOUR: u64 = 3600;

#[test]
fn a_deletion_travels_and_is_purged_after_its_grace() {
    let (mut own, mut peer) = (node(1), node(2));
    put(&mut own, 0, "a", Some("1"));
    copy_all(&mut own, &mut peer, 0);
    put(&mut own, 10, "a", None);
    assert_eq!(exchange(&mut own, &mut peer, 20, 99), [changed(&["a"])]);
    assert_eq!(
        (own.next_timeout(), peer.next_timeout()),
        (Some(at(HOUR + 10)), Some(at(HOUR + 20)))
    );
    own.purge(at(HOUR + 9));
    assert_eq!(own.get(&1).unwrap().held_count(), 1);
    own.purge(at(HOUR + 10));
    peer.purge(at(HOUR + 20));
    for node in [&own, &peer] {
        let state = node.get(&1).unwrap();
        assert_eq!((state.held_count(), state.held_bytes(), state.purged_version()), (0, 0, 2));
        assert_eq!((node.next_timeout(), node.counts().tombstones_purged), (None, 1));
    }
    assert_eq!(own.element_hash(&1), peer.element_hash(&1));
}

#[test]
fn each_tombstone_has_its_own_time() {
    let mut own = node(1);
    for (secs, key) in [(0, "a"), (5, "b"), (9, "c")] {
        put(&mut own, secs, key, Some("1"));
        put(&mut own, secs, key, None);
    }
    put(&mut own, 9, "b", Some("again"));
    assert_eq!(own.next_timeout(), Some(at(HOUR)));
    own.purge(at(HOUR + 1));
    assert_eq!(own.get(&1).unwrap().purged_version(), 2);
    assert_eq!(own.next_timeout(), Some(at(HOUR + 9)));
    own.purge(at(HOUR + 9));
    assert_eq!(own.get(&1).unwrap().purged_version(), 6);
    assert_eq!(view(&own, 1), [seen("b", "again", 7)]);
}

#[test]
fn who_missed_a_purged_deletion_gets_everything_anew() {
    let (mut own, mut peer) = (node(1), node(2));
    put(&mut own, 0, "a", Some("1"));
    put(&mut own, 0, "b", Some("2"));
    copy_all(&mut own, &mut peer, 0);
    put(&mut own, 0, "a", None);
    own.purge(at(HOUR));
    let sent = deltas(&own, &peer, 99).remove(0);
    assert_eq!((sent.from_version, sent.purged_version, sent.max_version), (0, 3, 3));
    assert_eq!(sent.entries, [entry("b", Some("2"), 2)]);
    assert_eq!(peer.apply(at(HOUR), sent.clone()), changed(&["a"]));
    assert_eq!(view(&peer, 1), [seen("b", "2", 2)]);
    assert_eq!(peer.digest(&1), own.digest(&1));
    assert_eq!(peer.apply(at(HOUR), sent), Applied::Stale);
}

#[test]
fn who_knew_the_deletion_does_not_start_over() {
    let (mut own, mut peer) = (node(1), node(2));
    put(&mut own, 0, "a", Some("1"));
    put(&mut own, 0, "a", None);
    copy_all(&mut own, &mut peer, 0);
    own.purge(at(HOUR));
    put(&mut own, HOUR, "b", Some("2"));
    let sent = deltas(&own, &peer, 99).remove(0);
    assert_eq!((sent.from_version, sent.purged_version), (2, 2));
    assert_eq!(peer.apply(at(HOUR), sent), changed(&["b"]));
    assert_eq!(peer.get(&1).unwrap().held_count(), 2);
}

#[test]
fn starting_over_goes_on_after_a_cut() {
    let (mut own, mut peer) = (node(1), node(2));
    for key in ["a", "b", "c", "d"] {
        put(&mut own, 0, key, Some("1"));
    }
    copy_all(&mut own, &mut peer, 0);
    put(&mut own, 0, "b", None);
    own.purge(at(HOUR));
    // A header is 9 bytes and an entry 5.
    let first = exchange(&mut own, &mut peer, HOUR, 14);
    assert_eq!(first, [changed(&["b", "c", "d"])]);
    assert_eq!(exchange(&mut own, &mut peer, HOUR, 14), [changed(&["c"])]);
    assert_eq!(exchange(&mut own, &mut peer, HOUR, 14), [changed(&["d"])]);
    assert_eq!(exchange(&mut own, &mut peer, HOUR, 14), []);
    assert_eq!((view(&peer, 1), peer.digest(&1)), (view(&own, 1), own.digest(&1)));
}

#[test]
fn a_copy_that_missed_the_deletion_cannot_bring_the_key_back() {
    let (mut own, mut peer, mut behind) = (node(1), node(2), node(3));
    for key in ["a", "b", "c"] {
        put(&mut own, 0, key, Some("1"));
    }
    copy_all(&mut own, &mut peer, 0);
    copy_all(&mut own, &mut behind, 0);
    put(&mut own, 0, "c", None);
    own.purge(at(HOUR));
    exchange(&mut own, &mut peer, HOUR, 14);
    assert_eq!(view(&peer, 1), [seen("a", "1", 1)]);
    // `behind` still has c and knows more versions than `peer`, which is starting over.
    let from_behind = deltas(&behind, &peer, 99);
    assert!(from_behind.iter().all(|delta| delta.id != 1));
    let forced = NodeDelta {
        id: 1,
        generation: 1,
        from_version: 1,
        purged_version: 0,
        entries: vec![entry("b", Some("1"), 2), entry("c", Some("1"), 3)],
        max_version: 3,
    };
    assert_eq!(peer.apply(at(HOUR), forced), Applied::Gap);
    // Whoever knows of the deletion may help, purged or not.
    exchange(&mut own, &mut behind, HOUR, usize::MAX);
    exchange(&mut behind, &mut peer, HOUR, usize::MAX);
    assert_eq!(view(&peer, 1), [seen("a", "1", 1), seen("b", "1", 2)]);
}

#[test]
fn whoever_knows_of_the_deletion_helps_one_that_starts_over() {
    let (mut own, mut peer, mut helper) = (node(1), node(2), node(3));
    for key in ["a", "b", "c"] {
        put(&mut own, 0, key, Some("1"));
    }
    copy_all(&mut own, &mut peer, 0);
    put(&mut own, 0, "c", None);
    copy_all(&mut own, &mut helper, 0);
    own.purge(at(HOUR));
    exchange(&mut own, &mut peer, HOUR, 14);
    assert_eq!(peer.get(&1).unwrap().purged_version(), 4);
    assert_eq!(helper.get(&1).unwrap().purged_version(), 0);
    // Two deltas, of which the first ends below the version of the deletion.
    let mut about_own = |budget| {
        let theirs = [peer.digest(&1).unwrap()];
        let rng = &mut Rng::from_seed(1);
        let delta = helper.delta(&theirs, Order::Depth, budget, &Bytes, rng).remove(0);
        let ends = (delta.from_version, delta.purged_version, delta.max_version);
        (ends, peer.apply(at(HOUR), delta))
    };
    assert_eq!(about_own(14), ((1, 4, 2), changed(&["b"])));
    assert_eq!(about_own(14), ((2, 4, 4), changed(&[])));
    assert_eq!(view(&peer, 1), view(&own, 1));
}

#[test]
fn a_late_delta_with_the_value_comes_after_the_deletion() {
    let (mut own, mut peer) = (node(1), node(2));
    put(&mut own, 0, "a", Some("1"));
    let late = deltas(&own, &peer, 99).remove(0);
    put(&mut own, 0, "a", None);
    copy_all(&mut own, &mut peer, 0);
    assert_eq!(peer.apply(at(0), late.clone()), Applied::Stale);
    peer.purge(at(HOUR));
    assert_eq!(peer.apply(at(HOUR), late), Applied::Stale);
    assert_eq!((view(&peer, 1), peer.get(&1).unwrap().purged_version()), (vec![], 2));
}
