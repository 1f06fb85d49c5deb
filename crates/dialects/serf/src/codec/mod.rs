//! memberlist on the wire.
//!
//! ```text
//!   datagram:  label | seal | crc | compress | compound | message ...
//!   stream:    label | seal |       compress |            message
//! ```
//!
//! Each layer is optional and stands at most once on the outside; inside, compound and compress
//! may be nested, to a bounded depth.

pub mod crc;
pub mod label;
#[cfg(test)]
mod laws;
pub mod lzw;
pub mod message;
pub mod msgpack;
pub mod packet;
#[cfg(test)]
pub(crate) mod sample;
pub mod seal;
pub mod stream;
