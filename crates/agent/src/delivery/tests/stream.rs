//! Subscriptions whose items are read.

use super::{Rig, delivered, event, quick, subscription, within};
use crate::delivery::{Mode, Policy, Reader, Subscription, SubscriptionState};
use bruit_model::Order;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

fn streamed(concurrency: u16) -> Subscription {
    let policy = Policy { concurrency: NonZeroU16::new(concurrency).unwrap(), ..quick() };
    Subscription { mode: Mode::Stream, ..subscription("app", "http://h", policy) }
}

fn rig(concurrency: u16) -> Rig {
    let rig = Rig::new();
    rig.delivery.subscribe(streamed(concurrency)).unwrap();
    rig
}

/// The number of the next item, and how it is acknowledged.
async fn next(reader: &mut Reader) -> (u64, u64) {
    let offered = within(reader.next()).await.unwrap();
    (offered.item.id.seq, offered.seq)
}

/// Whether nothing is to be read.
async fn is_dry(reader: &mut Reader) -> bool {
    tokio::time::timeout(Duration::from_millis(30), reader.next()).await.is_err()
}

#[tokio::test]
async fn items_wait_for_a_reader_and_end_when_they_are_acknowledged() {
    let mut rig = rig(8);
    rig.offer_events(2);
    let status = rig.status("app");
    assert_eq!((status.state, status.queued_items), (SubscriptionState::Waiting, 2));
    assert_eq!(status.why.as_deref(), Some("nobody reads the stream"));
    let mut reader = rig.delivery.open_stream("app").unwrap();
    assert_eq!(rig.notice().await, (SubscriptionState::Active, None));
    let (first, ack) = next(&mut reader).await;
    assert_eq!((first, next(&mut reader).await.0), (1, 2));
    assert_eq!((rig.status("app").in_flight, reader.unacknowledged()), (2, 2));
    assert!(reader.ack(ack));
    assert!(!reader.ack(ack), "only once");
    assert!(!reader.ack(99));
    let (seq, outcome) = rig.numbered().await;
    assert_eq!((seq, delivered(outcome)), (1, (200, 1)));
    rig.offer(event(3, "a"));
    assert_eq!(next(&mut reader).await.0, 3);
    assert!(is_dry(&mut reader).await);
    drop(reader);
    assert_eq!(rig.notice().await.0, SubscriptionState::Waiting);
}

#[tokio::test]
async fn what_is_not_acknowledged_goes_back_in_its_place_and_no_attempt_is_counted() {
    let mut rig = rig(8);
    rig.offer_events(5);
    let mut reader = rig.delivery.open_stream("app").unwrap();
    let mut acks = Vec::new();
    for seq in 1..=4 {
        let (number, ack) = next(&mut reader).await;
        assert_eq!(number, seq);
        acks.push(ack);
    }
    assert!(reader.ack(acks[1]));
    assert_eq!(rig.numbered().await.0, 2);
    drop(reader);
    let status = rig.status("app");
    assert_eq!((status.queued_items, status.in_flight, status.retried), (4, 0, 0));
    let mut reader = rig.delivery.open_stream("app").unwrap();
    for seq in [1, 3, 4, 5] {
        let (number, ack) = next(&mut reader).await;
        assert_eq!(number, seq);
        assert!(reader.ack(ack));
        assert_eq!(delivered(rig.outcome().await), (200, 1));
    }
}

#[tokio::test]
async fn no_more_are_given_out_than_the_concurrency_to_all_readers_together() {
    let rig = rig(3);
    rig.offer_events(10);
    let mut one = rig.delivery.open_stream("app").unwrap();
    let mut other = rig.delivery.open_stream("app").unwrap();
    let (_, ack) = next(&mut one).await;
    next(&mut one).await;
    next(&mut other).await;
    assert!(is_dry(&mut one).await && is_dry(&mut other).await);
    let waiting = tokio::spawn(async move {
        let seq = next(&mut other).await.0;
        (other, seq)
    });
    assert!(one.ack(ack));
    let (mut other, seq) = within(waiting).await.unwrap();
    assert_eq!(seq, 4);
    drop(one);
    assert_eq!(next(&mut other).await.0, 2, "what came back is the oldest");
    assert!(is_dry(&mut other).await);
}

#[tokio::test]
async fn items_of_one_origin_are_given_out_one_at_a_time_where_order_is_asked_for() {
    let rig = Rig::new();
    rig.delivery.subscribe(Subscription { order: Order::Fifo, ..streamed(8) }).unwrap();
    rig.offer_events(3);
    let mut reader = rig.delivery.open_stream("app").unwrap();
    for seq in 1..=3 {
        let (number, ack) = next(&mut reader).await;
        assert_eq!(number, seq);
        assert!(is_dry(&mut reader).await);
        assert!(reader.ack(ack));
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_subscription_or_its_mode() {
    let rig = rig(8);
    assert!(rig.delivery.open_stream("other").is_none());
    let mut reader = rig.delivery.open_stream("app").unwrap();
    let end = tokio::spawn(async move { reader.next().await.is_none() });
    tokio::task::yield_now().await;
    rig.delivery.subscribe(subscription("app", "http://127.0.0.1:1", quick())).unwrap();
    assert!(within(end).await.unwrap());
    assert!(rig.delivery.open_stream("app").is_none());
    rig.delivery.subscribe(streamed(8)).unwrap();
    let mut reader = rig.delivery.open_stream("app").unwrap();
    rig.delivery.offer(&Arc::new(event(1, "a")), Order::None);
    next(&mut reader).await;
    let end = tokio::spawn(async move {
        let is_over = reader.next().await.is_none();
        drop(reader);
        is_over
    });
    tokio::task::yield_now().await;
    assert_eq!(rig.delivery.unsubscribe("app"), Some(0));
    assert!(within(end).await.unwrap());
    assert_eq!(rig.delivery.in_flight(), 0);
}

#[tokio::test]
async fn a_paused_stream_gives_nothing_out() {
    let rig = rig(8);
    let mut reader = rig.delivery.open_stream("app").unwrap();
    rig.delivery.pause("app");
    rig.offer(event(1, "a"));
    assert!(is_dry(&mut reader).await);
    rig.delivery.resume("app");
    assert_eq!(next(&mut reader).await.0, 1);
}
