//! The end of the agent, and attempts outside the queue.

use super::consumer::{Answer, Consumer, bytes, status};
use super::{Rig, delivered, event, invocation, quick, subscription, within};
use crate::delivery::{Mode, Subscription, SubscriptionState};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

#[tokio::test]
async fn what_is_under_way_ends_and_nothing_new_begins() {
    let told = Arc::new(Notify::new());
    let when = Arc::clone(&told);
    let mut consumer = Consumer::start(move |n, _| {
        Answer::When(when.clone(), bytes(if n == 0 { 503 } else { 200 }))
    })
    .await;
    let mut rig = Rig::with(&consumer.url, quick());
    rig.offer_events(10);
    for _ in 0..8 {
        consumer.next().await;
    }
    assert_eq!(rig.delivery.in_flight(), 8);
    rig.delivery.stop_taking();
    rig.offer(event(11, "a"));
    within(async {
        while rig.delivery.in_flight() > 0 {
            told.notify_waiters();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    for _ in 0..7 {
        delivered(rig.outcome().await);
    }
    let status = rig.status("app");
    assert_eq!((status.queued_items, status.retried, status.delivered), (4, 1, 7));
    assert_eq!(status.state, SubscriptionState::Paused);
    assert_eq!(status.why.as_deref(), Some("the agent is stopping"));
    assert_eq!((rig.delivery.in_flight(), consumer.unread()), (0, 0));
}

#[tokio::test]
async fn streams_end() {
    let rig = Rig::new();
    let stream = Subscription { mode: Mode::Stream, ..subscription("app", "http://h", quick()) };
    rig.delivery.subscribe(stream).unwrap();
    let mut reader = rig.delivery.open_stream("app").unwrap();
    rig.offer_events(2);
    let first = reader.next().await.unwrap();
    rig.delivery.stop_taking();
    assert!(reader.next().await.is_none());
    assert!(reader.ack(first.seq));
    assert_eq!(rig.status("app").delivered, 1);
}

#[tokio::test]
async fn a_test_is_one_attempt_that_counts_nowhere() {
    let mut consumer = Consumer::start(|n, _| status(if n == 0 { 503 } else { 204 })).await;
    let rig = Rig::with(&format!("{}/v1", consumer.url), quick());
    rig.delivery.pause("app");
    let result = rig.delivery.test("app", invocation(1, "GET", "/healthz")).await.unwrap();
    assert_eq!((result.status, result.error.as_deref()), (Some(503), Some("answered 503")));
    let result = rig.delivery.test("app", invocation(1, "GET", "/healthz")).await.unwrap();
    assert_eq!((result.status, result.error), (Some(204), None));
    assert!(!result.after.is_zero());
    assert_eq!(consumer.next().await.lines[0], "GET /v1/healthz HTTP/1.1");
    let result = rig.delivery.test("app", invocation(1, "GET", "no slash")).await.unwrap();
    assert_eq!(result.status, None);
    assert!(result.error.unwrap().starts_with("it cannot be replayed: "));
    assert_eq!(rig.delivery.test("other", event(1, "a")).await, None);
    let status = rig.status("app");
    assert_eq!((status.accepted, status.retried, status.last_status), (0, 0, None));
    drop(consumer);
    let result = rig.delivery.test("app", event(1, "a")).await.unwrap();
    assert!(result.error.unwrap().starts_with("cannot connect: "));
}
