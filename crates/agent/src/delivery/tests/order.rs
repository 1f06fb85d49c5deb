//! Items of one origin, one after the other.

use super::consumer::{Consumer, status};
use super::{Rig, delivered, event, quick, subscription};
use crate::delivery::{DeliveryState, FIRST_PATIENCE, FailReason, Outcome, Policy, Subscription};
use bruit_engine::Rng;
use bruit_model::{Item, ItemId, NodeId, Order, Path, Pattern};
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use tokio::time::Instant;

fn ordered(url: &str, policy: Policy) -> Subscription {
    Subscription { order: Order::Fifo, ..subscription("app", url, policy) }
}

/// Item `seq` of `origin`, after `previous` in its topic.
fn item(origin: u8, seq: u64, previous: Option<u64>) -> Item {
    Item {
        id: ItemId { origin: NodeId([origin; 16]), start: 1, seq },
        path: Path::parse(&format!("{origin}/{seq}")).unwrap(),
        previous_in_topic: previous,
        ..event(seq, "a")
    }
}

#[tokio::test]
async fn the_order_holds_under_retries_and_origins_do_not_wait_for_each_other() {
    let taken: Arc<Mutex<BTreeMap<String, Vec<u64>>>> = Arc::default();
    let (log, rng) = (Arc::clone(&taken), Mutex::new(Rng::from_seed(5)));
    let consumer = Consumer::start(move |_, seen| {
        if rng.lock().unwrap().chance(1, 3) {
            return status(503);
        }
        let (origin, seq) = seen.target()[1..].split_once('/').unwrap();
        let mut log = log.lock().unwrap();
        log.entry(origin.to_owned()).or_default().push(seq.parse().unwrap());
        status(200)
    })
    .await;
    for order in [Order::Fifo, Order::None] {
        let mut rig = Rig::new();
        let subscribed = Subscription { order, ..ordered(&consumer.url, quick()) };
        rig.delivery.subscribe(subscribed).unwrap();
        // Where the subscription does not ask for it, the topic does.
        let topic = if order == Order::Fifo { Order::None } else { Order::Fifo };
        for seq in 1..=100 {
            for origin in [1, 2, 3] {
                let item = item(origin, seq, (seq > 1).then_some(seq - 1));
                rig.delivery.offer(&Arc::new(item), topic);
            }
        }
        for _ in 0..300 {
            delivered(rig.outcome().await);
        }
        let taken = std::mem::take(&mut *taken.lock().unwrap());
        assert_eq!(taken.len(), 3);
        for (origin, seqs) in taken {
            assert_eq!(seqs, (1..=100).collect::<Vec<u64>>(), "origin {origin}");
        }
        assert_eq!(rig.status("app").gaps_skipped, 0);
    }
}

#[tokio::test]
async fn one_that_was_overtaken_is_waited_for() {
    let mut consumer = Consumer::start(|_, _| status(200)).await;
    let mut rig = Rig::new();
    rig.delivery.subscribe(ordered(&consumer.url, quick())).unwrap();
    rig.offer(item(1, 1, None));
    assert_eq!(consumer.next().await.target(), "/1/1");
    rig.outcome().await;
    rig.offer(item(1, 3, Some(2)));
    rig.offer(item(1, 4, Some(3)));
    let waiting = rig.records(DeliveryState::Queued, None);
    assert_eq!(waiting.len(), 2);
    assert!(waiting[0].next_attempt_millis.unwrap() > 4000, "{waiting:?}");
    rig.offer(item(1, 2, Some(1)));
    for seq in 2..=4 {
        assert_eq!(consumer.next().await.target(), format!("/1/{seq}"));
        assert_eq!(rig.numbered().await.0, seq);
    }
    assert_eq!(rig.status("app").gaps_skipped, 0);
}

#[tokio::test]
async fn one_that_is_for_others_is_not_waited_for_when_it_has_come() {
    let mut consumer = Consumer::start(|_, _| status(200)).await;
    let mut rig = Rig::new();
    let pattern = Pattern::parse("1/*").unwrap();
    rig.delivery.subscribe(Subscription { pattern, ..ordered(&consumer.url, quick()) }).unwrap();
    rig.offer(item(1, 1, None));
    let other = |seq| Item { path: Path::parse("other").unwrap(), ..item(1, seq, Some(seq - 1)) };
    rig.offer(other(2));
    rig.offer(item(1, 3, Some(2)));
    rig.offer(item(1, 5, Some(4)));
    rig.offer(item(1, 7, Some(6)));
    rig.offer(item(1, 10, Some(9)));
    for seq in [1, 3] {
        assert_eq!(consumer.next().await.target(), format!("/1/{seq}"));
    }
    rig.offer(other(4));
    assert_eq!(consumer.next().await.target(), "/1/5");
    rig.delivery.pass_over(other(6).id);
    assert_eq!(consumer.next().await.target(), "/1/7");
    rig.offer(item(1, 8, Some(7)));
    assert_eq!(consumer.next().await.target(), "/1/8");
    rig.offer(other(9));
    assert_eq!(consumer.next().await.target(), "/1/10");
    for _ in 0..6 {
        delivered(rig.outcome().await);
    }
}

#[tokio::test]
async fn patience_ends_and_is_counted() {
    let mut consumer = Consumer::start(|_, _| status(200)).await;
    let mut rig = Rig::new();
    rig.delivery.subscribe(ordered(&consumer.url, quick())).unwrap();
    // What a run of the agent before this one had is not waited for.
    rig.delivery.pass_over_up_to(NodeId([2; 16]), 1, 6);
    rig.offer(item(2, 7, Some(6)));
    assert_eq!(consumer.next().await.target(), "/2/7");
    let began = Instant::now();
    rig.offer(item(1, 7, Some(6)));
    assert_eq!(consumer.next().await.target(), "/1/7");
    assert!(began.elapsed() >= FIRST_PATIENCE, "{:?}", began.elapsed());
    rig.until(|status| status.delivered == 2).await;
    assert_eq!(rig.status("app").gaps_skipped, 1);
    // The one that was not waited for any longer is delivered all the same.
    rig.offer(item(1, 6, None));
    assert_eq!(consumer.next().await.target(), "/1/6");
    for _ in 0..3 {
        delivered(rig.outcome().await);
    }
}

#[tokio::test]
async fn a_dead_one_does_not_block_those_after_it() {
    let consumer = Consumer::start(|_, seen| match seen.target() {
        "/1/1" => status(404),
        "/1/2" => status(503),
        _ => status(200),
    })
    .await;
    let mut rig = Rig::new();
    let policy = Policy { attempts_max: NonZeroU32::new(2), ..quick() };
    rig.delivery.subscribe(ordered(&consumer.url, policy)).unwrap();
    for seq in 1..=3 {
        rig.offer(item(1, seq, (seq > 1).then(|| seq - 1)));
    }
    let failed =
        |reason, status, attempts| Outcome::Failed { reason, status: Some(status), attempts };
    assert_eq!(rig.numbered().await, (1, failed(FailReason::Refused, 404, 1)));
    assert_eq!(rig.numbered().await, (2, failed(FailReason::GaveUp, 503, 2)));
    let (seq, third) = rig.numbered().await;
    assert_eq!((seq, delivered(third)), (3, (200, 1)));
}
