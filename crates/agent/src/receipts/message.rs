//! What an agent answers an item's origin about one local delivery.
//!
//! Layout, integers big endian: kind (1 byte, 0x01), version (1, 0x01), result (1: 0x00 failed,
//! 0x01 delivered), HTTP status (2, 0 for none), attempts (2), length of the subscription's name
//! (1), the name. It is part of an answer, which says whose it is and about which item.

use bruit_model::ItemId;
use bytes::Bytes;

const KIND: u8 = 0x01;
const VERSION: u8 = 0x01;
const FIXED_BYTES: usize = 8;

/// The longest name of a subscription, in bytes.
pub(crate) const NAME_BYTES_MAX: usize = 64;

/// The end of one delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// Of which item.
    pub(crate) item: ItemId,
    /// Which subscription, by its name.
    pub(crate) subscription: String,
    /// Whether the consumer took it.
    pub(crate) delivered: bool,
    /// What the consumer answered last, if it did.
    pub(crate) status: Option<u16>,
    /// How many times it was tried.
    pub(crate) attempts: u16,
}

/// The bytes are not a receipt that is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

impl Receipt {
    /// The message; `None` if the name is too long.
    pub(crate) fn encode(&self) -> Option<Bytes> {
        let name = self.subscription.as_bytes();
        let name_bytes = u8::try_from(name.len()).ok()?;
        if name.len() > NAME_BYTES_MAX {
            return None;
        }
        let mut bytes = Vec::with_capacity(FIXED_BYTES + name.len());
        bytes.extend([KIND, VERSION]);
        bytes.push(u8::from(self.delivered));
        bytes.extend(self.status.unwrap_or(0).to_be_bytes());
        bytes.extend(self.attempts.to_be_bytes());
        bytes.push(name_bytes);
        bytes.extend(name);
        Some(bytes.into())
    }

    /// Takes a message about `item`.
    pub(crate) fn decode(item: ItemId, bytes: &[u8]) -> Result<Self, Malformed> {
        let (fixed, name) = bytes.split_first_chunk::<FIXED_BYTES>().ok_or(Malformed)?;
        let [KIND, VERSION, result, s1, s2, a1, a2, name_bytes] = *fixed else {
            return Err(Malformed);
        };
        if usize::from(name_bytes) != name.len() || name.len() > NAME_BYTES_MAX || result > 1 {
            return Err(Malformed);
        }
        let status = u16::from_be_bytes([s1, s2]);
        Ok(Self {
            item,
            subscription: std::str::from_utf8(name).map_err(|_| Malformed)?.to_owned(),
            delivered: result == 1,
            status: (status != 0).then_some(status),
            attempts: u16::from_be_bytes([a1, a2]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bruit_model::NodeId;

    const ITEM: ItemId = ItemId { origin: NodeId([7; 16]), start: 0x0102, seq: 3 };

    fn receipt() -> Receipt {
        Receipt {
            item: ITEM,
            subscription: "app".into(),
            delivered: true,
            status: Some(204),
            attempts: 2,
        }
    }

    #[test]
    fn the_layout_is_pinned_and_read_back() {
        let bytes = receipt().encode().unwrap();
        let expected = [1, 1, 1, 0, 204, 0, 2, 3, b'a', b'p', b'p'];
        assert_eq!(&bytes[..], &expected[..]);
        assert_eq!(Receipt::decode(ITEM, &bytes), Ok(receipt()));
    }

    #[test]
    fn every_cut_and_every_wrong_field_is_refused() {
        let bytes = receipt().encode().unwrap();
        for cut in 0..bytes.len() {
            assert_eq!(Receipt::decode(ITEM, &bytes[..cut]), Err(Malformed), "{cut}");
        }
        for (at, value) in [(0, 2), (1, 0), (2, 2), (7, 2), (7, 4), (8, 0xff)] {
            let mut wrong = bytes.to_vec();
            wrong[at] = value;
            assert_eq!(Receipt::decode(ITEM, &wrong), Err(Malformed), "{at}");
        }
        let mut long = bytes.to_vec();
        long.push(b'x');
        assert_eq!(Receipt::decode(ITEM, &long), Err(Malformed));
    }

    #[test]
    fn names_are_bounded() {
        let named = |length| Receipt { subscription: "x".repeat(length), ..receipt() };
        assert!(named(NAME_BYTES_MAX).encode().is_some());
        assert!(named(NAME_BYTES_MAX + 1).encode().is_none());
    }
}
