//! What stands in front of a sealed datagram, in clear.

use super::cookie::Cookie;
use super::crypto::{SEAL_BYTES, Tag};
use crate::writer::Sink;
use crate::{DecodeError, Reader};
use bruit_model::{NodeId, Rejected};

/// First bytes: what it is, and the version of its form. A number is never used again.
const LONG: u8 = 0xb1;
const SHORT: u8 = 0xb2;
const HELLO: u8 = 0xb3;
const CHALLENGE: u8 = 0xb4;

/// How long a challenge is. No shorter datagram is answered by one.
pub(super) const CHALLENGE_BYTES: usize = 1 + 8 + 6 + 16;
/// The longest header, and the seal.
pub(super) const OVERHEAD_MAX: usize = 1 + 1 + 16 + 8 + 6 + 16 + 16 + SEAL_BYTES;

/// Counters have 48 bits.
pub(super) const COUNTER_MAX: u64 = (1 << 48) - 1;

/// A run, in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) id: NodeId,
    pub(super) start: u64,
}

impl Run {
    pub(super) fn tag(self) -> Tag {
        Tag::of(self.id, self.start)
    }
}

/// The header of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// Sealed, from a run that the receiver may not know.
    Long { key_id: u8, run: Run, counter: u64 },
    /// Sealed, from a run that the receiver should know.
    Short { key_id: u8, tag: Tag, counter: u64 },
    /// Sealed; returns the receiver's cookie, and offers one to come back with.
    Hello { key_id: u8, run: Run, counter: u64, cookie: Cookie, offer: Cookie },
    /// Not sealed: "who is that? Say it with this cookie." Names the datagram that it is about.
    Challenge { tag: Tag, counter: u64, cookie: Cookie },
}

impl Header {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Long { key_id, run, counter } => {
                out.put(&[LONG, *key_id]);
                write_run(*run, out);
                write_counter(*counter, out);
            }
            Self::Short { key_id, tag, counter } => {
                out.put(&[SHORT, *key_id]);
                out.put(&tag.0);
                write_counter(*counter, out);
            }
            Self::Hello { key_id, run, counter, cookie, offer } => {
                out.put(&[HELLO, *key_id]);
                write_run(*run, out);
                write_counter(*counter, out);
                out.put(&cookie.0);
                out.put(&offer.0);
            }
            Self::Challenge { tag, counter, cookie } => {
                out.u8(CHALLENGE);
                out.put(&tag.0);
                write_counter(*counter, out);
                out.put(&cookie.0);
            }
        }
    }

    /// The header, and what follows it.
    pub(super) fn parse(datagram: &[u8]) -> Result<(Self, &[u8]), Rejected> {
        let mut reader = Reader::new(datagram);
        let kind = reader.u8().map_err(|_| Rejected::Truncated)?;
        let header = match kind {
            LONG => Self::read_long(&mut reader),
            SHORT => Self::read_short(&mut reader),
            HELLO => Self::read_hello(&mut reader),
            CHALLENGE => Self::read_challenge(&mut reader),
            _ => return Err(Rejected::UnknownVersion),
        };
        let header = header.map_err(|_| Rejected::Truncated)?;
        let rest = &datagram[datagram.len() - reader.remaining()..];
        match header {
            Self::Challenge { .. } if !rest.is_empty() => Err(Rejected::Oversized),
            Self::Challenge { .. } => Ok((header, rest)),
            Self::Long { .. } | Self::Short { .. } | Self::Hello { .. } => {
                if rest.len() < SEAL_BYTES { Err(Rejected::Truncated) } else { Ok((header, rest)) }
            }
        }
    }

    fn read_long(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (key_id, run) = (reader.u8()?, read_run(reader)?);
        Ok(Self::Long { key_id, run, counter: read_counter(reader)? })
    }

    fn read_short(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (key_id, tag) = (reader.u8()?, Tag(reader.array()?));
        Ok(Self::Short { key_id, tag, counter: read_counter(reader)? })
    }

    fn read_hello(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (key_id, run, counter) = (reader.u8()?, read_run(reader)?, read_counter(reader)?);
        let (cookie, offer) = (Cookie(reader.array()?), Cookie(reader.array()?));
        Ok(Self::Hello { key_id, run, counter, cookie, offer })
    }

    fn read_challenge(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (tag, counter) = (Tag(reader.array()?), read_counter(reader)?);
        Ok(Self::Challenge { tag, counter, cookie: Cookie(reader.array()?) })
    }
}

fn write_run(run: Run, out: &mut Vec<u8>) {
    out.put(&run.id.0);
    out.u64(run.start);
}

fn read_run(reader: &mut Reader<'_>) -> Result<Run, DecodeError> {
    Ok(Run { id: NodeId(reader.array()?), start: reader.u64()? })
}

fn write_counter(counter: u64, out: &mut Vec<u8>) {
    debug_assert!(counter <= COUNTER_MAX, "counters have 48 bits");
    out.put(&counter.to_be_bytes()[2..]);
}

fn read_counter(reader: &mut Reader<'_>) -> Result<u64, DecodeError> {
    let high = u64::from(reader.u16()?);
    Ok(high << 32 | u64::from(reader.u32()?))
}
