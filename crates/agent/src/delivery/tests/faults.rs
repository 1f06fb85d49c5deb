//! Consumers that misbehave, beside others that do not; and a clock that jumps.

use super::consumer::{Answer, Consumer, bytes, status};
use super::{Rig, delivered, event, quick, subscription, with};
use crate::delivery::{FailReason, NoJournal, Outcome, Policy};
use bytes::Bytes;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;

fn gave_up(status: Option<u16>) -> Outcome {
    Outcome::Failed { reason: FailReason::GaveUp, status, attempts: 2 }
}

fn twice(timeout: Duration) -> Policy {
    let queue_bytes_max = NonZeroUsize::MAX;
    Policy { timeout, attempts_max: NonZeroU32::new(2), queue_bytes_max, ..quick() }
}

#[tokio::test]
async fn a_consumer_that_never_reads_costs_its_time_and_no_more() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            open.push(listener.accept().await.unwrap());
        }
    });
    let mut rig = Rig::with(&url, twice(Duration::from_millis(250)));
    // More than the sockets' buffers hold, so that writing it cannot end.
    let mut item = event(1, "a");
    item.payload = Bytes::from(vec![b'x'; 32 * 1024 * 1024]);
    rig.offer(item);
    assert_eq!(rig.outcome().await, gave_up(None));
    assert_eq!(rig.status("app").last_error.unwrap(), "no whole answer within 250ms");
    server.abort();
}

#[tokio::test]
async fn a_connection_that_is_reset_midway_is_an_attempt() {
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc".to_vec();
    let consumer = Consumer::start(move |n, _| match n {
        0 => Answer::BytesThenReset(cut.clone()),
        1 => Answer::BytesThenReset(b"HTTP/1.1 20".to_vec()),
        2 => Answer::BytesThenReset(Vec::new()),
        _ => status(200),
    })
    .await;
    let mut rig = Rig::with(&consumer.url, quick());
    rig.offer(event(1, "a"));
    let report = rig.next().await;
    assert_eq!(delivered(report.outcome), (200, 4));
    for note in &report.attempts_made[..3] {
        assert_eq!(note.status, None);
        assert!(note.error.as_ref().unwrap().starts_with("no whole answer: "), "{note:?}");
    }
}

#[tokio::test]
async fn a_head_of_one_byte_at_a_time_ends_with_the_timeout() {
    let consumer = Consumer::start(|_, _| Answer::TrickleHead).await;
    let mut rig = Rig::with(&consumer.url, twice(Duration::from_millis(250)));
    rig.offer(event(1, "a"));
    assert_eq!(rig.outcome().await, gave_up(None));
}

#[tokio::test]
async fn a_head_without_end_is_cut_off() {
    let consumer = Consumer::start(|_, _| {
        let mut head = b"HTTP/1.1 200 OK\r\nx-long: ".to_vec();
        head.resize(10 * 1024 * 1024, b'x');
        Answer::Bytes(head)
    })
    .await;
    let mut rig = Rig::with(&consumer.url, twice(Duration::from_secs(60)));
    rig.offer(event(1, "a"));
    assert_eq!(rig.outcome().await, gave_up(None));
    assert!(rig.status("app").last_error.unwrap().starts_with("no whole answer: "));
}

#[tokio::test]
async fn of_a_hundred_consumers_one_that_hangs_delays_no_other() {
    let mut rig = Rig::new();
    let mut consumers = Vec::new();
    for number in 0..100 {
        let consumer =
            Consumer::start(move |_, _| if number == 41 { Answer::Hang } else { status(200) })
                .await;
        let subscription = subscription(&format!("c{number}"), &consumer.url, quick());
        rig.delivery.subscribe(subscription).unwrap();
        consumers.push(consumer);
    }
    rig.offer_events(20);
    for _ in 0..99 * 20 {
        let report = rig.next().await;
        assert_eq!(delivered(report.outcome), (200, 1));
        assert_ne!(&*report.subscription, "c41");
    }
    let stuck = rig.status("c41");
    assert_eq!((stuck.in_flight, stuck.queued_items, stuck.delivered), (8, 12, 0));
}

