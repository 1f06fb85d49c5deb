//! One event: its attributes and its data, whatever the content mode.

use super::{media, time};
use bruit_model::Item;
use bytes::Bytes;
use std::collections::BTreeMap;

/// The attribute that a binary message carries as its content type.
pub(super) const CONTENT_TYPE: &str = "datacontenttype";

/// The extension attribute that names the content coding of data that stands in JSON: what the
/// `Content-Encoding` of a binary message is.
pub(super) const ENCODING: &str = "bruitencoding";

/// An event. Its attributes are in their canonical string representation
/// (`CloudEvents` 1.0.2, type system).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) attributes: BTreeMap<String, String>,
    /// The data as it would be the body of a message in binary content mode.
    pub(super) data: Bytes,
}

/// What is wrong with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventFault {
    /// A required attribute is missing or empty.
    #[error("it has no {0}, which is required")]
    Missing(&'static str),
    /// An optional attribute is there and empty.
    #[error("{0} is empty; leave it out instead")]
    Empty(&'static str),
    /// It is of another version of the specification.
    #[error("specversion is not 1.0, the only one that is understood")]
    Version,
    /// The name of an attribute.
    #[error("the name of an attribute has only a-z and 0-9, and is not data")]
    Name,
    /// An attribute is given twice.
    #[error("it is given twice")]
    Twice,
    /// The value of an attribute.
    #[error("a value is a text, a whole number of 32 bits, true or false")]
    Value,
    /// A text with what no text of an event may have.
    #[error("a text has neither control characters nor noncharacters")]
    Character,
    /// A header that cannot be decoded.
    #[error("the header is not percent-encoded UTF-8; write % as %25")]
    Encoding,
    /// Not a time.
    #[error("a time looks like 2018-04-05T17:31:00Z")]
    Time,
    /// Not a content type.
    #[error("a content type looks like application/json")]
    ContentType,
    /// In binary mode, the content type has a header of its own.
    #[error("it is the Content-Type, and has no header of its own")]
    ContentTypeHeader,
    /// More attributes than an item has headers, or larger ones.
    #[error("too many attributes, or too large: at most 250, and 32 KiB in all")]
    TooMany,
    /// More events in a batch than the limit.
    #[error("a batch has at most {} events", super::BATCH_EVENTS_MAX)]
    BatchTooLong,
    /// The body is no event as JSON.
    #[error("the body is not a JSON object with the attributes of an event")]
    Json,
    /// The body is not several events as JSON.
    #[error("the body is not a JSON array of events")]
    Batch,
    /// Both `data` and `data_base64`.
    #[error("an event has either data or data_base64")]
    TwoData,
    /// `data_base64` is not base 64.
    #[error("not base 64 with padding")]
    Base64,
    /// `data` is not a string though the content type is not JSON.
    #[error("with a content type that is not JSON, data is a string in UTF-8")]
    Data,
    /// The body is compressed, so that it cannot be read.
    #[error("an event in structured mode cannot be read where Content-Encoding is set")]
    Compressed,
}

/// An event breaks a rule of `CloudEvents` 1.0. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventError {
    /// Which event of a batch, from 0.
    pub index: Option<usize>,
    /// The attribute or member that is at fault.
    pub attribute: Option<String>,
    /// What is wrong.
    pub fault: EventFault,
}

impl std::error::Error for EventError {}

impl std::fmt::Display for EventError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not a CloudEvent")?;
        if let Some(index) = self.index {
            write!(f, ", number {index} of the batch")?;
        }
        if let Some(attribute) = &self.attribute {
            write!(f, ": {}", attribute.escape_debug())?;
        }
        write!(f, ": {}", self.fault)
    }
}

impl EventFault {
    /// With the attribute at fault. Names are cut, since they come from outside.
    pub(super) fn at(self, attribute: &str) -> EventError {
        const SHOWN_MAX: usize = 40;
        let shown = attribute.chars().take(SHOWN_MAX).collect();
        EventError { index: None, attribute: Some(shown), fault: self }
    }
}

impl From<EventFault> for EventError {
    fn from(fault: EventFault) -> Self {
        Self { index: None, attribute: None, fault }
    }
}

/// Attributes as they are gathered from outside, within bounds.
#[derive(Default)]
pub(super) struct Gathered {
    attributes: BTreeMap<String, String>,
    bytes: usize,
}

impl Gathered {
    /// Room is left for the headers that are added to each item and each request.
    const COUNT_MAX: usize = Item::HEADERS_MAX - 6;

    /// Adds an attribute.
    pub(super) fn add(&mut self, name: &str, value: String) -> Result<(), EventError> {
        if !is_name(name) {
            return Err(EventFault::Name.at(name));
        }
        if !value.chars().all(is_allowed) {
            return Err(EventFault::Character.at(name));
        }
        self.bytes += name.len() + value.len();
        let is_full = self.attributes.len() >= Self::COUNT_MAX;
        if is_full || self.bytes > Item::HEADER_BYTES_MAX {
            return Err(EventFault::TooMany.into());
        }
        match self.attributes.insert(name.to_owned(), value) {
            None => Ok(()),
            Some(_) => Err(EventFault::Twice.at(name)),
        }
    }

    /// The content type.
    pub(super) fn content_type(&self) -> Option<&str> {
        self.attributes.get(CONTENT_TYPE).map(String::as_str)
    }

    /// All of them, if they follow the rules of the specification.
    pub(super) fn check(self) -> Result<BTreeMap<String, String>, EventError> {
        let text = |name: &str| self.attributes.get(name).map(String::as_str);
        if text("specversion").is_some_and(|version| version != "1.0") {
            return Err(EventFault::Version.into());
        }
        for name in ["specversion", "id", "source", "type"] {
            if text(name).is_none_or(str::is_empty) {
                return Err(EventFault::Missing(name).into());
            }
        }
        for name in ["subject", "dataschema", CONTENT_TYPE, "time"] {
            if text(name).is_some_and(str::is_empty) {
                return Err(EventFault::Empty(name).into());
            }
        }
        if text("time").is_some_and(|text| !time::is_time(text)) {
            return Err(EventFault::Time.at("time"));
        }
        if text(CONTENT_TYPE).is_some_and(|text| !media::is_media_type(text)) {
            return Err(EventFault::ContentType.at(CONTENT_TYPE));
        }
        Ok(self.attributes)
    }

    /// All of them, whatever they are.
    pub(super) fn into_unchecked(self) -> BTreeMap<String, String> {
        self.attributes
    }
}

/// Whether an attribute may be called so.
pub(in crate::delivery) fn is_name(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    !name.is_empty() && name.bytes().all(letter) && name != "data"
}

/// Whether a text may have it: neither a control character nor a noncharacter.
fn is_allowed(letter: char) -> bool {
    let code = u32::from(letter);
    !letter.is_control() && code & 0xfffe != 0xfffe && !(0xfdd0..=0xfdef).contains(&code)
}
