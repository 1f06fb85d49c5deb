//! LZW as Go's `compress/lzw` has it: lowest bits first, literals of 8 bits, codes of up to 12,
//! then a clear code.
//!
//! Compressing is our own, since Go clears its table one code earlier than `weezl` does: both are
//! read by all, but vectors are compared byte for byte.

use bruit_wire::{DecodeError, Limit};
use weezl::decode::Decoder;
use weezl::{BitOrder, LzwStatus};

const LITERAL_BITS: u8 = 8;
/// How much is uncompressed at a time.
const CHUNK_BYTES: usize = 4096;
/// Forgets the table.
const CLEAR: u16 = 0x100;
/// Ends the stream.
const END: u16 = 0x101;
/// With this code the table is full (Go `maxCode`).
const CODE_MAX: u16 = 0xfff;
/// Four times as many slots as codes, so that searches are short.
const SLOTS: usize = 1 << 14;

/// Compresses `bytes`, to the same bytes as Go.
pub fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut compressor = Compressor::new(bytes.len());
    compressor.put(CLEAR);
    if let Some((&first, rest)) = bytes.split_first() {
        let mut code = u16::from(first);
        for &literal in rest {
            let key = u32::from(code) << 8 | u32::from(literal);
            let slot = compressor.slot(key);
            if let Some(longer) = compressor.code_at(slot) {
                code = longer;
                continue;
            }
            compressor.put(code);
            code = u16::from(literal);
            if compressor.next_code() {
                compressor.table[slot] = key << 12 | u32::from(compressor.highest);
            }
        }
        compressor.put(code);
        compressor.next_code();
    }
    compressor.put(END);
    compressor.finish()
}

struct Compressor {
    out: Vec<u8>,
    /// Bits that do not fill a byte yet, the oldest lowest.
    bits: u32,
    bit_count: u8,
    /// How many bits a code takes.
    width: u8,
    /// The highest code so far.
    highest: u16,
    /// A string, as the code of all but its last byte and that byte, with its code in the lowest
    /// 12 bits; 0 is empty, since no string has the code 0.
    table: Vec<u32>,
}

impl Compressor {
    fn new(length: usize) -> Self {
        let out = Vec::with_capacity(length / 2 + 4);
        let table = vec![0; SLOTS];
        Self { out, bits: 0, bit_count: 0, width: LITERAL_BITS + 1, highest: END, table }
    }

    fn put(&mut self, code: u16) {
        self.bits |= u32::from(code) << self.bit_count;
        self.bit_count += self.width;
        while self.bit_count >= 8 {
            let [low, ..] = self.bits.to_le_bytes();
            self.out.push(low);
            self.bits >>= 8;
            self.bit_count -= 8;
        }
    }

    /// Where `key` is, or would be.
    fn slot(&self, key: u32) -> usize {
        let mut slot = (key.wrapping_mul(0x9e37_79b1) >> 18) as usize;
        while self.table[slot] != 0 && self.table[slot] >> 12 != key {
            slot = (slot + 1) % SLOTS;
        }
        slot
    }

    fn code_at(&self, slot: usize) -> Option<u16> {
        let code = self.table[slot] & u32::from(CODE_MAX);
        u16::try_from(code).ok().filter(|&code| code != 0)
    }

    /// Takes the next code; false if the table was full, and is empty now.
    fn next_code(&mut self) -> bool {
        self.highest += 1;
        if self.highest == 1 << self.width {
            self.width += 1;
        }
        let is_full = self.highest == CODE_MAX;
        if is_full {
            self.put(CLEAR);
            self.width = LITERAL_BITS + 1;
            self.highest = END;
            self.table.fill(0);
        }
        !is_full
    }

    fn finish(mut self) -> Vec<u8> {
        if self.bit_count > 0 {
            let [low, ..] = self.bits.to_le_bytes();
            self.out.push(low);
        }
        self.out
    }
}

/// Uncompresses `bytes`, and takes no more memory than `limit` and a chunk. What follows the end
/// code is ignored, as in Go.
///
/// # Errors
/// [`DecodeError::TooLong`] if it comes to more than `limit`; [`DecodeError::Truncated`] without an
/// end code; [`DecodeError::Invalid`] for a code that means nothing.
pub fn decompress(bytes: &[u8], limit: Limit) -> Result<Vec<u8>, DecodeError> {
    let mut decoder = Decoder::new(BitOrder::Lsb, LITERAL_BITS);
    let mut chunk = [0; CHUNK_BYTES];
    let (mut rest, mut out) = (bytes, Vec::new());
    loop {
        let result = decoder.decode_bytes(rest, &mut chunk);
        rest = rest.get(result.consumed_in..).unwrap_or_default();
        limit.check((out.len() + result.consumed_out) as u64)?;
        out.extend_from_slice(&chunk[..result.consumed_out]);
        match result.status {
            Ok(LzwStatus::Ok) => {}
            Ok(LzwStatus::Done) => return Ok(out),
            Ok(LzwStatus::NoProgress) => return Err(DecodeError::Truncated),
            Err(_) => return Err(DecodeError::Invalid("LZW stream")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::crc::crc32;

    /// What `vectors/capture.go` makes of these two numbers.
    fn data(bits: u32, size: u32) -> Vec<u8> {
        let mut x = bits * 7919 + size;
        let mask = u8::try_from((1_u32 << bits) - 1).unwrap();
        let mut next = || {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            x.to_be_bytes()[0] & mask
        };
        (0..size).map(|_| next()).collect()
    }

    /// `vectors/lzw.txt`: lengths and checksums of what Go's `compress/lzw` writes.
    #[test]
    fn bytes_are_those_of_go() {
        let file = include_str!("../../vectors/lzw.txt");
        let mut count = 0;
        for line in file.lines().filter(|line| !line.starts_with('#')) {
            let words: Vec<_> = line.split(' ').collect();
            let number = |place: usize| words[place].parse::<u32>().unwrap();
            let data = data(number(0), number(1));
            let packed = compress(&data);
            assert_eq!(packed.len(), words[2].parse().unwrap(), "{line}");
            assert_eq!(format!("{:08x}", crc32(&packed)), words[3], "{line}");
            let limit = |max| Limit { what: "a test", max };
            assert_eq!(decompress(&packed, limit(data.len())).as_ref(), Ok(&data));
            if let Some(less) = data.len().checked_sub(1) {
                assert!(decompress(&packed, limit(less)).is_err());
            }
            assert!(decompress(&packed[..packed.len() - 1], limit(data.len())).is_err());
            count += 1;
        }
        assert_eq!(count, 72);
    }
}
