//! What the journal is told, and when.

use super::consumer::{Answer, Consumer, bytes, status};
use super::{Rig, delivered, event, quick, subscription, within};
use crate::delivery::{DeadLetter, Journal, Kept, PauseReason, Policy};
use bruit_model::{Item, ItemId};
use std::num::{NonZeroU16, NonZeroUsize};
use std::sync::{Arc, Mutex};
use tokio::sync::{Notify, oneshot};

/// Writes down what it is told, one line each.
#[derive(Default)]
struct Log {
    lines: Mutex<Vec<String>>,
    /// If there are any, ends are kept when the last of these is used.
    keeping: Mutex<Vec<oneshot::Receiver<()>>>,
}

impl Log {
    fn write(&self, line: String) {
        self.lines.lock().unwrap().push(line);
    }

    /// What was written since the last time.
    fn lines(&self) -> Vec<String> {
        std::mem::take(&mut *self.lines.lock().unwrap())
    }
}

impl Journal for Log {
    fn offered(&self, item: &Arc<Item>, subscriptions: &[Arc<str>]) {
        let names: Vec<&str> = subscriptions.iter().map(|name| &**name).collect();
        self.write(format!("offered {} to {}", item.id.seq, names.join(",")));
    }

    fn ended(&self, item: ItemId, name: &Arc<str>, dead: Option<&DeadLetter>) -> Option<Kept> {
        let dead = dead.map_or(String::new(), |letter| format!(" dead {}", letter.id));
        self.write(format!("ended {} {name}{dead}", item.seq));
        let kept = self.keeping.lock().unwrap().pop()?;
        Some(Box::pin(async move { kept.await.unwrap_or_default() }))
    }

    fn dead_letter_gone(&self, item: ItemId, name: &Arc<str>) {
        self.write(format!("gone {} {name}", item.seq));
    }

    fn paused(&self, name: &Arc<str>, reason: Option<PauseReason>) {
        self.write(format!("paused {name} {reason:?}"));
    }

    fn unsubscribed(&self, name: &Arc<str>) {
        self.write(format!("unsubscribed {name}"));
    }
}

fn rig(url: &str, policy: Policy) -> (Rig, Arc<Log>) {
    let log = Arc::<Log>::default();
    let journal: Arc<dyn Journal> = log.clone();
    let rig = Rig::journaled(journal);
    rig.delivery.subscribe(subscription("app", url, policy)).unwrap();
    (rig, log)
}

#[tokio::test]
async fn it_is_told_all_that_must_survive_in_order() {
    let consumer = Consumer::start(|_, seen| match seen.target() {
        "/bad" => status(404),
        "/gone" => status(410),
        _ => status(200),
    })
    .await;
    let (mut rig, log) = rig(&consumer.url, quick());
    rig.delivery.subscribe(subscription("second", &consumer.url, quick())).unwrap();
    rig.offer(event(1, "a"));
    let (first, second) = (rig.next().await.subscription, rig.next().await.subscription);
    let ended = [first, second].map(|name| format!("ended 1 {name}"));
    let lines = log.lines();
    assert_eq!(lines[0], "offered 1 to app,second");
    assert_eq!(lines[1..], ended);
    assert_eq!(rig.delivery.unsubscribe("second"), Some(0));
    assert_eq!(log.lines(), ["unsubscribed second"]);

    rig.offer(event(2, "bad"));
    rig.next().await;
    assert_eq!(log.lines(), ["offered 2 to app", "ended 2 app dead app.2"]);
    assert!(rig.delivery.retry("app.2"));
    rig.next().await;
    assert_eq!(log.lines(), ["offered 2 to app", "gone 2 app", "ended 2 app dead app.3"]);
    assert!(rig.delivery.drop_dead("app.3"));
    assert_eq!(log.lines(), ["gone 2 app"]);

    rig.offer(event(3, "gone"));
    rig.notice().await;
    assert!(rig.delivery.pause("app"), "it is paused already");
    assert_eq!(log.lines(), ["offered 3 to app", "paused app Some(Gone)"]);
    assert!(rig.delivery.resume("app"));
    assert_eq!(log.lines(), ["paused app None"]);
    rig.notice().await;
    rig.notice().await;
    assert_eq!(log.lines(), ["paused app Some(Gone)"]);
    assert!(rig.delivery.pause_with("app", PauseReason::Operator));
    assert_eq!(rig.delivery.unsubscribe("app"), Some(1));
    assert_eq!(log.lines(), ["unsubscribed app"], "of what waited there nothing is said");
    rig.offer(event(4, "a"));
    assert_eq!(log.lines(), ["offered 4 to "], "nobody gets it, and that is known");
}

