//! What the operating system's generator gives.

use bruit_wire::ClusterKey;
use ring::rand::{SecureRandom as _, SystemRandom};

/// Bytes from the operating system's generator.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// A new random key for a group.
pub fn new_cluster_key() -> ClusterKey {
    ClusterKey::new(random_bytes())
}
