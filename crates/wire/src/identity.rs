//! Who a node is.

use bruit_model::NodeId;
use ring::digest::{SHA256, digest};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use std::fmt;

/// An Ed25519 key pair. Its public half names the node; with the other half a node will sign what
/// it says, where a topic asks for that (reserved).
pub struct Identity {
    pair: Ed25519KeyPair,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("id", &self.id()).finish_non_exhaustive()
    }
}

impl Identity {
    /// The identity that follows from a secret of 32 random bytes (the private key of RFC 8032).
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed)
            .expect("every 32 bytes are an Ed25519 private key");
        Self { pair }
    }

    /// The node's id: the first 16 bytes of the SHA-256 of the public key.
    pub fn id(&self) -> NodeId {
        let hash = digest(&SHA256, &self.public_key());
        let id = hash.as_ref().first_chunk().expect("SHA-256 gives 32 bytes");
        NodeId(*id)
    }

    /// The public key, as RFC 8032 encodes it.
    pub fn public_key(&self) -> [u8; 32] {
        let key = self.pair.public_key().as_ref();
        key.try_into().expect("an Ed25519 public key has 32 bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// RFC 8032 section 7.1, test 1.
    #[test]
    fn the_public_key_is_that_of_the_rfc() {
        let mut seed = [0; 32];
        let text = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        for (byte, pair) in seed.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        }
        let identity = Identity::from_seed(&seed);
        assert_eq!(
            hex(&identity.public_key()),
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        );
        assert_eq!(identity.id().to_string(), "21fe31dfa154a261626bf854046fd227");
        assert_eq!(format!("{identity:?}"), "Identity { id: 21fe31df, .. }");
    }
}
