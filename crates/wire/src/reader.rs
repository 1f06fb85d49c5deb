//! Taking numbers, bytes and text out of a slice, never behind its end.

use crate::{DecodeError, Limit};

/// The most bytes of a variable-length number: ten groups of seven bits hold 64.
pub(crate) const VARINT_BYTES_MAX: usize = 10;

/// Reads from the front of a slice. After an error, where it stands is not specified.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// How many bytes are left.
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Whether nothing is left.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// One byte.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array().map(|[byte]| byte)
    }

    /// Two bytes, the higher first.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_be_bytes)
    }

    /// Four bytes, the highest first.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    /// Eight bytes, the highest first.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_be_bytes)
    }

    /// A yes or no: 1 or 0.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`]; [`DecodeError::Invalid`] for another byte.
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(DecodeError::Invalid("yes or no")),
        }
    }

    /// A variable-length number (LEB128): seven bits a byte, the lowest first, the highest bit
    /// of a byte saying that more follow. Only the shortest form is taken.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`]; [`DecodeError::NotCanonical`].
    pub fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0_u64;
        for place in 0..VARINT_BYTES_MAX {
            let byte = self.u8()?;
            let last_place = place == VARINT_BYTES_MAX - 1;
            if (last_place && byte > 1) || (place > 0 && byte == 0) {
                return Err(DecodeError::NotCanonical);
            }
            value |= u64::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(DecodeError::NotCanonical)
    }

    /// A count of elements that take at least `element_bytes_min` each: more than can follow is
    /// refused, so that memory for `count` elements is bounded by the bytes that came.
    ///
    /// # Errors
    /// [`DecodeError::TooLong`]; [`DecodeError::Truncated`]; [`DecodeError::NotCanonical`].
    pub fn count(&mut self, limit: Limit, element_bytes_min: usize) -> Result<usize, DecodeError> {
        let count = limit.check(self.varint()?)?;
        if count.saturating_mul(element_bytes_min) > self.remaining() {
            return Err(DecodeError::Truncated);
        }
        Ok(count)
    }

    /// Bytes behind their length.
    ///
    /// # Errors
    /// [`DecodeError::TooLong`]; [`DecodeError::Truncated`]; [`DecodeError::NotCanonical`].
    pub fn bytes(&mut self, limit: Limit) -> Result<&'a [u8], DecodeError> {
        let length = limit.check(self.varint()?)?;
        self.take(length)
    }

    /// UTF-8 behind its length.
    ///
    /// # Errors
    /// As [`Reader::bytes`]; [`DecodeError::Invalid`] if it is not UTF-8.
    pub fn str(&mut self, limit: Limit) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(self.bytes(limit)?).map_err(|_| DecodeError::Invalid("UTF-8 text"))
    }

    /// All that is left, if it is within the limit.
    ///
    /// # Errors
    /// [`DecodeError::TooLong`].
    pub fn rest(&mut self, limit: Limit) -> Result<&'a [u8], DecodeError> {
        limit.check(self.rest.len() as u64)?;
        Ok(std::mem::take(&mut self.rest))
    }

    /// Says that nothing may be left.
    ///
    /// # Errors
    /// [`DecodeError::Trailing`].
    pub const fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DecodeError::Trailing(self.rest.len())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::writer::{Sink as _, varint_len};
    use proptest::prelude::*;

    const FOUR: Limit = Limit { what: "a test", max: 4 };

    fn varint(bytes: &[u8]) -> Result<u64, DecodeError> {
        let mut reader = Reader::new(bytes);
        let value = reader.varint()?;
        reader.finish().map(|()| value)
    }

    #[test]
    fn numbers_have_one_form() {
        assert_eq!(varint(&[0]), Ok(0));
        assert_eq!(varint(&[0x7f]), Ok(127));
        assert_eq!(varint(&[0x80, 0x01]), Ok(128));
        assert_eq!(
            varint(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
            Ok(u64::MAX)
        );
        assert_eq!(varint(&[]), Err(DecodeError::Truncated));
        assert_eq!(varint(&[0x80]), Err(DecodeError::Truncated));
        assert_eq!(varint(&[0x80, 0]), Err(DecodeError::NotCanonical));
        assert_eq!(varint(&[0xff, 0x80, 0]), Err(DecodeError::NotCanonical));
        let nine = [0xff; 9];
        assert_eq!(varint(&[&nine[..], &[2]].concat()), Err(DecodeError::NotCanonical));
        assert_eq!(varint(&[&nine[..], &[0x81, 0]].concat()), Err(DecodeError::NotCanonical));
    }

    #[test]
    fn lengths_are_compared_with_their_limit_before_the_bytes() {
        let bytes = |input: &'static [u8]| Reader::new(input).bytes(FOUR);
        assert_eq!(bytes(&[0]), Ok(&[][..]));
        assert_eq!(bytes(&[4, 1, 2, 3, 4]), Ok(&[1, 2, 3, 4][..]));
        let too_long = DecodeError::TooLong { what: "a test", given: 5, max: 4 };
        assert_eq!(bytes(&[5]), Err(too_long));
        assert_eq!(bytes(&[4, 1, 2, 3]), Err(DecodeError::Truncated));
        assert_eq!(Reader::new(&[1, 0xff]).str(FOUR), Err(DecodeError::Invalid("UTF-8 text")));
        assert_eq!(Reader::new(&[3, 0, 0, 0, 0, 0]).count(FOUR, 2), Err(DecodeError::Truncated));
        assert_eq!(Reader::new(&[3, 0, 0, 0, 0, 0, 0]).count(FOUR, 2), Ok(3));
        assert_eq!(Reader::new(&[0; 5]).rest(FOUR), Err(too_long));
    }

    proptest! {
        #[test]
        fn every_number_returns(value: u64, shift in 0_u32..64) {
            let value = value >> shift;
            let mut out = Vec::new();
            out.varint(value);
            prop_assert_eq!(out.len(), varint_len(value));
            prop_assert_eq!(varint(&out), Ok(value));
        }

        #[test]
        fn what_reads_as_a_number_is_written_the_same(
            bytes in prop::collection::vec(any::<u8>(), 0..12),
        ) {
            let mut reader = Reader::new(&bytes);
            if let Ok(value) = reader.varint() {
                let mut out = Vec::new();
                out.varint(value);
                prop_assert_eq!(&out[..], &bytes[..bytes.len() - reader.remaining()]);
            }
        }
    }
}
