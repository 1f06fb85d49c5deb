//! What follows from what a consumer answers, or does not.

use super::consumer::{Answer, Consumer, status, status_with};
use super::{Rig, delivered, event, quick};
use crate::delivery::{DEAD_LETTERS_MAX, FailReason, Outcome, Policy, SubscriptionState};
use bytes::Bytes;
use std::num::{NonZeroU16, NonZeroU32, NonZeroUsize};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};

fn failed(reason: FailReason, status: Option<u16>, attempts: u32) -> Outcome {
    Outcome::Failed { reason, status, attempts }
}

/// Two attempts, the second at once.
fn twice(timeout: Duration) -> Policy {
    Policy { timeout, attempts_max: NonZeroU32::new(2), ..quick() }
}

#[tokio::test]
async fn retryable_statuses_are_repeated_until_one_is_2xx() {
    let answers = [408, 425, 429, 500, 503, 599, 201];
    let mut consumer = Consumer::start(move |n, _| status(answers[n])).await;
    let mut rig = Rig::with(&consumer.url, quick());
    rig.offer(event(1, "a"));
    assert_eq!(delivered(rig.outcome().await), (201, 7));
    let first = consumer.next().await;
    for _ in 1..answers.len() {
        let again = consumer.next().await;
        assert_eq!(again.lines, first.lines);
        assert_eq!(again.connection, 0);
    }
    assert_eq!(consumer.unread(), 0);
    let status = rig.status("app");
    assert_eq!((status.accepted, status.delivered, status.retried), (1, 1, 6));
    assert_eq!((status.failed, status.in_flight, status.queued_items), (0, 0, 0));
    assert_eq!(status.last_status, Some(201));
    assert_eq!(status.last_error.as_deref(), Some("answered 599"));
}

#[tokio::test]
async fn retry_after_is_obeyed_up_to_the_limit_and_holds_no_place() {
    let consumer = Consumer::start(|n, _| match n {
        0 => status_with(503, "retry-after: 3600\r\n"),
        _ => status(200),
    })
    .await;
    let limit = Duration::from_millis(300);
    let policy =
        Policy { retry_after_max: limit, concurrency: NonZeroU16::new(1).unwrap(), ..quick() };
    let mut rig = Rig::with(&consumer.url, policy);
    rig.offer_events(2);
    let (seq, second) = rig.numbered().await;
    assert_eq!((seq, delivered(second)), (2, (200, 1)));
    let (seq, first) = rig.numbered().await;
    assert_eq!((seq, delivered(first)), (1, (200, 2)));
    let Outcome::Delivered { after, .. } = first else { panic!("{first:?}") };
    assert!(after >= limit, "{after:?}");
}

#[tokio::test]
async fn a_retry_after_beyond_the_policys_time_ends_it() {
    let consumer = Consumer::start(|_, _| status_with(429, "retry-after: 50\r\n")).await;
    let policy = Policy { retry_for: Duration::from_secs(49), ..quick() };
    let mut rig = Rig::with(&consumer.url, policy);
    rig.offer(event(1, "a"));
    assert_eq!(rig.outcome().await, failed(FailReason::GaveUp, Some(429), 1));
    let dead = rig.dead(Some("app"));
    assert_eq!(
        dead[0].reason,
        "no success within the retries that the policy allows: answered 429"
    );
}

#[tokio::test]
async fn refusals_and_redirects_become_dead_letters_at_once() {
    let answers = [404, 302, 400, 409, 304];
    let mut consumer = Consumer::start(move |n, _| {
        status_with(answers[n], "location: /elsewhere\r\nretry-after: 1\r\n")
    })
    .await;
    let mut rig = Rig::with(&consumer.url, quick());
    for (seq, answer) in (1..).zip(answers) {
        rig.offer(event(seq, "a/b"));
        assert_eq!(rig.outcome().await, failed(FailReason::Refused, Some(answer), 1));
        assert_eq!(consumer.next().await.target(), "/a/b");
    }
    assert_eq!(consumer.unread(), 0);
    assert_eq!(rig.status("app").failed, 5);
    let dead = rig.dead(None);
    assert_eq!(dead.len(), 5);
    assert_eq!(dead[0].subscription, "app");
    assert_eq!(*dead[0].item, event(1, "a/b"));
    assert_eq!(dead[0].id, "app.1");
    assert_eq!(dead[0].reason, "the consumer refused it: answered 404");
    assert_eq!((dead[0].status, dead[0].attempts), (Some(404), 1));
    assert!(dead[0].unix_millis > 1_600_000_000_000);
    assert_eq!(rig.dead(Some("other")), []);
}

