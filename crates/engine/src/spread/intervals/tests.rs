use super::*;
use crate::Rng;
use std::collections::BTreeSet;

const RUN: (u32, u64) = (7, 1);

fn intervals() -> Intervals<(u32, u64)> {
    Intervals::new(Limits::default())
}

/// The buckets as they must be, from what can be seen from outside.
fn recomputed(intervals: &Intervals<(u32, u64)>) -> Buckets {
    let mut buckets = Buckets::default();
    for (run, ranges) in intervals.runs().filter(|(run, _)| !intervals.is_dormant(run)) {
        let words = ranges.iter().flat_map(|&(low, high)| [low, high]);
        let hash = hash_all([run.bucket_hash()].into_iter().chain(words));
        buckets.add(run.bucket_hash(), hash);
    }
    buckets
}

fn model_ranges(model: &BTreeSet<u64>) -> Vec<(u64, u64)> {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for &seq in model {
        match ranges.last_mut() {
            Some(last) if last.1 + 1 == seq => last.1 = seq,
            _ => ranges.push((seq, seq)),
        }
    }
    ranges
}

#[test]
fn each_item_is_new_once() {
    let mut seen = intervals();
    assert!(seen.insert(&RUN, 2));
    assert!(!seen.insert(&RUN, 2));
    assert!(seen.insert(&RUN, 4));
    assert_eq!(seen.ranges(&RUN), [(2, 2), (4, 4)]);
    assert!(seen.insert(&RUN, 3));
    assert_eq!(seen.ranges(&RUN), [(2, 4)]);
    assert!(seen.insert(&RUN, 1));
    assert!(seen.insert(&RUN, 5));
    assert_eq!(seen.ranges(&RUN), [(1, 5)]);
    assert!(seen.contains(&RUN, 5) && !seen.contains(&RUN, 6) && !seen.contains(&RUN, 0));
    assert!(!seen.contains(&(7, 2), 5));
    assert_eq!(seen.ranges(&(7, 2)), []);
}

#[test]
fn zero_is_no_sequence_number() {
    let mut seen = intervals();
    assert!(!seen.insert(&RUN, 0));
    assert!(!seen.insert_ranges(&RUN, &[(0, 0), (9, 3)]));
    assert_eq!((seen.run_count(), seen.buckets().summary()), (0, 0));
    assert!(seen.insert_ranges(&RUN, &[(0, 2)]));
    assert_eq!(seen.ranges(&RUN), [(1, 2)]);
}

#[test]
fn the_last_number_is_one_like_any_other() {
    let mut seen = intervals();
    assert!(seen.insert(&RUN, u64::MAX));
    assert!(seen.insert(&RUN, u64::MAX - 1));
    assert!(!seen.insert(&RUN, u64::MAX));
    assert_eq!(seen.missing(&RUN, &[(u64::MAX - 3, u64::MAX)], 9), [(u64::MAX - 3, u64::MAX - 2)]);
    assert!(seen.insert_ranges(&RUN, &[(0, u64::MAX)]));
    assert_eq!(seen.ranges(&RUN), [(1, u64::MAX)]);
    assert_eq!(seen.missing(&RUN, &[(1, u64::MAX)], 9), []);
}

#[test]
fn hostile_ranges_are_put_in_order() {
    let mut seen = intervals();
    assert!(seen.insert_ranges(&RUN, &[(8, 9), (1, 2), (30, 20), (2, 4), (10, 10), (8, 8)]));
    assert_eq!(seen.ranges(&RUN), [(1, 4), (8, 10)]);
    assert!(!seen.insert_ranges(&RUN, &[(9, 10), (3, 3)]));
    assert_eq!(seen.missing(&RUN, &[(9, 12), (2, 6), (4, 5), (40, 30)], 9), [(5, 6), (11, 12)]);
}

#[test]
fn missing_names_the_lowest_ranges() {
    let mut seen = intervals();
    assert_eq!(seen.missing(&RUN, &[(5, 6), (1, 2)], 1), [(1, 2)]);
    seen.insert_ranges(&RUN, &[(3, 4), (7, 8)]);
    assert_eq!(seen.missing(&RUN, &[(1, 10)], 9), [(1, 2), (5, 6), (9, 10)]);
    assert_eq!(seen.missing(&RUN, &[(1, 10)], 2), [(1, 2), (5, 6)]);
    assert_eq!(seen.missing(&RUN, &[(1, 10)], 0), []);
    assert_eq!(seen.missing(&RUN, &[(3, 4), (8, 8)], 9), []);
}

