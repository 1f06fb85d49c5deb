use super::*;

#[test]
fn writes_are_numbered_and_equal_values_are_no_change() {
    let mut own = node(1);
    let changes = [change("b", Some("1")), change("a", Some("2")), change("b", Some("3"))];
    assert_eq!(own.set(at(0), &changes), Ok(true));
    assert_eq!(view(&own, 1), [seen("a", "2", 1), seen("b", "3", 2)]);
    assert_eq!(own.set(at(0), &changes[1..]), Ok(false));
    assert_eq!(own.set(at(0), &[change("c", None)]), Ok(false));
    assert_eq!(own.set(at(0), &[change("a", None), change("b", Some("3"))]), Ok(true));
    assert_eq!(own.set(at(0), &[change("a", None)]), Ok(false));
    assert_eq!(own.set(at(0), &[]), Ok(false));
    assert_eq!(view(&own, 1), [seen("b", "3", 2)]);
    let state = own.get(&1).unwrap();
    assert_eq!((state.max_version(), state.held_count(), state.held_bytes()), (3, 2, 3));
    assert_eq!((state.get("b").unwrap().as_ref(), state.get("a")), (&b"3"[..], None));
}

#[test]
fn beyond_a_bound_nothing_is_changed() {
    let limits = Limits { node_bytes_max: 10, keys_max: 2, key_bytes_max: 3, ..Limits::default() };
    let mut own = Scuttlebutt::new(limits, 1, 1);
    let set = |own: &mut Scuttlebutt<u32>, changes: &[(String, Option<Vec<u8>>)]| {
        let before = (view(own, 1), own.digest(&1));
        let result = own.set(at(0), changes);
        assert!(result.is_ok() || (view(own, 1), own.digest(&1)) == before);
        result
    };
    let fine = change("a", Some("1"));
    let long = change("abcd", Some(""));
    assert_eq!(set(&mut own, &[fine.clone(), long]), Err(SetError::KeyLength { max: 3 }));
    let empty = change("", Some("x"));
    assert_eq!(set(&mut own, &[fine.clone(), empty]), Err(SetError::KeyLength { max: 3 }));
    let three = [fine.clone(), change("b", Some("")), change("c", Some(""))];
    assert_eq!(set(&mut own, &three), Err(SetError::TooManyKeys { max: 2 }));
    let large = change("b", Some("12345678"));
    assert_eq!(set(&mut own, &[fine.clone(), large]), Err(SetError::TooLarge { max: 10 }));
    let full = change("b", Some("1234567"));
    assert_eq!(set(&mut own, &[fine, full]), Ok(true));
    // A key makes room for another in the same call.
    assert_eq!(set(&mut own, &[change("c", Some("1234567")), change("b", None)]), Ok(true));
    assert_eq!(view(&own, 1), [seen("a", "1", 1), seen("c", "1234567", 3)]);
}

#[test]
fn tombstones_make_room_for_the_living() {
    let limits = Limits { keys_max: 3, ..Limits::default() };
    let mut own = Scuttlebutt::new(limits, 1, 1);
    for key in ["a", "b", "c"] {
        put(&mut own, 0, key, Some("x"));
    }
    put(&mut own, 0, "a", None);
    put(&mut own, 0, "b", None);
    assert_eq!(own.get(&1).unwrap().purged_version(), 0);
    put(&mut own, 0, "d", Some("x"));
    let state = own.get(&1).unwrap();
    assert_eq!((state.held_count(), state.purged_version(), state.max_version()), (3, 4, 6));
    assert_eq!(own.counts().tombstones_shed, 1);
    assert_eq!(view(&own, 1), [seen("c", "x", 3), seen("d", "x", 6)]);
}

#[test]
fn tombstones_give_up_their_bytes_too() {
    let limits = Limits { node_bytes_max: 12, ..Limits::default() };
    let mut own = Scuttlebutt::new(limits, 1, 1);
    put(&mut own, 0, "aaaa", Some("1234"));
    put(&mut own, 0, "aaaa", None);
    put(&mut own, 0, "b", Some("1234567"));
    assert_eq!((own.get(&1).unwrap().held_bytes(), own.counts().tombstones_shed), (12, 0));
    put(&mut own, 0, "b", Some("12345678"));
    assert_eq!((own.get(&1).unwrap().held_bytes(), own.counts().tombstones_shed), (9, 1));
    assert_eq!(own.next_timeout(), None);
}

#[test]
fn a_higher_generation_replaces_all() {
    let (mut old, mut peer) = (node(1), node(2));
    put(&mut old, 0, "a", Some("1"));
    put(&mut old, 0, "b", Some("2"));
    copy_all(&mut old, &mut peer, 0);
    let mut new = Scuttlebutt::new(Limits::default(), 1, 2);
    put(&mut new, 0, "b", Some("3"));
    assert_eq!(exchange(&mut new, &mut peer, 0, 99)[..], [changed(&["a", "b"])]);
    assert_eq!(view(&peer, 1), [seen("b", "3", 1)]);
    // The state of a restarted node that has written nothing travels as well.
    let mut newest = Scuttlebutt::new(Limits::default(), 1, 3);
    assert_eq!(exchange(&mut newest, &mut peer, 0, 99)[..], [changed(&["b"])]);
    assert_eq!((view(&peer, 1), peer.get(&1).unwrap().generation()), (vec![], 3));
    // And a late delta of an old run is stale.
    let late = deltas(&old, &node(9), 99).remove(0);
    assert_eq!(peer.apply(at(0), late), Applied::Stale);
}

