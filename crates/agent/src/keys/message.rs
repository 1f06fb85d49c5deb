//! What is asked of an agent about its keys, and what it answers.
//!
//! Layout of the question: version (1 byte, 0x01), operation (1): 0x00 list; 0x01 install, then
//! the key (32); 0x02 use, 0x03 remove, then the key's fingerprint (16 hexadecimal digits).
//!
//! Layout of the answer: version (1, 0x01), flags (1: 0x01 the keys outlive a restart), number of
//! keys (1), and for each, its fingerprint (16) and whether it is in use (1, 0x01 yes); then, if
//! the operation failed, why (the rest, UTF-8, at most 200 bytes).

use crate::trace::cut;
use bruit_model::{Ask, KeyInfo};
use bruit_wire::{ClusterKey, DecodeError, Keyring, Reader, Sink as _};
use bytes::Bytes;

const VERSION: u8 = 0x01;
const KEPT: u8 = 0x01;
/// The length of a fingerprint.
const FINGERPRINT_BYTES: usize = 16;
/// The longest reason, in bytes.
const WHY_BYTES_MAX: usize = 200;

/// What an agent is to do with its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Tell which it has.
    List,
    /// Accept one more.
    Install(ClusterKey),
    /// Seal with the one of this fingerprint.
    Use(String),
    /// Accept the one of this fingerprint no more.
    Remove(String),
}

impl Operation {
    /// The message. It may be secret.
    pub(crate) fn encode(&self) -> Bytes {
        let mut bytes = vec![VERSION];
        match self {
            Self::List => bytes.u8(0),
            Self::Install(key) => {
                bytes.u8(1);
                bytes.put(key.bytes());
            }
            Self::Use(fingerprint) => {
                bytes.u8(2);
                bytes.put(fingerprint.as_bytes());
            }
            Self::Remove(fingerprint) => {
                bytes.u8(3);
                bytes.put(fingerprint.as_bytes());
            }
        }
        bytes.into()
    }

    /// Takes a message.
    ///
    /// # Errors
    /// It is none that this version understands.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut body = Reader::new(bytes);
        if body.u8()? != VERSION {
            return Err(DecodeError::Invalid("version of a question about keys"));
        }
        let operation = match body.u8()? {
            0 => Self::List,
            1 => Self::Install(ClusterKey::new(body.array()?)),
            2 => Self::Use(fingerprint(&mut body)?),
            3 => Self::Remove(fingerprint(&mut body)?),
            _ => return Err(DecodeError::Invalid("operation on keys")),
        };
        body.finish()?;
        Ok(operation)
    }
}

fn fingerprint(body: &mut Reader<'_>) -> Result<String, DecodeError> {
    let bytes = body.take(FINGERPRINT_BYTES)?;
    let text = std::str::from_utf8(bytes).ok().filter(|text| is_fingerprint(text));
    text.map(str::to_owned).ok_or(DecodeError::Invalid("fingerprint"))
}

/// Whether a text can be a key's fingerprint.
pub(crate) fn is_fingerprint(text: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == FINGERPRINT_BYTES && text.bytes().all(digit)
}

/// What an agent has after an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holding {
    /// The keys that it accepts.
    pub(crate) keys: Vec<KeyInfo>,
    /// Whether they outlive a restart.
    pub(crate) is_kept: bool,
    /// Why the operation failed, if it did.
    pub(crate) why: Option<String>,
}

impl Holding {
    /// The message.
    pub(crate) fn encode(&self) -> Bytes {
        let mut bytes = vec![VERSION, if self.is_kept { KEPT } else { 0 }];
        let keys = &self.keys[..self.keys.len().min(Keyring::KEYS_MAX)];
        bytes.u8(u8::try_from(keys.len()).expect("at most 8"));
        for key in keys {
            debug_assert!(is_fingerprint(&key.fingerprint));
            bytes.put(key.fingerprint.as_bytes());
            bytes.u8(u8::from(key.is_primary));
        }
        if let Some(why) = &self.why {
            let why = if why.is_empty() { "?" } else { why };
            bytes.put(cut(why, WHY_BYTES_MAX).as_bytes());
        }
        debug_assert!(bytes.len() <= Ask::PART_BYTES_MAX);
        bytes.into()
    }

