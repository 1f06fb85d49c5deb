//! Dead letters, and the list of what is on its way.

use super::consumer::{Answer, Consumer, status};
use super::{Rig, delivered, event, quick, subscription, with};
use crate::delivery::{DeliveryState, Outcome, Wanted};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

/// A consumer that answers what the number says.
async fn consumer(code: &Arc<AtomicU16>) -> Consumer {
    let code = Arc::clone(code);
    Consumer::start(move |_, _| status(code.load(Ordering::Relaxed))).await
}

#[tokio::test]
async fn letters_keep_their_item_and_are_retried_or_dropped_one_by_one() {
    let code = Arc::new(AtomicU16::new(404));
    let mut consumer = consumer(&code).await;
    let mut rig = Rig::with(&consumer.url, quick());
    let mut item = with(event(1, "a"), &[("x-kept", "yes")]);
    item.payload = "body".into();
    rig.offer(item);
    rig.outcome().await;
    rig.offer(event(2, "b"));
    rig.outcome().await;
    assert_eq!(rig.status("app").dead_letters, 2);
    let letter = rig.delivery.dead_letter("app.1").unwrap();
    assert_eq!((&*letter.item.payload, letter.attempts), (&b"body"[..], 1));
    for unknown in ["app.3", "app.0", "app.01", "app", "other.1", ".1", ""] {
        assert_eq!(rig.delivery.dead_letter(unknown), None, "{unknown}");
        assert!(!rig.delivery.retry(unknown) && !rig.delivery.drop_dead(unknown), "{unknown}");
    }
    assert!(rig.delivery.drop_dead("app.2"));
    assert!(!rig.delivery.drop_dead("app.2"));
    code.store(200, Ordering::Relaxed);
    while consumer.unread() > 0 {
        consumer.next().await;
    }
    assert!(rig.delivery.retry("app.1"));
    assert_eq!(delivered(rig.outcome().await), (200, 1), "its attempts begin anew");
    let seen = consumer.next().await;
    assert_eq!(seen.body, b"body");
    assert!(seen.lines.contains(&"x-kept: yes".to_owned()), "{:?}", seen.lines);
    assert!(rig.dead(None).is_empty());
}

#[tokio::test]
async fn all_are_retried_or_dropped_of_one_subscription_or_of_all() {
    let code = Arc::new(AtomicU16::new(404));
    let consumer = consumer(&code).await;
    let mut rig = Rig::with(&consumer.url, quick());
    rig.delivery.subscribe(subscription("second", &consumer.url, quick())).unwrap();
    rig.offer_events(3);
    for _ in 0..6 {
        rig.outcome().await;
    }
    assert_eq!(rig.delivery.drop_all_dead(Some("second")), 3);
    assert_eq!(rig.delivery.drop_all_dead(Some("other")), 0);
    assert_eq!(rig.delivery.retry_all(Some("second")), 0);
    code.store(200, Ordering::Relaxed);
    assert_eq!(rig.delivery.retry_all(None), 3);
    for _ in 0..3 {
        delivered(rig.outcome().await);
    }
    code.store(404, Ordering::Relaxed);
    rig.offer(event(4, "a"));
    rig.outcome().await;
    rig.outcome().await;
    assert_eq!(rig.delivery.drop_all_dead(None), 2);
    assert!(rig.dead(None).is_empty());
}

#[tokio::test]
async fn restored_letters_keep_their_ids_and_new_ones_follow() {
    let code = Arc::new(AtomicU16::new(404));
    let consumer = consumer(&code).await;
    let mut rig = Rig::with(&consumer.url, quick());
    rig.offer(event(1, "a"));
    rig.outcome().await;
    let mut letter = rig.delivery.dead_letter("app.1").unwrap();
    letter.id = "app.7".to_owned();
    let again = Rig::with(&consumer.url, quick());
    assert!(again.delivery.restore_dead(letter.clone()));
    for bad in ["other.7", "app.x", "app"] {
        let letter = crate::delivery::DeadLetter { id: bad.to_owned(), ..letter.clone() };
        assert!(!again.delivery.restore_dead(letter), "{bad}");
    }
    assert_eq!(again.delivery.dead_letter("app.7"), Some(letter));
    let mut rig = again;
    rig.offer(event(2, "a"));
    rig.outcome().await;
    assert_eq!(rig.dead(None)[1].id, "app.8");
}

#[tokio::test]
async fn the_list_says_where_each_delivery_is() {
    let mut consumer = Consumer::start(|_, seen| match seen.target() {
        "/1" => status(404),
        _ => Answer::Hang,
    })
    .await;
    let mut rig = Rig::with(&consumer.url, quick());
    rig.offer_events(12);
    rig.outcome().await;
    for _ in 0..9 {
        consumer.next().await;
    }
    let wanted = |state, subscription: Option<&str>, limit| {
        let subscription = subscription.map(str::to_owned);
        let records = rig.delivery.deliveries(&Wanted { state, subscription, limit });
        records.iter().map(|record| (record.id.clone(), record.state)).collect::<Vec<_>>()
    };
    let named = |from: u64, to: u64, state| {
        (from..=to).map(|number| (format!("app.{number}"), state)).collect::<Vec<_>>()
    };
    let (failed, in_flight, queued) = (
        named(1, 1, DeliveryState::Failed),
        named(2, 9, DeliveryState::InFlight),
        named(10, 12, DeliveryState::Queued),
    );
    assert_eq!(wanted(None, None, 100), [&failed[..], &in_flight, &queued].concat());
    assert_eq!(wanted(Some(DeliveryState::Queued), Some("app"), 100), queued);
    assert_eq!(wanted(None, Some("other"), 100), []);
    assert_eq!(wanted(None, None, 3), [&failed[..], &in_flight[..2]].concat());
    assert_eq!(wanted(None, None, 0), []);
    let record = &rig.records(DeliveryState::InFlight, None)[0];
    assert_eq!((&*record.item, &*record.path), (&*event(2, "2").id.to_string(), "2"));
    assert!(record.unix_millis > 1_600_000_000_000);
    let text = serde_json::to_value(record).unwrap();
    assert_eq!(text["state"], "in_flight");
}

#[tokio::test]
async fn the_attempts_are_told_with_the_outcome() {
    let answers = [503, 429, 201];
    let consumer = Consumer::start(move |n, _| status(answers[n])).await;
    let mut rig = Rig::with(&consumer.url, quick());
    rig.offer(event(1, "a"));
    let report = rig.next().await;
    let statuses: Vec<Option<u16>> = report.attempts_made.iter().map(|note| note.status).collect();
    assert_eq!(statuses, [Some(503), Some(429), Some(201)]);
    let errors: Vec<Option<&str>> =
        report.attempts_made.iter().map(|note| note.error.as_deref()).collect();
    assert_eq!(errors, [Some("answered 503"), Some("answered 429"), None]);
    let Outcome::Delivered { after, .. } = report.outcome else { panic!("{report:?}") };
    let took: std::time::Duration = report.attempts_made.iter().map(|note| note.took).sum();
    assert!(took <= after, "{took:?} {after:?}");
    let at: Vec<u64> = report.attempts_made.iter().map(|note| note.at_unix_millis).collect();
    assert!(at.is_sorted() && at[0] > 1_600_000_000_000, "{at:?}");
}
