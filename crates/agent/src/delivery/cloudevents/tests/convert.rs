//! From one content mode to the other.

use super::*;
use crate::delivery::cloudevents::EventFault;
use proptest::prelude::*;

/// The attributes that all examples of the specification have.
const COMMON: &str = r#""specversion" : "1.0", "type" : "com.example.someevent",
    "source" : "/mycontext", "id" : "A234-1234-1234""#;

/// An event in structured mode with the common attributes and `more`.
fn structured_item(more: &str) -> Item {
    message("application/cloudevents+json; charset=UTF-8", &format!("{{{COMMON}, {more}}}"))
}

/// Asserts what a consumer of binary mode gets.
fn becomes(more: &str, attributes: &[(&str, &str)], body: &[u8]) {
    let got = to_binary(&structured_item(more));
    let mut expected = BTreeMap::from([
        ("ce-specversion", "1.0"),
        ("ce-type", "com.example.someevent"),
        ("ce-source", "/mycontext"),
        ("ce-id", "A234-1234-1234"),
    ]);
    expected.extend(attributes.iter().copied());
    assert_eq!(got.attributes(), expected, "{more}");
    assert_eq!(got.body, body, "{more}");
    assert_eq!(got.header("content-length"), Some(&*body.len().to_string()));
}

/// JSON event format 1.0.2, section 3.2.
#[test]
fn the_examples_of_the_json_format() {
    const EXTENSIONS: &str = r#""time" : "2018-04-05T17:31:00Z",
        "comexampleextension1" : "value", "comexampleothervalue" : 5, "unsetextension": null"#;
    let with_extensions = |more: &str, content_type, body: &[u8]| {
        let attributes = [
            ("ce-time", "2018-04-05T17:31:00Z"),
            ("ce-comexampleextension1", "value"),
            ("ce-comexampleothervalue", "5"),
            ("content-type", content_type),
        ];
        becomes(&format!("{EXTENSIONS}, {more}"), &attributes, body);
    };
    with_extensions(
        r#""datacontenttype" : "application/vnd.apache.thrift.binary", "data_base64": "gAEAAQ==""#,
        "application/vnd.apache.thrift.binary",
        &[0x80, 1, 0, 1],
    );
    with_extensions(
        r#""datacontenttype" : "application/xml", "data" : "<much wow=\"xml\"/>""#,
        "application/xml",
        br#"<much wow="xml"/>"#,
    );
    with_extensions(
        r#""subject": null, "datacontenttype" : "application/json", "data" : {
            "appinfoA" : "abc", "appinfoB" : 123, "appinfoC" : true }"#,
        "application/json",
        br#"{
            "appinfoA" : "abc", "appinfoB" : 123, "appinfoC" : true }"#,
    );
    with_extensions(
        r#""datacontenttype" : "application/json", "data" : 1.5"#,
        "application/json",
        b"1.5",
    );
    with_extensions(
        r#""data" : "I'm just a string""#,
        "application/json",
        br#""I'm just a string""#,
    );
    becomes(r#""data_base64" : "eyAieHl6IjogMTIzIH0=""#, &[], br#"{ "xyz": 123 }"#);
}

