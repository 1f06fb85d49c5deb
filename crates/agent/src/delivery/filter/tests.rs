//! What conditions take, and what they select.

use super::*;
use crate::delivery::tests::{event, invocation, with};
use bytes::Bytes;

fn parse(texts: &[&str]) -> Result<Filter, FilterError> {
    Filter::parse(&texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>())
}

/// Asserts which of the conditions hold for `item`, and that each says what it was made of.
fn holds(item: &Item, conditions: &[(&str, bool)]) {
    for &(text, expected) in conditions {
        let filter = parse(&[text]).unwrap();
        assert_eq!(filter.selects(item), expected, "{text}");
        assert_eq!(filter.to_string(), text);
    }
}

#[test]
fn methods_kinds_and_origins() {
    let origin = "01".repeat(16);
    let [is, is_not] = ["=", "!="].map(|sign| format!("origin{sign}{origin}"));
    holds(
        &invocation(1, "PURGE", "/x"),
        &[
            ("method=PURGE", true),
            ("method!=PURGE", false),
            ("method=purge", false),
            ("method=P*E", true),
            ("method=GET", false),
            ("method!=GET", true),
            ("kind=invocation", true),
            ("kind=event", false),
            ("kind!=event", true),
            (&is, true),
            (&is_not, false),
            ("origin=0101*", true),
            ("origin=*02", false),
        ],
    );
    holds(
        &event(1, "x"),
        &[
            ("method=PURGE", false),
            ("method=*", false),
            ("method!=PURGE", true),
            ("kind=event", true),
            ("kind=invocation", false),
        ],
    );
    let upper = parse(&[&format!("origin={}", "AB".repeat(16))]).unwrap();
    assert_eq!(upper.to_string(), format!("origin={}", "ab".repeat(16)));
}

#[test]
fn headers_with_one_value_several_and_none() {
    let item = with(event(1, "x"), &[("x-zone", "eu-west=1"), ("x-tag", "a"), ("x-tag", "b!")]);
    holds(
        &item,
        &[
            ("header:x-zone", true),
            ("!header:x-zone", false),
            ("header:x-other", false),
            ("!header:x-other", true),
            ("header:x-zone=eu-west=1", true),
            ("header:x-zone=eu-*", true),
            ("header:x-zone=EU-*", false),
            ("header:x-zone!=eu-*", false),
            ("header:x-zone=", false),
            ("header:x-tag=a", true),
            ("header:x-tag=b!", true),
            ("header:x-tag=c", false),
            ("header:x-tag!=a", false),
            ("header:x-tag!=c", true),
            ("header:x-other=*", false),
            ("header:x-other!=*", true),
        ],
    );
    assert!(parse(&["header:X-Zone=eu-west=1"]).unwrap().selects(&item));
    let empty = with(event(1, "x"), &[("x-zone", "")]);
    holds(&empty, &[("header:x-zone", true), ("header:x-zone=", true), ("header:x-zone=*", true)]);
}

#[test]
fn attributes_of_events_in_headers() {
    let binary = with(
        event(1, "x"),
        &[
            ("ce-specversion", "1.0"),
            ("ce-type", "com.example.made"),
            ("ce-subject", "caf%C3%A9 \"a b\""),
            ("ce-bad", "%FF"),
            ("content-type", "text/plain"),
        ],
    );
    holds(
        &binary,
        &[
            ("ce:type=com.example.*", true),
            ("ce:type!=com.example.*", false),
            ("ce:subject=café a b", true),
            ("ce:datacontenttype=text/*", true),
            ("ce:source", false),
            ("!ce:source", true),
            ("ce:bad", false),
        ],
    );
    assert!(parse(&["ce:Type=com.example.made"]).unwrap().selects(&binary));
    let plain = with(event(1, "x"), &[("content-type", "text/plain")]);
    holds(&plain, &[("ce:datacontenttype", false), ("ce:type", false)]);
}

#[test]
fn attributes_of_events_in_bodies() {
    let structured = |content_type: &str, body: String| {
        let mut item = with(event(1, "x"), &[("content-type", content_type), ("ce-type", "no")]);
        item.payload = Bytes::from(body);
        item
    };
    let body = r#"{"specversion":"1.0","type":"a.b","n":5,"yes":true,"none":null,"datacontenttype":
        "x/y","data":{"type":"c"}}"#;
    holds(
        &structured("Application/CloudEvents+json; charset=utf-8", body.to_owned()),
        &[
            ("ce:type=a.b", true),
            ("ce:n=5", true),
            ("ce:yes=true", true),
            ("ce:none", false),
            ("ce:datacontenttype=x/y", true),
            ("ce:other", false),
        ],
    );
    holds(&structured("application/json", body.to_owned()), &[("ce:type=no", true)]);
    let event = "application/cloudevents+json";
    holds(&structured(event, "[]".to_owned()), &[("ce:type", false)]);
    let padded = |bytes: usize| format!("{body}{}", " ".repeat(bytes - body.len()));
    holds(&structured(event, padded(65_536)), &[("ce:type=a.b", true)]);
    holds(&structured(event, padded(65_537)), &[("ce:type", false)]);
}

