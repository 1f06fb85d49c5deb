//! A message without layers, read structure by structure from bytes that may not all be there.

use super::{PushPull, StreamMessage};
use crate::codec::message::{Ack, Failure, Kind, NodeState, Ping, PushPullHeader, UserHeader};
use crate::codec::msgpack::{Extent, Reader, extent};
use crate::limits::{NODE_BYTES, NODES, STRUCTURE, USER_MESSAGE, USER_STATE};
use bruit_wire::{DecodeError, Limit};
use bytes::Bytes;

/// Where reading has come to.
#[derive(Debug)]
pub(super) enum Body {
    /// At the type.
    Kind,
    /// At the only structure of a message of this type, or its header.
    Structure(Kind),
    /// At a node of a push/pull.
    Nodes { state: PushPull, left: usize, user_state_len: usize, bytes: usize },
    /// At the bytes behind the structures.
    Bytes { message: StreamMessage, length: usize },
    /// At the end.
    Done,
}

/// What a step came to.
pub(super) enum Step {
    /// It read so many bytes.
    Read(usize),
    /// It needs so many bytes to be there.
    Needs(usize),
    /// The message is whole; so many bytes were read for its last part.
    Whole(StreamMessage, usize),
}

impl Body {
    /// Reads the next part from `bytes`.
    pub(super) fn step(&mut self, bytes: &[u8]) -> Result<Step, DecodeError> {
        match std::mem::replace(self, Self::Done) {
            Self::Kind => self.at_kind(bytes),
            Self::Structure(kind) => self.at_structure(kind, bytes),
            Self::Nodes { state, left: 0, user_state_len, .. } => {
                *self =
                    Self::Bytes { message: StreamMessage::PushPull(state), length: user_state_len };
                Ok(Step::Read(0))
            }
            Self::Nodes { state, left, user_state_len, bytes: before } => {
                let (state, read) = match whole(bytes, STRUCTURE)? {
                    Ok(node) => (push(state, node)?, node.len()),
                    Err(needs) => {
                        *self = Self::Nodes { state, left, user_state_len, bytes: before };
                        return Ok(Step::Needs(needs));
                    }
                };
                let bytes = NODE_BYTES.check((before + read) as u64)?;
                *self = Self::Nodes { state, left: left - 1, user_state_len, bytes };
                Ok(Step::Read(read))
            }
            Self::Bytes { message, length } => match bytes.get(..length) {
                Some(rest) => Ok(Step::Whole(with_bytes(message, rest), length)),
                None => {
                    *self = Self::Bytes { message, length };
                    Ok(Step::Needs(length))
                }
            },
            Self::Done => Err(DecodeError::Trailing(bytes.len())),
        }
    }

    fn at_kind(&mut self, bytes: &[u8]) -> Result<Step, DecodeError> {
        let Some(&first) = bytes.first() else {
            *self = Self::Kind;
            return Ok(Step::Needs(1));
        };
        let kind = Kind::from_byte(first).ok_or(DecodeError::Invalid("type of a message"))?;
        *self = Self::Structure(kind);
        Ok(Step::Read(1))
    }

    fn at_structure(&mut self, kind: Kind, bytes: &[u8]) -> Result<Step, DecodeError> {
        let structure = match whole(bytes, STRUCTURE)? {
            Ok(structure) => structure,
            Err(needs) => {
                *self = Self::Structure(kind);
                return Ok(Step::Needs(needs));
            }
        };
        let reader = &mut Reader::new(structure);
        let read = structure.len();
        Ok(match kind {
            Kind::Ping => Step::Whole(StreamMessage::Ping(Ping::read(reader)?), read),
            Kind::Ack => Step::Whole(StreamMessage::Ack(Ack::read(reader)?), read),
            Kind::Error => Step::Whole(StreamMessage::Failure(Failure::read(reader)?), read),
            Kind::User => {
                let length = length(UserHeader::read(reader)?.length, USER_MESSAGE)?;
                *self = Self::Bytes { message: StreamMessage::User(Bytes::new()), length };
                Step::Read(read)
            }
            Kind::PushPull => {
                let header = PushPullHeader::read(reader)?;
                let state = PushPull { join: header.join, ..PushPull::default() };
                let left = length(header.nodes, NODES)?;
                let user_state_len = length(header.user_state_len, USER_STATE)?;
                *self = Self::Nodes { state, left, user_state_len, bytes: 0 };
                Step::Read(read)
            }
            Kind::IndirectPing
            | Kind::Suspect
            | Kind::Alive
            | Kind::Dead
            | Kind::Compound
            | Kind::Compress
            | Kind::Encrypt
            | Kind::Nack
            | Kind::HasCrc
            | Kind::HasLabel => return Err(DecodeError::Invalid("type of a message on a stream")),
        })
    }
}

/// The first structure of `bytes`, or how many bytes it needs to be there.
fn whole(bytes: &[u8], limit: Limit) -> Result<Result<&[u8], usize>, DecodeError> {
    Ok(match extent(bytes, limit)? {
        Extent::Whole(length) => Ok(&bytes[..length]),
        Extent::AtLeast(needs) => Err(needs),
    })
}

/// A node without a name would be nobody, and take far more memory than bytes.
fn push(mut state: PushPull, node: &[u8]) -> Result<PushPull, DecodeError> {
    let node = NodeState::read(&mut Reader::new(node))?;
    if node.name.is_empty() {
        return Err(DecodeError::Invalid("node: it has no name"));
    }
    state.nodes.push(node);
    Ok(state)
}

fn length(given: i64, limit: Limit) -> Result<usize, DecodeError> {
    let given = u64::try_from(given).map_err(|_| DecodeError::Invalid("length: it is negative"))?;
    limit.check(given)
}

fn with_bytes(message: StreamMessage, rest: &[u8]) -> StreamMessage {
    let bytes = Bytes::copy_from_slice(rest);
    match message {
        StreamMessage::PushPull(state) => {
            StreamMessage::PushPull(PushPull { user_state: bytes, ..state })
        }
        StreamMessage::User(_) => StreamMessage::User(bytes),
        other @ (StreamMessage::Ping(_) | StreamMessage::Ack(_) | StreamMessage::Failure(_)) => {
            other
        }
    }
}
