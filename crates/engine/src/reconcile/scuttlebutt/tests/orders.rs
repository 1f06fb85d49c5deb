use super::*;

/// One per entry, nothing for the rest: the budget counts entries.
struct Entries;

impl DeltaCost<u32> for Entries {
    fn node(&self, _: &NodeDelta<u32>) -> usize {
        0
    }

    fn entry(&self, _: &Entry) -> usize {
        1
    }
}

/// A participant that holds `counts[i]` entries of node `i + 1`.
fn holder(counts: &[u32]) -> Scuttlebutt<u32> {
    let mut holder = node(0);
    for (id, &count) in (1..).zip(counts) {
        let mut owner = node(id);
        for key in 0..count {
            put(&mut owner, 0, &format!("k{key}"), Some("v"));
        }
        copy_all(&mut owner, &mut holder, 0);
    }
    holder
}

fn unknown(ids: std::ops::RangeInclusive<u32>) -> Vec<DigestEntry<u32>> {
    ids.map(DigestEntry::unknown).collect()
}

/// How many entries of each node are in the deltas, by id.
fn shares(deltas: &[NodeDelta<u32>]) -> Vec<(u32, usize)> {
    let mut shares: Vec<_> = deltas.iter().map(|d| (d.id, d.entries.len())).collect();
    shares.sort_unstable();
    shares
}

#[test]
fn depth_gives_all_to_the_node_with_most_news() {
    let holder = holder(&[3, 1, 2]);
    for seed in 0..8 {
        let mut rng = Rng::from_seed(seed);
        let cut = |budget, rng: &mut Rng| {
            shares(&holder.delta(&unknown(1..=3), Order::Depth, budget, &Entries, rng))
        };
        assert_eq!(cut(0, &mut rng), []);
        assert_eq!(cut(2, &mut rng), [(1, 2)]);
        assert_eq!(cut(4, &mut rng), [(1, 3), (3, 1)]);
        assert_eq!(cut(6, &mut rng), [(1, 3), (2, 1), (3, 2)]);
    }
}

#[test]
fn breadth_gives_one_to_each_in_turn() {
    let holder = holder(&[3, 1, 2]);
    let mut second_ranks = Vec::new();
    for seed in 0..16 {
        let mut rng = Rng::from_seed(seed);
        let cut = |budget, rng: &mut Rng| {
            shares(&holder.delta(&unknown(1..=3), Order::Breadth, budget, &Entries, rng))
        };
        assert_eq!(cut(0, &mut rng), []);
        assert_eq!(cut(3, &mut rng), [(1, 1), (2, 1), (3, 1)]);
        second_ranks.push(cut(4, &mut rng));
        assert_eq!(cut(5, &mut rng), [(1, 2), (2, 1), (3, 2)]);
        assert_eq!(cut(9, &mut rng), [(1, 3), (2, 1), (3, 2)]);
    }
    // Random among equals: each of the two with a second entry gets the place at times.
    assert!(second_ranks.contains(&vec![(1, 2), (2, 1), (3, 1)]));
    assert!(second_ranks.contains(&vec![(1, 1), (2, 1), (3, 2)]));
    assert!(second_ranks.iter().all(|shares| shares.len() == 3));
}

#[test]
fn depth_takes_equals_in_random_order() {
    let holder = holder(&[1; 8]);
    let first = |seed| {
        let mut rng = Rng::from_seed(seed);
        holder.delta(&unknown(1..=8), Order::Depth, 1, &Entries, &mut rng)[0].id
    };
    let chosen: std::collections::BTreeSet<u32> = (0..100).map(first).collect();
    assert_eq!(chosen.len(), 8);
}

#[test]
fn a_delta_says_where_it_starts_and_ends() {
    let mut owner = node(1);
    put(&mut owner, 0, "a", Some("old"));
    put(&mut owner, 0, "b", Some("B"));
    put(&mut owner, 0, "a", Some("new"));
    put(&mut owner, 0, "c", Some("C"));
    let mut rng = Rng::from_seed(1);
    let mut cut = |known, budget| {
        let digest = DigestEntry { id: 1, generation: 1, max_version: known, purged_version: 0 };
        owner.delta(&[digest], Order::Depth, budget, &Entries, &mut rng)
    };
    let expected = NodeDelta {
        id: 1,
        generation: 1,
        from_version: 0,
        purged_version: 0,
        entries: vec![entry("b", Some("B"), 2), entry("a", Some("new"), 3)],
        max_version: 3,
    };
    assert_eq!(cut(0, 2), std::slice::from_ref(&expected));
    let rest = NodeDelta {
        from_version: 3,
        entries: vec![entry("c", Some("C"), 4)],
        max_version: 4,
        ..expected
    };
    assert_eq!(cut(3, 2), [rest]);
    assert_eq!(cut(4, 2), []);
    assert_eq!(cut(9, 2), []);
}

