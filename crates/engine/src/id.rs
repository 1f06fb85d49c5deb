//! What identifies a member.

use std::fmt;

/// A member id: 16 bytes in the native protocol, a name in memberlist, an integer in a simulation.
///
/// `Ord` must agree with `Eq`: ids are kept in ordered maps so that iteration is reproducible.
/// [`MemberId::bucket_hash`] must be the same on every node.
pub trait MemberId: Clone + Ord + fmt::Debug {
    /// A well-spread, portable hash of the id.
    fn bucket_hash(&self) -> u64;
}

impl MemberId for u32 {
    fn bucket_hash(&self) -> u64 {
        crate::rng::mix(u64::from(*self))
    }
}

impl MemberId for String {
    fn bucket_hash(&self) -> u64 {
        self.bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| crate::rng::mix(hash ^ u64::from(byte)))
    }
}
