//! The calendar against an ordered map.

use super::*;
use bruit_engine::Rng;
use std::collections::BTreeMap;

/// The same entries in a map from (time, sequence number).
#[derive(Default)]
struct Reference {
    entries: BTreeMap<(Instant, u64), u64>,
    sequence: u64,
}

impl Reference {
    fn schedule(&mut self, at: Instant, payload: u64) -> (Instant, u64) {
        self.sequence += 1;
        self.entries.insert((at, self.sequence), payload);
        (at, self.sequence)
    }
}

/// How far ahead entries are scheduled, in a trial.
#[derive(Clone, Copy, Debug)]
enum Ahead {
    /// Many at the same moments.
    Few,
    /// Up to a millisecond.
    Near,
    /// A random number of bits.
    Any,
    /// Two clusters: messages and timers.
    Two,
}

fn ahead(rng: &mut Rng, kind: Ahead) -> u64 {
    match kind {
        Ahead::Few => rng.below(3) * 1_000_000,
        Ahead::Near => rng.below(1_000_000),
        Ahead::Any => {
            let bits = rng.below(64);
            rng.below(1 << bits)
        }
        Ahead::Two => 1_000_000_000 * rng.below(2) + rng.below(5_000_000),
    }
}

fn trial(seed: u64, kind: Ahead, steps: u64, growth: u64) {
    let mut rng = Rng::from_seed(seed);
    let (mut calendar, mut reference) = (Calendar::default(), Reference::default());
    let mut keys: Vec<(Key, (Instant, u64))> = Vec::new();
    let mut now = Instant::ZERO;
    for step in 0..steps {
        match rng.below(10 + growth) {
            0..=3 => {
                let due = reference.entries.first_key_value().map(|((at, _), _)| *at);
                assert_eq!(calendar.next_at(), due, "seed {seed}, {kind:?}");
                let expected = reference.entries.pop_first().map(|((at, _), one)| (at, one));
                assert_eq!(calendar.pop(), expected, "seed {seed}, {kind:?}");
                now = expected.map_or(now, |(at, _)| at.max(now));
            }
            4 if !keys.is_empty() => {
                let (key, place) = keys.swap_remove(rng.index(keys.len()));
                let was_there = reference.entries.remove(&place).is_some();
                assert_eq!(calendar.cancel(key), was_there, "seed {seed}, {kind:?}");
                assert!(!calendar.cancel(key), "a key ends once");
            }
            5 => {
                // In the past too: the calendar does not ask.
                let at = Instant::from_nanos(now.as_nanos().saturating_sub(rng.below(2_000_000)));
                keys.push((calendar.schedule(at, step), reference.schedule(at, step)));
            }
            6 => {
                let at = now + std::time::Duration::from_nanos(ahead(&mut rng, kind));
                calendar.post(at, step);
                reference.schedule(at, step);
            }
            _ => {
                let at = now + std::time::Duration::from_nanos(ahead(&mut rng, kind));
                keys.push((calendar.schedule(at, step), reference.schedule(at, step)));
            }
        }
        assert_eq!(calendar.len(), reference.entries.len());
    }
    while let Some(((at, _), payload)) = reference.entries.pop_first() {
        assert_eq!(calendar.pop(), Some((at, payload)), "seed {seed}, {kind:?}");
    }
    assert_eq!((calendar.pop(), calendar.next_at()), (None, None));
    assert!(calendar.is_empty());
}

#[test]
fn it_agrees_with_an_ordered_map() {
    for kind in [Ahead::Few, Ahead::Near, Ahead::Any, Ahead::Two] {
        for seed in 0..40 {
            trial(seed, kind, 2_000, seed % 20);
        }
    }
}

#[test]
fn the_end_of_time_is_a_moment_like_any_other() {
    let mut calendar = Calendar::default();
    calendar.post(Instant::FAR_FUTURE, 2);
    calendar.post(Instant::ZERO, 1);
    calendar.post(Instant::FAR_FUTURE, 3);
    let order: Vec<u32> = std::iter::from_fn(|| calendar.pop()).map(|(_, one)| one).collect();
    assert_eq!(order, [1, 2, 3]);
    calendar.post(Instant::FAR_FUTURE, 5);
    calendar.post(Instant::ZERO, 4);
    assert_eq!(calendar.pop(), Some((Instant::ZERO, 4)));
    assert_eq!(calendar.pop(), Some((Instant::FAR_FUTURE, 5)));
}

#[test]
fn what_is_cancelled_does_not_pile_up() {
    let mut calendar = Calendar::default();
    let mut key = None;
    for round in 0_u64..100_000 {
        if let Some(key) = key {
            assert!(calendar.cancel(key));
        }
        let at = Instant::from_nanos(1_000_000_000 + round * 1_000);
        key = Some(calendar.schedule(at, round));
        assert!(calendar.len == 1 || calendar.len <= 2 * DAY_MAX, "{}", calendar.len);
    }
    assert_eq!(calendar.len(), 1);
    assert_eq!(calendar.pop().map(|(_, round)| round), Some(99_999));
}

#[test]
fn a_burst_into_a_wide_day_leaves_the_heap_small() {
    let mut calendar = Calendar::default();
    calendar.post(Instant::from_nanos(1 << 40), 0);
    assert!(calendar.next_at().is_some());
    let mut rng = Rng::from_seed(1);
    for round in 0..10_000 {
        let at = (1 << 40) + rng.below(1 << 30);
        calendar.post(Instant::from_nanos(at), round);
        assert!(calendar.unordered.len() <= HEAP_MAX + 1, "{}", calendar.unordered.len());
    }
    let times: Vec<Instant> = std::iter::from_fn(|| calendar.pop()).map(|(at, _)| at).collect();
    assert!(times.len() == 10_001 && times.is_sorted());
}
