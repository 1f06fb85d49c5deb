//! How long the first value of a slice is: on a stream nothing else says where a message ends.

use super::mark;
use bruit_wire::{DecodeError, Limit};

/// How many bytes a value takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// It is there, in so many bytes.
    Whole(usize),
    /// It takes at least so many bytes, more than are there.
    AtLeast(usize),
}

/// Finds the end of the first value of `bytes`, which may be cut off.
///
/// # Errors
/// [`DecodeError::TooLong`] as soon as it is known that the value takes more than `limit` bytes;
/// [`DecodeError::Invalid`] for a byte that begins no value.
pub fn extent(bytes: &[u8], limit: Limit) -> Result<Extent, DecodeError> {
    let mut position = 0_u64;
    // Values that are yet to come; each takes a byte at least.
    let mut values = 1_u64;
    while values > 0 {
        limit.check(position.saturating_add(values))?;
        let at = usize::try_from(position).unwrap_or(usize::MAX);
        let Some((&first, after)) = bytes.get(at..).and_then(<[u8]>::split_first) else {
            return at_least(position + values);
        };
        let size_bytes = size_bytes(first)?;
        let Some(size) = after.get(..size_bytes) else {
            return at_least(position + values + size_bytes as u64);
        };
        let size = size.iter().fold(0_u64, |sum, &byte| sum << 8 | u64::from(byte));
        let (body, inner) = contents(first, size);
        position += 1 + size_bytes as u64 + body;
        values = values - 1 + inner;
    }
    let length = limit.check(position)?;
    Ok(if length <= bytes.len() { Extent::Whole(length) } else { Extent::AtLeast(length) })
}

fn at_least(bytes: u64) -> Result<Extent, DecodeError> {
    usize::try_from(bytes).map(Extent::AtLeast).map_err(|_| DecodeError::Truncated)
}

/// How many bytes behind the first say how much there is.
const fn size_bytes(first: u8) -> Result<usize, DecodeError> {
    Ok(match first {
        mark::BIN8 | mark::STR8 | mark::EXT8 => 1,
        mark::BIN16 | mark::STR16 | mark::EXT16 | mark::ARRAY16 | mark::MAP16 => 2,
        mark::BIN32 | mark::STR32 | mark::EXT32 | mark::ARRAY32 | mark::MAP32 => 4,
        0xc1 => return Err(DecodeError::Invalid("MessagePack value")),
        _ => 0,
    })
}

/// How many bytes, and how many values, belong to a value with this first byte and size.
fn contents(first: u8, size: u64) -> (u64, u64) {
    match first {
        0x80..=0x8f => (0, 2 * u64::from(first & 0x0f)),
        0x90..=0x9f => (0, u64::from(first & 0x0f)),
        0xa0..=0xbf => (u64::from(first & 0x1f), 0),
        mark::BIN8 | mark::BIN16 | mark::BIN32 => (size, 0),
        mark::STR8 | mark::STR16 | mark::STR32 => (size, 0),
        mark::EXT8 | mark::EXT16 | mark::EXT32 => (size + 1, 0),
        mark::UINT8 | mark::INT8 => (1, 0),
        mark::UINT16 | mark::INT16 => (2, 0),
        mark::UINT32 | mark::INT32 | mark::FLOAT32 => (4, 0),
        mark::UINT64 | mark::INT64 | mark::FLOAT64 => (8, 0),
        mark::FIXEXT1..=mark::FIXEXT16 => (1 + (1 << (first - mark::FIXEXT1)), 0),
        mark::ARRAY16 | mark::ARRAY32 => (0, size),
        mark::MAP16 | mark::MAP32 => (0, 2 * size),
        _ => (0, 0),
    }
}