#[test]
fn too_many_ranges_raise_the_floor() {
    let mut seen = Intervals::new(Limits { ranges_per_run_max: 3, ..Limits::default() });
    for seq in [5, 7, 9] {
        assert!(seen.insert(&RUN, seq));
    }
    assert_eq!((seen.ranges(&RUN), seen.counts().gaps_closed), (&[(5, 5), (7, 7), (9, 9)][..], 0));
    assert!(seen.insert(&RUN, 11));
    assert_eq!(seen.ranges(&RUN), [(1, 7), (9, 9), (11, 11)]);
    assert_eq!(seen.counts().gaps_closed, 2);
    assert!(!seen.insert(&RUN, 6));
    assert!(seen.insert(&RUN, 13));
    assert_eq!(
        (seen.ranges(&RUN), seen.counts().gaps_closed),
        (&[(1, 9), (11, 11), (13, 13)][..], 3)
    );
    let other = (8, 1);
    seen.insert_ranges(&other, &[(1, 1), (3, 3), (5, 5), (7, 7), (9, 9)]);
    assert_eq!(seen.ranges(&other), [(1, 5), (7, 7), (9, 9)]);
    assert_eq!(*seen.buckets(), recomputed(&seen));
}

#[test]
fn an_item_below_the_floor_that_it_raises_is_new_once() {
    let mut seen = Intervals::new(Limits { ranges_per_run_max: 1, ..Limits::default() });
    assert!(seen.insert(&RUN, 9));
    assert!(seen.insert(&RUN, 2));
    assert_eq!(seen.ranges(&RUN), [(1, 9)]);
    assert!(!seen.insert(&RUN, 2));
}

#[test]
fn too_many_runs_are_refused_and_counted() {
    let mut seen = Intervals::new(Limits { runs_max: 2, ..Limits::default() });
    assert!(seen.insert(&(1, 1), 1) && seen.insert(&(2, 1), 1));
    assert!(!seen.insert(&(3, 1), 1));
    assert!(!seen.insert_ranges(&(3, 1), &[(1, 9)]));
    assert!(seen.insert(&(1, 1), 2));
    assert_eq!((seen.run_count(), seen.counts().runs_refused), (2, 2));
    assert!(seen.remove(&(2, 1)));
    assert!(!seen.remove(&(2, 1)));
    assert!(seen.insert(&(3, 1), 1));
    assert_eq!(*seen.buckets(), recomputed(&seen));
}

#[test]
fn a_dormant_run_finds_duplicates_and_is_not_compared() {
    let mut seen = intervals();
    seen.insert(&RUN, 1);
    let awake = seen.buckets().clone();
    seen.set_dormant(&RUN, true);
    seen.set_dormant(&RUN, true);
    assert_eq!(seen.buckets().summary(), 0);
    assert_eq!(seen.runs_in(u64::MAX).count(), 0);
    assert_eq!((seen.runs().count(), seen.run_count()), (1, 1));
    assert!(!seen.insert(&RUN, 1) && seen.is_dormant(&RUN));
    seen.set_dormant(&RUN, false);
    assert_eq!(*seen.buckets(), awake);
    seen.set_dormant(&RUN, true);
    assert!(seen.insert(&RUN, 2) && !seen.is_dormant(&RUN));
    assert_eq!(*seen.buckets(), recomputed(&seen));
    seen.set_dormant(&RUN, true);
    assert!(seen.remove(&RUN));
    assert_eq!(seen.buckets().summary(), 0);
    seen.set_dormant(&RUN, true);
    assert!(!seen.is_dormant(&RUN));
}