#[test]
fn data_is_taken_over_as_it_is() {
    let json = ("content-type", "application/json");
    for data in [
        "null",
        "1234567890123456789012345678901234567890.10",
        r#"{"z":1,"a":{"z":2,"a":[1e400,-0]},"z":3}"#,
        r#""\ud83d\ude00 \/""#,
    ] {
        becomes(&format!("\"data\":{data}"), &[json], data.as_bytes());
    }
    let plain = r#""datacontenttype":"text/plain""#;
    becomes(
        &format!(r#"{plain},"data":"\ud83d\ude00 \u0000\n""#),
        &[("content-type", "text/plain")],
        "😀 \0\n".as_bytes(),
    );
    becomes(&format!(r#"{plain},"data":null"#), &[("content-type", "text/plain")], b"");
    becomes(plain, &[("content-type", "text/plain")], b"");
    becomes(r#""data_base64":null"#, &[], b"");
}

#[test]
fn attributes_are_percent_encoded_and_back() {
    let more = r#""subject":"Euro € \ud83d\ude00 100% \"q\"","yes":true,"n":-2147483648"#;
    let attributes = [
        ("ce-subject", "Euro%20%E2%82%AC%20%F0%9F%98%80%20100%25%20%22q%22"),
        ("ce-yes", "true"),
        ("ce-n", "-2147483648"),
    ];
    becomes(more, &attributes, b"");
    let again = to_structured(&to_binary(&structured_item(more)).item());
    let expected = concat!(
        r#"{"id":"A234-1234-1234","n":"-2147483648","source":"/mycontext","specversion":"1.0","#,
        r#""subject":"Euro € 😀 100% \"q\"","type":"com.example.someevent","yes":"true"}"#,
    );
    assert_eq!((again.header("content-type"), again.body()), (Some(JSON), expected));
}

/// HTTP protocol binding 1.0.2, section 3.1.4, with a content type and a body.
#[test]
fn data_goes_into_json_by_its_content_type() {
    let headers = [
        ("ce-specversion", "1.0"),
        ("ce-type", "com.example.someevent"),
        ("ce-time", "2018-04-05T03:56:24Z"),
        ("ce-id", "1234-1234-1234"),
        ("ce-source", "/mycontext/subcontext"),
    ];
    for (content_type, body, expected) in [
        (
            Some("application/json; charset=utf-8"),
            &b" {\"a\" : 1e400}\n"[..],
            r#""data":{"a" : 1e400}"#,
        ),
        (Some("application/vnd.x+json"), b"null", r#""data":null"#),
        (Some("application/json"), b"{", r#""data_base64":"ew==""#),
        (Some("application/json;charset=utf-16"), b"1", r#""data_base64":"MQ==""#),
        (Some("text/plain"), b"a \"b\"\0", r#""data":"a \"b\"\u0000""#),
        (Some("text/plain; charset=latin1"), b"a", r#""data_base64":"YQ==""#),
        (Some("text/plain"), b"\xff", r#""data_base64":"/w==""#),
        (Some("application/octet-stream"), b"text", r#""data_base64":"dGV4dA==""#),
        (None, b"{\"a\":1}", r#""data_base64":"eyJhIjoxfQ==""#),
    ] {
        let mut item = with(event(1, "a/b"), &headers);
        item.payload = Bytes::from_static(body);
        if let Some(content_type) = content_type {
            item = with(item, &[("content-type", content_type)]);
        }
        let attribute = content_type.map_or(String::new(), |content_type| {
            format!(r#""datacontenttype":"{content_type}","#)
        });
        let whole = format!(
            r#"{{{attribute}"id":"1234-1234-1234","source":"/mycontext/subcontext","#,
        ) + r#""specversion":"1.0","time":"2018-04-05T03:56:24Z","type":"com.example.someevent","#
            + expected
            + "}";
        let got = to_structured(&item);
        assert_eq!(got.body(), whole);
        assert_eq!(got.header("content-type"), Some(JSON));
        assert_eq!(got.header("content-length"), Some(&*whole.len().to_string()));
        assert!(!got.headers.keys().any(|name| name.starts_with("ce-")), "{got:?}");
    }
}

#[test]
fn what_is_in_the_wanted_mode_is_not_touched() {
    let body = r#"{ "specversion":"1.0", "odd":{}, "data": 1.50, "data": 2 }"#;
    let item = with(message("application/CloudEvents+JSON", body), &[("content-encoding", "gzip")]);
    let got = to_structured(&item);
    assert_eq!((got.method.as_str(), got.target.as_str()), ("POST", "/hook/"));
    assert_eq!(got.body(), body);
    assert_eq!(got.header("content-type"), Some("application/CloudEvents+JSON"));
    assert_eq!(got.header("content-encoding"), Some("gzip"));

    let item = with(
        message("text/plain", "x"),
        &[("ce-specversion", "1.0"), ("ce-id", "\"a b\""), ("content-encoding", "br")],
    );
    let got = to_binary(&item);
    assert_eq!((got.body(), got.header("ce-id")), ("x", Some("\"a b\"")));
    assert_eq!(got.header("content-encoding"), Some("br"));

    for content_type in ["application/cloudevents+avro", "application/cloudevents-batch+json"] {
        for form in [Form::CloudEventsBinary, Form::CloudEventsStructured] {
            let got = send(&message(content_type, "[]"), form).unwrap();
            assert_eq!((got.body(), got.header("content-type")), ("[]", Some(content_type)));
        }
    }
}

#[test]
fn other_headers_pass_but_none_that_tells_of_the_old_form() {
    let headers = [
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("authorization", "Bearer x"),
        ("content-language", "de"),
        ("ce-old", "1"),
        ("connection", "x-hop"),
        ("x-hop", "1"),
    ];
    let got = to_binary(&with(structured_item(r#""data":1"#), &headers));
    let names: Vec<&str> = got.headers.keys().map(String::as_str).collect();
    let expected = [
        "authorization",
        "bruit-item",
        "ce-id",
        "ce-source",
        "ce-specversion",
        "ce-type",
        "content-length",
        "content-type",
        "host",
        "traceparent",
    ];
    assert_eq!(names, expected);
    assert_eq!(got.header("host"), Some("app:8080"));
}

#[test]
fn what_cannot_be_converted_is_refused() {
    let fault = |item: &Item, form| match send(item, form) {
        Err(Unreplayable::Event(fault)) => fault,
        other => panic!("{other:?}"),
    };
    let binary = Form::CloudEventsBinary;
    let compressed = with(structured_item(r#""data":1"#), &[("content-encoding", "gzip")]);
    assert_eq!(fault(&compressed, binary), EventFault::Compressed);
    assert_eq!(fault(&message(JSON, "{}"), binary), EventFault::Missing("specversion"));
    assert_eq!(fault(&message(JSON, "[]"), binary), EventFault::Json);
    let nameless = with(event(1, "x"), &[("ce-specversion", "1.0")]);
    assert_eq!(fault(&nameless, Form::CloudEventsStructured), EventFault::Missing("id"));
}

#[test]
fn compressed_data_is_named_in_json() {
    let item = with(
        message("application/json", "\u{1f}x"),
        &[
            ("ce-specversion", "1.0"),
            ("ce-type", "t"),
            ("ce-id", "1"),
            ("ce-source", "/s"),
            ("content-encoding", "gzip"),
        ],
    );
    let got = to_structured(&item);
    let event = structured::read(&got.body).unwrap();
    assert_eq!(event.attributes["bruitencoding"], "gzip");
    assert_eq!(event.data, item.payload);
    assert!(got.body().contains("data_base64"));
    assert_eq!(got.header("content-encoding"), None);
}

/// Letters that attributes may have, with those that need encoding more often than chance.
fn text() -> impl Strategy<Value = String> {
    let letter = prop_oneof![
        Just('%'),
        Just('"'),
        Just('\\'),
        Just(' '),
        Just('€'),
        Just('😀'),
        proptest::char::range('!', '~'),
        any::<char>().prop_filter("allowed", |letter| {
            let code = u32::from(*letter);
            !letter.is_control() && code & 0xfffe != 0xfffe && !(0xfdd0..=0xfdef).contains(&code)
        }),
    ];
    prop::collection::vec(letter, 1..20).prop_map(|letters| letters.into_iter().collect())
}

/// A content type and bytes that may follow it.
fn data() -> impl Strategy<Value = (Option<&'static str>, Vec<u8>)> {
    let types = [
        None,
        Some("application/json"),
        Some("application/x+json; charset=utf-8"),
        Some("text/plain"),
        Some("text/html; charset=iso-8859-1"),
        Some("application/octet-stream"),
    ];
    let bytes = prop_oneof![
        any::<Vec<u8>>(),
        any::<String>().prop_map(String::into_bytes),
        any::<String>().prop_map(|text| serde_json::to_vec(&text).unwrap()),
        Just(b"null".to_vec()),
        Just(br#"{"b": [1.0, {}], "a": 1e999}"#.to_vec()),
        Just(Vec::new()),
    ];
    // Space around JSON is not part of it.
    let bytes = bytes.prop_map(|bytes| bytes.trim_ascii().to_vec());
    (prop::sample::select(types.to_vec()), bytes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_conversion_loses_anything(
        required in prop::collection::vec(text(), 3),
        extensions in prop::collection::btree_map("[a-z0-9]{1,20}", text(), 0..6),
        (content_type, data) in data(),
    ) {
        let known = ["time", "data", "datacontenttype", "specversion", "bruitencoding"];
        let mut attributes: BTreeMap<String, String> =
            extensions.into_iter().filter(|(name, _)| !known.contains(&&**name)).collect();
        let names = ["id", "source", "type"].map(str::to_owned);
        attributes.extend(names.into_iter().zip(required));
        attributes.insert("specversion".to_owned(), "1.0".to_owned());
        attributes.extend(content_type.map(|text| ("datacontenttype".to_owned(), text.to_owned())));
        let first = Event { attributes, data: data.into() };

        let item = binary_item(&first);
        prop_assert_eq!(&binary::read(&item.headers, &item.payload).unwrap(), &first);
        let json = to_structured(&item);
        prop_assert_eq!(&structured::read(&json.body).unwrap(), &first);
        let back = to_binary(&json.item()).item();
        prop_assert_eq!(Kind::of(&back.headers), Kind::Binary);
        prop_assert_eq!(&binary::read(&back.headers, &back.payload).unwrap(), &first);
        let again = to_structured(&back);
        prop_assert_eq!(again.body, json.body);
    }

    #[test]
    fn no_body_makes_it_panic(body in any::<Vec<u8>>(), text in any::<String>()) {
        let _ = structured::read(&body);
        let _ = structured::read(text.as_bytes());
        let _ = structured::read(format!("{{{COMMON},{text}}}").as_bytes());
    }
}
