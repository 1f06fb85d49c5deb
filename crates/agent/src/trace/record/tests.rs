use super::*;
use bruit_engine::Rng;

fn delivery(name: &str, tries: usize) -> Delivery {
    let each = |place: u64| Try {
        status: (place > 0).then_some(503),
        error: if place > 0 { "".into() } else { "cannot connect: refused".into() },
        at: Duration::from_millis(place * 200),
        took: Duration::from_millis(3),
    };
    Delivery {
        subscription: name.into(),
        ended: Ended::Failed,
        status: Some(503),
        attempts: 12,
        after: Some(Duration::from_nanos(1_234_567)),
        reason: "no success within the retries that the policy allows".into(),
        tries: (0..tries as u64).map(each).collect(),
    }
}

fn record(deliveries: Vec<Delivery>) -> Record {
    Record {
        now_unix_nanos: 0x0102,
        log_since_unix_nanos: 3,
        is_cut: false,
        described: Some(Described {
            id: ItemId { origin: NodeId([7; 16]), start: 8, seq: 9 },
            accepted_unix_millis: 10,
            payload_bytes: 11,
            path: "cache/é".into(),
        }),
        seen: Some(Seen {
            received_unix_nanos: 12,
            via: Some(Via::Style(Style::Direct)),
            hops: 1,
            copies: 2,
            from: Some(NodeId([13; 16])),
            is_offered: true,
            matching: u16::try_from(deliveries.len()).unwrap(),
            deliveries,
        }),
    }
}

#[test]
fn the_layout_is_pinned() {
    let mut one = delivery("app", 1);
    one.reason = "x".into();
    one.tries[0].error = "y".into();
    one.ended = Ended::InFlight;
    one.after = None;
    let bytes = record(vec![one]).encode();
    let mut expected = vec![1, 3, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 3];
    expected.extend([7; 16]);
    expected.extend([0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 9]);
    expected.extend([0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 11, 0, 8]);
    expected.extend("cache/é".as_bytes());
    expected.extend([0, 0, 0, 0, 0, 0, 0, 12, 3, 1, 0, 0, 0, 2]);
    expected.extend([13; 16]);
    expected.extend([1, 0, 1, 1, 3, b'a', b'p', b'p', 1, 1, 247, 0, 0, 0, 12]);
    expected.extend([0xff; 8]);
    expected.extend([1, b'x', 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 1, b'y']);
    assert_eq!(&bytes[..], &expected[..]);
}

#[test]
fn what_is_written_is_read_back() {
    let whole = record(vec![delivery("app", 8), delivery("app-2", 0)]);
    let unseen = Record { seen: None, described: None, ..whole.clone() };
    let mut local = whole.clone();
    local.seen.as_mut().unwrap().via = Some(Via::Local);
    local.seen.as_mut().unwrap().from = None;
    let mut forgotten = local.clone();
    forgotten.seen.as_mut().unwrap().via = None;
    for each in [whole, unseen, local, forgotten] {
        assert_eq!(Record::decode(&each.encode()), Ok(each));
    }
}

#[test]
fn every_way_has_its_code_and_word() {
    let mut words = Vec::new();
    for code in 0..8 {
        let via = Via::of_code(code).unwrap();
        assert_eq!(via.code(), code);
        words.push(via.word());
    }
    let expected = ["local", "repair", "auto", "direct", "push", "lazy_push", "pull", "push_pull"];
    assert_eq!(words, expected);
    assert_eq!(Via::of_code(8), None);
}

