//! Members as users see them.

use crate::NodeId;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// What a native member says of itself in the membership protocol; the rest is metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRecord {
    /// Its name, chosen by its operator. Not unique. At most [`MemberRecord::NAME_BYTES_MAX`]
    /// bytes, no control characters.
    pub name: Arc<str>,
    /// Where it is reached, by datagram and stream alike.
    pub addr: SocketAddr,
}

impl MemberRecord {
    /// The longest name, in bytes.
    pub const NAME_BYTES_MAX: usize = 128;

    /// Whether `name` may be a member's name.
    pub fn is_valid_name(name: &str) -> bool {
        !name.is_empty()
            && name.len() <= Self::NAME_BYTES_MAX
            && !name.chars().any(char::is_control)
    }
}

/// Whether a member is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemberState {
    /// It answers.
    Alive,
    /// Somebody got no answer; it may still refute.
    Suspect,
    /// It is held to have stopped.
    Failed,
    /// It said goodbye.
    Left,
}

impl MemberState {
    /// Whether it takes part, as far as is known: it is alive or suspect.
    pub const fn may_be_there(self) -> bool {
        matches!(self, Self::Alive | Self::Suspect)
    }

    /// The word for it, everywhere.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Suspect => "suspect",
            Self::Failed => "failed",
            Self::Left => "left",
        }
    }
}

impl fmt::Display for MemberState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// One metadata value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetaEntry {
    /// Its name; names that start with `$` are ours.
    pub key: Arc<str>,
    /// Its value.
    pub value: Arc<[u8]>,
    /// When it was written, in the member's count of writes.
    pub version: u64,
}

/// A member of the network, this node included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub id: NodeId,
    /// Its name.
    pub name: Arc<str>,
    /// Where it is reached.
    pub addr: SocketAddr,
    /// Whether it is there.
    pub state: MemberState,
    /// Why it is in that state, in words.
    pub why: String,
    /// Another member has the same name at another address.
    pub conflict: bool,
    /// Which of its lives.
    pub incarnation: u64,
    /// Which run its metadata is from.
    pub generation: u64,
    /// Its metadata, by key.
    pub metadata: Vec<MetaEntry>,
    /// For how long it has been in that state, as this node sees it.
    pub since: Duration,
    /// The smoothed round-trip time of probes, where this node has probed it.
    pub rtt: Option<Duration>,
    /// Whether it is the node that is asked.
    pub is_self: bool,
}

impl Member {
    /// Metadata keys of local subscriptions start with this; the rest of the key is the
    /// subscription's name, the value its pattern.
    pub const SUBSCRIPTION_KEY: &str = "$sub/";

    /// The text of the metadata value under `key`.
    pub fn metadata_text(&self, key: &str) -> Option<&str> {
        let entry = self.metadata.iter().find(|entry| &*entry.key == key)?;
        std::str::from_utf8(&entry.value).ok()
    }
}
