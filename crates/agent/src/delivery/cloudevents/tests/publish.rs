//! What publishers send.

use super::*;
use crate::delivery::cloudevents::{
    BATCH_EVENTS_MAX, EventError, EventFault, Published, recognise,
};

const BATCH: &str = "application/cloudevents-batch+json";

fn look(item: &Item) -> Result<Published, EventError> {
    recognise(&item.headers, &item.payload)
}

fn said(item: &Item) -> String {
    look(item).unwrap_err().to_string()
}

/// An event in structured mode that has all it needs, and `more`.
fn event_with(more: &str) -> String {
    format!(r#"{{"specversion":"1.0","type":"t","source":"/s","id":"1"{more}}}"#)
}

#[test]
fn events_are_told_from_other_items() {
    assert_eq!(look(&message("application/json", "{}")), Ok(Published::Plain));
    assert_eq!(look(&message("application/cloudevents+avro", "?")), Ok(Published::Plain));
    assert_eq!(look(&with(event(1, "x"), &[("ce-id", "1")])), Ok(Published::Plain));
    assert_eq!(look(&message(JSON, &event_with(""))), Ok(Published::Event));
    let mixed =
        message("Application/CloudEvents+JSON ; charset=utf-8", &event_with(r#","data":1"#));
    assert_eq!(look(&mixed), Ok(Published::Event));
    let headers =
        [("ce-specversion", "1.0"), ("ce-type", "t"), ("ce-source", "/s"), ("ce-id", "%41")];
    assert_eq!(look(&with(event(1, "x"), &headers)), Ok(Published::Event));
}

#[test]
fn each_rule_has_an_error_of_its_own() {
    let common = [("ce-specversion", "1.0"), ("ce-type", "t"), ("ce-source", "/s"), ("ce-id", "1")];
    let binary =
        |headers: &[(&str, &str)]| said(&with(event(1, "x"), &[&common[..], headers].concat()));
    for (name, value, expected) in [
        ("ce-time", "yesterday", "time: a time looks like 2018-04-05T17:31:00Z"),
        ("ce-subject", "", "subject is empty; leave it out instead"),
        ("ce-id", "2", "id: it is given twice"),
        (
            "ce-my-name",
            "1",
            "my-name: the name of an attribute has only a-z and 0-9, and is not data",
        ),
        ("ce-data", "1", "data: the name of an attribute has only a-z and 0-9, and is not data"),
        ("ce-x", "100%", "x: the header is not percent-encoded UTF-8; write % as %25"),
        ("ce-x", "%0A", "x: a text has neither control characters nor noncharacters"),
        ("ce-x", "%EF%BF%BF", "x: a text has neither control characters nor noncharacters"),
        (
            "ce-datacontenttype",
            "text/plain",
            "datacontenttype: it is the Content-Type, and has no header of its own",
        ),
        ("content-type", "text", "datacontenttype: a content type looks like application/json"),
    ] {
        assert_eq!(binary(&[(name, value)]), format!("not a CloudEvent: {expected}"));
    }
    for missing in ["type", "source", "id"] {
        let headers = common.iter().filter(|(name, _)| name[3..] != *missing).copied();
        let item = with(event(1, "x"), &headers.collect::<Vec<_>>());
        let expected = format!("not a CloudEvent: it has no {missing}, which is required");
        assert_eq!(said(&item), expected);
    }
    let old = said(&with(event(1, "x"), &[("ce-specversion", "0.3")]));
    assert!(old.ends_with("specversion is not 1.0, the only one that is understood"), "{old}");
}

#[test]
fn bodies_that_are_no_events_are_refused() {
    let a_value = "a value is a text, a whole number of 32 bits, true or false";
    for (more, expected) in [
        (r#","x":1.5"#, format!("x: {a_value}")),
        (r#","x":2147483648"#, format!("x: {a_value}")),
        (r#","x":{}"#, format!("x: {a_value}")),
        (r#","x":[1]"#, format!("x: {a_value}")),
        (r#","id":"2""#, "id: it is given twice".to_owned()),
        (r#","data":1,"data":2"#, "data: it is given twice".to_owned()),
        (r#","x":"\ud800""#, EventFault::Character.at("x").to_string()[18..].to_owned()),
        (
            r#","data":1,"data_base64":"""#,
            EventFault::TwoData.at("data_base64").to_string()[18..].to_owned(),
        ),
        (r#","data_base64":"Zg""#, "data_base64: not base 64 with padding".to_owned()),
        (r#","data_base64":1"#, "data_base64: not base 64 with padding".to_owned()),
        (
            r#","datacontenttype":"text/plain","data":{}"#,
            EventFault::Data.at("data").to_string()[18..].to_owned(),
        ),
        (
            r#","datacontenttype":"text/plain;charset=utf-16","data":"x""#,
            EventFault::Data.at("data").to_string()[18..].to_owned(),
        ),
    ] {
        let expected = format!("not a CloudEvent: {expected}");
        assert_eq!(said(&message(JSON, &event_with(more))), expected, "{more}");
    }
    for body in ["", "[]", "1", "{", r#"{"a":1}x"#, r#"{"a":1,}"#] {
        assert_eq!(look(&message(JSON, body)), Err(EventFault::Json.into()), "{body}");
    }
    let compressed = with(message(JSON, &event_with("")), &[("content-encoding", "gzip")]);
    assert_eq!(look(&compressed), Err(EventFault::Compressed.into()));
    let identity = with(message(JSON, &event_with("")), &[("content-encoding", "identity")]);
    assert_eq!(look(&identity), Ok(Published::Event));
}

#[test]
fn attributes_are_bounded() {
    let many = |count: usize| {
        let more: String = (0..count).map(|n| format!(r#","x{n}":"""#)).collect();
        look(&message(JSON, &event_with(&more)))
    };
    assert_eq!(many(246), Ok(Published::Event));
    assert_eq!(many(247), Err(EventFault::TooMany.into()));
    assert_eq!(many(100_000), Err(EventFault::TooMany.into()));
    let large = |bytes: usize| {
        let more = format!(r#","x":"{}""#, "a".repeat(bytes));
        look(&message(JSON, &event_with(&more)))
    };
    // specversion1.0 typet source/s id1 x
    let held = 14 + 5 + 8 + 3 + 1;
    assert_eq!(large(Item::HEADER_BYTES_MAX - held), Ok(Published::Event));
    assert_eq!(large(Item::HEADER_BYTES_MAX - held + 1), Err(EventFault::TooMany.into()));
}

#[test]
fn a_batch_becomes_items() {
    let first = event_with(r#", "data" : 1.50"#);
    let second = event_with(r#","n":5,"data_base64":"Zg==""#);
    let item = with(
        message(BATCH, &format!("[ {first},\n{second} ]")),
        &[("traceparent", "x"), ("content-language", "de"), ("ce-odd", "1"), (":host", "h")],
    );
    let Ok(Published::Batch(events)) = look(&item) else { panic!() };
    let bodies: Vec<&[u8]> = events.iter().map(|(_, body)| &**body).collect();
    assert_eq!(bodies, [first.as_bytes(), second.as_bytes()]);
    for (headers, body) in &events {
        let headers: Vec<(&str, &[u8])> =
            headers.iter().map(|header| (&*header.name, &*header.value)).collect();
        let expected: [(&str, &[u8]); 3] =
            [("traceparent", b"x"), (":host", b"h"), ("content-type", JSON.as_bytes())];
        assert_eq!(headers, expected);
        assert!(structured::read(body).is_ok());
    }
    assert_eq!(look(&message(BATCH, " [] ")), Ok(Published::Batch(Vec::new())));
}

#[test]
fn a_batch_with_a_bad_event_is_refused_as_a_whole() {
    let good = event_with("");
    let item = message(BATCH, &format!("[{good},{good},{{\"specversion\":\"1.0\"}}]"));
    let expected = "not a CloudEvent, number 2 of the batch: it has no id, which is required";
    assert_eq!(said(&item), expected);
    for body in ["", "{}", "[", &format!("[{good}")] {
        assert_eq!(look(&message(BATCH, body)), Err(EventFault::Batch.into()), "{body}");
    }
    let batch = |count: usize| {
        let events = vec![good.as_str(); count].join(",");
        look(&message(BATCH, &format!("[{events}]")))
    };
    let whole = batch(BATCH_EVENTS_MAX);
    assert!(matches!(whole, Ok(Published::Batch(events)) if events.len() == BATCH_EVENTS_MAX));
    assert_eq!(batch(BATCH_EVENTS_MAX + 1), Err(EventFault::BatchTooLong.into()));
}
