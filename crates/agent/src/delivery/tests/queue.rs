//! The bounded queue, by itself.

use super::event;
use crate::delivery::entry::Entry;
use crate::delivery::fifo::{Chained, Gap};
use crate::delivery::queue::Queue;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

fn entry(seq: u64, now: Instant) -> Box<Entry> {
    Box::new(Entry::new(Arc::new(event(seq, "a")), now, 0))
}

/// One of those that go in order, after `missing` if it has not come.
fn ordered(seq: u64, now: Instant, missing: Option<(u64, Instant)>) -> Box<Entry> {
    let mut entry = entry(seq, now);
    let gap = missing.map(|(seq, until)| Gap { seq, until });
    entry.chained = Some(Chained { gap, ..Chained::new(entry.item.id) });
    entry
}

fn filled(count: u64, now: Instant) -> Queue {
    let mut queue = Queue::default();
    (1..=count).for_each(|seq| assert_eq!(queue.push(entry(seq, now)), seq));
    queue
}

fn numbers(entries: &[Entry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.item.id.seq).collect()
}

fn take_all(queue: &mut Queue, now: Instant) -> Vec<u64> {
    std::iter::from_fn(|| queue.take(now)).map(|entry| entry.item.id.seq).collect()
}

const LATER: Duration = Duration::from_secs(5);

#[test]
fn what_has_been_due_longest_is_taken_first() {
    let now = Instant::now();
    let later = now + LATER;
    let mut queue = filled(2, now);
    let first = queue.take(now).unwrap();
    queue.put_back(first, later);
    queue.push(entry(3, later + Duration::from_secs(1)));
    assert_eq!(queue.peek(now).map(|entry| entry.number), Some(2));
    assert_eq!(take_all(&mut queue, now), [2]);
    assert!(queue.peek(now).is_none());
    assert_eq!(queue.next_due(), Some(later));
    assert_eq!(queue.oldest(), Some(now));
    assert_eq!(take_all(&mut queue, later + Duration::from_secs(1)), [1, 3]);
    assert_eq!((queue.len(), queue.bytes(), queue.next_due()), (0, 0, None));
}

#[test]
fn the_oldest_is_shed_also_while_it_waits_for_its_next_attempt() {
    let now = Instant::now();
    let mut queue = filled(4, now);
    let first = queue.take(now).unwrap();
    queue.put_back(first, now + LATER);
    assert_eq!(numbers(&queue.shed(4, usize::MAX)), [0_u64; 0]);
    assert_eq!(numbers(&queue.shed(2, usize::MAX)), [1, 2]);
    let one = entry(1, now).bytes;
    assert!(one > event(1, "a").held_bytes());
    assert_eq!(queue.bytes(), 2 * one);
    assert_eq!(numbers(&queue.shed(4, 2 * one)), [0_u64; 0]);
    assert_eq!(numbers(&queue.shed(4, 2 * one - 1)), [3]);
    assert_eq!(take_all(&mut queue, now), [4]);
}

#[test]
fn an_item_larger_than_the_bound_sheds_nothing_but_itself() {
    let now = Instant::now();
    let mut queue = filled(3, now);
    let mut large = event(4, "a");
    large.payload = Bytes::from(vec![0; 10_000]);
    queue.push(Box::new(Entry::new(Arc::new(large), now, 0)));
    assert_eq!(numbers(&queue.shed(10, 10_000)), [4]);
    assert_eq!(take_all(&mut queue, now), [1, 2, 3]);
}

#[test]
fn starting_over_makes_all_due_with_fresh_attempts() {
    let now = Instant::now();
    let mut queue = filled(3, now);
    for wait in [LATER, LATER * 2] {
        let mut first = queue.take(now).unwrap();
        (first.attempts, first.attempts_counted, first.first_attempt) = (7, 7, Some(now));
        queue.put_back(first, now + wait);
    }
    queue.start_over(now);
    queue.start_over(now + LATER);
    for seq in [1, 2, 3] {
        let taken = queue.take(now).unwrap();
        assert_eq!(taken.item.id.seq, seq);
        assert_eq!((taken.attempts_counted, taken.first_attempt), (0, None));
        assert_eq!(taken.attempts, if seq == 3 { 0 } else { 7 });
    }
    assert_eq!((queue.len(), queue.bytes(), queue.next_due()), (0, 0, None));
}

#[test]
fn draining_gives_all_the_oldest_first() {
    let now = Instant::now();
    let mut queue = filled(3, now);
    let first = queue.take(now).unwrap();
    queue.put_back(first, now + LATER);
    assert_eq!(numbers(&queue.drain()), [1, 2, 3]);
    assert_eq!((queue.len(), queue.bytes(), queue.next_due()), (0, 0, None));
}

