//! What an item says of itself as an event.

use super::{binary, media, structured, value};
use bruit_model::Item;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::BTreeMap;

/// The largest body that is read to find attributes in it, in bytes: filters look at every item
/// that a pattern selects. A guess.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// The attributes of an item. A body that holds them is read when the first is asked for, and
/// once only.
pub(in crate::delivery) struct Attributes<'a> {
    item: &'a Item,
    body: OnceCell<BTreeMap<String, String>>,
}

impl<'a> Attributes<'a> {
    pub(in crate::delivery) const fn of(item: &'a Item) -> Self {
        Self { item, body: OnceCell::new() }
    }

    /// The attribute called `name`: of a body in structured content mode if the item has one of
    /// at most 64 KiB, else of the `ce-*` headers. What cannot be read is not there.
    pub(in crate::delivery) fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        let content_type = self.item.header_text("content-type");
        if content_type.is_some_and(|text| media::essence(text) == media::EVENT_JSON) {
            let body = self.body.get_or_init(|| {
                let payload = &self.item.payload;
                let is_read = payload.len() <= BODY_BYTES_MAX;
                if is_read { structured::attributes(payload) } else { BTreeMap::new() }
            });
            return body.get(name).map(Into::into);
        }
        if name == super::event::CONTENT_TYPE {
            let is_event = self.item.header(binary::VERSION).is_some();
            return content_type.filter(|_| is_event).map(Cow::Borrowed);
        }
        let header = self.item.header(&format!("{}{name}", binary::PREFIX))?;
        value::decode(header).map(Cow::Owned)
    }
}