    /// Takes a message.
    ///
    /// # Errors
    /// It is none that this version understands.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut body = Reader::new(bytes);
        if body.u8()? != VERSION {
            return Err(DecodeError::Invalid("version of an answer about keys"));
        }
        let is_kept = body.bool()?;
        let count = usize::from(body.u8()?);
        if count > Keyring::KEYS_MAX {
            return Err(DecodeError::Invalid("number of keys"));
        }
        let mut keys = Vec::new();
        for _ in 0..count {
            let fingerprint = fingerprint(&mut body)?;
            keys.push(KeyInfo { fingerprint, is_primary: body.bool()? });
        }
        let why = body.take(body.remaining())?;
        if why.len() > WHY_BYTES_MAX {
            return Err(DecodeError::Trailing(why.len() - WHY_BYTES_MAX));
        }
        let why = std::str::from_utf8(why).map_err(|_| DecodeError::Invalid("UTF-8 text"))?;
        let why = Some(why).filter(|why| !why.is_empty()).map(str::to_owned);
        Ok(Self { keys, is_kept, why })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bruit_engine::Rng;

    const FINGERPRINT: &str = "0123456789abcdef";

    fn operations() -> [Operation; 4] {
        [
            Operation::List,
            Operation::Install(ClusterKey::new([7; 32])),
            Operation::Use(FINGERPRINT.to_owned()),
            Operation::Remove(FINGERPRINT.to_owned()),
        ]
    }

    fn holding() -> Holding {
        let key = |fingerprint: &str, is_primary| {
            let fingerprint = fingerprint.to_owned();
            KeyInfo { fingerprint, is_primary }
        };
        let keys = vec![key(FINGERPRINT, false), key("ffffffffffffffff", true)];
        Holding { keys, is_kept: true, why: Some("é".to_owned()) }
    }

    #[test]
    fn the_layouts_are_pinned() {
        let messages = operations().map(|operation| operation.encode());
        assert_eq!(&messages[0][..], b"\x01\x00");
        assert_eq!(&messages[1][..], &[&[1, 1][..], &[7; 32]].concat()[..]);
        assert_eq!(&messages[2][..], b"\x01\x020123456789abcdef");
        assert_eq!(&messages[3][..], b"\x01\x030123456789abcdef");
        let expected = "\x01\x01\x020123456789abcdef\x00ffffffffffffffff\x01é";
        assert_eq!(&holding().encode()[..], expected.as_bytes());
    }

    #[test]
    fn what_is_written_is_read_back_and_no_cut_is() {
        for operation in operations() {
            let bytes = operation.encode();
            assert_eq!(Operation::decode(&bytes), Ok(operation));
            for cut in 0..bytes.len() {
                assert!(Operation::decode(&bytes[..cut]).is_err(), "{cut}");
            }
            assert!(Operation::decode(&[&bytes[..], b"x"].concat()).is_err());
        }
        let done = Holding { why: None, is_kept: false, ..holding() };
        for holding in [holding(), done] {
            assert_eq!(Holding::decode(&holding.encode()), Ok(holding));
        }
        let bytes = Holding { why: None, ..holding() }.encode();
        for cut in 0..bytes.len() {
            assert!(Holding::decode(&bytes[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn a_long_reason_is_cut_and_a_long_answer_refused() {
        let long = Holding { why: Some("é".repeat(500)), ..holding() };
        let read = Holding::decode(&long.encode()).unwrap();
        assert_eq!(read.why, Some("é".repeat(100)));
        let mut bytes = long.encode().to_vec();
        bytes.extend(b"more");
        assert!(Holding::decode(&bytes).is_err());
    }

    #[test]
    fn hostile_bytes_are_refused_or_mean_one_thing() {
        let mut rng = Rng::from_seed(11);
        let valid: Vec<Vec<u8>> = operations()
            .iter()
            .map(|operation| operation.encode().to_vec())
            .chain([holding().encode().to_vec()])
            .collect();
        let mut understood = 0;
        for round in 0..20_000 {
            let mut bytes = valid[round % valid.len()].clone();
            for _ in 0..rng.next_u64() % 3 {
                let at = usize::try_from(rng.next_u64()).unwrap() % bytes.len();
                bytes[at] = rng.next_u64().to_be_bytes()[0];
            }
            if let Ok(operation) = Operation::decode(&bytes) {
                understood += 1;
                assert_eq!(&operation.encode()[..], &bytes[..]);
            }
            if let Ok(holding) = Holding::decode(&bytes) {
                understood += 1;
                assert_eq!(&holding.encode()[..], &bytes[..]);
            }
        }
        assert!(understood > 1000, "{understood}");
    }
}
