//! Writes an item as the request that carries it as an event.

use super::event::{CONTENT_TYPE, ENCODING, Event, EventFault};
use super::{Kind, binary, encoding, is_of_the_message, media, structured, time};
use crate::delivery::mode::Form;
use crate::delivery::{HttpMode, Subscription, Unreplayable, replay};
use bruit_model::{Item, meta};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE as CONTENT_TYPE_HEADER};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::Full;

/// The request that gives `item` to the consumer of `subscription` as an event: a `POST` to the
/// endpoint as it is configured. `http` says in which content mode; [`Form::Verbatim`] is taken
/// as binary. Other headers pass as they do in a replay.
pub(in crate::delivery) fn request(
    item: &Item,
    subscription: &Subscription,
    http: &HttpMode,
) -> Result<Request<Full<Bytes>>, Unreplayable> {
    let is_structured = http.form == Form::CloudEventsStructured;
    let mut headers = replay::headers(item, subscription, http)?;
    let mut body = item.payload.clone();
    let kind = Kind::of(&item.headers);
    match (kind, is_structured) {
        (Kind::Structured, true) | (Kind::Binary, false) | (Kind::Foreign | Kind::Batch, _) => {}
        (Kind::Structured, false) => {
            if encoding(&item.headers).is_some() {
                return Err(EventFault::Compressed.into());
            }
            let event = structured::read(&body).map_err(|error| error.fault)?;
            clear(&mut headers);
            insert(&mut headers, &event)?;
            body = event.data;
        }
        (Kind::Plain, false) => {
            let event = made(item);
            // The body is as it was, so that what else describes it still holds.
            let is_attribute = |name: &HeaderName| {
                name.as_str().starts_with(binary::PREFIX) || name == CONTENT_TYPE_HEADER
            };
            remove(&mut headers, is_attribute);
            insert(&mut headers, &event)?;
        }
        (Kind::Binary | Kind::Plain, true) => {
            let mut event = if kind == Kind::Binary {
                binary::read(&item.headers, &body).map_err(|error| error.fault)?
            } else {
                made(item)
            };
            let encoding = encoding(&item.headers).map(|coding| (ENCODING.into(), coding.into()));
            event.attributes.extend(encoding);
            clear(&mut headers);
            headers.insert(CONTENT_TYPE_HEADER, HeaderValue::from_static(media::EVENT_JSON));
            body = structured::write(&event).into();
        }
    }
    headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    let path = http.endpoint.path().to_owned();
    let target = PathAndQuery::from_maybe_shared(path).map_err(|_| Unreplayable::Target)?;
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = Uri::from(target);
    *request.headers_mut() = headers;
    Ok(request)
}

/// The event that is made of an item that is none.
fn made(item: &Item) -> Event {
    let kind = if item.is_invocation() { "bruit.invocation" } else { "bruit.event" };
    let mut event = Event { data: item.payload.clone(), ..Event::default() };
    let mut set = |name: &str, value: String| event.attributes.insert(name.to_owned(), value);
    set("specversion", "1.0".to_owned());
    set("id", item.id.to_string());
    set("source", format!("/bruit/{}", item.id.origin));
    set("type", kind.to_owned());
    set("subject", item.path.as_str().to_owned());
    set("time", time::write(item.time.unix_millis()));
    let content_type = item.header_text("content-type").filter(|text| media::is_media_type(text));
    content_type.map(|content_type| set(CONTENT_TYPE, content_type.to_owned()));
    for (header, name) in [(meta::METHOD, "bruitmethod"), (meta::TARGET, "bruittarget")] {
        item.header(header).map(|value| set(name, ascii(value)));
    }
    event
}

/// `bytes` as they can stand in a URI: percent-encoded where they are not ASCII.
fn ascii(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len()), |mut text, byte| {
        if byte.is_ascii() {
            text.push(char::from(*byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
        text
    })
}

fn clear(headers: &mut HeaderMap) {
    remove(headers, |name| is_of_the_message(name.as_str()));
}

fn remove(headers: &mut HeaderMap, is_removed: impl Fn(&HeaderName) -> bool) {
    let names: Vec<HeaderName> = headers.keys().filter(|name| is_removed(name)).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

fn insert(headers: &mut HeaderMap, event: &Event) -> Result<(), Unreplayable> {
    for (name, value) in binary::headers(event) {
        let name = HeaderName::try_from(name).map_err(|_| Unreplayable::Header)?;
        let value = HeaderValue::try_from(value).map_err(|_| Unreplayable::Header)?;
        headers.try_insert(name, value).map_err(|_| Unreplayable::Header)?;
    }
    Ok(())
}
