//! A datagram: its layers put on and taken off.
//!
//! ```text
//!   label | version nonce seal( crc | compress( compound( message, message ... ))) tag
//! ```
//!
//! Source: memberlist `net.go` `rawSendMsgPacket`, `ingestPacket`, `handleCommand`; `util.go`
//! `makeCompoundMessages`.

mod compound;
mod open;
#[cfg(test)]
mod tests;

pub use compound::compound;
pub use open::{Opened, PacketError};

use super::crc::crc32;
use super::label::Label;
use super::lzw;
use super::message::{Compressed, Kind};
use super::msgpack::Form;
use super::seal::{Keyring, NonceBytes, SealVersion};
use bruit_wire::Sink as _;
use bytes::Bytes;

/// What a cluster agrees on, by which datagrams and streams are wrapped.
#[derive(Clone, Debug)]
pub struct Layers {
    /// The cluster's name.
    pub label: Label,
    /// The cluster's keys, if it has any.
    pub keyring: Option<Keyring>,
    /// Whether what is not sealed is refused (memberlist `GossipVerifyIncoming`).
    pub verify_incoming: bool,
    /// Whether what is sent is sealed (memberlist `GossipVerifyOutgoing`).
    pub verify_outgoing: bool,
    /// Whether what is sent is compressed (memberlist `EnableCompression`).
    pub compression: bool,
    /// Version 0 is for clusters in which members speak protocol 1.
    pub seal_version: SealVersion,
    /// Whose bytes are written.
    pub form: Form,
}

impl Layers {
    /// No label, no key, with compression: memberlist's default.
    pub fn plain() -> Self {
        Self {
            label: Label::default(),
            keyring: None,
            verify_incoming: true,
            verify_outgoing: true,
            compression: true,
            seal_version: SealVersion::V1,
            form: Form::GOSSIP,
        }
    }

    /// The keyring that seals what is sent, if it is to be sealed.
    pub(crate) const fn sealing(&self) -> Option<&Keyring> {
        if self.verify_outgoing { self.keyring.as_ref() } else { None }
    }

    /// How many bytes of messages fit into a datagram of `datagram_bytes`, as memberlist counts:
    /// two bytes go to the compound, and each message takes two more than its own.
    pub const fn room(&self, datagram_bytes: usize) -> usize {
        let seal = match self.sealing() {
            Some(_) => self.seal_version.overhead_max(),
            None => 0,
        };
        datagram_bytes.saturating_sub(2 + self.label.overhead() + seal)
    }

    /// Writes a datagram that holds `message`: one message, or a [`compound()`] of several.
    /// `checked` is for a receiver whose highest protocol is 5 or more. `nonce` is used once, ever,
    /// and only with a key.
    pub fn datagram(&self, message: &[u8], checked: bool, nonce: NonceBytes, out: &mut Vec<u8>) {
        let packed = self.compression.then(|| self.compress(message));
        let message = match &packed {
            Some(packed) if packed.len() < message.len() => packed,
            Some(_) | None => message,
        };
        self.label.write(out);
        let begin = out.len();
        if checked {
            out.u8(Kind::HasCrc.byte());
            out.u32(crc32(message));
        }
        out.put(message);
        if let Some(keyring) = self.sealing() {
            let text = out.split_off(begin);
            let data = self.label.as_bytes();
            keyring.primary().seal(self.seal_version, nonce, data, &text, out);
        }
    }

    /// `message` as a compressed one.
    pub(crate) fn compress(&self, message: &[u8]) -> Vec<u8> {
        let mut out = vec![Kind::Compress.byte()];
        let bytes = Bytes::from(lzw::compress(message));
        Compressed { algorithm: Compressed::LZW, bytes }.write(self.form, &mut out);
        out
    }
}