#[tokio::test]
async fn the_last_dead_letters_are_kept() {
    let consumer = Consumer::start(|_, _| status(404)).await;
    let mut rig = Rig::with(&consumer.url, quick());
    let count = u64::try_from(DEAD_LETTERS_MAX).unwrap() + 5;
    for seq in 1..=count {
        rig.offer(event(seq, &seq.to_string()));
        rig.outcome().await;
    }
    let dead = rig.dead(None);
    assert_eq!(dead.len(), DEAD_LETTERS_MAX);
    assert_eq!((&*dead[0].id, &*dead[99].id), ("app.6", "app.105"));
    let status = rig.status("app");
    assert_eq!((status.failed, status.dead_letters, status.dead_letters_shed), (count, 100, 5));
}

#[tokio::test]
async fn gone_pauses_and_resuming_delivers_what_waited() {
    let mut consumer = Consumer::start(|n, _| if n == 0 { status(410) } else { status(200) }).await;
    let mut rig = Rig::with(&consumer.url, quick());
    rig.offer(event(1, "1"));
    let status = rig.until(|status| status.state == SubscriptionState::Paused).await;
    assert!(status.why.unwrap().contains("410"));
    rig.offer(event(2, "2"));
    let status = rig.status("app");
    assert_eq!((status.queued_items, status.in_flight, status.failed), (2, 0, 0));
    assert!(status.queued_bytes > 0 && status.oldest_queued_millis.is_some());
    consumer.next().await;
    assert!(rig.delivery.resume("app"));
    let mut outcomes = [rig.numbered().await, rig.numbered().await];
    outcomes.sort_by_key(|(seq, _)| *seq);
    let outcomes = outcomes.map(|(seq, outcome)| (seq, delivered(outcome)));
    assert_eq!(outcomes, [(1, (200, 2)), (2, (200, 1))]);
    assert_eq!(rig.status("app").state, SubscriptionState::Active);
}

#[tokio::test]
async fn a_consumer_that_comes_up_late_gets_what_waited() {
    let socket = TcpSocket::new_v4().unwrap();
    // Bound but not listening: connections are refused, and nobody else gets the port.
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let mut rig = Rig::with(&url, quick());
    rig.offer(event(1, "a"));
    let status = rig.until(|status| status.retried >= 3).await;
    assert!(status.last_error.unwrap().starts_with("cannot connect: "));
    assert_eq!(status.last_status, None);
    let listener = socket.listen(16).unwrap();
    let mut consumer = Consumer::on(listener, |_, _| super::consumer::status(200));
    let (code, attempts) = delivered(rig.outcome().await);
    assert!(code == 200 && attempts >= 4, "{code} {attempts}");
    assert_eq!(consumer.next().await.target(), "/a");
}

#[tokio::test]
async fn broken_answers_are_repeated() {
    let cut = || b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc".to_vec();
    let consumer = Consumer::start(move |n, _| match n {
        0 => Answer::Close,
        1 => Answer::BytesThenClose(b"HTTP/1.1 2".to_vec()),
        2 => Answer::BytesThenClose(cut()),
        3 => Answer::Bytes(b"SSH-2.0-OpenSSH_9\r\n\r\n".to_vec()),
        _ => status(200),
    })
    .await;
    let mut rig = Rig::with(&consumer.url, quick());
    rig.offer(event(1, "a"));
    assert_eq!(delivered(rig.outcome().await), (200, 5));
    let error = rig.status("app").last_error.unwrap();
    assert!(error.starts_with("no whole answer: "), "{error}");
}

