use super::*;

fn delta(entries: Vec<Entry>) -> NodeDelta<u32> {
    let max_version = entries.iter().map(|entry| entry.version).max().unwrap_or(0);
    NodeDelta { id: 1, generation: 1, from_version: 0, purged_version: 0, entries, max_version }
}

fn many(count: u64) -> Vec<Entry> {
    (1..=count).map(|version| entry(&format!("k{version}"), Some(""), version)).collect()
}

#[test]
fn malformed_deltas_have_no_effect() {
    let a = || entry("a", Some("1"), 1);
    let b = || entry("b", Some("2"), 2);
    let long = "k".repeat(129);
    let half = vec![0; 64 << 10];
    let large =
        |key: &str, version| Entry { key: key.to_owned(), value: Some(half.clone()), version };
    let cases = [
        (delta(vec![b(), a()]), Refusal::Malformed),
        (delta(vec![a(), entry("b", None, 1)]), Refusal::Malformed),
        (delta(vec![a(), entry("a", None, 2)]), Refusal::Malformed),
        (delta(vec![entry("a", None, 0)]), Refusal::Malformed),
        (NodeDelta { max_version: 1, ..delta(vec![a(), b()]) }, Refusal::Malformed),
        (NodeDelta { from_version: 1, ..delta(vec![a(), b()]) }, Refusal::Malformed),
        (NodeDelta { from_version: 5, max_version: 4, ..delta(vec![]) }, Refusal::Malformed),
        (NodeDelta { generation: 0, ..delta(vec![a()]) }, Refusal::Malformed),
        (NodeDelta { generation: u64::MAX, ..delta(vec![a()]) }, Refusal::Malformed),
        (delta(vec![entry("", None, 1)]), Refusal::KeyLength),
        (delta(vec![entry(&long, None, 1)]), Refusal::KeyLength),
        (delta(many(2_049)), Refusal::TooManyKeys),
        (delta(vec![large("a", 1), large("b", 2)]), Refusal::TooLarge),
    ];
    let count = cases.len() as u64;
    for id in [1, 2] {
        let mut peer = node(2);
        let before = (peer.digests().collect::<Vec<_>>(), peer.generation());
        for (delta, refusal) in cases.clone() {
            let got = peer.apply(at(0), NodeDelta { id, ..delta });
            assert_eq!(got, Applied::Refused(refusal));
        }
        assert_eq!((peer.digests().collect::<Vec<_>>(), peer.generation()), before);
        assert_eq!(peer.counts().refused, count);
    }
}

#[test]
fn a_delta_that_does_not_follow_is_a_gap() {
    let mut peer = node(2);
    let later = NodeDelta { from_version: 1, ..delta(vec![entry("b", Some("2"), 2)]) };
    assert_eq!(peer.apply(at(0), later.clone()), Applied::Gap);
    assert!(peer.get(&1).is_none());
    let first = delta(vec![entry("a", Some("1"), 1)]);
    assert_eq!(peer.apply(at(0), first), changed(&["a"]));
    assert_eq!(peer.apply(at(0), later), changed(&["b"]));
    let far = NodeDelta { from_version: 7, ..delta(vec![entry("c", Some("3"), 8)]) };
    assert_eq!(peer.apply(at(0), far), Applied::Gap);
    let next_run =
        NodeDelta { generation: 2, from_version: 2, ..delta(vec![entry("c", Some("3"), 3)]) };
    assert_eq!(peer.apply(at(0), next_run), Applied::Gap);
    let purged =
        NodeDelta { from_version: 2, purged_version: 3, ..delta(vec![entry("c", Some("3"), 4)]) };
    assert_eq!(peer.apply(at(0), purged), Applied::Gap);
    assert_eq!(view(&peer, 1), [seen("a", "1", 1), seen("b", "2", 2)]);
    assert_eq!(peer.counts().gaps, 4);
}

#[test]
fn overlapping_deltas_add_what_is_new() {
    let mut peer = node(2);
    let ab = delta(vec![entry("a", Some("1"), 1), entry("b", Some("2"), 2)]);
    let bc = delta(vec![entry("b", Some("2"), 2), entry("c", Some("3"), 3)]);
    let bc = NodeDelta { from_version: 1, ..bc };
    assert_eq!(peer.apply(at(0), ab.clone()), changed(&["a", "b"]));
    assert_eq!(peer.apply(at(0), bc), changed(&["c"]));
    assert_eq!(peer.apply(at(0), ab), Applied::Stale);
    assert_eq!(view(&peer, 1), [seen("a", "1", 1), seen("b", "2", 2), seen("c", "3", 3)]);
}

#[test]
fn huge_versions_are_healed_by_their_owner() {
    let (mut own, mut peer) = (node(1), node(2));
    put(&mut own, 0, "a", Some("1"));
    copy_all(&mut own, &mut peer, 0);
    let lie = NodeDelta {
        from_version: 1,
        max_version: u64::MAX,
        ..delta(vec![entry("a", Some("lie"), u64::MAX)])
    };
    assert_eq!(peer.apply(at(0), lie), changed(&["a"]));
    assert_eq!(exchange(&mut own, &mut peer, 0, 99), [changed(&["a"])]);
    assert_eq!((view(&peer, 1), own.generation()), (vec![seen("a", "1", 1)], 2));
    let purge = NodeDelta { generation: 2, purged_version: u64::MAX, ..delta(vec![]) };
    assert_eq!(peer.apply(at(0), purge), changed(&["a"]));
    assert_eq!(exchange(&mut own, &mut peer, 0, 99), [changed(&["a"])]);
    assert_eq!((view(&peer, 1), own.generation()), (view(&own, 1), 3));
    let mut claim = own.digest(&1).unwrap();
    claim.generation = GENERATION_MAX;
    assert!(!own.note_digest(&claim));
}

