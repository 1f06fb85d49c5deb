//! What became of an item at a consumer.

use super::Unreplayable;
use bruit_model::Item;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

/// How an item ended at one subscription. There is exactly one for each item that was queued
/// there, unless the agent ends first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The consumer took it.
    Delivered {
        /// What it answered; 200 where the mode knows no status.
        status: u16,
        /// How many attempts were made, this one included.
        attempts: u32,
        /// From the offer to the end of the answer.
        after: Duration,
    },
    /// It will not be delivered.
    Failed {
        /// Why not.
        reason: FailReason,
        /// What the consumer answered last, if it ever did.
        status: Option<u16>,
        /// How many attempts were made.
        attempts: u32,
    },
}

/// Why an item will not be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FailReason {
    /// The consumer answered what no repetition changes: 3xx, or 4xx other than 408, 410, 425
    /// and 429; or the program ended so. A dead letter.
    #[error("the consumer refused it")]
    Refused,
    /// The time or the attempts of the policy are used up. A dead letter.
    #[error("no success within the retries that the policy allows")]
    GaveUp,
    /// It cannot be written as a request. A dead letter.
    #[error("it cannot be replayed: {0}")]
    Unreplayable(Unreplayable),
    /// The queue was full and this was the oldest in it.
    #[error("the queue was full and this was the oldest in it")]
    Shed,
    /// It was of no more use before it could be delivered.
    #[error("it expired before it could be delivered")]
    Expired,
    /// The subscription was removed.
    #[error("the subscription was removed")]
    Unsubscribed,
}

/// One attempt, as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AttemptNote {
    /// What the consumer answered.
    pub status: Option<u16>,
    /// What went wrong, in words: at most [`AttemptNote::ERROR_BYTES_MAX`] bytes.
    pub error: Option<String>,
    /// When it began, milliseconds since 1970-01-01 UTC by this machine's clock.
    pub at_unix_millis: u64,
    /// How long it took.
    pub took: Duration,
}

impl AttemptNote {
    /// The longest error that is remembered.
    pub const ERROR_BYTES_MAX: usize = 200;
}

/// An outcome, with what it is about.
#[derive(Clone, Debug)]
pub struct Report {
    /// The name of the subscription.
    pub subscription: Arc<str>,
    /// The item.
    pub item: Arc<Item>,
    /// What became of it.
    pub outcome: Outcome,
    /// The attempts, the oldest first; at most the last [`super::ATTEMPTS_KEPT`]. Those that an
    /// earlier run of the agent made are not among them.
    pub attempts_made: Vec<AttemptNote>,
}