#[test]
fn all_conditions_must_hold() {
    let item = with(invocation(1, "PURGE", "/x"), &[("x-zone", "eu")]);
    let texts = ["ce:type!=x", "method=PURGE", "header:x-zone=eu"];
    let filter = parse(&texts).unwrap();
    assert!(filter.selects(&item));
    assert_eq!(filter.texts(), texts);
    assert_eq!(filter.to_string(), "ce:type!=x and method=PURGE and header:x-zone=eu");
    assert_eq!(parse(&filter.texts().iter().map(|text| &**text).collect::<Vec<_>>()), Ok(filter));
    assert!(!parse(&["method=PURGE", "header:x-zone=us"]).unwrap().selects(&item));
    assert!(Filter::default().selects(&item));
    assert_eq!(Filter::default().to_string(), "");
}

#[test]
fn other_texts_are_refused_with_the_reason() {
    for (text, expected) in [
        ("", "no condition is about \"\"; did you mean ce:type=a.b?"),
        ("metod=PURGE", "no condition is about \"metod\"; did you mean method=PURGE?"),
        ("Kind=event", "no condition is about \"Kind\"; did you mean kind=event?"),
        ("headers:x=1", "no condition is about \"headers:x\"; did you mean header:x-zone=eu-*?"),
        ("header=1", "no condition is about \"header\"; did you mean header:x-zone=eu-*?"),
        ("method:x=1", "no condition is about \"method:x\"; did you mean method=PURGE?"),
        ("method", "\"method\" has no value; write method=VALUE or method!=VALUE"),
        ("!kind", "\"kind\" has no value; write kind=VALUE or kind!=VALUE"),
        ("!method=GET", "\"!method=GET\": write != for what is not to be, as in method!=GET"),
        ("method=", "method: \"\" is not the name of a method"),
        ("method=A B", "method: \"A B\" is not the name of a method"),
        ("kind=question", "kind: \"question\" is not one of event, invocation"),
        ("kind=*", "kind: \"*\" is not one of event, invocation"),
        ("header:=1", "header: \"\" is not the name of a header"),
        ("header::method=1", "header: \":method\" is not the name of a header"),
        ("header:a b", "header: \"a b\" is not the name of a header"),
        ("ce:a-b=1", "ce: \"a-b\" is not the name of an attribute, which has only a-z and 0-9"),
        ("ce:data=1", "ce: \"data\" is not the name of an attribute, which has only a-z and 0-9"),
    ] {
        assert_eq!(parse(&[text]).unwrap_err().to_string(), expected, "{text}");
    }
    for origin in ["", "01", "g*", &"0".repeat(33)] {
        let error = parse(&[&format!("origin={origin}")]);
        assert_eq!(error, Err(FilterError::Origin(origin.to_owned())));
    }
}

#[test]
fn bounds_hold() {
    let longest = format!("header:x={}", "a".repeat(247));
    assert_eq!(longest.len(), Filter::CONDITION_BYTES_MAX);
    assert!(parse(&vec![longest.as_str(); 16]).is_ok());
    assert_eq!(parse(&["header:x"; 17]), Err(FilterError::TooMany));
    let error = parse(&[&format!("{longest}a")]).unwrap_err();
    assert_eq!(error, FilterError::TooLong(longest[..40].to_owned()));
}

#[test]
fn stars_stand_for_any_run() {
    for (pattern, text, expected) in [
        ("", "", true),
        ("", "a", false),
        ("*", "", true),
        ("a*", "a", true),
        ("a*a", "a", false),
        ("a*a", "aa", true),
        ("*b*", "abc", true),
        ("*b*b*", "abc", false),
        ("*ab*ab", "abab", true),
        ("*ab*ab", "abcab", true),
        ("a**c", "abc", true),
        ("a*b*c", "axbybzc", true),
        ("a*b*c", "acb", false),
        ("*aab", "aaab", true),
    ] {
        assert_eq!(glob(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
    }
    let many = "*a".repeat(127);
    assert!(!glob(format!("{many}*b").as_bytes(), "a".repeat(32 * 1024).as_bytes()));
}