#[test]
fn only_runs_of_the_named_buckets_are_listed() {
    let mut seen = intervals();
    let runs: Vec<(u32, u64)> = (0..300).map(|origin| (origin, 5)).collect();
    runs.iter().for_each(|run| assert!(seen.insert(run, 1)));
    let mask = 0x8000_0000_0000_0101;
    let listed: BTreeSet<(u32, u64)> = seen.runs_in(mask).map(|(run, _)| *run).collect();
    let expected: BTreeSet<(u32, u64)> = runs
        .iter()
        .filter(|run| [0, 8, 63].contains(&Buckets::bucket_of(run.bucket_hash())))
        .copied()
        .collect();
    assert!(expected.len() > 3);
    assert_eq!(listed, expected);
    assert_eq!(seen.runs_in(u64::MAX).count(), 300);
    assert_eq!(seen.runs_in(0).count(), 0);
}

#[test]
fn members_that_saw_the_same_in_another_order_have_equal_buckets() {
    let (mut a, mut b) = (intervals(), intervals());
    for seq in 1..=20 {
        a.insert(&RUN, seq);
        b.insert(&RUN, 21 - seq);
    }
    assert_eq!(a.buckets(), b.buckets());
    b.insert(&RUN, 22);
    let bucket = Buckets::bucket_of(RUN.bucket_hash());
    assert_eq!(a.buckets().differing(b.buckets().sums()), 1 << bucket);
}

#[test]
fn it_agrees_with_a_plain_set() {
    for seed in 0..20 {
        let mut rng = Rng::from_seed(seed);
        let mut seen = intervals();
        let mut models: [BTreeSet<u64>; 3] = Default::default();
        for _ in 0..600 {
            let which = rng.index(3);
            let (run, model) = ((u32::try_from(which).unwrap(), 1), &mut models[which]);
            match rng.below(6) {
                0..=2 => {
                    let seq = rng.below(120);
                    assert_eq!(seen.insert(&run, seq), seq != 0 && model.insert(seq));
                }
                3 => {
                    let ranges = random_ranges(&mut rng);
                    let before = model.len();
                    model.extend(ranges.iter().flat_map(|r| r.0.max(1)..=r.1));
                    assert_eq!(seen.insert_ranges(&run, &ranges), model.len() > before);
                }
                4 => {
                    let theirs = random_ranges(&mut rng);
                    let want: BTreeSet<u64> = theirs
                        .iter()
                        .flat_map(|r| r.0.max(1)..=r.1)
                        .filter(|seq| !model.contains(seq))
                        .collect();
                    assert_eq!(seen.missing(&run, &theirs, 2), {
                        let mut ranges = split_at_ours(&want, model);
                        ranges.truncate(2);
                        ranges
                    });
                }
                _ => seen.set_dormant(&run, rng.chance(1, 2)),
            }
            assert_eq!(seen.ranges(&run), model_ranges(model));
            assert_eq!(*seen.buckets(), recomputed(&seen));
        }
    }
}

/// The model of `missing`: ranges of what is wanted. What is ours lies between two of them.
fn split_at_ours(want: &BTreeSet<u64>, ours: &BTreeSet<u64>) -> Vec<(u64, u64)> {
    assert!(want.is_disjoint(ours));
    model_ranges(want)
}

fn random_ranges(rng: &mut Rng) -> Vec<(u64, u64)> {
    (0..rng.below(5))
        .map(|_| {
            let low = rng.below(120);
            (low, (low + rng.below(12)).saturating_sub(rng.below(3)))
        })
        .collect()
}

#[test]
fn bounded_sets_stay_bounded_and_keep_the_newest() {
    for seed in 0..20 {
        let mut rng = Rng::from_seed(seed);
        let limits = Limits { runs_max: 4, ranges_per_run_max: 5 };
        let mut seen = Intervals::new(limits);
        let mut fed = BTreeSet::new();
        for _ in 0..400 {
            let run = (u32::try_from(rng.below(6)).unwrap(), 1);
            let seq = 1 + rng.below(200);
            if seen.insert(&run, seq) {
                fed.insert((run, seq));
            }
            if rng.chance(1, 20) {
                seen.insert_ranges(&run, &random_ranges(&mut rng));
            }
        }
        assert!(seen.runs().all(|(_, ranges)| ranges.len() <= 5) && seen.run_count() == 4);
        assert!(fed.iter().all(|(run, seq)| seen.contains(run, *seq)));
        assert!(seen.counts().gaps_closed > 0 && seen.counts().runs_refused > 0);
        assert_eq!(*seen.buckets(), recomputed(&seen));
    }
}
