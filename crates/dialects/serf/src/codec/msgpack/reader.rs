//! Reading values leniently, never behind the end of what is there.

use super::mark;
use bruit_wire::{DecodeError, Limit};
use std::borrow::Cow;

/// How deep values may be nested in what is skipped (guess; known messages nest 4 deep).
const DEPTH_MAX: usize = 32;

/// Reads values from the front of a slice. After an error, where it stands is not specified.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    bytes: bruit_wire::Reader<'a>,
}

impl<'a> Reader<'a> {
    /// Reads `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes: bruit_wire::Reader::new(bytes) }
    }

    /// How many bytes are left.
    pub const fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    /// The next `count` bytes, as they are.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        self.bytes.take(count)
    }

    /// The first byte of the next value.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn peek(&self) -> Result<u8, DecodeError> {
        let mut ahead = self.bytes;
        ahead.u8()
    }

    /// Takes a `nil` if the next value is one.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn nil(&mut self) -> Result<bool, DecodeError> {
        let is_nil = self.peek()? == mark::NIL;
        if is_nil {
            self.bytes.u8()?;
        }
        Ok(is_nil)
    }

    /// Yes or no; 1 and 0 are taken too.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`], [`DecodeError::Invalid`].
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        match self.bytes.u8()? {
            mark::FALSE | 0 => Ok(false),
            mark::TRUE | 1 => Ok(true),
            _ => Err(DecodeError::Invalid("yes or no")),
        }
    }

    /// A number of any width and sign, if it is not negative and not above `max`.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`], [`DecodeError::Invalid`].
    pub fn uint(&mut self, max: u64) -> Result<u64, DecodeError> {
        let number = self.number()?;
        match u64::try_from(number) {
            Ok(value) if value <= max => Ok(value),
            Ok(_) | Err(_) => Err(DecodeError::Invalid("number of this field's width")),
        }
    }

    /// A number of any width and sign, if it fits.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`], [`DecodeError::Invalid`].
    pub fn int(&mut self) -> Result<i64, DecodeError> {
        i64::try_from(self.number()?).map_err(|_| DecodeError::Invalid("signed number"))
    }

    /// A float of either width, or a number.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`], [`DecodeError::Invalid`].
    #[allow(clippy::cast_precision_loss, reason = "as a float of Go takes an integer")]
    pub fn float(&mut self) -> Result<f64, DecodeError> {
        match self.peek()? {
            mark::FLOAT32 => {
                self.bytes.u8()?;
                Ok(f64::from(f32::from_bits(self.bytes.u32()?)))
            }
            mark::FLOAT64 => {
                self.bytes.u8()?;
                Ok(f64::from_bits(self.bytes.u64()?))
            }
            _ => Ok(self.int()? as f64),
        }
    }

    /// Text or bytes: raw, `str`, `bin`, or an array of numbers below 256.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`], [`DecodeError::TooLong`], [`DecodeError::Invalid`].
    pub fn raw(&mut self, limit: Limit) -> Result<Cow<'a, [u8]>, DecodeError> {
        let first = self.bytes.u8()?;
        let length = match first {
            0xa0..=0xbf => u64::from(first & 0x1f),
            mark::STR8 | mark::BIN8 => u64::from(self.bytes.u8()?),
            mark::STR16 | mark::BIN16 => u64::from(self.bytes.u16()?),
            mark::STR32 | mark::BIN32 => u64::from(self.bytes.u32()?),
            0x90..=0x9f | mark::ARRAY16 | mark::ARRAY32 => return self.numbers(first, limit),
            _ => return Err(DecodeError::Invalid("text or bytes")),
        };
        let length = limit.check(length)?;
        self.bytes.take(length).map(Cow::Borrowed)
    }

    /// Text in UTF-8.
    ///
    /// # Errors
    /// As [`Reader::raw`].
    pub fn text(&mut self, limit: Limit) -> Result<String, DecodeError> {
        let bytes = self.raw(limit)?.into_owned();
        String::from_utf8(bytes).map_err(|_| DecodeError::Invalid("UTF-8 text"))
    }

    /// The head of an array: how many elements follow, each of at least one byte.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`], [`DecodeError::TooLong`], [`DecodeError::Invalid`].
    pub fn array(&mut self, limit: Limit) -> Result<usize, DecodeError> {
        let first = self.bytes.u8()?;
        let count = self.array_count(first)?;
        self.at_least(limit.check(count)?, 1)
    }

    /// The head of a map: how many pairs follow, each of at least two bytes.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`], [`DecodeError::TooLong`], [`DecodeError::Invalid`].
    pub fn map(&mut self, limit: Limit) -> Result<usize, DecodeError> {
        let first = self.bytes.u8()?;
        let count = match first {
            0x80..=0x8f => u64::from(first & 0x0f),
            mark::MAP16 => u64::from(self.bytes.u16()?),
            mark::MAP32 => u64::from(self.bytes.u32()?),
            _ => return Err(DecodeError::Invalid("map")),
        };
        self.at_least(limit.check(count)?, 2)
    }

    /// Whether the next value is an array.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn is_array(&self) -> Result<bool, DecodeError> {
        Ok(matches!(self.peek()?, 0x90..=0x9f | mark::ARRAY16 | mark::ARRAY32))
    }

    /// Passes over the next value, whatever it is.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`], [`DecodeError::TooLong`] if it is nested too deep,
    /// [`DecodeError::Invalid`].
    pub fn skip(&mut self) -> Result<(), DecodeError> {
        // How many values are open at each depth; each value takes a byte, so this ends.
        let mut open = [0_u64; DEPTH_MAX];
        open[0] = 1;
        let mut depth = 0;
        loop {
            while open[depth] == 0 {
                if depth == 0 {
                    return Ok(());
                }
                depth -= 1;
            }
            open[depth] -= 1;
            let inner = self.skip_head()?;
            if inner > 0 {
                depth += 1;
                let limit = Limit { what: "nested values, in levels", max: DEPTH_MAX - 1 };
                limit.check(depth as u64)?;
                open[depth] = inner;
            }
        }
    }

    /// Passes over the head of a value and the bytes that belong to it: how many values follow.
    fn skip_head(&mut self) -> Result<u64, DecodeError> {
        let first = self.bytes.u8()?;
        let (bytes, values) = match first {
            0x00..=0x7f | 0xe0..=0xff | mark::NIL | mark::FALSE | mark::TRUE => (0, 0),
            0x80..=0x8f => (0, 2 * u64::from(first & 0x0f)),
            0x90..=0x9f => (0, u64::from(first & 0x0f)),
            0xa0..=0xbf => (u64::from(first & 0x1f), 0),
            0xc1 => return Err(DecodeError::Invalid("MessagePack value")),
            mark::BIN8 | mark::STR8 => (u64::from(self.bytes.u8()?), 0),
            mark::BIN16 | mark::STR16 => (u64::from(self.bytes.u16()?), 0),
            mark::BIN32 | mark::STR32 => (u64::from(self.bytes.u32()?), 0),
            mark::EXT8 => (1 + u64::from(self.bytes.u8()?), 0),
            mark::EXT16 => (1 + u64::from(self.bytes.u16()?), 0),
            mark::EXT32 => (1 + u64::from(self.bytes.u32()?), 0),
            mark::UINT8 | mark::INT8 => (1, 0),
            mark::UINT16 | mark::INT16 => (2, 0),
            mark::UINT32 | mark::INT32 | mark::FLOAT32 => (4, 0),
            mark::UINT64 | mark::INT64 | mark::FLOAT64 => (8, 0),
            mark::FIXEXT1..=mark::FIXEXT16 => (1 + (1 << (first - mark::FIXEXT1)), 0),
            mark::ARRAY16 => (0, u64::from(self.bytes.u16()?)),
            mark::ARRAY32 => (0, u64::from(self.bytes.u32()?)),
            mark::MAP16 => (0, 2 * u64::from(self.bytes.u16()?)),
            mark::MAP32 => (0, 2 * u64::from(self.bytes.u32()?)),
        };
        self.bytes.take(usize::try_from(bytes).map_err(|_| DecodeError::Truncated)?)?;
        Ok(values)
    }

    fn number(&mut self) -> Result<i128, DecodeError> {
        let first = self.bytes.u8()?;
        Ok(match first {
            0x00..=0x7f => first.into(),
            0xe0..=0xff => i8::from_be_bytes([first]).into(),
            mark::UINT8 => self.bytes.u8()?.into(),
            mark::UINT16 => self.bytes.u16()?.into(),
            mark::UINT32 => self.bytes.u32()?.into(),
            mark::UINT64 => self.bytes.u64()?.into(),
            mark::INT8 => i8::from_be_bytes(self.bytes.array()?).into(),
            mark::INT16 => i16::from_be_bytes(self.bytes.array()?).into(),
            mark::INT32 => i32::from_be_bytes(self.bytes.array()?).into(),
            mark::INT64 => i64::from_be_bytes(self.bytes.array()?).into(),
            _ => return Err(DecodeError::Invalid("number")),
        })
    }

    fn array_count(&mut self, first: u8) -> Result<u64, DecodeError> {
        match first {
            0x90..=0x9f => Ok(u64::from(first & 0x0f)),
            mark::ARRAY16 => Ok(u64::from(self.bytes.u16()?)),
            mark::ARRAY32 => Ok(u64::from(self.bytes.u32()?)),
            _ => Err(DecodeError::Invalid("array")),
        }
    }

    fn numbers(&mut self, first: u8, limit: Limit) -> Result<Cow<'a, [u8]>, DecodeError> {
        let count = self.array_count(first)?;
        let count = self.at_least(limit.check(count)?, 1)?;
        let byte = |_| self.uint(0xff).map(|value| u8::try_from(value).expect("it is below 256"));
        (0..count).map(byte).collect::<Result<Vec<u8>, _>>().map(Cow::Owned)
    }

    const fn at_least(&self, count: usize, bytes_min: usize) -> Result<usize, DecodeError> {
        if count.saturating_mul(bytes_min) > self.remaining() {
            return Err(DecodeError::Truncated);
        }
        Ok(count)
    }
}
