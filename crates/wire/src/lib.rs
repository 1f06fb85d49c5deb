//! Bounded readers and writers, and the native wire format: `docs/wire.md`.
//!
//! Three layers, each of which knows nothing of the ones below it:
//! - [`Frame`] and its codec: what nodes say to each other, as bytes;
//! - [`Channel`]: datagrams that carry frames, sealed, with replay protection and first contact;
//! - [`StreamCrypto`]: messages of one frame each on a byte stream, sealed.
//!
//! All of it is sans-IO: there is no clock, no socket and no randomness in here. Whoever builds a
//! [`Channel`] or a [`StreamCrypto`] gives the random numbers.

mod codec;
mod error;
mod frame;
mod identity;
pub mod limits;
mod reader;
mod seal;
mod stream;
mod writer;

pub use codec::{
    ANSWER_GROUP_BYTES, ANSWER_MEMBER_BYTES, ANSWERS_BYTES, decode_all, decode_item,
    delta_entry_len, delta_header_len, encode_item, item_len, update_len,
};
pub use error::DecodeError;
pub use frame::{Answers, Frame, MemberDigest, RunRanges, Subject, Summary};
pub use identity::Identity;
pub use limits::Limit;
pub use reader::Reader;
pub use seal::{BadKey, Channel, ClusterKey, Keyring, KeyringError, Stats};
pub use stream::{StreamCrypto, StreamError};
pub use writer::{Count, Sink, varint_len};
