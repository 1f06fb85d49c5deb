//! `CloudEvents` 1.0.2: the HTTP protocol binding and the JSON event format.
//!
//! An item that was published as an event is delivered as that event, in the content mode that
//! the subscription asks for: untouched if it is in that mode already, else with all its
//! attributes and its data. Any other item becomes an event:
//!
//! | attribute | value |
//! |---|---|
//! | `id` | the printable id of the item |
//! | `source` | `/bruit/` and the id of the node that accepted it |
//! | `type` | `bruit.event`, or `bruit.invocation` |
//! | `subject` | its path |
//! | `time` | when it was accepted |
//! | `datacontenttype` | its `Content-Type` |
//! | `bruitmethod`, `bruittarget` | method and target of an invocation |
//! | `bruitencoding` | `Content-Encoding`, where the data stands in JSON |
//!
//! ```text
//!               wanted    binary                  structured
//!   published
//!   binary                as it is                headers -> attributes, body -> data
//!   structured            attributes -> headers   as it is
//!   other format          as it is                as it is
//!   no event              an event is made of it, in the wanted mode
//! ```
//!
//! Not done: the validation handshake of the webhook specification (it protects hosts on the
//! internet from being registered as targets; consumers stand beside their agent), and events in
//! other formats than JSON, which pass as they are.

mod base64;
mod binary;
mod event;
mod inspect;
mod media;
mod publish;
mod request;
mod structured;
#[cfg(test)]
mod tests;
mod time;
mod value;

pub(crate) use base64::encode as encode_base64;
pub(super) use event::is_name;
pub use event::{EventError, EventFault};
pub(super) use inspect::Attributes;
pub use publish::{Published, recognise};
pub(super) use request::request;

use bruit_model::Header;

/// How many events a batch has at most. A guess.
pub const BATCH_EVENTS_MAX: usize = 1000;

/// What a message is, by its headers (HTTP protocol binding, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// No event.
    Plain,
    /// An event whose attributes are headers.
    Binary,
    /// An event as JSON.
    Structured,
    /// Several events as JSON.
    Batch,
    /// One or more events in a format that is not understood.
    Foreign,
}

impl Kind {
    fn of(headers: &[Header]) -> Self {
        let content_type = text(headers, "content-type").unwrap_or_default();
        match &*media::essence(content_type) {
            media::EVENT_JSON => Self::Structured,
            media::BATCH_JSON => Self::Batch,
            _ if media::is_event(content_type) => Self::Foreign,
            _ if headers.iter().any(|header| &*header.name == binary::VERSION) => Self::Binary,
            _ => Self::Plain,
        }
    }
}

/// The value of the first header called `name`, if it is text.
fn text<'a>(headers: &'a [Header], name: &str) -> Option<&'a str> {
    let header = headers.iter().find(|header| &*header.name == name)?;
    std::str::from_utf8(&header.value).ok()
}

/// The content coding of a message that has one.
fn encoding(headers: &[Header]) -> Option<&str> {
    text(headers, "content-encoding")
        .filter(|coding| !coding.trim().eq_ignore_ascii_case("identity"))
}

/// Whether a header describes the body, or is an attribute.
fn is_of_the_message(name: &str) -> bool {
    name.starts_with("content-") || name.starts_with(binary::PREFIX)
}