#[test]
fn a_restart_with_an_old_clock_heals() {
    let (mut old, mut peer) = (Scuttlebutt::new(Limits::default(), 1, 50), node(2));
    put(&mut old, 0, "a", Some("1"));
    put(&mut old, 0, "b", Some("2"));
    copy_all(&mut old, &mut peer, 0);
    let mut new = Scuttlebutt::new(Limits::default(), 1, 7);
    put(&mut new, 0, "a", Some("3"));
    put(&mut new, 0, "c", Some("4"));
    put(&mut new, 0, "a", None);
    assert!(new.note_digest(&peer.digest(&1).unwrap()));
    assert_eq!((new.generation(), new.counts().generation_bumps), (51, 1));
    assert_eq!(view(&new, 1), [seen("c", "4", 1)]);
    assert_eq!(new.next_timeout(), None);
    assert_eq!(exchange(&mut new, &mut peer, 0, 99)[..], [changed(&["a", "b", "c"])]);
    assert_eq!(view(&peer, 1), [seen("c", "4", 1)]);
    assert!(!new.note_digest(&peer.digest(&1).unwrap()));
}

#[test]
fn a_lost_count_of_writes_heals_by_a_delta_too() {
    let (mut old, mut peer) = (node(1), node(2));
    put(&mut old, 0, "a", Some("1"));
    put(&mut old, 0, "b", Some("2"));
    copy_all(&mut old, &mut peer, 0);
    let mut new = node(1);
    put(&mut new, 0, "c", Some("3"));
    assert!(exchange(&mut peer, &mut new, 0, 99).contains(&Applied::OwnNewer));
    assert_eq!((new.generation(), view(&new, 1)), (2, vec![seen("c", "3", 1)]));
    copy_all(&mut new, &mut peer, 0);
    assert_eq!(view(&peer, 1), view(&new, 1));
}

#[test]
fn an_entry_of_its_own_that_it_did_not_write_is_found_below_its_version() {
    let mut own = node(1);
    put(&mut own, 0, "a", Some("1"));
    put(&mut own, 0, "b", Some("2"));
    put(&mut own, 0, "c", Some("3"));
    put(&mut own, 0, "b", None);
    let about_me = |entries: Vec<Entry>| NodeDelta {
        id: 1,
        generation: 1,
        from_version: 0,
        purged_version: 0,
        max_version: 2,
        entries,
    };
    // An entry that was overwritten since cannot be told from a foreign one.
    let written = vec![entry("a", Some("1"), 1), entry("b", Some("?"), 2)];
    assert_eq!(own.apply(at(0), about_me(written)), Applied::Stale);
    assert_eq!(own.generation(), 1);
    for (generation, foreign) in
        [(2, entry("a", Some("x"), 1)), (3, entry("a", Some("1"), 2)), (4, entry("z", None, 2))]
    {
        let delta = NodeDelta { generation: own.generation(), ..about_me(vec![foreign]) };
        assert_eq!(own.apply(at(0), delta), Applied::OwnNewer);
        assert_eq!(own.generation(), generation);
        assert_eq!(view(&own, 1), [seen("a", "1", 1), seen("c", "3", 2)]);
    }
}

#[test]
fn only_a_generation_not_below_its_own_moves_it() {
    let mut own = Scuttlebutt::new(Limits::default(), 1, 10);
    own.note_generation(9);
    assert_eq!(own.generation(), 10);
    own.note_generation(10);
    assert_eq!(own.generation(), 11);
    own.note_generation(500);
    assert_eq!(own.generation(), 501);
    own.note_generation(u64::MAX);
    assert_eq!((own.generation(), own.counts().generation_bumps), (501, 2));
    assert!(!own.note_digest(&DigestEntry {
        id: 2,
        generation: 900,
        max_version: 1,
        purged_version: 0
    }));
    assert_eq!(Scuttlebutt::new(Limits::default(), 1_u32, 0).generation(), 1);
    assert_eq!(Scuttlebutt::new(Limits::default(), 1_u32, u64::MAX).generation(), GENERATION_MAX);
}

#[test]
fn removed_members_are_forgotten_and_own_state_is_not() {
    let (mut own, mut peer) = (node(1), node(2));
    put(&mut own, 0, "a", Some("1"));
    put(&mut own, 0, "a", None);
    copy_all(&mut own, &mut peer, 0);
    assert_ne!(peer.element_hash(&1), 0);
    assert!(peer.next_timeout().is_some());
    assert!(peer.remove(&1));
    assert_eq!((peer.remove(&1), peer.element_hash(&1), peer.next_timeout()), (false, 0, None));
    assert!(!peer.remove(&2));
    assert_eq!(peer.ids().copied().collect::<Vec<_>>(), [2]);
}

#[test]
fn the_hash_tells_id_generation_and_version() {
    let (mut a, b) = (node(1), node(2));
    assert_ne!(a.element_hash(&1), b.element_hash(&2));
    let before = a.element_hash(&1);
    put(&mut a, 0, "k", Some("v"));
    let written = a.element_hash(&1);
    a.note_generation(1);
    let hashes = [before, written, a.element_hash(&1)];
    assert!(hashes[0] != hashes[1] && hashes[1] != hashes[2] && hashes[0] != hashes[2]);
}
