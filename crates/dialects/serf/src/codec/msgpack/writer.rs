//! Writing values, byte for byte as the Go programs do.

use super::mark;
use bruit_wire::Sink;

/// Which program's bytes are written. All are read alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Bytes as `bin`, short text as `str8` (Go: `WriteExt`).
    new_spec: bool,
    /// A positive number of a signed field is written as a signed one.
    signed: bool,
}

impl Form {
    /// Gossip as memberlist writes it with go-msgpack v2: since memberlist 0.5.1, Serf 0.10.2.
    pub const GOSSIP: Self = Self { new_spec: false, signed: true };
    /// Gossip as written with go-msgpack 0.5: Debian's Serf 0.9.4, Alertmanager 0.25.
    pub const GOSSIP_OLD: Self = Self { new_spec: false, signed: false };
    /// Serf's RPC with go-msgpack v2.
    pub const RPC: Self = Self { new_spec: true, signed: true };
    /// Serf's RPC with go-msgpack 0.5.
    pub const RPC_OLD: Self = Self { new_spec: true, signed: false };
}

/// Writes values behind each other.
#[derive(Debug)]
pub struct Writer<'a, S> {
    out: &'a mut S,
    form: Form,
}

impl<'a, S: Sink> Writer<'a, S> {
    /// Writes to `out` in `form`.
    pub const fn new(out: &'a mut S, form: Form) -> Self {
        Self { out, form }
    }

    /// The absent value.
    pub fn nil(&mut self) {
        self.out.u8(mark::NIL);
    }

    /// Yes or no.
    pub fn bool(&mut self, value: bool) {
        self.out.u8(if value { mark::TRUE } else { mark::FALSE });
    }

    /// A float of 64 bits.
    pub fn float(&mut self, value: f64) {
        self.out.u8(mark::FLOAT64);
        self.out.u64(value.to_bits());
    }

    /// A number of an unsigned field, in its shortest form.
    pub fn uint(&mut self, value: u64) {
        if let Ok(byte) = u8::try_from(value) {
            if byte >= 0x80 {
                self.out.u8(mark::UINT8);
            }
            self.out.u8(byte);
        } else if let Ok(value) = u16::try_from(value) {
            self.out.u8(mark::UINT16);
            self.out.u16(value);
        } else if let Ok(value) = u32::try_from(value) {
            self.out.u8(mark::UINT32);
            self.out.u32(value);
        } else {
            self.out.u8(mark::UINT64);
            self.out.u64(value);
        }
    }

    /// A number of a signed field.
    pub fn int(&mut self, value: i64) {
        if let Ok(value) = u64::try_from(value)
            && !self.form.signed
        {
            return self.uint(value);
        }
        if let Ok(byte) = i8::try_from(value) {
            if byte < -32 {
                self.out.u8(mark::INT8);
            }
            self.out.put(&byte.to_be_bytes());
        } else if let Ok(value) = i16::try_from(value) {
            self.out.u8(mark::INT16);
            self.out.put(&value.to_be_bytes());
        } else if let Ok(value) = i32::try_from(value) {
            self.out.u8(mark::INT32);
            self.out.put(&value.to_be_bytes());
        } else {
            self.out.u8(mark::INT64);
            self.out.put(&value.to_be_bytes());
        }
    }

    /// Text.
    pub fn text(&mut self, value: &str) {
        let length = value.len();
        if length < 32 {
            self.out.u8(0xa0 | low(length));
        } else if self.form.new_spec && length < 0x100 {
            self.out.put(&[mark::STR8, low(length)]);
        } else {
            self.sized(length, mark::STR16, mark::STR32);
        }
        self.out.put(value.as_bytes());
    }

    /// Bytes.
    pub fn bytes(&mut self, value: &[u8]) {
        let length = value.len();
        if !self.form.new_spec {
            if length < 32 {
                self.out.u8(0xa0 | low(length));
            } else {
                self.sized(length, mark::STR16, mark::STR32);
            }
        } else if length < 0x100 {
            self.out.put(&[mark::BIN8, low(length)]);
        } else {
            self.sized(length, mark::BIN16, mark::BIN32);
        }
        self.out.put(value);
    }

    /// The head of an array; its elements follow.
    pub fn array(&mut self, count: usize) {
        if count < 16 {
            self.out.u8(0x90 | low(count));
        } else {
            self.sized(count, mark::ARRAY16, mark::ARRAY32);
        }
    }

    /// The head of a map; its keys and values follow in turn.
    pub fn map(&mut self, count: usize) {
        if count < 16 {
            self.out.u8(0x80 | low(count));
        } else {
            self.sized(count, mark::MAP16, mark::MAP32);
        }
    }

    fn sized(&mut self, length: usize, short: u8, long: u8) {
        if let Ok(length) = u16::try_from(length) {
            self.out.u8(short);
            self.out.u16(length);
        } else {
            self.out.u8(long);
            self.out.u32(u32::try_from(length).expect("limits are far below 4 GiB"));
        }
    }
}

fn low(length: usize) -> u8 {
    u8::try_from(length).expect("the caller has compared it with 256")
}
