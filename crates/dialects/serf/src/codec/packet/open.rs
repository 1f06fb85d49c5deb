//! Taking a datagram's layers off.

use super::{Layers, compound};
use crate::codec::crc::crc32;
use crate::codec::label;
use crate::codec::message::{Compressed, Kind, Message};
use crate::codec::msgpack::Reader;
use crate::codec::seal::OpenError;
use crate::limits::{DATAGRAM_BYTES_MAX, DATAGRAM_MESSAGES, DATAGRAM_PLAIN, NESTING};
use bruit_wire::{DecodeError, Limit};

/// Why a datagram was refused whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PacketError {
    /// Longer than any that memberlist reads.
    #[error("a datagram of {0} bytes")]
    TooLong(usize),
    /// It has the label of another cluster, or none, or one too many.
    #[error("the label is of another cluster")]
    Label,
    /// It is not sealed with a key of ours.
    #[error("not authentic")]
    Sealed(#[from] OpenError),
    /// It was altered on its way.
    #[error("the checksum is wrong")]
    Checksum,
    /// Nothing in it is a message.
    #[error("no message in it")]
    Malformed(#[from] DecodeError),
}

/// What was in a datagram. A part that is wrong does not spoil the others, as in memberlist.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Opened {
    /// The messages, in order.
    pub messages: Vec<Message>,
    /// How many parts were no messages, or beyond a limit.
    pub malformed: usize,
    /// How many parts of compounds were cut off.
    pub cut_off: usize,
    /// Whether it was sealed.
    pub was_sealed: bool,
}

impl Layers {
    /// Takes a datagram apart.
    ///
    /// # Errors
    /// See [`PacketError`].
    pub fn open(&self, datagram: &[u8]) -> Result<Opened, PacketError> {
        if datagram.len() > DATAGRAM_BYTES_MAX {
            return Err(PacketError::TooLong(datagram.len()));
        }
        let (label, rest) = label::split(datagram)?;
        if label != self.label.as_bytes() {
            return Err(PacketError::Label);
        }
        let text = match &self.keyring {
            Some(keyring) => match keyring.open(label, rest) {
                Ok(text) => Some(text),
                Err(_) if !self.verify_incoming => None,
                Err(error) => return Err(error.into()),
            },
            None => None,
        };
        let message = checked(text.as_deref().unwrap_or(rest))?;
        let mut unpacking = Unpacking { opened: Opened::default(), bytes: 0, first: None };
        unpacking.opened.was_sealed = text.is_some();
        unpacking.take(message, 0);
        match (unpacking.first, unpacking.opened.messages.is_empty()) {
            (Some(error), true) => Err(error.into()),
            _ => Ok(unpacking.opened),
        }
    }
}

/// Takes the checksum off, if there is one.
fn checked(text: &[u8]) -> Result<&[u8], PacketError> {
    let Some((&[kind, a, b, c, d], rest)) = text.split_first_chunk() else { return Ok(text) };
    if kind != Kind::HasCrc.byte() {
        return Ok(text);
    }
    let expected = u32::from_be_bytes([a, b, c, d]);
    if crc32(rest) == expected { Ok(rest) } else { Err(PacketError::Checksum) }
}

struct Unpacking {
    opened: Opened,
    /// What was uncompressed so far, all together.
    bytes: usize,
    first: Option<DecodeError>,
}

impl Unpacking {
    fn take(&mut self, message: &[u8], depth: usize) {
        if let Err(error) = self.try_take(message, depth) {
            self.opened.malformed += 1;
            self.first.get_or_insert(error);
        }
    }

    fn try_take(&mut self, message: &[u8], depth: usize) -> Result<(), DecodeError> {
        let (&kind, body) = message.split_first().ok_or(DecodeError::Truncated)?;
        DATAGRAM_MESSAGES.check((self.opened.messages.len() + self.opened.malformed) as u64 + 1)?;
        if kind == Kind::Compound.byte() {
            NESTING.check(depth as u64 + 1)?;
            let (parts, cut_off) = compound::split(body)?;
            self.opened.cut_off += cut_off;
            parts.into_iter().for_each(|part| self.take(part, depth + 1));
        } else if kind == Kind::Compress.byte() {
            NESTING.check(depth as u64 + 1)?;
            let left = Limit { max: DATAGRAM_PLAIN.max - self.bytes, ..DATAGRAM_PLAIN };
            let inner = Compressed::read(&mut Reader::new(body))?.decompress(left)?;
            self.bytes += inner.len();
            self.take(&inner, depth + 1);
        } else {
            self.opened.messages.push(Message::decode(message)?);
        }
        Ok(())
    }
}
