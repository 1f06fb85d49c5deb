//! The circuit breaker at work.

use super::consumer::{Consumer, status, status_with};
use super::{Rig, delivered, event, quick};
use crate::delivery::{DeliveryState, FailReason, Outcome, Policy, SubscriptionState};
use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Opens after so many failures; waits are 50 ms, without growth.
fn breaking(failures: u32) -> Policy {
    let wait = Duration::from_millis(50);
    let breaker_failures = NonZeroU32::new(failures);
    Policy { breaker_failures, backoff_base: wait, backoff_max: wait, ..quick() }
}

#[tokio::test]
async fn while_it_is_open_one_attempt_is_made_at_a_time_until_one_succeeds() {
    let well = Arc::new(AtomicBool::new(false));
    let is_well = Arc::clone(&well);
    let mut consumer = Consumer::start(move |_, _| {
        status(if is_well.load(Ordering::Relaxed) { 200 } else { 503 })
    })
    .await;
    let mut rig = Rig::with(&consumer.url, breaking(10));
    rig.offer_events(200);
    let (state, why) = rig.notice().await;
    assert_eq!(state, SubscriptionState::Open);
    let why = why.unwrap();
    assert_eq!(why, "10 attempts failed in a row, the last: answered 503; one at a time");
    // Those that had begun may end; then each takes a wait.
    rig.until(|status| status.in_flight == 0).await;
    while consumer.unread() > 0 {
        consumer.next().await;
    }
    let began = Instant::now();
    for _ in 0..4 {
        consumer.next().await;
        assert!(rig.status("app").in_flight <= 1);
    }
    assert!(began.elapsed() >= Duration::from_millis(150), "{:?}", began.elapsed());
    let queued = rig.records(DeliveryState::Queued, None);
    let tried = queued.iter().filter(|record| record.attempts > 0).count();
    assert!(queued.len() >= 199 && tried <= 8 + 10 + 5, "{} {tried}", queued.len());
    assert_eq!(rig.status("app").state, SubscriptionState::Open);
    well.store(true, Ordering::Relaxed);
    let mut once = 0;
    for _ in 0..200 {
        once += u32::from(delivered(rig.outcome().await) == (200, 1));
    }
    assert!(once >= 170, "{once} of 200 had a single attempt");
    assert_eq!(rig.notice().await, (SubscriptionState::Active, None));
}

#[tokio::test]
async fn what_is_not_tried_keeps_its_time() {
    let consumer = Consumer::start(|n, _| status(if n < 8 { 503 } else { 200 })).await;
    let policy = Policy {
        concurrency: NonZeroU16::new(1).unwrap(),
        retry_for: Duration::from_millis(120),
        ..breaking(3)
    };
    let mut rig = Rig::with(&consumer.url, policy);
    rig.offer_events(20);
    let began = Instant::now();
    let mut ended = Vec::new();
    for _ in 0..20 {
        ended.push(rig.numbered().await);
    }
    assert!(began.elapsed() > Duration::from_millis(120), "{:?}", began.elapsed());
    ended.sort_by_key(|(seq, _)| *seq);
    for (seq, outcome) in &ended[8..] {
        assert_eq!(delivered(*outcome), (200, 1), "{seq}");
    }
}

#[tokio::test]
async fn what_the_consumer_asks_for_holds_for_all() {
    let consumer = Consumer::start(|n, _| match n {
        0 => status_with(503, "retry-after: 3600\r\n"),
        _ => status(200),
    })
    .await;
    let limit = Duration::from_millis(300);
    let policy = Policy { retry_after_max: limit, ..breaking(1) };
    let mut rig = Rig::with(&consumer.url, policy);
    let began = Instant::now();
    rig.offer(event(1, "a"));
    assert_eq!(rig.notice().await.0, SubscriptionState::Open);
    rig.offer(event(2, "a"));
    for _ in 0..2 {
        delivered(rig.outcome().await);
    }
    assert!(began.elapsed() >= limit, "{:?}", began.elapsed());
}

#[tokio::test]
async fn an_answer_that_is_no_failure_of_the_consumer_keeps_it_closed() {
    let consumer = Consumer::start(|n, _| status(if n % 3 == 2 { 404 } else { 503 })).await;
    let policy = Policy {
        concurrency: NonZeroU16::new(1).unwrap(),
        attempts_max: NonZeroU32::new(1),
        ..breaking(3)
    };
    let mut rig = Rig::with(&consumer.url, policy);
    rig.offer_events(30);
    for _ in 0..30 {
        let Outcome::Failed { reason, .. } = rig.outcome().await else { panic!("delivered") };
        assert!(matches!(reason, FailReason::GaveUp | FailReason::Refused));
    }
    assert!(rig.notices.try_recv().is_err(), "it never opened");
}

#[tokio::test]
async fn resuming_closes_it() {
    let consumer = Consumer::start(|n, _| status(if n < 2 { 503 } else { 200 })).await;
    let wait = Duration::from_secs(3600);
    let policy = Policy {
        backoff_base: wait,
        backoff_max: wait,
        retry_for: wait * 24,
        breaker_failures: NonZeroU32::new(2),
        ..quick()
    };
    let mut rig = Rig::with(&consumer.url, policy);
    rig.offer_events(2);
    assert_eq!(rig.notice().await.0, SubscriptionState::Open);
    rig.until(|status| status.in_flight == 0).await;
    rig.offer(event(3, "a"));
    assert!(rig.delivery.pause("app"));
    assert!(rig.delivery.resume("app"));
    for _ in 0..3 {
        delivered(rig.outcome().await);
    }
}
