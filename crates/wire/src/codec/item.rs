//! Items and lists of their ids.

use super::{ITEM_ID_BYTES_MIN, frame_len, read_item_id, write_item_id};
use crate::writer::{Sink, counted};
use crate::{DecodeError, Frame, Limit, Reader, limits};
use bruit_model::{Header, HybridTime, Item, ItemId, Path, Style};
use bytes::Bytes;
use std::sync::Arc;

/// Bits of an item frame's first byte. Others are refused.
mod flag {
    pub(super) const WANTS_FEEDBACK: u8 = 0x01;
    pub(super) const BY_REPAIR: u8 = 0x02;
    pub(super) const REPAIRABLE: u8 = 0x04;
    pub(super) const HAS_PREVIOUS: u8 = 0x08;
    pub(super) const HAS_EXPIRY: u8 = 0x10;
    pub(super) const SIGNED: u8 = 0x20;
    pub(super) const ALL: u8 = 0x3f;
}

/// At least this many bytes for a header: two lengths and a name of one byte.
const HEADER_BYTES_MIN: usize = 3;

/// How many bytes an item takes as a frame, whatever the frame's flags.
pub fn item_len(item: &Item) -> usize {
    frame_len(counted(|count| write_item_body(item, false, false, count)))
}

/// Appends an item by itself, for whoever keeps it: the body of its frame, without the flags
/// that are about one hop.
pub fn encode_item(item: &Item, out: &mut Vec<u8>) {
    write_item_body(item, false, false, out);
}

/// The item that [`encode_item`] wrote.
///
/// # Errors
/// The bytes are no item, hold more than one, or exceed a limit.
pub fn decode_item(bytes: &[u8]) -> Result<Arc<Item>, DecodeError> {
    let mut reader = Reader::new(bytes);
    let (item, ..) = read_item(&mut reader)?;
    reader.finish()?;
    Ok(Arc::new(item))
}

pub(super) fn write_item_body(
    item: &Item,
    wants_feedback: bool,
    by_repair: bool,
    out: &mut impl Sink,
) {
    let bit = |given: bool, bit: u8| if given { bit } else { 0 };
    out.u8(bit(wants_feedback, flag::WANTS_FEEDBACK)
        | bit(by_repair, flag::BY_REPAIR)
        | bit(item.repair, flag::REPAIRABLE)
        | bit(item.previous_in_topic.is_some(), flag::HAS_PREVIOUS)
        | bit(item.expires_unix_millis.is_some(), flag::HAS_EXPIRY)
        | bit(item.signature.is_some(), flag::SIGNED));
    out.u8(item.rounds_left);
    out.u8(item.hops);
    write_item_id(&item.id, out);
    out.u8(style_code(item.style));
    out.u8(item.fanout_count);
    out.u64(item.time.0);
    if let Some(previous) = item.previous_in_topic {
        out.varint(previous);
    }
    if let Some(expires) = item.expires_unix_millis {
        out.varint(expires);
    }
    out.bytes(item.path.as_str().as_bytes());
    out.length(item.headers.len());
    for header in &item.headers {
        out.bytes(header.name.as_bytes());
        out.bytes(&header.value);
    }
    out.bytes(&item.payload);
    if let Some(signature) = &item.signature {
        out.put(&signature[..]);
    }
}

pub(super) fn read_item_body(body: &mut Reader<'_>) -> Result<Frame, DecodeError> {
    let (item, wants_feedback, repair) = read_item(body)?;
    Ok(Frame::Item { item: Arc::new(item), wants_feedback, repair })
}

