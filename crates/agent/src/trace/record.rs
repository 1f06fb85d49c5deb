//! What one agent answers about one item, in at most [`Ask::PART_BYTES_MAX`] bytes.
//!
//! Layout, integers big endian: version (1 byte, 0x01); flags (1: 0x01 it was seen, 0x02 it is
//! described, 0x04 something was cut for room); the answering agent's clock (8, nanoseconds since
//! 1970-01-01 UTC, as all clocks here); since when its log goes back (8). If described: the
//! item's origin (16), start number (8), sequence number (8), acceptance (8, milliseconds),
//! payload's length (4), length of the path (2), as much of the path as there is room for. If
//! seen: when the first copy came (8), via (1, all ones for forgotten), hops (1), copies (4,
//! saturating), from whom (16, zeros if it was accepted there), whether subscriptions
//! were looked up (1, 0x01 yes), how many
//! match (2, saturating), how many deliveries follow (1); and each of these: length of the
//! subscription's name (1), name, how it ended (1), last status (2, 0 for none), attempts (4),
//! time to its end (8, all ones for none), length of the reason (1), reason, how many attempts
//! follow (1); and each of these, the last ones: status (2), beginning after the offer (4,
//! milliseconds), duration (4, milliseconds), length of the error (1), error.
//!
//! Where room is short, deliveries lose their attempts and reasons first, then the last of them
//! are left out. The origin of the question is the receiver and the agent the authenticated
//! sender, so neither is in it.

use super::log::{Delivery, Ended, Offered, TEXT_BYTES_MAX, TRIES_MAX, Try, cut};
use crate::receipts::NAME_BYTES_MAX;
use bruit_model::{Ask, Item, ItemId, NodeId, Path, Style};
use bruit_wire::{DecodeError, Reader, Sink as _};
use bytes::Bytes;
use std::time::Duration;

const VERSION: u8 = 0x01;
const SEEN: u8 = 0x01;
const DESCRIBED: u8 = 0x02;
const CUT: u8 = 0x04;
/// How much of an item's path is told, in bytes.
const PATH_BYTES_MAX: usize = 256;
/// Stands for an end that has not come.
const NO_TIME: u64 = u64::MAX;

/// How the first copy of an item came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Via {
    /// It was accepted there.
    Local,
    /// Anti-entropy brought it.
    Repair,
    /// The style of the item brought it.
    Style(Style),
}

impl Via {
    /// Stands for a way that is not known.
    const NONE: u8 = 0xff;

    const fn code(self) -> u8 {
        match self {
            Self::Local => 0,
            Self::Repair => 1,
            Self::Style(Style::Auto) => 2,
            Self::Style(Style::Direct) => 3,
            Self::Style(Style::Push) => 4,
            Self::Style(Style::LazyPush) => 5,
            Self::Style(Style::Pull) => 6,
            Self::Style(Style::PushPull) => 7,
        }
    }

    const fn of_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Local,
            1 => Self::Repair,
            2 => Self::Style(Style::Auto),
            3 => Self::Style(Style::Direct),
            4 => Self::Style(Style::Push),
            5 => Self::Style(Style::LazyPush),
            6 => Self::Style(Style::Pull),
            7 => Self::Style(Style::PushPull),
            _ => return None,
        })
    }

    /// The word for it, in the API.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Repair => "repair",
            Self::Style(style) => bruit_model::style_word(style),
        }
    }
}

/// What an item is, for an agent that does not hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Described {
    /// Its id.
    pub(crate) id: ItemId,
    /// When its origin accepted it, milliseconds since 1970-01-01 UTC, by the origin's clock.
    pub(crate) accepted_unix_millis: u64,
    /// The length of its payload.
    pub(crate) payload_bytes: u32,
    /// Its path, or the beginning of it.
    pub(crate) path: String,
}

impl Described {
    /// What is told of an item that is held.
    pub(crate) fn of_item(item: &Item) -> Self {
        Self::new(item.id, item.time.unix_millis(), item.payload.len(), &item.path)
    }

    /// What is told of an item that is remembered.
    pub(crate) fn of_offered(id: ItemId, offered: &Offered) -> Self {
        let Offered { accepted_unix_millis, payload_bytes, .. } = *offered;
        Self::new(id, accepted_unix_millis, payload_bytes, &offered.path)
    }

    fn new(id: ItemId, accepted_unix_millis: u64, payload_bytes: usize, path: &Path) -> Self {
        let path = path.as_str().to_owned();
        let payload_bytes = u32::try_from(payload_bytes).unwrap_or(u32::MAX);
        Self { id, accepted_unix_millis, payload_bytes, path }
    }
}

