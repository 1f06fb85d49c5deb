//! Subscriptions beside each other, and what is done to them at run time.

use super::consumer::{Answer, Consumer, status, status_with};
use super::{DEADLINE, Rig, delivered, event, quick, subscription};
use crate::delivery::{
    FailReason, Mode, Outcome, Policy, SubscribeError, Subscription, SubscriptionState,
};
use bruit_model::{Order, Pattern};
use std::num::{NonZeroU16, NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

fn failed(reason: FailReason) -> Outcome {
    Outcome::Failed { reason, status: None, attempts: 0 }
}

#[tokio::test]
async fn items_go_to_the_subscriptions_that_select_them() {
    let mut consumer = Consumer::start(|_, _| status(200)).await;
    let mut rig = Rig::new();
    for (name, pattern) in [("z", "cache/**"), ("a", "cache/*"), ("m", "jobs/**")] {
        let mut subscription = subscription(name, &consumer.url, quick());
        subscription.pattern = Pattern::parse(pattern).unwrap();
        rig.delivery.subscribe(subscription).unwrap();
    }
    let names = |path| -> Vec<String> {
        let names = rig.delivery.offer(&Arc::new(event(1, path)), Order::None);
        names.iter().map(ToString::to_string).collect()
    };
    assert_eq!(names("cache/x"), ["a", "z"]);
    assert_eq!(names("cache/x/y"), ["z"]);
    assert_eq!(names("other"), [""; 0]);
    for _ in 0..3 {
        assert_eq!(delivered(rig.outcome().await), (200, 1));
        assert!(consumer.next().await.target().starts_with("/cache/x"));
    }
    let listed = rig.delivery.list();
    let listed: Vec<&str> = listed.iter().map(|subscription| &*subscription.name).collect();
    assert_eq!(listed, ["a", "m", "z"]);
    let accepted: Vec<u64> = rig.delivery.snapshot().iter().map(|status| status.accepted).collect();
    assert_eq!(accepted, [1, 0, 2]);
}

#[tokio::test]
async fn a_consumer_that_never_answers_delays_no_other() {
    let silent = Consumer::start(|_, _| Answer::Hang).await;
    let well = Consumer::start(|_, _| status(200)).await;
    let mut rig = Rig::with(&silent.url, quick());
    rig.delivery.subscribe(subscription("well", &well.url, quick())).unwrap();
    rig.offer_events(100);
    for _ in 0..100 {
        let report = rig.next().await;
        assert_eq!(&*report.subscription, "well");
        assert_eq!(delivered(report.outcome), (200, 1));
    }
    let stuck = rig.until(|status| status.in_flight == 8).await;
    assert_eq!((stuck.queued_items, stuck.delivered), (92, 0));
    assert_eq!(rig.status("well").delivered, 100);
}

#[tokio::test]
async fn no_more_requests_are_under_way_than_the_policy_allows() {
    let mut consumer = Consumer::start(|_, _| Answer::Hang).await;
    let policy = Policy { concurrency: NonZeroU16::new(3).unwrap(), ..quick() };
    let rig = Rig::with(&consumer.url, policy);
    rig.offer_events(10);
    for _ in 0..3 {
        consumer.next().await;
    }
    let status = rig.status("app");
    assert_eq!((status.in_flight, status.queued_items), (3, 7));
    assert_eq!(consumer.unread(), 0);
}

#[tokio::test]
async fn a_full_queue_sheds_the_oldest_and_counts_it() {
    let mut consumer = Consumer::start(|_, _| status(200)).await;
    let policy = Policy { queue_items_max: NonZeroUsize::new(3).unwrap(), ..quick() };
    let mut rig = Rig::with(&consumer.url, policy);
    assert!(rig.delivery.pause("app"));
    rig.offer_events(5);
    assert_eq!(rig.numbered().await, (1, failed(FailReason::Shed)));
    assert_eq!(rig.numbered().await, (2, failed(FailReason::Shed)));
    let status = rig.status("app");
    assert_eq!(status.state, SubscriptionState::Paused);
    assert_eq!(status.why.as_deref(), Some("paused by the operator"));
    assert_eq!((status.accepted, status.shed, status.queued_items), (5, 2, 3));
    assert_eq!((status.failed, consumer.unread()), (0, 0));
    assert!(rig.delivery.resume("app"));
    for _ in 0..3 {
        assert_eq!(delivered(rig.outcome().await), (200, 1));
    }
    let mut targets = [consumer.next().await, consumer.next().await, consumer.next().await]
        .map(|seen| seen.target().to_owned());
    targets.sort();
    assert_eq!(targets, ["/3", "/4", "/5"]);
}

#[tokio::test]
async fn resuming_tries_at_once_what_waits_for_its_next_attempt() {
    let consumer = Consumer::start(|n, _| match n {
        0 => status_with(503, "retry-after: 3600\r\n"),
        _ => status(200),
    })
    .await;
    let policy = Policy { retry_after_max: DEADLINE * 2, ..quick() };
    let mut rig = Rig::with(&consumer.url, policy);
    rig.offer(event(1, "a"));
    rig.until(|status| status.retried == 1).await;
    assert!(rig.delivery.pause("app"));
    assert!(rig.delivery.resume("app"));
    assert_eq!(delivered(rig.outcome().await), (200, 2));
}

#[tokio::test]
async fn removing_a_subscription_reports_what_waited() {
    let mut consumer = Consumer::start(|_, _| Answer::Hang).await;
    let policy = Policy { concurrency: NonZeroU16::new(1).unwrap(), ..quick() };
    let mut rig = Rig::with(&consumer.url, policy);
    rig.offer_events(3);
    consumer.next().await;
    assert_eq!(rig.delivery.unsubscribe("app"), Some(2));
    assert_eq!(rig.numbered().await, (2, failed(FailReason::Unsubscribed)));
    assert_eq!(rig.numbered().await, (3, failed(FailReason::Unsubscribed)));
    assert_eq!(rig.delivery.offer(&Arc::new(event(4, "a")), Order::None).len(), 0);
    assert!(rig.delivery.list().is_empty());
    assert_eq!(rig.delivery.unsubscribe("app"), None);
    assert!(!rig.delivery.pause("app"));
    assert!(!rig.delivery.resume("app"));
    // The request under way ends with its consumer, and is not tried again.
    drop(consumer);
    let gone = Outcome::Failed { reason: FailReason::Unsubscribed, status: None, attempts: 1 };
    assert_eq!(rig.numbered().await, (1, gone));
}

#[tokio::test]
async fn new_settings_apply_to_what_waits() {
    let old = Consumer::start(|_, _| status(503)).await;
    let mut new = Consumer::start(|_, _| status(200)).await;
    let mut rig = Rig::with(&old.url, quick());
    rig.offer(event(1, "a"));
    rig.until(|status| status.retried >= 2).await;
    rig.delivery.subscribe(subscription("app", &new.url, quick())).unwrap();
    let (code, attempts) = delivered(rig.outcome().await);
    assert!(code == 200 && attempts >= 3, "{code} {attempts}");
    assert_eq!(new.next().await.target(), "/a");
    assert_eq!(rig.delivery.list().len(), 1);
    assert_eq!(rig.status("app").endpoint, new.url);
}

#[tokio::test]
async fn a_subscription_that_breaks_a_rule_changes_nothing() {
    let rig = Rig::new();
    let bad = subscription("Bad", "http://h", quick());
    assert_eq!(rig.delivery.subscribe(bad), Err(SubscribeError::Name));
    assert!(rig.delivery.snapshot().is_empty());
}

#[tokio::test]
async fn dropping_the_delivery_ends_what_is_under_way() {
    let mut consumer = Consumer::start(|_, _| Answer::Hang).await;
    let mut rig = Rig::with(&consumer.url, quick());
    rig.offer(event(1, "a"));
    consumer.next().await;
    drop(rig.delivery);
    // The workers hold the sink; it is gone when the last of them is.
    assert!(super::within(rig.reports.recv()).await.is_none());
}

#[tokio::test]
async fn what_is_held_waits_and_is_no_pause() {
    let mut consumer = Consumer::start(|_, _| status(200)).await;
    let mut rig = Rig::with(&consumer.url, quick());
    rig.delivery.subscribe(subscription("paused", &consumer.url, quick())).unwrap();
    assert!(rig.delivery.pause("paused"));
    rig.delivery.hold(true);
    rig.offer_events(3);
    let held = rig.status("app");
    assert_eq!((held.state, held.queued_items, held.accepted), (SubscriptionState::Paused, 3, 3));
    assert_eq!(held.why.as_deref(), Some("the service beside the agent is not ready"));
    assert_eq!(consumer.unread(), 0);
    rig.delivery.hold(false);
    for _ in 0..3 {
        assert_eq!(delivered(rig.outcome().await), (200, 1));
        consumer.next().await;
    }
    assert_eq!(rig.status("app").state, SubscriptionState::Active);
    let paused = rig.status("paused");
    assert_eq!((paused.state, paused.queued_items), (SubscriptionState::Paused, 3));
}

#[tokio::test]
async fn what_waits_for_a_program_or_an_address_can_be_read_when_the_mode_changes() {
    let mut consumer = Consumer::start(|_, _| status(503)).await;
    let mut rig = Rig::with(&consumer.url, quick());
    rig.offer_events(20);
    consumer.next().await;
    let stream = Subscription { mode: Mode::Stream, ..subscription("app", "http://h", quick()) };
    rig.delivery.subscribe(stream).unwrap();
    let mut reader = rig.delivery.open_stream("app").unwrap();
    for _ in 0..20 {
        let offered = super::within(reader.next()).await.unwrap();
        assert!(reader.ack(offered.seq));
        assert_eq!(delivered(rig.outcome().await).0, 200);
    }
    assert_eq!(rig.status("app").mode, "stream");
}

#[tokio::test]
async fn no_more_attempts_begin_in_a_second_than_the_policy_allows() {
    let consumer = Consumer::start(|_, _| status(200)).await;
    let rate_per_second = NonZeroU32::new(40);
    let mut rig = Rig::with(&consumer.url, Policy { rate_per_second, ..quick() });
    let began = Instant::now();
    rig.offer_events(60);
    for _ in 0..60 {
        assert_eq!(delivered(rig.outcome().await), (200, 1));
    }
    // 40 at once, and 20 in the half second that follows.
    assert!(began.elapsed() >= Duration::from_millis(490), "{:?}", began.elapsed());
}
