//! The data item: what Bruit spreads.

use crate::{Ask, ItemId, Path, Style};
use bytes::Bytes;
use std::sync::Arc;

/// A hybrid logical time: milliseconds since 1970 in the upper 48 bits, a counter in the lower
/// 16. Source: Kulkarni et al., "Logical physical clocks", OPODIS 2014.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HybridTime(pub u64);

impl HybridTime {
    /// The wall-clock part, milliseconds since 1970-01-01 UTC.
    pub const fn unix_millis(self) -> u64 {
        self.0 >> 16
    }
}

/// One header: a name (lower case) and a value, both as they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The name, lower case. Names that start with `:` are ours, see [`meta`].
    pub name: Arc<str>,
    /// The value.
    pub value: Bytes,
}

/// Names of the headers that carry what is not an HTTP header.
pub mod meta {
    /// The method of an invocation. An item without it is an event.
    pub const METHOD: &str = ":method";
    /// The path and query of an invocation exactly as they came, from after `/all`.
    pub const TARGET: &str = ":target";
    /// The host that the replayed request is to name.
    pub const HOST: &str = ":host";
    /// Present on a question: for how many milliseconds answers are awaited, see
    /// [`crate::Ask::to_header`].
    pub const ASK: &str = ":ask";
    /// Present on an item that removes the record its path names, in the registry.
    pub const TOMBSTONE: &str = ":tombstone";
}

/// The data item. Equal on every node but for `rounds_left`, which each hop lowers, and `hops`,
/// which each hop raises; `==` compares them too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its name.
    pub id: ItemId,
    /// Where it belongs.
    pub path: Path,
    /// The origin's previous sequence number in the same topic, for `fifo`.
    pub previous_in_topic: Option<u64>,
    /// When the origin accepted it.
    pub time: HybridTime,
    /// When it is of no more use, milliseconds since 1970-01-01 UTC.
    pub expires_unix_millis: Option<u64>,
    /// How it spreads. Carried, so that a node that has not learnt the topic still forwards.
    pub style: Style,
    /// Whether anti-entropy may bring it to a node that the style missed.
    pub repair: bool,
    /// To how many members each node passes it on.
    pub fanout_count: u8,
    /// How many more hops it may make.
    pub rounds_left: u8,
    /// How many hops brought it here: 0 at its origin, saturating.
    pub hops: u8,
    /// What describes it.
    pub headers: Vec<Header>,
    /// What it says.
    pub payload: Bytes,
    /// By the origin's key, where the topic asks for it. Reserved: made and checked by nobody.
    pub signature: Option<Box<[u8; 64]>>,
}

impl Item {
    /// The largest payload, in bytes.
    pub const PAYLOAD_BYTES_MAX: usize = 1024 * 1024;
    /// The most headers.
    pub const HEADERS_MAX: usize = 256;
    /// The most bytes in all headers' names and values.
    pub const HEADER_BYTES_MAX: usize = 32 * 1024;

    /// The value of the first header called `name`.
    pub fn header(&self, name: &str) -> Option<&Bytes> {
        self.headers.iter().find(|header| &*header.name == name).map(|header| &header.value)
    }

    /// The value of the first header called `name`, if it is text.
    pub fn header_text(&self, name: &str) -> Option<&str> {
        self.header(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Whether it stands for an HTTP request to be replayed.
    pub fn is_invocation(&self) -> bool {
        self.header(meta::METHOD).is_some()
    }

    /// What its origin asks with it, if it is a question.
    pub fn ask(&self) -> Option<Ask> {
        Ask::from_header(self.header_text(meta::ASK)?)
    }

    /// Bytes that holding it takes, about.
    pub fn held_bytes(&self) -> usize {
        let headers: usize =
            self.headers.iter().map(|header| header.name.len() + header.value.len() + 48).sum();
        256 + self.path.as_str().len() + headers + self.payload.len()
    }
}
