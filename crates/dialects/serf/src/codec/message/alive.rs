//! That a member is there, and what it is.

use crate::codec::msgpack::record;
use crate::limits::{ADDR, META, NAME, RECORD, VERSIONS};
use bytes::Bytes;

record! {
    /// A member with its address, metadata and versions.
    pub struct Alive {
        /// 4 or 16 bytes.
        "Addr" addr: Option<Bytes>, ADDR;
        /// Which of its claims about itself this is.
        "Incarnation" incarnation: u32, RECORD;
        /// At most 512 bytes; with Serf, its tags.
        "Meta" meta: Option<Bytes>, META;
        /// Its name, which is its identity.
        "Node" node: String, NAME;
        /// Its port; 0 from members of protocol 1: the receiver's own.
        "Port" port: u16, RECORD;
        /// As [`Versions`] has them, where they are complete.
        "Vsn" versions: Option<Bytes>, VERSIONS;
    }
    source ["Incarnation", "Node", "Addr", "Port", "Meta", "Vsn"]
}

/// The six bytes that say which versions a member understands and speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// The lowest, highest and spoken version of memberlist's protocol.
    pub protocol: [u8; 3],
    /// The same of what is above it: with Serf, of Serf's protocol.
    pub delegate: [u8; 3],
}

impl Versions {
    /// Takes the field of a message; `None` if it has fewer than six bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (protocol, rest) = bytes.split_first_chunk()?;
        Some(Self { protocol: *protocol, delegate: *rest.first_chunk()? })
    }

    /// As the field of a message.
    pub fn to_bytes(self) -> Bytes {
        Bytes::copy_from_slice(&[self.protocol, self.delegate].concat())
    }
}