/// What became of an item at an agent that has seen it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// When its first copy came, nanoseconds since 1970-01-01 UTC, by that agent's clock.
    pub(crate) received_unix_nanos: u64,
    /// How; `None` if that is forgotten, with all of this but when.
    pub(crate) via: Option<Via>,
    /// How many hops brought it.
    pub(crate) hops: u8,
    /// How many copies came in all, saturating.
    pub(crate) copies: u32,
    /// From whom; `None` if it was accepted there, or is forgotten.
    pub(crate) from: Option<NodeId>,
    /// Whether it was offered to the subscriptions, as far as that is remembered.
    pub(crate) is_offered: bool,
    /// How many subscriptions match.
    pub(crate) matching: u16,
    /// The deliveries, or the first of them.
    pub(crate) deliveries: Vec<Delivery>,
}

/// One agent's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// Its clock when it answered, nanoseconds since 1970-01-01 UTC.
    pub(crate) now_unix_nanos: u64,
    /// Since when its log goes back, by that clock.
    pub(crate) log_since_unix_nanos: u64,
    /// Whether something was left out for lack of room.
    pub(crate) is_cut: bool,
    /// What the item is, where that was asked for and it is held.
    pub(crate) described: Option<Described>,
    /// What became of it; `None` if it has not been seen, or is forgotten.
    pub(crate) seen: Option<Seen>,
}

impl Record {
    /// The message, with as many deliveries as there is room for.
    pub(crate) fn encode(&self) -> Bytes {
        let mut bytes = Vec::with_capacity(Ask::PART_BYTES_MAX);
        let flag = |bit: u8, is_set: bool| if is_set { bit } else { 0 };
        let flags = flag(SEEN, self.seen.is_some()) | flag(DESCRIBED, self.described.is_some());
        bytes.put(&[VERSION, flags | flag(CUT, self.is_cut)]);
        bytes.u64(self.now_unix_nanos);
        bytes.u64(self.log_since_unix_nanos);
        if let Some(described) = &self.described {
            put_described(described, &mut bytes);
        }
        if let Some(seen) = &self.seen
            && put_seen(seen, &mut bytes)
        {
            bytes[1] |= CUT;
        }
        bytes.into()
    }

    /// Takes a message.
    ///
    /// # Errors
    /// It is none that this version understands.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > Ask::PART_BYTES_MAX {
            return Err(DecodeError::Trailing(bytes.len() - Ask::PART_BYTES_MAX));
        }
        let mut body = Reader::new(bytes);
        if body.u8()? != VERSION {
            return Err(DecodeError::Invalid("version of a trace"));
        }
        let flags = body.u8()?;
        if flags & !(SEEN | DESCRIBED | CUT) != 0 {
            return Err(DecodeError::Invalid("flag of a trace"));
        }
        let has = |bit: u8| flags & bit != 0;
        let (now_unix_nanos, log_since_unix_nanos) = (body.u64()?, body.u64()?);
        let described = has(DESCRIBED).then(|| read_described(&mut body)).transpose()?;
        let seen = has(SEEN).then(|| read_seen(&mut body)).transpose()?;
        body.finish()?;
        let is_cut = has(CUT);
        Ok(Self { now_unix_nanos, log_since_unix_nanos, is_cut, described, seen })
    }
}

fn put_described(described: &Described, out: &mut Vec<u8>) {
    out.put(&described.id.origin.0);
    out.u64(described.id.start);
    out.u64(described.id.seq);
    out.u64(described.accepted_unix_millis);
    out.u32(described.payload_bytes);
    let path = cut(&described.path, PATH_BYTES_MAX);
    out.u16(u16::try_from(path.len()).expect("at most 256 bytes"));
    out.put(path.as_bytes());
}

fn read_described(body: &mut Reader<'_>) -> Result<Described, DecodeError> {
    let origin = NodeId(body.array()?);
    let id = ItemId { origin, start: body.u64()?, seq: body.u64()? };
    let (accepted_unix_millis, payload_bytes) = (body.u64()?, body.u32()?);
    let length = usize::from(body.u16()?);
    let path = read_text(body, length, PATH_BYTES_MAX)?;
    Ok(Described { id, accepted_unix_millis, payload_bytes, path })
}

/// Whether something was left out.
fn put_seen(seen: &Seen, out: &mut Vec<u8>) -> bool {
    out.u64(seen.received_unix_nanos);
    out.put(&[seen.via.map_or(Via::NONE, Via::code), seen.hops]);
    out.u32(seen.copies);
    out.put(&seen.from.map_or([0; 16], |from| from.0));
    out.u8(u8::from(seen.is_offered));
    out.u16(seen.matching);
    let count_at = out.len();
    out.u8(0);
    let (mut is_cut, mut count) = (false, 0_u8);
    let mut one = Vec::new();
    for delivery in &seen.deliveries {
        one.clear();
        put_delivery(delivery, true, &mut one);
        if out.len() + one.len() > Ask::PART_BYTES_MAX {
            is_cut = true;
            one.clear();
            put_delivery(delivery, false, &mut one);
        }
        if out.len() + one.len() > Ask::PART_BYTES_MAX || count == u8::MAX {
            break;
        }
        out.put(&one);
        count += 1;
    }
    out[count_at] = count;
    is_cut
}

