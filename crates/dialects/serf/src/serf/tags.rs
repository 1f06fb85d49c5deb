//! Tags: a member's metadata with Serf.
//!
//! Source: serf `serf/serf.go` `encodeTags`, `decodeTags`.

use crate::codec::msgpack::{Form, Pairs, Reader, Value as _, Writer, read};
use crate::limits::TAGS;
use bruit_wire::{DecodeError, Limit};

/// What metadata with tags begins with; other metadata is a role, from Serf protocol 2 and older.
const MAGIC: u8 = 0xff;
/// The most bytes of metadata.
pub const META_BYTES_MAX: usize = 512;

/// A member's tags, in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(pub Pairs<String>);

impl Tags {
    /// Reads metadata. Without the first byte of tags, all of it is the tag `role`.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn decode(meta: &[u8]) -> Result<Self, DecodeError> {
        match meta.split_first() {
            Some((&MAGIC, tags)) => read(&mut Reader::new(tags), TAGS).map(Self),
            Some(_) | None => {
                let role = std::str::from_utf8(meta);
                let role = role.map_err(|_| DecodeError::Invalid("UTF-8 text"))?;
                Ok(Self([("role".to_owned(), role.to_owned())].into_iter().collect()))
            }
        }
    }

    /// Writes metadata.
    ///
    /// # Errors
    /// [`DecodeError::TooLong`] if it takes more than [`META_BYTES_MAX`].
    pub fn encode(&self) -> Result<Vec<u8>, DecodeError> {
        let mut out = vec![MAGIC];
        self.0.encode(&mut Writer::new(&mut out, Form::GOSSIP));
        let limit = Limit { what: "tags, in bytes", max: META_BYTES_MAX };
        limit.check(out.len() as u64).map(|_| out)
    }
}
