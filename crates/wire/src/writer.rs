//! Putting numbers, bytes and text behind each other.
//!
//! What is written is written to a [`Sink`]: a vector, or a [`Count`] that only adds up lengths.
//! So a length is computed by the code that writes, and cannot differ from what is written.

/// Takes bytes. The forms are those that [`crate::Reader`] reads.
pub trait Sink {
    /// Takes these bytes as they are.
    fn put(&mut self, bytes: &[u8]);

    /// One byte.
    fn u8(&mut self, value: u8) {
        self.put(&[value]);
    }

    /// Two bytes, the higher first.
    fn u16(&mut self, value: u16) {
        self.put(&value.to_be_bytes());
    }

    /// Four bytes, the highest first.
    fn u32(&mut self, value: u32) {
        self.put(&value.to_be_bytes());
    }

    /// Eight bytes, the highest first.
    fn u64(&mut self, value: u64) {
        self.put(&value.to_be_bytes());
    }

    /// A variable-length number in its shortest form.
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.u8(low_seven_bits(value) | 0x80);
            value >>= 7;
        }
        self.u8(low_seven_bits(value));
    }

    /// A count or a length.
    fn length(&mut self, length: usize) {
        self.varint(length as u64);
    }

    /// Bytes behind their length.
    fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.put(bytes);
    }
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Takes no bytes but counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count(pub usize);

impl Sink for Count {
    fn put(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }
}

/// How many bytes `write` writes.
pub(crate) fn counted(write: impl FnOnce(&mut Count)) -> usize {
    let mut count = Count::default();
    write(&mut count);
    count.0
}

/// How many bytes a variable-length number takes: 1 to 10.
pub const fn varint_len(value: u64) -> usize {
    let bits = 64 - (value | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

fn low_seven_bits(value: u64) -> u8 {
    u8::try_from(value & 0x7f).expect("seven bits fit in a byte")
}
