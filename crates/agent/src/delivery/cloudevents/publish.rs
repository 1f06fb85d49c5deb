//! Events as they are published.

use super::event::{EventError, EventFault};
use super::{Kind, binary, encoding, is_of_the_message, media, structured};
use bruit_model::Header;
use bytes::Bytes;

/// What is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// No event, or one in a format that is not understood: one item, as it is.
    Plain,
    /// An event that follows the rules of `CloudEvents` 1.0: one item, as it is.
    Event,
    /// Events, each to be an item of its own with these headers and this body.
    Batch(Vec<(Vec<Header>, Bytes)>),
}

/// Tells what a message is and checks it. Headers are named in lower case, as items carry them.
///
/// # Errors
/// It is marked as an event, or as several, and breaks a rule of `CloudEvents` 1.0.
pub fn recognise(headers: &[Header], body: &Bytes) -> Result<Published, EventError> {
    let kind = Kind::of(headers);
    if matches!(kind, Kind::Structured | Kind::Batch) && encoding(headers).is_some() {
        return Err(EventFault::Compressed.into());
    }
    match kind {
        Kind::Plain | Kind::Foreign => Ok(Published::Plain),
        Kind::Binary => binary::read(headers, body).map(|_| Published::Event),
        Kind::Structured => structured::read(body).map(|_| Published::Event),
        Kind::Batch => {
            let mut common: Vec<Header> =
                headers.iter().filter(|header| !is_of_the_message(&header.name)).cloned().collect();
            let value = Bytes::from_static(media::EVENT_JSON.as_bytes());
            common.push(Header { name: "content-type".into(), value });
            // Copied, so that an item does not hold the memory of the whole batch.
            let event = |text: &str| (common.clone(), Bytes::copy_from_slice(text.as_bytes()));
            Ok(Published::Batch(structured::read_batch(body)?.into_iter().map(event).collect()))
        }
    }
}
