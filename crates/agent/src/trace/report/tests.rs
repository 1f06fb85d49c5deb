use super::super::log::Ended;
use super::*;
use bruit_model::{ItemId, Style};
use serde_json::{Value, json};

const MS: u64 = 1_000_000;
/// When the item was accepted, by the clock of the agent that asks.
const ACCEPTED: u64 = 1_000_000 * MS;

fn node(number: u8) -> NodeId {
    NodeId([number; 16])
}

fn member(number: u8, state: MemberState) -> Member {
    Member {
        id: node(number),
        name: format!("n{number}").into(),
        addr: "127.0.0.1:1".parse().unwrap(),
        state,
        why: "no answer to 3 probes".to_owned(),
        conflict: false,
        incarnation: 0,
        generation: 0,
        metadata: Vec::new(),
        since: Duration::from_millis(4_200),
        rtt: None,
        is_self: false,
    }
}

fn described() -> Described {
    Described {
        id: ItemId { origin: node(1), start: 5, seq: 6 },
        accepted_unix_millis: ACCEPTED / MS,
        payload_bytes: 7,
        path: "cache/1".to_owned(),
    }
}

fn seen(received_unix_nanos: u64, via: Via, deliveries: Vec<Delivery>) -> Seen {
    Seen {
        received_unix_nanos,
        via: Some(via),
        hops: u8::from(via != Via::Local),
        copies: 1,
        from: (via != Via::Local).then(|| node(1)),
        is_offered: true,
        matching: u16::try_from(deliveries.len()).unwrap(),
        deliveries,
    }
}

fn heard(offset_nanos: i64, error_nanos: u64, seen: Option<Seen>) -> Heard {
    let record = Record {
        now_unix_nanos: ACCEPTED + 500 * MS,
        log_since_unix_nanos: 0,
        is_cut: false,
        described: None,
        seen,
    };
    Heard { record: Some(record), offset: Offset { nanos: offset_nanos, error_nanos } }
}

fn delivery() -> Delivery {
    let each = |status, at| Try {
        status,
        error: if status.is_none() { "cannot connect".into() } else { "".into() },
        at: Duration::from_millis(at),
        took: Duration::from_millis(2),
    };
    Delivery {
        subscription: "app".into(),
        ended: Ended::Delivered,
        status: Some(204),
        attempts: 3,
        after: Some(Duration::from_millis(210)),
        reason: "".into(),
        tries: vec![each(None, 0), each(Some(503), 100), each(Some(204), 208)],
    }
}

fn report(members: &[Member], heard: &BTreeMap<NodeId, Heard>) -> Option<Value> {
    let timeout = Duration::from_secs(2);
    let known = Known { members, heard, now_unix_nanos: ACCEPTED + 1000 * MS, timeout };
    known.report().map(|view| serde_json::to_value(&view).unwrap())
}

/// Answers of an origin, which asks, and others.
fn answers(others: Vec<(u8, Heard)>) -> BTreeMap<NodeId, Heard> {
    let mut origin = heard(0, 0, Some(seen(ACCEPTED, Via::Local, Vec::new())));
    origin.record.as_mut().unwrap().described = Some(described());
    let others = others.into_iter().map(|(number, heard)| (node(number), heard));
    others.chain([(node(1), origin)]).collect()
}

#[test]
fn an_item_that_nobody_knows_has_no_report() {
    let members = [member(1, MemberState::Alive)];
    let heard = BTreeMap::from([(node(1), heard(0, 0, None))]);
    assert_eq!(report(&members, &heard), None);
}

#[test]
fn who_got_it_comes_first_in_the_order_of_time() {
    let members: Vec<_> =
        [4, 3, 2, 1].into_iter().map(|number| member(number, MemberState::Alive)).collect();
    let push = Via::Style(Style::Push);
    let heard = answers(vec![
        (2, heard(0, 0, Some(seen(ACCEPTED + 3 * MS, push, vec![delivery()])))),
        (3, heard(0, 0, Some(seen(ACCEPTED + 2 * MS, Via::Repair, Vec::new())))),
        (4, heard(0, 0, None)),
    ]);
    let report = report(&members, &heard).unwrap();
    assert_eq!(report["id"], described().id.to_string());
    assert_eq!((&report["path"], &report["payload_bytes"]), (&json!("cache/1"), &json!(7)));
    assert_eq!(
        (&report["origin"], &report["origin_name"]),
        (&json!(node(1).to_string()), &json!("n1"))
    );
    assert_eq!(report["accepted_unix_ms"], ACCEPTED / MS);
    assert_eq!((&report["members"], &report["reached"]), (&json!(4), &json!(3)));
    assert_eq!(report["answered"], 4);
    let nodes = report["nodes"].as_array().unwrap();
    let brief =
        |node: &Value| json!([node["name"], node["received_after_ms"], node["via"], node["why"]]);
    let none = "no subscription matches";
    assert_eq!(
        nodes.iter().map(brief).collect::<Vec<_>>(),
        [
            json!(["n1", 0.0, "local", none]),
            json!(["n3", 2.0, "repair", none]),
            json!(["n2", 3.0, "push", null]),
            json!(["n4", null, null, "not seen"]),
        ]
    );
    let n2 = &nodes[2];
    assert_eq!(
        (&n2["from_name"], &n2["hops"], &n2["copies"]),
        (&json!("n1"), &json!(1), &json!(1))
    );
    assert_eq!((&n2["seen"], &n2["matching"]), (&json!(true), &json!(1)));
    let expected = json!({
        "subscription": "app", "outcome": "delivered", "status": 204, "attempts": 3,
        "after_ms": 213.0, "statuses": [null, 503, 204], "reason": null,
        "tries": [
            {"status": null, "error": "cannot connect", "at_ms": 3.0, "took_ms": 2.0},
            {"status": 503, "error": null, "at_ms": 103.0, "took_ms": 2.0},
            {"status": 204, "error": null, "at_ms": 211.0, "took_ms": 2.0},
        ],
    });
    assert_eq!(n2["deliveries"], json!([expected]));
}