#[test]
fn only_the_nodes_asked_for_are_told_of() {
    let holder = holder(&[1, 1]);
    let mut rng = Rng::from_seed(1);
    let mut ask = |theirs: &[DigestEntry<u32>]| {
        shares(&holder.delta(theirs, Order::Depth, 99, &Entries, &mut rng))
    };
    assert_eq!(ask(&[]), []);
    assert_eq!(ask(&unknown(2..=2)), [(2, 1)]);
    assert_eq!(ask(&unknown(7..=9)), []);
    assert_eq!(ask(&[unknown(2..=2), unknown(2..=2)].concat()), [(2, 1)]);
    let newer = DigestEntry { id: 2, generation: 2, max_version: 0, purged_version: 0 };
    assert_eq!(ask(&[newer]), []);
}

#[test]
fn the_budget_is_used_to_the_byte_and_never_exceeded() {
    let holder = holder(&[9, 4, 6, 1]);
    let all = size(&holder.delta(
        &unknown(1..=4),
        Order::Depth,
        usize::MAX,
        &Bytes,
        &mut Rng::from_seed(0),
    ));
    for order in [Order::Depth, Order::Breadth] {
        let mut best = 0;
        for budget in 0..=all {
            let mut rng = Rng::from_seed(budget as u64);
            let deltas = holder.delta(&unknown(1..=4), order, budget, &Bytes, &mut rng);
            assert!(size(&deltas) <= budget);
            // What does not fit is one entry (6 bytes), with a header (9 bytes) at most.
            assert!(budget == all || size(&deltas) + 15 > budget, "{order:?} {budget}");
            best = best.max(size(&deltas));
        }
        assert_eq!(best, all);
    }
}

#[test]
fn a_large_entry_holds_back_its_node_only() {
    let mut large = node(1);
    put(&mut large, 0, "a", Some(&"x".repeat(100)));
    put(&mut large, 0, "b", Some("B"));
    let mut holder = holder(&[0, 1]);
    copy_all(&mut large, &mut holder, 0);
    // The holder's own state and that of node 3 are empty, which is news too.
    let deltas = deltas(&holder, &node(9), 60);
    assert_eq!(shares(&deltas), [(0, 0), (2, 1)]);
}

#[test]
fn the_same_seed_gives_the_same_deltas_whatever_the_order_of_the_question() {
    let holder = holder(&[2, 2, 2, 2, 2]);
    let mut theirs = unknown(1..=5);
    let cut = |theirs: &[DigestEntry<u32>], order, seed| {
        holder.delta(theirs, order, 60, &Bytes, &mut Rng::from_seed(seed))
    };
    for order in [Order::Depth, Order::Breadth] {
        let first = cut(&theirs, order, 5);
        theirs.reverse();
        assert_eq!(cut(&theirs, order, 5), first);
        assert!((0..20).any(|seed| cut(&theirs, order, seed) != first));
    }
}

#[test]
fn full_metadata_travels_in_many_small_deltas() {
    let mut owner = node(1);
    let changes: Vec<_> =
        (0..64).map(|key| (format!("k{key:02}"), Some(vec![key; 1021]))).collect();
    assert_eq!(owner.set(at(0), &changes), Ok(true));
    assert_eq!(owner.get(&1).unwrap().held_bytes(), 64 << 10);
    let mut receiver = node(2);
    for round in 1..=64 {
        let done = exchange(&mut owner, &mut receiver, 0, 1_400);
        let key = format!("k{:02}", round - 1);
        // The receiver's own (empty) state is known to nobody else, and not asked for here.
        assert_eq!(done, [changed(&[&key])]);
        assert_eq!(receiver.get(&1).unwrap().max_version(), round);
    }
    assert_eq!(exchange(&mut owner, &mut receiver, 0, 1_400), []);
    assert!(receiver.get(&1).unwrap().entries().eq(owner.get(&1).unwrap().entries()));
    assert_eq!(receiver.element_hash(&1), owner.element_hash(&1));
}

#[test]
fn one_value_of_all_bytes_needs_one_large_delta() {
    let mut owner = node(1);
    let value = vec![7; (64 << 10) - 1];
    assert_eq!(owner.set(at(0), &[("k".to_owned(), Some(value))]), Ok(true));
    let mut receiver = node(2);
    assert_eq!(exchange(&mut owner, &mut receiver, 0, 1_400), []);
    assert!(owner.has_news(&DigestEntry::unknown(1)));
    assert_eq!(exchange(&mut owner, &mut receiver, 0, 66_000), [changed(&["k"])]);
    assert!(!owner.has_news(&receiver.digest(&1).unwrap()));
}
