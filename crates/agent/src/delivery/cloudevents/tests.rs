//! Events in both content modes: what is published, and what consumers get.

mod convert;
mod made;
mod publish;

use super::event::Event;
use super::{Kind, binary, structured};
use crate::delivery::mode::Form;
use crate::delivery::tests::{event, subscription, with};
use crate::delivery::{HttpMode, Policy, Unreplayable, replay};
use bruit_model::{Header, Item};
use bytes::Bytes;
use http_body_util::BodyExt;
use std::collections::BTreeMap;

const JSON: &str = "application/cloudevents+json";

/// What a consumer gets.
#[derive(Debug)]
struct Got {
    method: String,
    target: String,
    headers: BTreeMap<String, String>,
    body: Bytes,
}

impl Got {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    fn body(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The headers that say what the event is.
    fn attributes(&self) -> BTreeMap<&str, &str> {
        let all = self.headers.iter().map(|(name, value)| (&**name, &**value));
        all.filter(|(name, _)| name.starts_with("ce-") || *name == "content-type").collect()
    }

    /// As an item that is published by this request.
    fn item(&self) -> Item {
        let headers: Vec<(&str, &str)> =
            self.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        Item { payload: self.body.clone(), ..with(event(9, "again"), &headers) }
    }
}

fn send(item: &Item, form: Form) -> Result<Got, Unreplayable> {
    let subscription = subscription("a", "http://app:8080/hook/", Policy::default());
    let endpoint = subscription.mode.endpoint().unwrap().clone();
    let http = HttpMode { endpoint, form, http2: false };
    let (parts, body) = replay::request(item, &subscription, &http)?.into_parts();
    let mut headers = BTreeMap::new();
    for (name, value) in &parts.headers {
        let text = value.to_str().unwrap().to_owned();
        assert_eq!(headers.insert(name.to_string(), text), None, "{name} is there once");
    }
    let body = futures_util::FutureExt::now_or_never(body.collect()).unwrap().unwrap().to_bytes();
    let (method, target) = (parts.method.to_string(), parts.uri.to_string());
    Ok(Got { method, target, headers, body })
}

fn to_binary(item: &Item) -> Got {
    send(item, Form::CloudEventsBinary).unwrap()
}

fn to_structured(item: &Item) -> Got {
    send(item, Form::CloudEventsStructured).unwrap()
}

/// An item with this content type and body.
fn message(content_type: &str, body: &str) -> Item {
    let item = with(event(1, "a/b"), &[("content-type", content_type)]);
    Item { payload: Bytes::copy_from_slice(body.as_bytes()), ..item }
}

/// The item that holds `event` in binary content mode.
fn binary_item(made_of: &Event) -> Item {
    let headers = binary::headers(made_of)
        .map(|(name, value)| Header { name: name.into(), value: value.into() });
    Item { headers: headers.collect(), payload: made_of.data.clone(), ..event(1, "a/b") }
}
