//! The first byte of a message.

/// What a message is. memberlist only ever appends to this list (`net.go` `messageType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A [`super::Ping`]; on a stream too.
    Ping = 0x00,
    /// A [`super::IndirectPing`].
    IndirectPing = 0x01,
    /// An [`super::Ack`]; on a stream as an answer.
    Ack = 0x02,
    /// A [`super::Claim`].
    Suspect = 0x03,
    /// An [`super::Alive`].
    Alive = 0x04,
    /// A [`super::Claim`].
    Dead = 0x05,
    /// On a stream: a [`super::PushPullHeader`], nodes and user state.
    PushPull = 0x06,
    /// Several messages.
    Compound = 0x07,
    /// Bytes for what is above memberlist; on a stream behind a [`super::UserHeader`].
    User = 0x08,
    /// A [`super::Compressed`].
    Compress = 0x09,
    /// On a stream: a length and a sealed message.
    Encrypt = 0x0a,
    /// A [`super::Nack`].
    Nack = 0x0b,
    /// A checksum of what follows.
    HasCrc = 0x0c,
    /// On a stream as an answer: a [`super::Failure`].
    Error = 0x0d,
    /// A label, in front of everything else.
    HasLabel = 0xf4,
}

impl Kind {
    const ALL: [Self; 15] = [
        Self::Ping,
        Self::IndirectPing,
        Self::Ack,
        Self::Suspect,
        Self::Alive,
        Self::Dead,
        Self::PushPull,
        Self::Compound,
        Self::User,
        Self::Compress,
        Self::Encrypt,
        Self::Nack,
        Self::HasCrc,
        Self::Error,
        Self::HasLabel,
    ];

    /// As it is written.
    pub const fn byte(self) -> u8 {
        self as u8
    }

    /// What `byte` means, if anything.
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.byte() == byte)
    }
}
