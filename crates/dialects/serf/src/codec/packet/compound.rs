//! Several messages in one: a count, their lengths, and the messages back to back.

use crate::codec::message::Kind;
use crate::limits::PARTS_MAX;
use bruit_wire::{DecodeError, Reader, Sink as _};

/// Joins messages of at most 65,535 bytes each into as few compounds as hold them, of at most
/// [`PARTS_MAX`] each.
///
/// # Panics
/// If a message is longer.
pub fn compound(messages: &[impl AsRef<[u8]>]) -> Vec<Vec<u8>> {
    messages.chunks(PARTS_MAX).map(join).collect()
}

fn join(messages: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let count = u8::try_from(messages.len()).expect("a chunk has at most 255");
    let mut out = vec![Kind::Compound.byte(), count];
    for message in messages {
        let length = message.as_ref().len();
        out.u16(u16::try_from(length).expect("a message fits into a datagram"));
    }
    messages.iter().for_each(|message| out.put(message.as_ref()));
    out
}

/// Takes a compound apart, without its type: its parts, and how many of them are cut off.
pub(crate) fn split(bytes: &[u8]) -> Result<(Vec<&[u8]>, usize), DecodeError> {
    let mut reader = Reader::new(bytes);
    let count = usize::from(reader.u8()?);
    let mut lengths = Reader::new(reader.take(2 * count)?);
    let mut parts = Vec::with_capacity(count);
    while !lengths.is_empty() {
        match reader.take(lengths.u16()?.into()) {
            Ok(part) => parts.push(part),
            Err(_) => break,
        }
    }
    let cut_off = count - parts.len();
    Ok((parts, cut_off))
}