fn read_seen(body: &mut Reader<'_>) -> Result<Seen, DecodeError> {
    let received_unix_nanos = body.u64()?;
    let via = match body.u8()? {
        Via::NONE => None,
        code => Some(Via::of_code(code).ok_or(DecodeError::Invalid("way of an item"))?),
    };
    let (hops, copies) = (body.u8()?, body.u32()?);
    let from = Some(NodeId(body.array()?)).filter(|from| from.0 != [0; 16]);
    if from.is_none() != matches!(via, None | Some(Via::Local)) {
        return Err(DecodeError::Invalid("sender of an item"));
    }
    let (is_offered, matching) = (body.bool()?, body.u16()?);
    let count = body.u8()?;
    // Nothing is made room for in advance: each delivery takes bytes that came.
    let mut deliveries = Vec::new();
    for _ in 0..count {
        deliveries.push(read_delivery(body)?);
    }
    Ok(Seen { received_unix_nanos, via, hops, copies, from, is_offered, matching, deliveries })
}

fn put_delivery(delivery: &Delivery, is_whole: bool, out: &mut Vec<u8>) {
    put_text(cut(&delivery.subscription, NAME_BYTES_MAX), out);
    out.u8(match delivery.ended {
        Ended::Queued => 0,
        Ended::InFlight => 1,
        Ended::Delivered => 2,
        Ended::Failed => 3,
    });
    out.u16(delivery.status.unwrap_or(0));
    out.u32(delivery.attempts);
    let nanos = |after: Duration| u64::try_from(after.as_nanos()).unwrap_or(NO_TIME - 1);
    out.u64(delivery.after.map_or(NO_TIME, nanos));
    put_text(if is_whole { cut(&delivery.reason, TEXT_BYTES_MAX) } else { "" }, out);
    let skipped =
        if is_whole { delivery.tries.len().saturating_sub(TRIES_MAX) } else { usize::MAX };
    let tries = delivery.tries.get(skipped..).unwrap_or_default();
    out.u8(u8::try_from(tries.len()).expect("at most 8"));
    for each in tries {
        let millis = |time: Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        out.u16(each.status.unwrap_or(0));
        out.u32(millis(each.at));
        out.u32(millis(each.took));
        put_text(cut(&each.error, TEXT_BYTES_MAX), out);
    }
}

fn read_delivery(body: &mut Reader<'_>) -> Result<Delivery, DecodeError> {
    let subscription = read_short(body, NAME_BYTES_MAX)?.into();
    let ended = match body.u8()? {
        0 => Ended::Queued,
        1 => Ended::InFlight,
        2 => Ended::Delivered,
        3 => Ended::Failed,
        _ => return Err(DecodeError::Invalid("end of a delivery")),
    };
    let status = Some(body.u16()?).filter(|status| *status != 0);
    let attempts = body.u32()?;
    let after = Some(body.u64()?).filter(|nanos| *nanos != NO_TIME).map(Duration::from_nanos);
    let reason = read_short(body, TEXT_BYTES_MAX)?.into();
    let count = body.u8()?;
    if usize::from(count) > TRIES_MAX {
        return Err(DecodeError::Invalid("number of attempts"));
    }
    let mut tries = Vec::new();
    for _ in 0..count {
        tries.push(Try {
            status: Some(body.u16()?).filter(|status| *status != 0),
            at: Duration::from_millis(body.u32()?.into()),
            took: Duration::from_millis(body.u32()?.into()),
            error: read_short(body, TEXT_BYTES_MAX)?.into(),
        });
    }
    Ok(Delivery { subscription, ended, status, attempts, after, reason, tries })
}

/// A text of at most 255 bytes behind its length.
fn put_text(text: &str, out: &mut Vec<u8>) {
    out.u8(u8::try_from(text.len()).expect("texts are cut to less than 256 bytes"));
    out.put(text.as_bytes());
}

fn read_short(body: &mut Reader<'_>, bytes_max: usize) -> Result<String, DecodeError> {
    let length = usize::from(body.u8()?);
    read_text(body, length, bytes_max)
}

fn read_text(body: &mut Reader<'_>, length: usize, max: usize) -> Result<String, DecodeError> {
    if length > max {
        return Err(DecodeError::TooLong { what: "a text, in bytes", given: length as u64, max });
    }
    let text = std::str::from_utf8(body.take(length)?);
    text.map(str::to_owned).map_err(|_| DecodeError::Invalid("UTF-8 text"))
}

#[cfg(test)]
mod tests;
