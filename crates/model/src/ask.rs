//! Questions: items that are answered.

use crate::{NodeId, Reduce, Style, UnixNanos};
use std::time::Duration;

/// What makes an item a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// For how long answers are awaited, [`Ask::TIMEOUT_MIN`] to [`Ask::TIMEOUT_MAX`], in whole
    /// milliseconds.
    pub timeout: Duration,
    /// In which form the answers come.
    pub reduce: Reduce,
}

impl Ask {
    /// The shortest timeout.
    pub const TIMEOUT_MIN: Duration = Duration::from_millis(1);
    /// The longest timeout: what is remembered of a question takes memory on every member (guess).
    pub const TIMEOUT_MAX: Duration = Duration::from_secs(600);
    /// The largest part of an answer, in bytes: one fits a datagram.
    pub const PART_BYTES_MAX: usize = 1024;
    /// How many parts one member may give to one question.
    pub const PARTS_MAX: usize = 256;
    /// How many members a tally names.
    pub const NAMED_MAX: usize = 4;
    /// The first segment of paths that are for questions of Bruit's own. What is not a question
    /// is refused there, and nothing there is delivered.
    pub const PATH: &str = "$ask";

    /// The value of [`crate::meta::ASK`]: milliseconds, and ` tally` for a tally.
    pub fn to_header(&self) -> String {
        let millis = self.timeout.as_millis();
        match self.reduce {
            Reduce::Collect => millis.to_string(),
            Reduce::Tally => format!("{millis} tally"),
        }
    }

    /// Reads [`Ask::to_header`]; `None` for anything else.
    pub fn from_header(value: &str) -> Option<Self> {
        let (millis, reduce) = match value.strip_suffix(" tally") {
            Some(millis) => (millis, Reduce::Tally),
            None => (value, Reduce::Collect),
        };
        let is_number = !millis.is_empty() && millis.bytes().all(|byte| byte.is_ascii_digit());
        let timeout = Duration::from_millis(millis.parse().ok().filter(|_| is_number)?);
        let ask = Self { timeout, reduce };
        ask.is_valid().then_some(ask)
    }

    /// Whether the timeout is within its bounds.
    pub fn is_valid(&self) -> bool {
        (Self::TIMEOUT_MIN..=Self::TIMEOUT_MAX).contains(&self.timeout)
    }
}

/// How an item came to this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemTrace {
    /// When its first copy came, or it was accepted here, by this node's clock.
    pub received: UnixNanos,
    /// Who sent that copy; `None` if it was accepted here.
    pub from: Option<NodeId>,
    /// How many hops brought that copy.
    pub hops: u8,
    /// How many copies came in all, saturating; 0 if it was accepted here and never came back.
    pub copies: u32,
    /// Whether anti-entropy brought the first.
    pub repaired: bool,
    /// The style by which it spreads.
    pub style: Style,
}

/// A key that a node accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// Names the key and does not tell it: 16 hexadecimal digits.
    pub fingerprint: String,
    /// Whether the node seals with it.
    pub is_primary: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_return_and_others_are_none() {
        for (millis, reduce) in [(1, Reduce::Collect), (600_000, Reduce::Tally)] {
            let ask = Ask { timeout: Duration::from_millis(millis), reduce };
            assert_eq!(Ask::from_header(&ask.to_header()), Some(ask));
        }
        for bad in ["", "0", "600001", "+5", "5 ", "tally", " tally", "5 count", "5  tally"] {
            assert_eq!(Ask::from_header(bad), None, "{bad:?}");
        }
    }
}
