//! A consumer that says how it is.

use super::consumer::{Answer, Consumer, status};
use super::{Rig, delivered, event, quick, subscription};
use crate::delivery::{Health, Policy, Subscription, SubscriptionState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;
use tokio::net::TcpSocket;

const PERIOD: Duration = Duration::from_millis(10);

fn probed(url: &str, policy: Policy) -> Subscription {
    let health = Some(Health { path: "/healthz?deep".to_owned(), period: PERIOD });
    Subscription { health, ..subscription("app", url, policy) }
}

/// A consumer whose health is what the number says; 0 is no answer.
async fn consumer(health: &Arc<AtomicU16>) -> Consumer {
    let health = Arc::clone(health);
    Consumer::start(move |_, seen| match (seen.target(), health.load(Ordering::Relaxed)) {
        ("/healthz?deep", 0) => Answer::Hang,
        ("/healthz?deep", code) => status(code),
        _ => status(200),
    })
    .await
}

#[tokio::test]
async fn items_wait_while_the_consumer_is_down_and_go_when_it_is_up() {
    for down in [503, 302, 0] {
        let health = Arc::new(AtomicU16::new(down));
        let mut consumer = consumer(&health).await;
        let mut rig = Rig::new();
        rig.delivery.subscribe(probed(&format!("{}/v1", consumer.url), quick())).unwrap();
        rig.offer_events(3);
        let (state, why) = rig.notice().await;
        assert_eq!(state, SubscriptionState::Down);
        let why = why.unwrap();
        assert!(why.starts_with("GET /healthz?deep of 127.0.0.1:"), "{why}");
        let end =
            if down == 0 { ": no answer in 10ms".to_owned() } else { format!(" answered {down}") };
        assert!(why.ends_with(&end), "{why}");
        for _ in 0..3 {
            let seen = consumer.next().await;
            assert_eq!(seen.lines[0], "GET /healthz?deep HTTP/1.1");
            assert_eq!(seen.lines[1], format!("host: {}", &consumer.url[7..]));
        }
        let status = rig.status("app");
        assert_eq!((status.queued_items, status.in_flight, status.retried), (3, 0, 0));
        health.store(204, Ordering::Relaxed);
        for _ in 0..3 {
            assert_eq!(delivered(rig.outcome().await), (200, 1));
        }
        assert_eq!(rig.notice().await, (SubscriptionState::Active, None));
    }
}

#[tokio::test]
async fn a_consumer_that_is_not_there_is_down() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let mut rig = Rig::new();
    rig.delivery.subscribe(probed(&url, quick())).unwrap();
    rig.offer(event(1, "a"));
    let (state, why) = rig.notice().await;
    assert_eq!(state, SubscriptionState::Down);
    assert!(why.unwrap().contains(": cannot connect: "));
    let _consumer = Consumer::on(socket.listen(16).unwrap(), |_, _| status(200));
    assert_eq!(delivered(rig.outcome().await), (200, 1));
}

#[tokio::test]
async fn nobody_is_asked_while_the_subscription_is_paused_or_when_it_has_gone() {
    let health = Arc::new(AtomicU16::new(200));
    let mut consumer = consumer(&health).await;
    let mut rig = Rig::new();
    rig.delivery.subscribe(probed(&consumer.url, quick())).unwrap();
    consumer.next().await;
    assert!(rig.delivery.pause("app"));
    assert_eq!(rig.notice().await.0, SubscriptionState::Paused);
    quiet(&mut consumer).await;
    health.store(503, Ordering::Relaxed);
    assert!(rig.delivery.resume("app"));
    assert_eq!(rig.notice().await.0, SubscriptionState::Active);
    assert_eq!(rig.notice().await.0, SubscriptionState::Down);
    // Without the question nothing holds the items.
    rig.delivery.subscribe(subscription("app", &consumer.url, quick())).unwrap();
    assert_eq!(rig.notice().await.0, SubscriptionState::Active);
    quiet(&mut consumer).await;
    rig.delivery.subscribe(probed(&consumer.url, quick())).unwrap();
    assert_eq!(rig.notice().await.0, SubscriptionState::Down);
    rig.delivery.unsubscribe("app").unwrap();
    quiet(&mut consumer).await;
}

/// Nothing comes any more, but for what had been sent, while another consumer is asked as often
/// as this one would be.
async fn quiet(consumer: &mut Consumer) {
    let mut asked = self::consumer(&Arc::new(AtomicU16::new(200))).await;
    let rig = Rig::new();
    rig.delivery.subscribe(probed(&asked.url, quick())).unwrap();
    for _ in 0..3 {
        asked.next().await;
    }
    while consumer.unread() > 0 {
        consumer.next().await;
    }
    for _ in 0..10 {
        asked.next().await;
    }
    assert_eq!(consumer.unread(), 0);
}