#[tokio::test]
async fn an_answer_that_does_not_come_in_time_counts_as_none() {
    for slow in [|| Answer::Hang, || Answer::Trickle] {
        let mut consumer = Consumer::start(move |_, _| slow()).await;
        let mut rig = Rig::with(&consumer.url, twice(Duration::from_millis(250)));
        rig.offer(event(1, "a"));
        assert_eq!(rig.outcome().await, failed(FailReason::GaveUp, None, 2));
        assert_eq!(rig.status("app").last_error.unwrap(), "no whole answer within 250ms");
        assert_eq!(consumer.next().await.connection, 0);
        assert_eq!(consumer.next().await.connection, 1);
    }
}

#[tokio::test]
async fn an_answer_without_end_is_judged_by_its_status() {
    let mut consumer = Consumer::start(|_, _| Answer::Flood).await;
    let mut rig = Rig::with(&consumer.url, quick());
    for (seq, connection) in (1..).zip(0..3) {
        rig.offer(event(seq, "a"));
        assert_eq!(delivered(rig.outcome().await), (200, 1));
        assert_eq!(consumer.next().await.connection, connection);
    }
}

#[tokio::test]
async fn connections_are_used_again_while_the_consumer_keeps_them() {
    let mut consumer = Consumer::start(|n, _| match n {
        2 => status_with(200, "connection: close\r\n"),
        _ => Answer::Bytes(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n".to_vec(),
        ),
    })
    .await;
    let mut rig = Rig::with(&consumer.url, quick());
    for (seq, connection) in (1..).zip([0, 0, 0, 1, 1]) {
        rig.offer(event(seq, "a"));
        assert_eq!(delivered(rig.outcome().await), (200, 1));
        assert_eq!(consumer.next().await.connection, connection, "request {seq}");
    }
}

#[tokio::test]
async fn a_connection_closed_while_idle_loses_nothing() {
    let text = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec();
    let consumer = Consumer::start(move |_, _| Answer::BytesThenClose(text.clone())).await;
    let mut rig = Rig::with(&consumer.url, quick());
    for seq in 1..=50 {
        rig.offer(event(seq, "a"));
        let (code, attempts) = delivered(rig.outcome().await);
        assert!(code == 200 && attempts <= 2, "{code} {attempts}");
    }
}

#[tokio::test]
async fn expired_items_are_dropped_and_what_cannot_be_written_is_kept_as_dead() {
    let consumer = Consumer::start(|_, _| status(200)).await;
    let mut rig = Rig::with(&consumer.url, quick());
    let mut stale = event(1, "a");
    stale.expires_unix_millis = Some(1);
    rig.offer(stale);
    assert_eq!(rig.outcome().await, failed(FailReason::Expired, None, 0));
    rig.offer(super::invocation(2, "GET", "no slash"));
    let Outcome::Failed { reason: FailReason::Unreplayable(_), attempts: 0, .. } =
        rig.outcome().await
    else {
        panic!("it was replayed");
    };
    let mut fresh = event(3, "a");
    fresh.expires_unix_millis = Some(u64::MAX);
    rig.offer(fresh);
    assert_eq!(delivered(rig.outcome().await), (200, 1));
    let status = rig.status("app");
    assert_eq!((status.expired, status.failed, status.in_flight), (1, 1, 0));
    assert_eq!(consumer.unread(), 1);
}

#[tokio::test]
async fn a_consumer_that_leaves_the_body_unread_does_not_hold_up_the_next_item() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_exact(&mut [0; 64]).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            open.push(stream);
        }
    });
    let policy = Policy { queue_bytes_max: NonZeroUsize::MAX, ..quick() };
    let mut rig = Rig::with(&url, policy);
    for seq in 1..=2 {
        // More than the sockets' buffers hold, so that writing it cannot end.
        let mut item = event(seq, "a");
        item.payload = Bytes::from(vec![b'x'; 32 * 1024 * 1024]);
        rig.offer(item);
        assert_eq!(delivered(rig.outcome().await), (200, 1));
    }
    server.abort();
}