#[test]
fn state_of_too_many_nodes_is_refused() {
    let mut peer = Scuttlebutt::new(Limits { nodes_max: 3, ..Limits::default() }, 9, 1);
    for id in 1..=2 {
        assert_eq!(peer.apply(at(0), NodeDelta { id, ..delta(many(1)) }), changed(&["k1"]));
    }
    let third = NodeDelta { id: 3, ..delta(many(1)) };
    let refused = Applied::Refused(Refusal::TooManyNodes);
    assert_eq!(peer.apply(at(0), third.clone()), refused);
    assert_eq!(
        peer.apply(at(0), NodeDelta { id: 2, from_version: 1, ..delta(many(2)[1..].to_vec()) }),
        changed(&["k2"])
    );
    assert!(peer.remove(&1));
    assert_eq!(peer.apply(at(0), third), changed(&["k1"]));
}

#[test]
fn a_copy_that_outgrows_its_bounds_is_fetched_anew() {
    let mut peer = node(2);
    let of = |from_version, key: &str, version| NodeDelta {
        from_version,
        ..delta(vec![Entry { key: key.to_owned(), value: Some(vec![0; 60_000]), version }])
    };
    assert_eq!(peer.apply(at(0), of(0, "a", 1)), changed(&["a"]));
    assert_eq!(peer.apply(at(0), of(1, "b", 2)), changed(&["b"]));
    assert_eq!(peer.apply(at(0), of(2, "c", 3)), changed(&["a", "b"]));
    assert_eq!((peer.counts().forgotten, peer.get(&1).unwrap().held_bytes()), (1, 0));
    let digest = DigestEntry { id: 1, generation: 1, max_version: 0, purged_version: 0 };
    assert_eq!(peer.digest(&1), Some(digest));
    assert_eq!(peer.apply(at(0), of(2, "c", 3)), Applied::Gap);
    assert_eq!(peer.apply(at(0), of(0, "c", 3)), changed(&["c"]));
    let mut keys = node(3);
    assert_eq!(keys.apply(at(0), delta(many(2_048))).clone(), {
        let mut names: Vec<String> = (1..=2_048).map(|key| format!("k{key}")).collect();
        names.sort_unstable();
        Applied::Changed { keys: names }
    });
    let next = NodeDelta { from_version: 2_048, ..delta(vec![entry("x", Some(""), 2_049)]) };
    assert!(matches!(keys.apply(at(0), next), Applied::Changed { keys } if keys.len() == 2_048));
    assert_eq!((keys.counts().forgotten, keys.get(&1).unwrap().held_count()), (1, 0));
}

#[test]
fn random_deltas_break_no_bound() {
    let limits = Limits {
        node_bytes_max: 40,
        keys_max: 4,
        key_bytes_max: 3,
        nodes_max: 5,
        ..Limits::default()
    };
    let mut rng = Rng::from_seed(3);
    let mut peer = Scuttlebutt::new(limits, 0, 1);
    let mut applied = 0;
    for step in 0..20_000 {
        let number = |rng: &mut Rng| match rng.below(20) {
            0 => u64::MAX - rng.below(2),
            _ => rng.below(12),
        };
        let count = rng.below(4);
        let entries = (0..count).map(|_| Entry {
            key: "abcd"[..rng.index(5)].to_owned() + &"x".repeat(rng.index(2)),
            value: rng.chance(2, 3).then(|| vec![0; rng.index(40)]),
            version: number(&mut rng),
        });
        let mut entries: Vec<Entry> = entries.collect();
        if rng.chance(9, 10) {
            entries.sort_unstable_by_key(|entry| entry.version);
        }
        let delta = NodeDelta {
            id: u32::try_from(rng.below(8)).unwrap(),
            generation: number(&mut rng),
            from_version: rng.below(2) * number(&mut rng),
            purged_version: rng.below(2) * number(&mut rng),
            max_version: number(&mut rng),
            entries,
        };
        applied += u32::from(matches!(peer.apply(at(step), delta), Applied::Changed { .. }));
        peer.purge(at(step));
        assert!(peer.ids().count() <= 5);
        for id in peer.ids() {
            let state = peer.get(id).unwrap();
            let held = state.after(0);
            assert!(state.held_bytes() <= 80 && state.held_count() <= 8);
            assert_eq!(state.held_bytes(), held.iter().map(|held| held.bytes()).sum::<usize>());
            assert!(held.iter().all(|held| held.version() <= state.max_version()));
        }
        if step % 50 == 0 {
            peer.remove(&u32::try_from(rng.below(8)).unwrap());
        }
    }
    assert!(applied > 200, "{applied}");
}
