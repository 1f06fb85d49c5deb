//! Why bytes were not taken as a frame.

use bruit_model::Rejected;

/// The bytes are not what the format says. Nothing was kept of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// They end too early, or a length in them points behind their end.
    #[error("the bytes end too early")]
    Truncated,
    /// Something follows where the frame should end.
    #[error("{0} bytes too many")]
    Trailing(usize),
    /// A limit is exceeded.
    #[error("{what}: {given}, the limit is {max}")]
    TooLong {
        /// Of what, in words.
        what: &'static str,
        /// How much was claimed.
        given: u64,
        /// How much there may be.
        max: usize,
    },
    /// A number in more bytes than it needs, or of more than 64 bits.
    #[error("a number is not in its shortest form")]
    NotCanonical,
    /// A value that no sender may write.
    #[error("not a valid {0}")]
    Invalid(&'static str),
}

impl From<DecodeError> for Rejected {
    /// What was authentic and yet not understood is malformed.
    fn from(_: DecodeError) -> Self {
        Self::Malformed
    }
}
