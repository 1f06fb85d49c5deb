//! Encryption: AES-GCM under a key that all members share, and the ring of such keys.
//!
//! ```text
//!   version 1   01 | nonce (12) | ciphertext | tag (16)
//!   version 0   00 | nonce (12) | ciphertext of the text padded to 16 (PKCS #7) | tag (16)
//! ```
//!
//! Version 0 is sent only by members of protocol 1. The version and the nonce are not
//! authenticated. Source: memberlist `security.go`, `keyring.go`.
//!
//! What it deliberately does not do: keys of 24 bytes (AES-192), which `ring` does not have.

use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// Used once, ever, under a key: 12 random bytes.
pub type NonceBytes = [u8; NONCE_LEN];

const TAG_BYTES: usize = 16;
const BLOCK_BYTES: usize = 16;

/// How a text is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealVersion {
    /// With padding.
    V0,
    /// Without.
    V1,
}

impl SealVersion {
    const fn byte(self) -> u8 {
        match self {
            Self::V0 => 0,
            Self::V1 => 1,
        }
    }

    /// What sealing adds at most, which memberlist reserves in a datagram.
    pub const fn overhead_max(self) -> usize {
        match self {
            Self::V0 => 1 + NONCE_LEN + BLOCK_BYTES + TAG_BYTES,
            Self::V1 => 1 + NONCE_LEN + TAG_BYTES,
        }
    }

    /// How long a text of `length` bytes is when sealed.
    pub const fn sealed_len(self, length: usize) -> usize {
        let padding = match self {
            Self::V0 => BLOCK_BYTES - length % BLOCK_BYTES,
            Self::V1 => 0,
        };
        1 + NONCE_LEN + length + padding + TAG_BYTES
    }
}

/// Why bytes are no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Not a length of AES.
    #[error("a key has 16 or 32 bytes, not {0}: make one with `serf keygen`")]
    Length(usize),
    /// AES-192.
    #[error("keys of 24 bytes (AES-192) are not supported: rotate to one of 16 or 32 bytes")]
    Aes192,
    /// The ring has no such key.
    #[error("the key is not in the keyring: install it first")]
    Unknown,
    /// The key is in use.
    #[error("the key is the primary one: use another first")]
    Primary,
    /// The ring is full.
    #[error("a keyring holds at most {} keys: remove one first", Keyring::KEYS_MAX)]
    Full,
}

/// Why sealed bytes were not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Too short to be sealed.
    #[error("too short to be sealed")]
    Truncated,
    /// Neither version 0 nor 1.
    #[error("sealed in an unknown version: {0}")]
    Version(u8),
    /// No key fits, or the bytes were altered.
    #[error("no key of the keyring fits")]
    Unauthentic,
    /// Authentic, but padded wrongly.
    #[error("the padding is wrong")]
    Padding,
}

/// A key that all members share.
#[derive(Clone)]
pub struct Key {
    bytes: Vec<u8>,
    key: LessSafeKey,
}

impl Key {
    /// Takes 16 or 32 bytes as a key.
    ///
    /// # Errors
    /// [`KeyError::Length`], [`KeyError::Aes192`].
    pub fn new(bytes: &[u8]) -> Result<Self, KeyError> {
        let algorithm = match bytes.len() {
            16 => &AES_128_GCM,
            32 => &AES_256_GCM,
            24 => return Err(KeyError::Aes192),
            length => return Err(KeyError::Length(length)),
        };
        let key = UnboundKey::new(algorithm, bytes).expect("the length is that of the algorithm");
        Ok(Self { bytes: bytes.to_vec(), key: LessSafeKey::new(key) })
    }

