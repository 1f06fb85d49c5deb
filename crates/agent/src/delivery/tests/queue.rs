//! The bounded queue, by itself.

use super::event;
use crate::delivery::queue::{Entry, Queue};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

fn filled(count: u64, now: Instant) -> Queue {
    let mut queue = Queue::default();
    (1..=count).for_each(|seq| queue.push(Arc::new(event(seq, "a")), now));
    queue
}

fn numbers(entries: &[Entry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.item.id.seq).collect()
}

fn take_all(queue: &mut Queue, now: Instant) -> Vec<u64> {
    std::iter::from_fn(|| queue.take(now)).map(|entry| entry.item.id.seq).collect()
}

#[test]
fn what_has_been_due_longest_is_taken_first() {
    let now = Instant::now();
    let later = now + Duration::from_secs(5);
    let mut queue = filled(2, now);
    let first = queue.take(now).unwrap();
    queue.put_back(first, later);
    queue.push(Arc::new(event(3, "a")), later + Duration::from_secs(1));
    assert_eq!(take_all(&mut queue, now), [2]);
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
    queue.put_back(first, now + Duration::from_secs(5));
    assert_eq!(numbers(&queue.shed(4, usize::MAX)), [0_u64; 0]);
    assert_eq!(numbers(&queue.shed(2, usize::MAX)), [1, 2]);
    let one = event(1, "a").held_bytes();
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
    queue.push(Arc::new(large), now);
    assert_eq!(numbers(&queue.shed(10, 10_000)), [4]);
    assert_eq!(take_all(&mut queue, now), [1, 2, 3]);
}

#[test]
fn starting_over_makes_all_due_with_fresh_attempts() {
    let now = Instant::now();
    let mut queue = filled(2, now);
    let mut first = queue.take(now).unwrap();
    (first.attempts, first.attempts_counted, first.first_attempt) = (7, 7, Some(now));
    queue.put_back(first, now + Duration::from_secs(5));
    queue.start_over(now);
    let first = queue.take(now).unwrap();
    assert_eq!(first.item.id.seq, 1);
    assert_eq!((first.attempts, first.attempts_counted, first.first_attempt), (7, 0, None));
}

#[test]
fn draining_gives_all_the_oldest_first() {
    let now = Instant::now();
    let mut queue = filled(3, now);
    let first = queue.take(now).unwrap();
    queue.put_back(first, now + Duration::from_secs(5));
    assert_eq!(numbers(&queue.drain()), [1, 2, 3]);
    assert_eq!((queue.len(), queue.bytes(), queue.next_due()), (0, 0, None));
}
