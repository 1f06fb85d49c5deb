//! Every limit of the wire format, by name. A length that comes from outside is compared with one
//! of these before anything is allocated for it.

use crate::DecodeError;
use bruit_model::{Ask, Item, MemberRecord, Path};

/// The most there may be of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Of what, in words.
    pub what: &'static str,
    /// How much, in the unit that `what` says.
    pub max: usize,
}

impl Limit {
    const fn new(what: &'static str, max: usize) -> Self {
        Self { what, max }
    }

    /// Takes `given` as a length if it is within the limit.
    ///
    /// # Errors
    /// [`DecodeError::TooLong`].
    pub fn check(self, given: u64) -> Result<usize, DecodeError> {
        match usize::try_from(given) {
            Ok(length) if length <= self.max => Ok(length),
            Ok(_) | Err(_) => Err(DecodeError::TooLong { what: self.what, given, max: self.max }),
        }
    }
}

/// The largest datagram that is opened: the largest payload of UDP over IPv4.
pub const DATAGRAM_BYTES_MAX: usize = 65_507;
/// The largest message on a stream. The largest item is about 1.04 MiB.
pub const STREAM_MESSAGE_BYTES_MAX: usize = 1_310_720;

/// A frame's body, without type and length. A frame is also bounded by what carries it.
pub const FRAME: Limit = Limit::new("a frame, in bytes", STREAM_MESSAGE_BYTES_MAX);
/// Frames that [`crate::decode_all`] takes out of one datagram or message (guess).
pub const FRAMES: Limit = Limit::new("frames", 4096);
/// A member's name.
pub const NAME: Limit = Limit::new("a member name, in bytes", MemberRecord::NAME_BYTES_MAX);
/// Updates in a `State` (guess); a longer member list travels in several.
pub const UPDATES: Limit = Limit::new("updates", 8192);
/// An item's path.
pub const PATH: Limit = Limit::new("a path, in bytes", Path::BYTES_MAX);
/// An item's headers.
pub const HEADERS: Limit = Limit::new("headers", Item::HEADERS_MAX);
/// The names and values of an item's headers, together.
pub const HEADER_BYTES: Limit = Limit::new("headers, in bytes", Item::HEADER_BYTES_MAX);
/// An item's payload.
pub const PAYLOAD: Limit = Limit::new("a payload, in bytes", Item::PAYLOAD_BYTES_MAX);
/// Ids in an `Announce` or a `Fetch` (guess).
pub const IDS: Limit = Limit::new("item ids", 1024);
/// Members in a `MemberDigests` (guess).
pub const DIGESTS: Limit = Limit::new("member digests", 4096);
/// Runs in an `ItemDigests`, `Want` or `Gone` (guess).
pub const RUNS: Limit = Limit::new("runs", 4096);
/// Intervals in one run (guess).
pub const RANGES: Limit = Limit::new("ranges of a run", 256);
/// A `Delta`'s body: a member's 64 KiB of metadata, and room for keys and versions.
pub const DELTA: Limit = Limit::new("a delta, in bytes", 96 * 1024);
/// Entries in a `Delta`: as many of the smallest (4 bytes) as fit.
pub const ENTRIES: Limit = Limit::new("metadata entries", DELTA.max / 4);
/// A metadata key.
pub const META_KEY: Limit = Limit::new("a metadata key, in bytes", 256);
/// A metadata value.
pub const META_VALUE: Limit = Limit::new("a metadata value, in bytes", 64 * 1024);
/// A part of an answer.
pub const ANSWER_PART: Limit = Limit::new("a part of an answer, in bytes", Ask::PART_BYTES_MAX);
/// Different parts in an `Answers` (guess).
pub const ANSWER_GROUPS: Limit = Limit::new("answers", 1024);
/// Members that gave the same part, in an `Answers` (guess).
pub const ANSWER_MEMBERS: Limit = Limit::new("members that answered", 4096);
/// The bytes of a `Tell`.
pub const TELL: Limit = Limit::new("a tell, in bytes", 4096);