    /// The key itself, to be listed or kept.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Seals `text` behind what stands in `out`; `data` is authenticated with it.
    pub fn seal(
        &self,
        version: SealVersion,
        nonce: NonceBytes,
        data: &[u8],
        text: &[u8],
        out: &mut Vec<u8>,
    ) {
        out.reserve(version.sealed_len(text.len()));
        out.push(version.byte());
        out.extend_from_slice(&nonce);
        let begin = out.len();
        out.extend_from_slice(text);
        if version == SealVersion::V0 {
            let padding = BLOCK_BYTES - text.len() % BLOCK_BYTES;
            let byte = u8::try_from(padding).expect("padding is at most a block");
            out.resize(out.len() + padding, byte);
        }
        let tag = self
            .key
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(data),
                &mut out[begin..],
            )
            .expect("a text is far below the 64 GiB that AES-GCM seals");
        out.extend_from_slice(tag.as_ref());
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

/// The keys that are tried to open with, the first of which seals: the primary one.
#[derive(Clone, Debug)]
pub struct Keyring {
    keys: Vec<Key>,
}

impl Keyring {
    /// The most keys of a ring (guess): each is tried on a datagram that no key fits.
    pub const KEYS_MAX: usize = 16;

    /// A ring of one.
    pub fn new(primary: Key) -> Self {
        Self { keys: vec![primary] }
    }

    /// The key that seals.
    pub fn primary(&self) -> &Key {
        self.keys.first().expect("the primary key is never removed")
    }

    /// All keys, the primary one first.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Adds a key, to open with; nothing if it is there.
    ///
    /// # Errors
    /// [`KeyError::Full`].
    pub fn install(&mut self, key: Key) -> Result<(), KeyError> {
        if self.place(key.as_bytes()).is_some() {
            return Ok(());
        }
        if self.keys.len() == Self::KEYS_MAX {
            return Err(KeyError::Full);
        }
        self.keys.push(key);
        Ok(())
    }

    /// Seals with a key that is there.
    ///
    /// # Errors
    /// [`KeyError::Unknown`].
    pub fn make_primary(&mut self, key: &[u8]) -> Result<(), KeyError> {
        let place = self.place(key).ok_or(KeyError::Unknown)?;
        self.keys[..=place].rotate_right(1);
        Ok(())
    }

    /// Removes a key; nothing if it is not there.
    ///
    /// # Errors
    /// [`KeyError::Primary`].
    pub fn remove(&mut self, key: &[u8]) -> Result<(), KeyError> {
        match self.place(key) {
            Some(0) => Err(KeyError::Primary),
            Some(place) => {
                self.keys.remove(place);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Opens `sealed` with the first key that fits.
    ///
    /// # Errors
    /// See [`OpenError`]; nothing of the text is given then.
    pub fn open(&self, data: &[u8], sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (&version, rest) = sealed.split_first().ok_or(OpenError::Truncated)?;
        let version = match version {
            0 => SealVersion::V0,
            1 => SealVersion::V1,
            other => return Err(OpenError::Version(other)),
        };
        if sealed.len() < version.sealed_len(0) {
            return Err(OpenError::Truncated);
        }
        let (nonce, sealed) = rest.split_first_chunk().ok_or(OpenError::Truncated)?;
        let mut text = Vec::with_capacity(sealed.len());
        for key in &self.keys {
            text.clear();
            text.extend_from_slice(sealed);
            let nonce = Nonce::assume_unique_for_key(*nonce);
            let opened = key.key.open_in_place(nonce, Aad::from(data), &mut text);
            if let Ok(length) = opened.map(|text| text.len()) {
                text.truncate(length);
                return if version == SealVersion::V0 { unpad(text) } else { Ok(text) };
            }
        }
        Err(OpenError::Unauthentic)
    }

    fn place(&self, key: &[u8]) -> Option<usize> {
        self.keys.iter().position(|other| other.as_bytes() == key)
    }
}

fn unpad(mut text: Vec<u8>) -> Result<Vec<u8>, OpenError> {
    let padding = text.last().map_or(0, |&byte| usize::from(byte));
    let length = text.len().checked_sub(padding).filter(|_| (1..=BLOCK_BYTES).contains(&padding));
    let length = length.ok_or(OpenError::Padding)?;
    text.truncate(length);
    Ok(text)
}
