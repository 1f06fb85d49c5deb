//! Objects back to back on a stream.

use crate::codec::msgpack::{Extent, extent};
use crate::limits::RPC_OBJECT;
use bruit_wire::DecodeError;

/// Splits a stream into objects as its bytes come. Memory is bounded by the bytes that came and by
/// [`RPC_OBJECT`].
#[derive(Debug, Default)]
pub struct Objects {
    buffer: Vec<u8>,
    read: usize,
    /// How many bytes must be there before it is worth to look for an end.
    needs: usize,
}

impl Objects {
    /// Takes bytes that came.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.read);
        self.read = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// What is there and not yet taken.
    pub fn rest(&self) -> &[u8] {
        &self.buffer[self.read..]
    }

    /// The lengths of the first `count` objects, once they are there.
    ///
    /// # Errors
    /// [`DecodeError::TooLong`], [`DecodeError::Invalid`]: the stream is of no more use.
    pub fn whole(&mut self, count: usize) -> Result<Option<&[u8]>, DecodeError> {
        if self.rest().len() < self.needs {
            return Ok(None);
        }
        let mut length = 0;
        for _ in 0..count {
            match extent(&self.buffer[self.read + length..], RPC_OBJECT)? {
                Extent::Whole(object) => length += object,
                Extent::AtLeast(more) => {
                    self.needs = length + more;
                    return Ok(None);
                }
            }
        }
        Ok(Some(&self.buffer[self.read..self.read + length]))
    }

    /// Passes over `bytes` that were taken.
    pub fn consume(&mut self, bytes: usize) {
        self.read = (self.read + bytes).min(self.buffer.len());
        self.needs = 0;
    }
}