#[test]
fn clocks_are_corrected_where_they_are_known_to_differ() {
    let members = [1, 2, 3].map(|number| member(number, MemberState::Alive));
    let push = Via::Style(Style::Push);
    let ahead = ACCEPTED + 60_000 * MS + 4 * MS;
    let heard = answers(vec![
        (2, heard(60_000_000_000, 500_000, Some(seen(ahead, push, Vec::new())))),
        (3, heard(-400_000, 500_000, Some(seen(ACCEPTED + 5 * MS, push, Vec::new())))),
    ]);
    let report = report(&members, &heard).unwrap();
    let brief = |node: &Value| {
        json!([node["received_after_ms"], node["clock_offset_ms"], node["clock_error_ms"]])
    };
    let nodes: Vec<_> = report["nodes"].as_array().unwrap().iter().map(brief).collect();
    assert_eq!(
        nodes,
        [json!([0.0, 0.0, 0.0]), json!([4.0, 60_000.0, 0.5]), json!([5.0, -0.4, 0.5])]
    );
}

#[test]
fn the_acceptance_is_brought_to_the_clock_of_whoever_asks() {
    // The origin, 2, is 10 s ahead; 1 asks, and got the item 3 ms after its acceptance.
    let mut what = described();
    what.id.origin = node(2);
    what.accepted_unix_millis += 10_000;
    let mut mine =
        heard(0, 0, Some(seen(ACCEPTED + 3 * MS, Via::Style(Style::Direct), Vec::new())));
    mine.record.as_mut().unwrap().described = Some(what);
    let origin_received = ACCEPTED + 10_000 * MS;
    let origin = heard(10_000_000_000, MS, Some(seen(origin_received, Via::Local, Vec::new())));
    let members = [1, 2].map(|number| member(number, MemberState::Alive));
    let mut heard = BTreeMap::from([(node(1), mine), (node(2), origin)]);
    let nodes = report(&members, &heard).unwrap()["nodes"].clone();
    assert_eq!((&nodes[0]["name"], &nodes[0]["received_after_ms"]), (&json!("n2"), &json!(0.0)));
    assert_eq!((&nodes[1]["name"], &nodes[1]["received_after_ms"]), (&json!("n1"), &json!(3.0)));
    heard.remove(&node(2));
    let nodes = report(&members, &heard).unwrap()["nodes"].clone();
    assert_eq!(nodes[0]["received_after_ms"], 0.0, "before its acceptance by an unknown clock");
}

#[test]
fn those_who_are_silent_or_have_not_seen_it_have_a_reason() {
    let members = [
        member(1, MemberState::Alive),
        member(2, MemberState::Suspect),
        member(3, MemberState::Failed),
        member(4, MemberState::Left),
        member(5, MemberState::Alive),
        member(6, MemberState::Alive),
        member(7, MemberState::Alive),
    ];
    let mut late = heard(0, 0, None);
    late.record.as_mut().unwrap().log_since_unix_nanos = ACCEPTED + 400 * MS;
    let garbage = Heard { record: None, offset: Offset::default() };
    let mut forgotten = seen(ACCEPTED, Via::Local, Vec::new());
    forgotten.is_offered = false;
    let mut heard = answers(vec![(6, late), (7, garbage)]);
    heard.get_mut(&node(1)).unwrap().record.as_mut().unwrap().seen = Some(forgotten);
    let report = report(&members, &heard).unwrap();
    assert_eq!((&report["members"], &report["reached"]), (&json!(6), &json!(1)));
    assert_eq!(report["answered"], 3);
    let nodes = report["nodes"].as_array().unwrap();
    let why = |name: &str| nodes.iter().find(|node| node["name"] == name).unwrap()["why"].clone();
    for (name, expected) in [
        ("n1", "not offered to its subscriptions, or its deliveries are forgotten"),
        ("n2", "no answer: suspect for 4.2 s (no answer to 3 probes)"),
        ("n3", "no answer: failed 4.2 s ago (no answer to 3 probes)"),
        ("n4", "left 4.2 s ago"),
        ("n5", "no answer within 2000 ms"),
        ("n6", "not seen, or forgotten: it remembers the last 0.1 s"),
        ("n7", "its answer was not understood"),
    ] {
        assert_eq!(why(name), expected, "{name}");
    }
}

#[test]
fn an_answer_about_another_item_does_not_count() {
    let members = [1, 2].map(|number| member(number, MemberState::Alive));
    let mut other = heard(0, 0, Some(seen(ACCEPTED, Via::Repair, Vec::new())));
    other.record.as_mut().unwrap().described =
        Some(Described { id: ItemId { seq: 9, ..described().id }, ..described() });
    let report = report(&members, &answers(vec![(2, other)])).unwrap();
    assert_eq!((&report["reached"], &report["nodes"][1]["seen"]), (&json!(1), &json!(false)));
}