#[tokio::test]
async fn an_answer_that_says_continue_first_is_whole() {
    let mut early = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".to_vec();
    early.extend(bytes(204));
    let mut consumer = Consumer::start(move |_, _| Answer::Bytes(early.clone())).await;
    let mut rig = Rig::with(&consumer.url, quick());
    for seq in 1..=2 {
        rig.offer(event(seq, "a"));
        assert_eq!(delivered(rig.outcome().await), (204, 1));
        assert_eq!(consumer.next().await.connection, 0);
    }
}

#[tokio::test]
async fn what_the_body_is_does_not_matter() {
    let mut consumer = Consumer::start(|_, _| status(200)).await;
    let mut rig = Rig::with(&consumer.url, quick());
    // A gzip member, as it is.
    let body: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x4b\x04\0\x43\xbe\xb7\xe8\x01\0\0\0";
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let headers = [
        ("content-encoding", "gzip"),
        ("traceparent", trace),
        ("tracestate", "a=1,b=2"),
        ("baggage", "k=v"),
        ("authorization", "Basic eDp5"),
    ];
    let mut item = with(super::invocation(1, "POST", "/hook"), &headers);
    item.payload = Bytes::from_static(body);
    rig.offer(item);
    let seen = consumer.next().await;
    assert_eq!(seen.body, body);
    for (name, value) in headers {
        assert!(seen.lines.contains(&format!("{name}: {value}")), "{:?}", seen.lines);
    }
    assert_eq!(delivered(rig.outcome().await), (200, 1));
}

/// 2020-09-13, and a clock that shows what the number says.
const DAY: u64 = 86_400_000;
const EPOCH: u64 = 1_600_000_000_000;

fn rig_with_clock(url: &str) -> (Rig, Arc<AtomicU64>) {
    let clock = Arc::new(AtomicU64::new(EPOCH));
    let shown = Arc::clone(&clock);
    let wall = Box::new(move || shown.load(Ordering::Relaxed));
    let rig = Rig::build(Arc::new(NoJournal), wall);
    rig.delivery.subscribe(subscription("app", url, quick())).unwrap();
    (rig, clock)
}

#[tokio::test]
async fn a_clock_that_jumps_drops_nothing_and_revives_nothing() {
    let consumer = Consumer::start(|_, _| status(200)).await;
    let (mut rig, clock) = rig_with_clock(&consumer.url);
    rig.delivery.pause("app");
    let expiring = |seq, at| {
        let mut item = event(seq, "a");
        item.expires_unix_millis = Some(at);
        item
    };
    rig.offer(expiring(1, EPOCH + 3_600_000));
    rig.offer(expiring(2, EPOCH + 1));
    clock.store(EPOCH + DAY, Ordering::Relaxed);
    rig.offer(expiring(3, EPOCH + DAY - 1));
    clock.store(EPOCH - DAY, Ordering::Relaxed);
    tokio::time::pause();
    tokio::time::advance(Duration::from_millis(5)).await;
    tokio::time::resume();
    rig.delivery.resume("app");
    let mut outcomes = [rig.numbered().await, rig.numbered().await, rig.numbered().await];
    outcomes.sort_by_key(|(seq, _)| *seq);
    assert_eq!(delivered(outcomes[0].1), (200, 1));
    let expired = Outcome::Failed { reason: FailReason::Expired, status: None, attempts: 0 };
    assert_eq!(outcomes[1..], [(2, expired), (3, expired)]);
}

#[tokio::test]
async fn a_clock_that_jumps_does_not_time_retries() {
    let clock_at = Arc::new(AtomicU64::new(EPOCH));
    let jump = Arc::clone(&clock_at);
    let consumer = Consumer::start(move |n, _| {
        // Ten days on, or back, at each request.
        jump.store(
            EPOCH.wrapping_add_signed(if n % 2 == 0 { 10 } else { -10 } * 86_400_000),
            Ordering::Relaxed,
        );
        status(if n < 4 { 503 } else { 200 })
    })
    .await;
    let wall = Box::new(move || clock_at.load(Ordering::Relaxed));
    let mut rig = Rig::build(Arc::new(NoJournal), wall);
    let policy = Policy { retry_for: Duration::from_secs(60), ..quick() };
    rig.delivery.subscribe(subscription("app", &consumer.url, policy)).unwrap();
    rig.offer(event(1, "a"));
    assert_eq!(delivered(rig.outcome().await), (200, 5));
}
