//! Structures that stand around others.

use crate::codec::lzw;
use crate::codec::msgpack::record;
use crate::limits::{COMPRESSED_BYTES, RECORD, TEXT};
use bruit_wire::{DecodeError, Limit};
use bytes::Bytes;

record! {
    /// Another message, compressed.
    pub struct Compressed {
        /// How: 0 is LZW, the only way there is.
        "Algo" algorithm: u8, RECORD;
        /// The message, its type first.
        "Buf" bytes: Bytes, COMPRESSED_BYTES;
    }
    source ["Algo", "Buf"]

    /// What stands in front of a user message on a stream.
    pub struct UserHeader {
        /// How many bytes follow.
        "UserMsgLen" length: i64, RECORD;
    }
    source ["UserMsgLen"]

    /// Why the other end did not take a stream.
    pub struct Failure {
        /// In words.
        "Error" error: String, TEXT;
    }
    source ["Error"]
}

impl Compressed {
    /// The only algorithm there is.
    pub const LZW: u8 = 0;

    /// The message in it, of at most `limit` bytes.
    ///
    /// # Errors
    /// [`DecodeError::Invalid`] for another algorithm; as [`lzw::decompress`].
    pub fn decompress(&self, limit: Limit) -> Result<Vec<u8>, DecodeError> {
        if self.algorithm != Self::LZW {
            return Err(DecodeError::Invalid("compression algorithm"));
        }
        lzw::decompress(&self.bytes, limit)
    }
}
