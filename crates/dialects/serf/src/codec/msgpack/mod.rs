//! MessagePack as the Go programs of this family write it.
//!
//! Gossip is in the *old specification*: text and bytes share the raw family (`a0`, `da`, `db`);
//! neither `str8` nor `bin` is ever written. Serf's RPC is in the new one: bytes are `bin`, text
//! may be `str8`. A structure is a map whose keys are the names of its fields in Go, in the order
//! of their bytes. `nil` stands for an absent value of any type.
//!
//! Written exactly ([`Writer`], in a [`Form`]), read leniently ([`Reader`]): any width and sign of
//! a number, `bin`, `str8` or an array of numbers for bytes, an array for a structure, unknown keys
//! skipped, missing ones zero. Every length is compared with a limit, and with the bytes that are
//! there, before anything is kept.
//!
//! Source: go-msgpack `codec/msgpack.go`, `codec/decode.go` (v2.1.5), and 0.5.5 for what Debian's
//! Serf 0.9.4 speaks. What it deliberately does not do: extensions are skipped, never read.

mod extent;
mod reader;
mod record;
#[cfg(test)]
mod tests;
mod value;
mod writer;

pub use extent::{Extent, extent};
pub use reader::Reader;
pub(crate) use record::record;
pub use value::Pairs;
pub(crate) use value::{Bound, Value, read};
pub use writer::{Form, Writer};

/// The first byte of a value, where it is not part of a family.
pub(crate) mod mark {
    pub(crate) const NIL: u8 = 0xc0;
    pub(crate) const FALSE: u8 = 0xc2;
    pub(crate) const TRUE: u8 = 0xc3;
    pub(crate) const BIN8: u8 = 0xc4;
    pub(crate) const BIN16: u8 = 0xc5;
    pub(crate) const BIN32: u8 = 0xc6;
    pub(crate) const EXT8: u8 = 0xc7;
    pub(crate) const EXT16: u8 = 0xc8;
    pub(crate) const EXT32: u8 = 0xc9;
    pub(crate) const FLOAT32: u8 = 0xca;
    pub(crate) const FLOAT64: u8 = 0xcb;
    pub(crate) const UINT8: u8 = 0xcc;
    pub(crate) const UINT16: u8 = 0xcd;
    pub(crate) const UINT32: u8 = 0xce;
    pub(crate) const UINT64: u8 = 0xcf;
    pub(crate) const INT8: u8 = 0xd0;
    pub(crate) const INT16: u8 = 0xd1;
    pub(crate) const INT32: u8 = 0xd2;
    pub(crate) const INT64: u8 = 0xd3;
    pub(crate) const FIXEXT1: u8 = 0xd4;
    pub(crate) const FIXEXT16: u8 = 0xd8;
    pub(crate) const STR8: u8 = 0xd9;
    pub(crate) const STR16: u8 = 0xda;
    pub(crate) const STR32: u8 = 0xdb;
    pub(crate) const ARRAY16: u8 = 0xdc;
    pub(crate) const ARRAY32: u8 = 0xdd;
    pub(crate) const MAP16: u8 = 0xde;
    pub(crate) const MAP32: u8 = 0xdf;
}
