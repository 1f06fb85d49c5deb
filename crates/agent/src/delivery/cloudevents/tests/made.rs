//! Items that are no events become some.

use super::*;
use crate::delivery::tests::invocation;
use bruit_model::{HybridTime, meta};

const ORIGIN: &str = "/bruit/01010101010101010101010101010101";

fn at(item: Item, unix_millis: u64) -> Item {
    Item { time: HybridTime(unix_millis << 16), ..item }
}

#[test]
fn an_event_of_ours_gets_attributes() {
    let item = at(message("application/json", "{\"a\": 1}"), 1_522_949_784_250);
    let id = item.id.to_string();
    let expected = BTreeMap::from([
        ("ce-specversion", "1.0"),
        ("ce-id", &*id),
        ("ce-source", ORIGIN),
        ("ce-type", "bruit.event"),
        ("ce-subject", "a/b"),
        ("ce-time", "2018-04-05T17:36:24.250Z"),
        ("content-type", "application/json"),
    ]);
    let got = to_binary(&item);
    assert_eq!((got.method.as_str(), got.target.as_str()), ("POST", "/hook/"));
    assert_eq!(got.attributes(), expected);
    assert_eq!(got.body(), "{\"a\": 1}");
    assert_eq!(got.header("bruit-item"), Some(&*id));

    let body =
        format!(r#"{{"datacontenttype":"application/json","id":"{id}","source":"{ORIGIN}","#)
            + r#""specversion":"1.0","subject":"a/b","time":"2018-04-05T17:36:24.250Z","#
            + r#""type":"bruit.event","data":{"a": 1}}"#;
    assert_eq!(to_structured(&item).body(), body);
}

#[test]
fn an_invocation_says_its_method_and_target() {
    let mut item = with(
        invocation(1, "PURGE", "/cache/x?y=%20\""),
        &[
            (meta::HOST, "www.example.test"),
            ("content-type", "text/plain"),
            ("content-encoding", "gzip"),
            ("ce-half", "1"),
            ("authorization", "Basic eA=="),
            ("tracestate", "a=b"),
        ],
    );
    item.payload = Bytes::from_static(b"\x1f\x8b");
    let got = to_binary(&item);
    assert_eq!(got.method, "POST");
    assert_eq!(got.header("ce-type"), Some("bruit.invocation"));
    assert_eq!(got.header("ce-bruitmethod"), Some("PURGE"));
    assert_eq!(got.header("ce-bruittarget"), Some("/cache/x?y=%2520%22"));
    assert_eq!(got.header("ce-half"), None);
    assert_eq!(got.header("host"), Some("www.example.test"));
    assert_eq!(got.header("content-encoding"), Some("gzip"));
    assert_eq!(got.header("authorization"), Some("Basic eA=="));
    assert_eq!(got.header("tracestate"), Some("a=b"));
    assert_eq!(got.body, item.payload);

    let got = to_structured(&item);
    let event = structured::read(&got.body).unwrap();
    assert_eq!(event.attributes["bruittarget"], "/cache/x?y=%20\"");
    assert_eq!(event.attributes["bruitencoding"], "gzip");
    assert_eq!(event.data, item.payload);
    assert_eq!(got.header("content-encoding"), None);
}

#[test]
fn bytes_and_types_that_are_no_text_are_no_error() {
    let mut item = invocation(1, "GET", "/");
    item.headers[1].value = Bytes::from_static(b"/\xff?\xc3\xa9");
    item = with(item, &[("content-type", "nonsense")]);
    let got = to_binary(&item);
    assert_eq!(got.header("ce-bruittarget"), Some("/%25FF?%25C3%25A9"));
    assert_eq!((got.header("content-type"), got.header("content-length")), (None, Some("0")));
    let event = structured::read(&to_structured(&item).body).unwrap();
    assert_eq!(event.attributes["bruittarget"], "/%FF?%C3%A9");
    assert_eq!(event.attributes.get("datacontenttype"), None);
}