/// An item, and whether its frame wants feedback and comes by repair.
fn read_item(body: &mut Reader<'_>) -> Result<(Item, bool, bool), DecodeError> {
    let flags = body.u8()?;
    if flags & !flag::ALL != 0 {
        return Err(DecodeError::Invalid("item flags"));
    }
    let has = |bit: u8| flags & bit != 0;
    let rounds_left = body.u8()?;
    let hops = body.u8()?;
    let id = read_item_id(body)?;
    let style = read_style(body)?;
    let fanout_count = body.u8()?;
    let time = HybridTime(body.u64()?);
    let previous_in_topic = if has(flag::HAS_PREVIOUS) { Some(body.varint()?) } else { None };
    let expires_unix_millis = if has(flag::HAS_EXPIRY) { Some(body.varint()?) } else { None };
    let path = read_path(body)?;
    let headers = read_headers(body)?;
    let payload = Bytes::copy_from_slice(body.bytes(limits::PAYLOAD)?);
    let signature = if has(flag::SIGNED) { Some(Box::new(body.array()?)) } else { None };
    let item = Item {
        id,
        path,
        previous_in_topic,
        time,
        expires_unix_millis,
        style,
        repair: has(flag::REPAIRABLE),
        fanout_count,
        rounds_left,
        hops,
        headers,
        payload,
        signature,
    };
    Ok((item, has(flag::WANTS_FEEDBACK), has(flag::BY_REPAIR)))
}

fn style_code(style: Style) -> u8 {
    match style {
        Style::Auto => 0,
        Style::Direct => 1,
        Style::Push => 2,
        Style::LazyPush => 3,
        Style::Pull => 4,
        Style::PushPull => 5,
    }
}

fn read_style(body: &mut Reader<'_>) -> Result<Style, DecodeError> {
    Ok(match body.u8()? {
        0 => Style::Auto,
        1 => Style::Direct,
        2 => Style::Push,
        3 => Style::LazyPush,
        4 => Style::Pull,
        5 => Style::PushPull,
        _ => return Err(DecodeError::Invalid("style")),
    })
}

/// Only a path that is as [`Path::parse`] leaves it.
fn read_path(body: &mut Reader<'_>) -> Result<Path, DecodeError> {
    let text = body.str(limits::PATH)?;
    match Path::parse(text) {
        Ok(path) if path.as_str() == text => Ok(path),
        Ok(_) | Err(_) => Err(DecodeError::Invalid("path")),
    }
}

fn read_headers(body: &mut Reader<'_>) -> Result<Vec<Header>, DecodeError> {
    let count = body.count(limits::HEADERS, HEADER_BYTES_MIN)?;
    let mut headers = Vec::with_capacity(count);
    let mut room = limits::HEADER_BYTES.max;
    for _ in 0..count {
        let name = body.str(limits::HEADER_BYTES)?;
        let value = body.bytes(limits::HEADER_BYTES)?;
        room = room.checked_sub(name.len() + value.len()).ok_or({
            let Limit { what, max } = limits::HEADER_BYTES;
            let given = (max - room + name.len() + value.len()) as u64;
            DecodeError::TooLong { what, given, max }
        })?;
        if !is_header_name(name) {
            return Err(DecodeError::Invalid("header name"));
        }
        headers.push(Header { name: name.into(), value: Bytes::copy_from_slice(value) });
    }
    Ok(headers)
}

/// Whether `name` is a token of RFC 9110 (section 5.6.2) in lower case, behind at most one `:`.
fn is_header_name(name: &str) -> bool {
    let token = name.strip_prefix(':').unwrap_or(name);
    !token.is_empty()
        && token.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte)
        })
}

pub(super) fn write_ids(ids: &[ItemId], out: &mut impl Sink) {
    out.length(ids.len());
    for id in ids {
        write_item_id(id, out);
    }
}

pub(super) fn read_ids(body: &mut Reader<'_>) -> Result<Vec<ItemId>, DecodeError> {
    let count = body.count(limits::IDS, ITEM_ID_BYTES_MIN)?;
    let mut ids = Vec::with_capacity(count);
    for _ in 0..count {
        ids.push(read_item_id(body)?);
    }
    Ok(ids)
}