#[tokio::test]
async fn it_hears_of_what_is_shed_and_not_of_what_is_restored() {
    let consumer = Consumer::start(|_, _| status(200)).await;
    let policy = Policy { queue_items_max: NonZeroUsize::new(1).unwrap(), ..quick() };
    let (mut rig, log) = rig(&consumer.url, policy);
    rig.delivery.pause("app");
    log.lines();
    assert!(rig.delivery.restore("app", Arc::new(event(1, "a")), 3, 1));
    assert!(!rig.delivery.restore("other", Arc::new(event(1, "a")), 0, 1));
    assert_eq!(log.lines(), [""; 0]);
    rig.offer(event(2, "a"));
    assert_eq!(log.lines(), ["offered 2 to app", "ended 1 app"]);
    assert_eq!(rig.numbered().await.0, 1);
    assert!(rig.delivery.offer_to("app", &Arc::new(event(3, "elsewhere"))));
    assert!(!rig.delivery.offer_to("other", &Arc::new(event(3, "elsewhere"))));
    assert_eq!(log.lines(), ["offered 3 to app", "ended 2 app"]);
    rig.delivery.resume("app");
    assert_eq!(rig.numbered().await.0, 2);
    assert_eq!(rig.numbered().await.0, 3);
}

#[tokio::test]
async fn a_restored_item_has_its_attempts_and_all_its_time() {
    let consumer = Consumer::start(|_, _| status(200)).await;
    let (mut rig, _) = rig(&consumer.url, quick());
    rig.delivery.pause("app");
    // No machine that runs this was started later.
    let second = 1000;
    let accepted = crate::delivery::hub::system_wall() - second;
    assert!(rig.delivery.restore("app", Arc::new(event(1, "a")), 3, accepted));
    let status = rig.status("app");
    assert!(status.oldest_queued_millis.unwrap() >= second);
    let queued = rig.records(crate::delivery::DeliveryState::Queued, None);
    assert_eq!((queued[0].attempts, queued[0].unix_millis), (3, accepted));
    rig.delivery.resume("app");
    assert_eq!(delivered(rig.outcome().await), (200, 4));
}

#[tokio::test]
async fn a_place_is_free_when_the_end_is_kept() {
    let mut consumer = Consumer::start(|_, _| status(200)).await;
    let policy = Policy { concurrency: NonZeroU16::new(1).unwrap(), ..quick() };
    let (mut rig, log) = rig(&consumer.url, policy);
    let (keep, keeping) = oneshot::channel();
    log.keeping.lock().unwrap().push(keeping);
    rig.offer_events(2);
    assert_eq!(rig.numbered().await.0, 1, "the outcome is told at once");
    consumer.next().await;
    // A delivery of another subscription, begun later, comes to its end meanwhile.
    let other = subscription("other", &consumer.url, quick());
    rig.delivery.subscribe(other).unwrap();
    assert!(rig.delivery.offer_to("other", &Arc::new(event(9, "a"))));
    assert_eq!(rig.numbered().await.0, 9);
    consumer.next().await;
    let status = rig.status("app");
    assert_eq!((status.in_flight, status.queued_items, status.delivered), (1, 1, 1));
    assert_eq!((consumer.unread(), rig.delivery.in_flight()), (0, 1));
    keep.send(()).unwrap();
    assert_eq!(rig.numbered().await.0, 2);
    rig.until(|status| status.in_flight == 0).await;
    assert_eq!(rig.delivery.in_flight(), 0);
}

#[tokio::test]
async fn an_end_after_the_subscription_has_gone_is_not_told() {
    let told = Arc::new(Notify::new());
    let when = Arc::clone(&told);
    let mut consumer = Consumer::start(move |_, _| Answer::When(when.clone(), bytes(200))).await;
    let (mut rig, log) = rig(&consumer.url, quick());
    rig.offer(event(1, "a"));
    consumer.next().await;
    assert_eq!(rig.delivery.unsubscribe("app"), Some(0));
    told.notify_one();
    delivered(rig.outcome().await);
    assert_eq!(log.lines(), ["offered 1 to app", "unsubscribed app"]);
    within(async {
        while rig.delivery.in_flight() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
