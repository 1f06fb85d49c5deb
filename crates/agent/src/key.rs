//! The cluster key, as a file.
//!
//! A key file is text: one line of 64 hexadecimal digits. Empty lines and lines that start with
//! `#` mean nothing.

use ring::rand::{SecureRandom as _, SystemRandom};
use std::fmt::{self, Write as _};

/// The 32 bytes that every agent of a group shares.
#[derive(Clone, PartialEq, Eq)]
pub struct ClusterKey([u8; 32]);

impl fmt::Debug for ClusterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClusterKey(…)")
    }
}

/// The text is not a key file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key file has one line of 64 hexadecimal digits; make one with `bruit keys new`")]
pub struct BadKey;

impl ClusterKey {
    /// A new random key.
    pub fn generate() -> Self {
        Self(random_bytes())
    }

    /// Takes the text of a key file.
    ///
    /// # Errors
    /// There is not exactly one key in it.
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        let lines = text.lines().map(str::trim);
        let mut keys = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let (Some(line), None) = (keys.next(), keys.next()) else { return Err(BadKey) };
        let line = line.as_bytes();
        if line.len() != 64 || !line.iter().all(u8::is_ascii_hexdigit) {
            return Err(BadKey);
        }
        let mut key = [0; 32];
        for (byte, pair) in key.iter_mut().zip(line.chunks(2)) {
            let digits = std::str::from_utf8(pair).map_err(|_| BadKey)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| BadKey)?;
        }
        Ok(Self(key))
    }

    /// The line of a key file, without a line end.
    pub fn to_text(&self) -> String {
        self.0.iter().fold(String::with_capacity(64), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a String cannot fail");
            text
        })
    }

    /// The key's bytes.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Bytes from the operating system's generator.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_file() {
        let key = ClusterKey::generate();
        assert_ne!(key, ClusterKey::generate());
        let file = format!("# made by bruit\n\n{}\n", key.to_text());
        assert_eq!(ClusterKey::parse(&file), Ok(key.clone()));
        assert_eq!(format!("{key:?}"), "ClusterKey(…)");
    }

    #[test]
    fn what_is_not_one_key_is_refused() {
        let line = "0".repeat(64);
        for bad in ["", "00", &"g".repeat(64), &format!("{line}\n{line}"), &"é".repeat(32)] {
            assert_eq!(ClusterKey::parse(bad), Err(BadKey), "{bad}");
        }
    }
}