#[test]
fn where_room_is_short_attempts_go_first_and_then_deliveries() {
    let names: Vec<String> = (0..40).map(|number| format!("subscription-{number:02}")).collect();
    let mut whole = record(names.iter().map(|name| delivery(name, 8)).collect());
    whole.described.as_mut().unwrap().path = "é".repeat(500);
    let bytes = whole.encode();
    assert!((900..=Ask::PART_BYTES_MAX).contains(&bytes.len()), "{}", bytes.len());
    let read = Record::decode(&bytes).unwrap();
    assert!(read.is_cut);
    assert_eq!(read.described.unwrap().path, "é".repeat(128));
    let seen = read.seen.unwrap();
    assert_eq!(seen.matching, 40, "how many there are is told");
    assert_eq!(
        (seen.deliveries[0].tries.len(), &*seen.deliveries[0].subscription),
        (8, "subscription-00")
    );
    let last = seen.deliveries.last().unwrap();
    assert_eq!((last.tries.len(), &*last.reason, last.attempts), (0, "", 12));
    assert!(seen.deliveries.len() < 40);
}

#[test]
fn the_last_attempts_are_told_and_long_texts_cut() {
    let mut one = delivery("app", 20);
    one.reason = "é".repeat(200).into();
    let read = Record::decode(&record(vec![one]).encode()).unwrap().seen.unwrap();
    let tries = &read.deliveries[0].tries;
    assert_eq!(tries.len(), TRIES_MAX);
    assert_eq!(tries[0].at, Duration::from_millis(12 * 200));
    assert_eq!(&*read.deliveries[0].reason, "é".repeat(80));
}

#[test]
fn every_cut_and_every_addition_is_refused() {
    let bytes = record(vec![delivery("app", 3)]).encode();
    for cut in 0..bytes.len() {
        assert!(Record::decode(&bytes[..cut]).is_err(), "{cut}");
    }
    let mut long = bytes.to_vec();
    long.push(0);
    assert_eq!(Record::decode(&long), Err(DecodeError::Trailing(1)));
    assert!(Record::decode(&[0; Ask::PART_BYTES_MAX + 1]).is_err());
}

#[test]
fn wrong_fields_are_refused() {
    let bytes = record(vec![delivery("app", 1)]).encode();
    let seen_at = 18 + 16 + 16 + 8 + 4 + 2 + 8;
    let name_at = seen_at + 8 + 2 + 4 + 16 + 1 + 2 + 1;
    for (at, value, what) in [
        (0, 2, "version"),
        (1, 0x0b, "flag"),
        (62, 1, "path's length"),
        (64, 0xff, "path's text"),
        (seen_at + 8, 8, "via"),
        (seen_at + 8, 0, "local, but from somebody"),
        (seen_at + 8, 0xff, "forgotten, but from somebody"),
        (seen_at + 30, 2, "whether it was offered"),
        (seen_at + 33, 2, "number of deliveries"),
        (name_at, 65, "name's length"),
        (name_at + 4, 4, "end"),
    ] {
        let mut wrong = bytes.to_vec();
        assert_ne!(wrong[at], value, "{what}");
        wrong[at] = value;
        assert!(Record::decode(&wrong).is_err(), "{what}");
    }
}

/// What is understood is written again as it came; everything else is an error, never a panic.
#[test]
fn hostile_bytes_are_refused_or_mean_one_thing() {
    let mut rng = Rng::from_seed(7);
    let valid = record(vec![delivery("app", 3), delivery("b", 1)]).encode();
    let mut understood = 0;
    for round in 0..20_000_u64 {
        let mut bytes = if round % 2 == 0 {
            valid.to_vec()
        } else {
            let length = usize::try_from(rng.next_u64() % 1100).unwrap();
            (0..length).map(|_| rng.next_u64().to_be_bytes()[0]).collect()
        };
        for _ in 0..=rng.next_u64() % 4 {
            let Some(last) = bytes.len().checked_sub(1) else { break };
            let at = usize::try_from(rng.next_u64()).unwrap() % (last + 1);
            bytes[at] = rng.next_u64().to_be_bytes()[0];
        }
        if let Ok(record) = Record::decode(&bytes) {
            understood += 1;
            assert_eq!(&record.encode()[..], &bytes[..], "round {round}");
        }
    }
    assert!(understood > 1000, "{understood}");
}
