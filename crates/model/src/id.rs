//! Ids of nodes and items, and their printable forms.

use bruit_engine::MemberId;
use bruit_engine::spread::ask::QuestionId;
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// Names a node: the first 16 bytes of the SHA-256 of its Ed25519 public key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct NodeId(pub [u8; 16]);

/// As the bytes are ordered. Written out since tables compare ids all the time: two registers are
/// compared, where the derived order calls `memcmp`.
impl Ord for NodeId {
    fn cmp(&self, other: &Self) -> Ordering {
        u128::from_be_bytes(self.0).cmp(&u128::from_be_bytes(other.0))
    }
}

impl PartialOrd for NodeId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The text is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseIdError {
    /// A node id is 32 hexadecimal digits.
    #[error("a node id is 32 hexadecimal digits")]
    Node,
    /// An item id looks like `9M4K2TQ7-12`.
    #[error("an item id looks like 9M4K2TQ7-12")]
    Item,
}

impl FromStr for NodeId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let text = text.as_bytes();
        let mut id = [0; 16];
        if text.len() != 32 {
            return Err(ParseIdError::Node);
        }
        for (byte, pair) in id.iter_mut().zip(text.chunks(2)) {
            let digits = std::str::from_utf8(pair).map_err(|_| ParseIdError::Node)?;
            if !pair.iter().all(u8::is_ascii_hexdigit) {
                return Err(ParseIdError::Node);
            }
            *byte = u8::from_str_radix(digits, 16).map_err(|_| ParseIdError::Node)?;
        }
        Ok(Self(id))
    }
}

impl MemberId for NodeId {
    fn bucket_hash(&self) -> u64 {
        // The id is a hash already.
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }
}

/// Names an item: constant over all hops, dense per run of its origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId {
    /// The node that accepted the item.
    pub origin: NodeId,
    /// The random number that the origin drew when it started: its run.
    pub start: u64,
    /// 1, 2, 3, … in that run.
    pub seq: u64,
}

impl QuestionId<NodeId> for ItemId {
    fn origin(&self) -> NodeId {
        self.origin
    }
}

const BASE32: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl ItemId {
    /// The part of the printable form that names the run: 8 letters of Crockford's base 32,
    /// 40 bits of a hash of origin and start.
    pub fn run_label(&self) -> String {
        self.run_letters().iter().copied().map(char::from).collect()
    }

    fn run_letters(&self) -> [u8; 8] {
        let mut hash = self.origin.bucket_hash() ^ self.start.rotate_left(32);
        hash ^= hash >> 29;
        hash = hash.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash ^= hash >> 32;
        let letter = |shift: u32| BASE32[usize::try_from((hash >> shift) & 31).unwrap_or(0)];
        [0, 5, 10, 15, 20, 25, 30, 35].map(letter)
    }
}

/// The printable form, `RUNLABEL-SEQ`. It leaves 40 of the run's 192 bits: who looks an item up
/// by it compares with the printable forms of the items that it holds.
impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every replayed request carries one: no text is made on the way.
        f.write_str(str::from_utf8(&self.run_letters()).unwrap_or_default())?;
        f.write_str("-")?;
        self.seq.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_ids_print_and_parse() {
        let id = NodeId([0xab; 16]);
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in ["", "ab", &"g".repeat(32), &"é".repeat(16), &"+1".repeat(16)] {
            assert_eq!(bad.parse::<NodeId>(), Err(ParseIdError::Node), "{bad}");
        }
    }

    #[test]
    fn node_ids_are_in_the_order_of_their_bytes() {
        let ids = [[0; 16], [1; 16], [0xff; 16], *b"0123456789abcdef", *b"0123456789abcdeg"];
        for (a, b) in ids.iter().flat_map(|a| ids.iter().map(move |b| (a, b))) {
            assert_eq!(NodeId(*a).cmp(&NodeId(*b)), a.cmp(b));
        }
    }

    #[test]
    fn items_of_different_runs_have_different_labels() {
        let one = ItemId { origin: NodeId([1; 16]), start: 1, seq: 7 };
        let two = ItemId { start: 2, ..one };
        assert_ne!(one.run_label(), two.run_label());
        assert_eq!(one.to_string(), format!("{}-7", one.run_label()));
        assert_eq!(one.run_label().len(), 8);
    }
}