#[test]
fn numbers_go_on_after_those_of_an_earlier_run() {
    let mut queue = Queue::default();
    queue.skip_numbers(7);
    queue.skip_numbers(3);
    assert_eq!(queue.push(entry(1, Instant::now())), 8);
}

#[test]
fn items_in_order_go_one_at_a_time_also_when_they_are_tried_again() {
    let now = Instant::now();
    let mut queue = Queue::default();
    for seq in [5, 7, 3] {
        queue.push(ordered(seq, now, None));
    }
    queue.push(entry(1, now));
    let first = queue.take(now).unwrap();
    assert_eq!(first.item.id.seq, 3, "the lowest number, not the first to come");
    assert_eq!(take_all(&mut queue, now), [1], "what has no order does not wait");
    queue.put_back(first, now + LATER);
    assert_eq!(queue.next_due(), Some(now + LATER));
    assert!(queue.take(now).is_none());
    let first = queue.take(now + LATER).unwrap();
    assert_eq!((first.item.id.seq, queue.take(now + LATER).is_none()), (3, true));
    queue.free(first.chained.unwrap().run);
    let second = queue.take(now).unwrap();
    queue.free(second.chained.unwrap().run);
    let third = queue.take(now).unwrap();
    assert_eq!((second.item.id.seq, third.item.id.seq), (5, 7));
    assert_eq!((queue.len(), queue.bytes()), (0, 0));
}

#[test]
fn shedding_the_first_in_order_lets_the_next_go() {
    let now = Instant::now();
    let mut queue = Queue::default();
    for seq in [1, 2, 3] {
        queue.push(ordered(seq, now, None));
    }
    assert_eq!(numbers(&queue.shed(2, usize::MAX)), [1]);
    assert_eq!(queue.take(now).unwrap().item.id.seq, 2);
}

#[test]
fn an_item_waits_for_the_one_before_it_until_it_comes() {
    let now = Instant::now();
    let run = Chained::new(event(1, "a").id).run;
    let mut queue = Queue::default();
    queue.push(ordered(5, now, Some((4, now + LATER))));
    queue.push(ordered(6, now, None));
    assert_eq!(queue.next_due(), Some(now + LATER));
    queue.arrived(run, 3);
    assert!(queue.take(now).is_none());
    queue.push(ordered(4, now, None));
    queue.arrived(run, 4);
    for seq in [4, 5, 6] {
        assert_eq!(queue.take(now).unwrap().item.id.seq, seq);
        queue.free(run);
    }
    assert_eq!((queue.len(), queue.next_due()), (0, None));
}

#[test]
fn patience_ends_and_starting_over_does_not_end_it() {
    let now = Instant::now();
    let mut queue = Queue::default();
    queue.push(ordered(5, now, Some((4, now + LATER))));
    queue.start_over(now);
    assert!(queue.take(now).is_none());
    let taken = queue.take(now + LATER).unwrap();
    assert_eq!(taken.item.id.seq, 5);
    assert!(taken.chained.unwrap().gap.is_some(), "so that it can be counted");
}

#[test]
fn the_queue_holds_together_whatever_is_done_to_it() {
    let start = Instant::now();
    let mut rng = bruit_engine::Rng::from_seed(7);
    let mut queue = Queue::default();
    let mut taken: Vec<Box<Entry>> = Vec::new();
    for step in 0..20_000_u64 {
        let now = start + Duration::from_millis(step);
        match rng.below(12) {
            0..=2 => drop(queue.push(entry(step, now))),
            3..=4 => {
                let gap = rng.chance(1, 4).then(|| (step / 2, now + Duration::from_millis(50)));
                queue.push(ordered(rng.below(step + 1), now, gap));
            }
            5..=7 => taken.extend(queue.take(now)),
            8 => {
                if let Some(entry) = taken.pop() {
                    queue.put_back(entry, now + Duration::from_millis(rng.below(100)));
                }
            }
            9 => {
                if let Some(at) = taken.pop().and_then(|entry| entry.chained) {
                    queue.free(at.run);
                }
            }
            10 => queue.arrived(Chained::new(event(1, "a").id).run, step / 2),
            _ if rng.chance(1, 20) => queue.start_over(now),
            _ => drop(queue.shed(40, usize::MAX)),
        }
        queue.check();
        let in_order = taken.iter().filter(|entry| entry.chained.is_some()).count();
        assert!(in_order <= 1, "step {step}: {in_order} of one run are under way");
    }
}
