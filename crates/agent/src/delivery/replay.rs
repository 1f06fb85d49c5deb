//! Writes an item as the request that a consumer gets.
//!
//! An invocation becomes the request that it was: same method, target, headers and body. What
//! concerned only the exchange with the agent is left out: `Host` (see [`host`]), hop-by-hop
//! fields (RFC 9110 7.6.1), `Expect` (met when the agent read the body), `Content-Length`
//! (written anew) and all `Bruit-*` fields, which speak to the agent. An item that is no
//! invocation becomes a `POST` to its path. Either gets [`LOOP_GUARD`]. A consumer that asks for
//! `CloudEvents` gets what [`cloudevents`] makes of it.
//!
//! Fields keep their order, but that those of one name stand together, where the first of them
//! stood; their names are in lower case, as items carry them.

use super::{EventFault, Form, HttpMode, LOOP_GUARD, Subscription, cloudevents};
use bruit_model::{Item, meta};
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::Full;

/// Why an item cannot be written as a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unreplayable {
    /// The method is not a token, or is CONNECT.
    #[error("no such method can be replayed")]
    Method,
    /// The target does not begin with a slash, or holds what no request line can.
    #[error("the target cannot stand in a request line")]
    Target,
    /// A header that HTTP does not allow.
    #[error("a header is malformed")]
    Header,
    /// It is marked as a `CloudEvent`, breaks the rules for one, and is wanted in another mode.
    #[error("it is no valid CloudEvent: {0}")]
    Event(#[from] EventFault),
}

/// The request that gives `item` to the consumer of `subscription`, in the form of `http`.
pub(super) fn request(
    item: &Item,
    subscription: &Subscription,
    http: &HttpMode,
) -> Result<Request<Full<Bytes>>, Unreplayable> {
    match http.form {
        Form::Verbatim => {}
        Form::CloudEventsBinary | Form::CloudEventsStructured => {
            return cloudevents::request(item, subscription, http);
        }
    }
    let method = match item.header(meta::METHOD) {
        None => Method::POST,
        Some(name) => Method::from_bytes(name).map_err(|_| Unreplayable::Method)?,
    };
    if method == Method::CONNECT {
        return Err(Unreplayable::Method);
    }
    let mut request = Request::new(Full::new(item.payload.clone()));
    *request.method_mut() = method;
    *request.uri_mut() = target(item, http)?;
    *request.headers_mut() = headers(item, subscription, http)?;
    Ok(request)
}

/// Prefix and target, byte for byte.
fn target(item: &Item, http: &HttpMode) -> Result<Uri, Unreplayable> {
    let mut text = http.endpoint.prefix().as_bytes().to_vec();
    if item.is_invocation() {
        let raw = item.header(meta::TARGET).ok_or(Unreplayable::Target)?;
        if raw.first() != Some(&b'/') {
            return Err(Unreplayable::Target);
        }
        text.extend_from_slice(raw);
    } else {
        text.push(b'/');
        push_encoded(&mut text, item.path.as_str());
    }
    let text = Bytes::from(text);
    let parsed = PathAndQuery::from_maybe_shared(text.clone()).map_err(|_| Unreplayable::Target)?;
    // A fragment would be cut off without a word.
    if parsed.as_str().as_bytes() != text {
        return Err(Unreplayable::Target);
    }
    Ok(Uri::from(parsed))
}

/// Appends `path`, percent-encoding what a path cannot hold as it is (RFC 3986 3.3); `%` stays,
/// since paths carry the encoding that they came with.
fn push_encoded(text: &mut Vec<u8>, path: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/%".contains(&byte) {
            text.push(byte);
        } else {
            let [high, low] = [byte >> 4, byte & 15].map(|digit| HEX[usize::from(digit)]);
            text.extend_from_slice(&[b'%', high, low]);
        }
    }
}

/// The fields of the item that go on to a consumer, with `Host` and [`LOOP_GUARD`].
pub(super) fn headers(
    item: &Item,
    subscription: &Subscription,
    http: &HttpMode,
) -> Result<HeaderMap, Unreplayable> {
    let named = named_by_connection(item);
    let mut headers = HeaderMap::with_capacity(item.headers.len() + 3);
    headers.insert(HOST, host(item, subscription, http)?);
    let mut has_length = !item.payload.is_empty();
    for header in &item.headers {
        let name = &*header.name;
        if name.eq_ignore_ascii_case(CONTENT_LENGTH.as_str()) {
            has_length = true;
            continue;
        }
        if name.starts_with(':') || concerns_the_agent(name) || is_among(&named, name) {
            continue;
        }
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Unreplayable::Header)?;
        let value = HeaderValue::from_maybe_shared(header.value.clone())
            .map_err(|_| Unreplayable::Header)?;
        headers.try_append(name, value).map_err(|_| Unreplayable::Header)?;
    }
    if has_length {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(item.payload.len()));
    }
    let id = HeaderValue::try_from(item.id.to_string()).map_err(|_| Unreplayable::Header)?;
    headers.insert(HeaderName::from_static(LOOP_GUARD), id);
    Ok(headers)
}

/// The host that the call named (`Bruit-Host`), else the subscription's, else the endpoint's.
fn host(
    item: &Item,
    subscription: &Subscription,
    http: &HttpMode,
) -> Result<HeaderValue, Unreplayable> {
    let value = match (item.header(meta::HOST), &subscription.host) {
        (Some(named), _) => HeaderValue::from_maybe_shared(named.clone()),
        (None, Some(host)) => HeaderValue::from_str(host),
        (None, None) => HeaderValue::from_str(http.endpoint.authority()),
    };
    value.map_err(|_| Unreplayable::Header)
}

/// Whether a field was between the caller and the agent only.
fn concerns_the_agent(name: &str) -> bool {
    const NAMES: [&str; 8] = [
        "connection",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    let begins = |prefix: &str| {
        name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    NAMES.iter().any(|other| name.eq_ignore_ascii_case(other))
        || begins("proxy-")
        || begins("bruit-")
}

/// The fields that `Connection` declares to be hop-by-hop.
fn named_by_connection(item: &Item) -> Vec<&[u8]> {
    item.headers
        .iter()
        .filter(|header| header.name.eq_ignore_ascii_case(CONNECTION.as_str()))
        .flat_map(|header| header.value.split(|&byte| byte == b','))
        .map(<[u8]>::trim_ascii)
        .collect()
}

fn is_among(named: &[&[u8]], name: &str) -> bool {
    named.iter().any(|other| other.eq_ignore_ascii_case(name.as_bytes()))
}
