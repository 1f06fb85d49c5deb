//! The secret that all nodes of a group share.

use super::crypto::constant_time_eq;
use ring::digest::{SHA256, digest};
use std::fmt::{self, Write as _};
use std::hint::black_box;
use std::str::FromStr;

/// What a key's text begins with: what it is, and the version of its form.
const PREFIX: &str = "bruit-key-1:";

/// 32 random bytes. Overwritten when dropped, never printed by `Debug`, compared in constant time.
#[derive(Clone)]
pub struct ClusterKey([u8; 32]);

impl fmt::Debug for ClusterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClusterKey(…)")
    }
}

impl Drop for ClusterKey {
    fn drop(&mut self) {
        self.0.fill(0);
        // So that the compiler takes the zeros to be read.
        black_box(&self.0);
    }
}

impl PartialEq for ClusterKey {
    fn eq(&self, other: &Self) -> bool {
        constant_time_eq(&self.0, &other.0)
    }
}

impl Eq for ClusterKey {}

/// The text is not a cluster key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key is one line, bruit-key-1: and 64 hexadecimal digits; `bruit keys new` makes one")]
pub struct BadKey;

impl ClusterKey {
    /// The key of these bytes, which must be random.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key that everybody knows, for nodes that were given none: it finds accidents, and
    /// keeps no secret and nobody out. Only for loopback. It is the SHA-256 of `bruit open key`.
    pub fn open() -> Self {
        let hash = digest(&SHA256, b"bruit open key");
        Self(hash.as_ref().try_into().expect("SHA-256 gives 32 bytes"))
    }

    /// The line of a key file, without a line end. It is the secret itself.
    pub fn to_text(&self) -> String {
        let mut text = String::with_capacity(PREFIX.len() + 64);
        text.push_str(PREFIX);
        for byte in &self.0 {
            write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        }
        text
    }

    /// Names the key to people, and does not help to guess it: 16 hexadecimal digits, the first 8
    /// bytes of the SHA-256 of `bruit key fingerprint 1` and the key.
    pub fn fingerprint(&self) -> String {
        let mut text = Vec::from(*b"bruit key fingerprint 1");
        text.extend_from_slice(&self.0);
        let hash = digest(&SHA256, &text);
        text.fill(0);
        black_box(&text);
        hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// By which receivers choose among their keys: the first byte of the key's SHA-256.
    pub(crate) fn id(&self) -> u8 {
        digest(&SHA256, &self.0).as_ref()[0]
    }

    /// The secret itself.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for ClusterKey {
    type Err = BadKey;

    /// Takes the text of a key file: one key. Empty lines and lines that start with `#` mean
    /// nothing.
    fn from_str(text: &str) -> Result<Self, BadKey> {
        let lines = text.lines().map(str::trim);
        let mut keys = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let (Some(line), None) = (keys.next(), keys.next()) else { return Err(BadKey) };
        let digits = line.strip_prefix(PREFIX).ok_or(BadKey)?.as_bytes();
        if digits.len() != 64 {
            return Err(BadKey);
        }
        let digit = |byte: u8| char::from(byte).to_digit(16).ok_or(BadKey);
        let mut key = [0; 32];
        for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
            let value = digit(pair[0])? << 4 | digit(pair[1])?;
            *byte = u8::try_from(value).map_err(|_| BadKey)?;
        }
        Ok(Self(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_file_and_is_not_printed() {
        let key = ClusterKey::new(std::array::from_fn(|place| u8::try_from(place * 7).unwrap()));
        assert!(key.to_text().starts_with("bruit-key-1:00070e15"));
        let file = format!("# made by bruit\n\n {}\r\n", key.to_text());
        assert_eq!(file.parse(), Ok(key.clone()));
        assert_eq!(
            key.to_text().to_uppercase().replace("BRUIT-KEY", "bruit-key").parse(),
            Ok(key.clone())
        );
        assert_eq!(format!("{key:?}"), "ClusterKey(…)");
        assert_ne!(key, ClusterKey::open());
    }

    #[test]
    fn a_fingerprint_names_the_key() {
        let key = |byte| ClusterKey::new([byte; 32]).fingerprint();
        assert_eq!(key(1), "35d2bbd05b6fa582");
        assert_ne!(key(1), key(2));
    }

    #[test]
    fn what_is_not_one_key_is_refused() {
        let line = ClusterKey::open().to_text();
        let long = format!("{line}0");
        let letter = line.replace("bruit-key-1:", "bruit-key-1:g");
        for bad in ["", &line[12..], &line[..75], &long, &letter[..76], &format!("{line}\n{line}")]
        {
            assert_eq!(bad.parse::<ClusterKey>(), Err(BadKey), "{bad}");
        }
        assert_eq!(format!("bruit-key-1:{}", "é".repeat(32)).parse::<ClusterKey>(), Err(BadKey));
    }
}
