//! What members say to each other, without the layers around it.
//!
//! Source: memberlist `net.go`, the structures at its head.

mod alive;
mod claim;
mod envelope;
mod kind;
mod probe;
mod state;

pub use alive::{Alive, Versions};
pub use claim::Claim;
pub use envelope::{Compressed, Failure, UserHeader};
pub use kind::Kind;
pub use probe::{Ack, IndirectPing, Nack, Ping};
pub use state::{NodeState, PushPullHeader, State};

use super::msgpack::{Form, Reader};
use bruit_wire::{DecodeError, Sink};
use bytes::Bytes;

/// A message that travels in a datagram.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Are you there?
    Ping(Ping),
    /// Is that one there?
    IndirectPing(IndirectPing),
    /// I am, or that one is.
    Ack(Ack),
    /// That one did not answer me.
    Nack(Nack),
    /// A member that may have failed.
    Suspect(Claim),
    /// A member that is there, or says so itself.
    Alive(Alive),
    /// A member that failed, or left if it says so itself.
    Dead(Claim),
    /// What is above memberlist: Serf's messages.
    User(Bytes),
}

impl Message {
    /// Reads one, its type first. What follows a structure is ignored, as in memberlist.
    ///
    /// # Errors
    /// What is wrong with the bytes; a type that is no message of a datagram is
    /// [`DecodeError::Invalid`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (&kind, body) = bytes.split_first().ok_or(DecodeError::Truncated)?;
        let reader = &mut Reader::new(body);
        Ok(match Kind::from_byte(kind) {
            Some(Kind::Ping) => Self::Ping(Ping::read(reader)?),
            Some(Kind::IndirectPing) => Self::IndirectPing(IndirectPing::read(reader)?),
            Some(Kind::Ack) => Self::Ack(Ack::read(reader)?),
            Some(Kind::Nack) => Self::Nack(Nack::read(reader)?),
            Some(Kind::Suspect) => Self::Suspect(Claim::read(reader)?),
            Some(Kind::Alive) => Self::Alive(Alive::read(reader)?),
            Some(Kind::Dead) => Self::Dead(Claim::read(reader)?),
            Some(Kind::User) => Self::User(Bytes::copy_from_slice(body)),
            Some(
                Kind::PushPull
                | Kind::Compound
                | Kind::Compress
                | Kind::Encrypt
                | Kind::HasCrc
                | Kind::Error
                | Kind::HasLabel,
            )
            | None => return Err(DecodeError::Invalid("type of a message in a datagram")),
        })
    }

    /// Writes it, its type first.
    pub fn encode<S: Sink>(&self, form: Form, out: &mut S) {
        out.u8(self.kind().byte());
        match self {
            Self::Ping(ping) => ping.write(form, out),
            Self::IndirectPing(ping) => ping.write(form, out),
            Self::Ack(ack) => ack.write(form, out),
            Self::Nack(nack) => nack.write(form, out),
            Self::Suspect(claim) | Self::Dead(claim) => claim.write(form, out),
            Self::Alive(alive) => alive.write(form, out),
            Self::User(bytes) => out.put(bytes),
        }
    }

    /// Its type.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Ping(_) => Kind::Ping,
            Self::IndirectPing(_) => Kind::IndirectPing,
            Self::Ack(_) => Kind::Ack,
            Self::Nack(_) => Kind::Nack,
            Self::Suspect(_) => Kind::Suspect,
            Self::Alive(_) => Kind::Alive,
            Self::Dead(_) => Kind::Dead,
            Self::User(_) => Kind::User,
        }
    }
}
