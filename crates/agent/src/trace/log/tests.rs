use super::*;
use crate::delivery::FailReason;
use bruit_model::{HybridTime, Item, NodeId, Path, Style};

fn id(start: u64, seq: u64) -> ItemId {
    ItemId { origin: NodeId([1; 16]), start, seq }
}

fn item(start: u64, seq: u64) -> Item {
    Item {
        id: id(start, seq),
        path: Path::parse("cache/1").unwrap(),
        previous_in_topic: None,
        time: HybridTime(9 << 16),
        expires_unix_millis: None,
        style: Style::Direct,
        repair: true,
        fanout_count: 1,
        rounds_left: 1,
        hops: 0,
        headers: Vec::new(),
        payload: bytes::Bytes::from_static(b"four"),
        signature: None,
    }
}

fn report(item: Item, subscription: &str, outcome: Outcome) -> Report {
    Report {
        subscription: subscription.into(),
        item: Arc::new(item),
        outcome,
        attempts_made: Vec::new(),
    }
}

const DELIVERED: Outcome =
    Outcome::Delivered { status: 204, attempts: 3, after: Duration::from_millis(5) };
const FAILED: Outcome =
    Outcome::Failed { reason: FailReason::GaveUp, status: Some(503), attempts: 9 };

fn names(names: &[&str]) -> Vec<Arc<str>> {
    names.iter().map(|name| Arc::from(*name)).collect()
}

#[test]
fn deliveries_are_queued_and_end() {
    let log = TraceLog::default();
    log.offered(&item(1, 1), &names(&["b", "a"]));
    let offered = log.get(&id(1, 1)).unwrap();
    assert!(offered.unix_nanos > 1_700_000_000_000_000_000);
    assert_eq!((offered.path.as_str(), offered.accepted_unix_millis), ("cache/1", 9));
    assert_eq!(offered.payload_bytes, 4);
    let states: Vec<_> =
        offered.deliveries.iter().map(|each| (&*each.subscription, each.ended)).collect();
    assert_eq!(states, [("a", Ended::Queued), ("b", Ended::Queued)]);
    assert!(!log.ended(&report(item(1, 1), "b", DELIVERED)));
    assert!(log.ended(&report(item(1, 1), "a", FAILED)), "this was the last");
    let offered = log.get(&id(1, 1)).unwrap();
    let (a, b) = (&offered.deliveries[0], &offered.deliveries[1]);
    assert_eq!((a.ended, a.status, a.attempts), (Ended::Failed, Some(503), 9));
    assert!(a.after.is_some_and(|after| after < Duration::from_secs(30)));
    assert_eq!(&*a.reason, "no success within the retries that the policy allows");
    assert_eq!((b.ended, b.status, b.attempts), (Ended::Delivered, Some(204), 3));
    assert_eq!((b.after, &*b.reason), (Some(Duration::from_millis(5)), ""));
    assert_eq!(log.get(&id(1, 2)), None);
}

#[test]
fn the_last_attempts_are_remembered_from_the_offer_on() {
    let log = TraceLog::default();
    log.offered(&item(1, 1), &names(&["a"]));
    let offered = log.get(&id(1, 1)).unwrap().unix_nanos / 1_000_000;
    let note = |number: u64| AttemptNote {
        status: number.is_multiple_of(2).then_some(503),
        error: Some("x".repeat(500)),
        at_unix_millis: offered + 1 + number * 100,
        took: Duration::from_millis(number),
    };
    let mut report = report(item(1, 1), "a", DELIVERED);
    report.attempts_made = (0..10).map(note).collect();
    log.ended(&report);
    let delivery = log.get(&id(1, 1)).unwrap().deliveries.remove(0);
    assert_eq!(delivery.tries.len(), TRIES_MAX);
    let (first, second) = (&delivery.tries[0], &delivery.tries[1]);
    assert_eq!((first.status, &*first.error), (Some(503), ""), "a status says it all");
    assert_eq!((second.status, second.error.len()), (None, TEXT_BYTES_MAX));
    assert_eq!(first.took, Duration::from_millis(2));
    let at = first.at.as_millis();
    assert!((200..=201).contains(&at), "{at}");
}

#[test]
fn an_end_that_is_told_first_stays() {
    let log = TraceLog::default();
    assert!(!log.ended(&report(item(1, 1), "a", DELIVERED)), "there may be others");
    log.offered(&item(1, 1), &names(&["a", "b"]));
    let ends: Vec<_> =
        log.get(&id(1, 1)).unwrap().deliveries.iter().map(|each| each.ended).collect();
    assert_eq!(ends, [Ended::Delivered, Ended::Queued]);
    assert_eq!(log.counts(), (1, 0));
}

#[test]
fn the_oldest_go_first_and_the_log_says_since_when_it_goes_back() {
    let log = TraceLog::default();
    let began = log.since();
    for seq in 0..=ITEMS_MAX as u64 {
        log.offered(&item(1, seq), &[]);
    }
    assert_eq!(log.counts(), (ITEMS_MAX, 1));
    assert_eq!(log.get(&id(1, 0)), None);
    assert!(log.since() > began);
    assert!(log.since() <= log.get(&id(1, 1)).unwrap().unix_nanos);
}

#[test]
fn bytes_are_bounded_and_come_back() {
    let log = TraceLog::default();
    let many: Vec<Arc<str>> = (0..100).map(|number| format!("s{number:03}").into()).collect();
    for seq in 0..5_000 {
        log.offered(&item(1, seq), &many);
    }
    let last = log.get(&id(1, 4_999)).unwrap();
    assert_eq!((last.deliveries.len(), last.left_out), (DELIVERIES_MAX, 36));
    let (items, forgotten) = log.counts();
    assert_eq!(items as u64 + forgotten, 5_000);
    assert_eq!(items, BYTES_MAX / last.bytes());
    for seq in 10_000..10_000 + ITEMS_MAX as u64 {
        log.offered(&item(1, seq), &[]);
    }
    let inner = log.lock();
    let held: usize = inner.items.values().map(Offered::bytes).sum();
    assert_eq!((inner.items.len(), inner.bytes), (ITEMS_MAX, held));
}

#[test]
fn items_are_found_by_their_printable_ids() {
    let log = TraceLog::default();
    for start in 1..4 {
        for seq in 1..4 {
            log.offered(&item(start, seq), &[]);
        }
    }
    assert_eq!(log.find(&id(2, 3).to_string()), Some(id(2, 3)));
    assert_eq!(log.find(&id(3, 1).to_string()), Some(id(3, 1)));
    assert_eq!(log.find(&id(3, 4).to_string()), None);
    for bad in ["", "-", "x-1", "1", "ABCDEFGH-", "ABCDEFGH-99999999999999999999"] {
        assert_eq!(log.find(bad), None, "{bad}");
    }
}
