//! Events as JSON. Source: JSON event format for `CloudEvents` 1.0.2.
//!
//! JSON data is neither parsed nor written anew: its text is taken over as it is, so that no
//! number loses digits and no member moves.

use super::event::{CONTENT_TYPE, ENCODING, Event, EventError, EventFault, Gathered};
use super::{BATCH_EVENTS_MAX, base64, media};
use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

const DATA: &str = "data";
const DATA_BASE64: &str = "data_base64";

/// The event that `body` is.
pub(super) fn read(body: &[u8]) -> Result<Event, EventError> {
    let mut read = Read::of(body)?;
    let data = match (read.data.take(), read.base64.take()) {
        (None, None) => Bytes::new(),
        (Some(_), Some(_)) => return Err(EventFault::TwoData.at(DATA_BASE64)),
        (None, Some(raw)) => {
            let text: Cow<'_, str> =
                serde_json::from_str(raw.get()).map_err(|_| EventFault::Base64.at(DATA_BASE64))?;
            base64::decode(&text).ok_or_else(|| EventFault::Base64.at(DATA_BASE64))?.into()
        }
        (Some(raw), None) => {
            if read.attributes.content_type().is_none() {
                read.attributes.add(CONTENT_TYPE, "application/json".to_owned())?;
            }
            data(raw, read.attributes.content_type().unwrap_or_default())?
        }
    };
    Ok(Event { attributes: read.attributes.check()?, data })
}

/// The attributes that `body` has, as far as they can be read. Data is not looked at.
pub(super) fn attributes(body: &[u8]) -> BTreeMap<String, String> {
    Read::of(body).map(|read| read.attributes.into_unchecked()).unwrap_or_default()
}

/// The bytes of `data`.
fn data(raw: &RawValue, content_type: &str) -> Result<Bytes, EventError> {
    if media::is_json(content_type) {
        return Ok(Bytes::copy_from_slice(raw.get().as_bytes()));
    }
    if raw.get() == "null" {
        return Ok(Bytes::new());
    }
    match serde_json::from_str::<String>(raw.get()) {
        Ok(text) if media::is_utf8(content_type) => Ok(text.into()),
        Ok(_) | Err(_) => Err(EventFault::Data.at(DATA)),
    }
}

/// The events of a batch, each as the text that it is there, checked.
pub(super) fn read_batch(body: &[u8]) -> Result<Vec<&str>, EventError> {
    let Elements(raws) = serde_json::from_slice(body).map_err(|_| EventFault::Batch)?;
    let events = raws?.into_iter().zip(0..).map(|(raw, index)| {
        let text = raw.get();
        match read(text.as_bytes()) {
            Ok(_) => Ok(text),
            Err(error) => Err(EventError { index: Some(index), ..error }),
        }
    });
    events.collect()
}

/// Writes `event` as JSON: data that is JSON as a value, data that is text as a string, and all
/// else as base 64.
pub(super) fn write(event: &Event) -> Vec<u8> {
    let mut out = Vec::with_capacity(event.data.len() + 512);
    out.push(b'{');
    for (name, value) in &event.attributes {
        push_member(&mut out, name);
        push_string(&mut out, value);
    }
    if !event.data.is_empty() {
        push_data(&mut out, event);
    }
    out.push(b'}');
    out
}

fn push_data(out: &mut Vec<u8>, event: &Event) {
    let content_type = event.attributes.get(CONTENT_TYPE).map(String::as_str);
    let is_compressed = event.attributes.contains_key(ENCODING);
    let text = content_type
        .filter(|content_type| !is_compressed && media::is_utf8(content_type))
        .and_then(|content_type| Some((content_type, std::str::from_utf8(&event.data).ok()?)));
    if let Some((content_type, text)) = text {
        if media::is_json(content_type) {
            if let Ok(raw) = serde_json::from_str::<&RawValue>(text) {
                push_member(out, DATA);
                out.extend_from_slice(raw.get().as_bytes());
                return;
            }
        } else if media::is_text(content_type) {
            push_member(out, DATA);
            push_string(out, text);
            return;
        }
    }
    push_member(out, DATA_BASE64);
    push_string(out, &base64::encode(&event.data));
}

fn push_member(out: &mut Vec<u8>, name: &str) {
    if out.len() > 1 {
        out.push(b',');
    }
    push_string(out, name);
    out.push(b':');
}

fn push_string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a string is JSON, and a Vec takes all");
}

/// The members of an event.
struct Read<'a> {
    attributes: Gathered,
    data: Option<&'a RawValue>,
    base64: Option<&'a RawValue>,
}

impl<'a> Read<'a> {
    fn of(body: &'a [u8]) -> Result<Self, EventError> {
        let Members(result) = serde_json::from_slice(body).map_err(|_| EventFault::Json)?;
        result
    }

    fn add(&mut self, name: &str, raw: &'a RawValue) -> Result<(), EventError> {
        let place = match name {
            DATA => &mut self.data,
            // A null where base 64 belongs is no data, as with attributes.
            DATA_BASE64 if raw.get() == "null" => return Ok(()),
            DATA_BASE64 => &mut self.base64,
            _ => {
                let value = text(raw).map_err(|fault| fault.at(name))?;
                return value.map_or(Ok(()), |value| self.attributes.add(name, value));
            }
        };
        match place.replace(raw) {
            None => Ok(()),
            Some(_) => Err(EventFault::Twice.at(name)),
        }
    }
}

/// The canonical string representation of a value; none of `null`, which is as if it were not
/// there.
fn text(raw: &RawValue) -> Result<Option<String>, EventFault> {
    let raw = raw.get();
    match raw.as_bytes().first() {
        Some(b'"') => serde_json::from_str(raw).map(Some).map_err(|_| EventFault::Character),
        Some(b't' | b'f') => Ok(Some(raw.to_owned())),
        Some(b'n') => Ok(None),
        Some(_) | None => {
            raw.parse::<i32>().map(|number| Some(number.to_string())).map_err(|_| EventFault::Value)
        }
    }
}

/// What an object is, or the first fault in it. The rest of a faulty one is still read, since it
/// may not be JSON.
struct Members<'a>(Result<Read<'a>, EventError>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an event")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut read =
                    Ok(Read { attributes: Gathered::default(), data: None, base64: None });
                while let Some((name, raw)) = map.next_entry::<String, &RawValue>()? {
                    if let Ok(held) = &mut read
                        && let Err(error) = held.add(&name, raw)
                    {
                        read = Err(error);
                    }
                }
                Ok(Members(read))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

/// What an array is, or that it is too long.
struct Elements<'a>(Result<Vec<&'a RawValue>, EventError>);

impl<'de: 'a, 'a> Deserialize<'de> for Elements<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Array;

        impl<'de> Visitor<'de> for Array {
            type Value = Elements<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("events")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Elements<'de>, A::Error> {
                let mut raws = Vec::new();
                while raws.len() < BATCH_EVENTS_MAX {
                    let Some(raw) = array.next_element()? else { return Ok(Elements(Ok(raws))) };
                    raws.push(raw);
                }
                let mut is_over = false;
                while array.next_element::<IgnoredAny>()?.is_some() {
                    is_over = true;
                }
                let too_long = EventFault::BatchTooLong.into();
                Ok(Elements(if is_over { Err(too_long) } else { Ok(raws) }))
            }
        }

        deserializer.deserialize_seq(Array)
    }
}
