//! Events whose attributes are headers. Source: HTTP protocol binding for `CloudEvents` 1.0.2,
//! section 3.1.

use super::event::{CONTENT_TYPE, Event, EventError, EventFault, Gathered};
use super::value;
use bruit_model::Header;
use bytes::Bytes;

/// How the headers of attributes begin.
pub(super) const PREFIX: &str = "ce-";

/// The header that tells an event from another message.
pub(super) const VERSION: &str = "ce-specversion";

/// The event that a message with `headers` and `body` is.
pub(super) fn read(headers: &[Header], body: &Bytes) -> Result<Event, EventError> {
    let mut gathered = Gathered::default();
    for header in headers {
        let Some(name) = header.name.strip_prefix(PREFIX) else { continue };
        if name == CONTENT_TYPE {
            return Err(EventFault::ContentTypeHeader.at(CONTENT_TYPE));
        }
        let value = value::decode(&header.value).ok_or_else(|| EventFault::Encoding.at(name))?;
        gathered.add(name, value)?;
    }
    let content_types = headers.iter().filter(|header| &*header.name == "content-type");
    for header in content_types {
        let value = std::str::from_utf8(&header.value);
        let value = value.map_err(|_| EventFault::ContentType.at(CONTENT_TYPE))?;
        gathered.add(CONTENT_TYPE, value.to_owned())?;
    }
    Ok(Event { attributes: gathered.check()?, data: body.clone() })
}

/// Names and values of the headers that say what `event` is.
pub(super) fn headers(event: &Event) -> impl Iterator<Item = (String, Vec<u8>)> {
    event.attributes.iter().map(|(name, text)| {
        if name == CONTENT_TYPE {
            return ("content-type".to_owned(), text.as_bytes().to_vec());
        }
        let mut encoded = Vec::with_capacity(text.len());
        value::encode(text, &mut encoded);
        (format!("{PREFIX}{name}"), encoded)
    })
}
