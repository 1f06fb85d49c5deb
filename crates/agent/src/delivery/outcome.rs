//! What became of an item at a consumer, and what a subscription shows of itself.

use super::replay::Unreplayable;
use bruit_model::Item;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

/// How an item ended at one subscription. There is exactly one for each item that
/// [`Delivery::offer`](super::Delivery::offer) queued, unless the agent ends first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The consumer answered 2xx.
    Delivered {
        /// What it answered.
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
    /// and 429. A dead letter.
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

/// An outcome, with what it is about.
#[derive(Clone, Debug)]
pub struct Report {
    /// The name of the subscription.
    pub subscription: Arc<str>,
    /// The item.
    pub item: Arc<Item>,
    /// What became of it.
    pub outcome: Outcome,
}

/// An item that was given up, without its payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// The name of the subscription.
    pub subscription: String,
    /// The printable id of the item.
    pub item: String,
    /// The path of the item.
    pub path: String,
    /// Why, in words, with the last error.
    pub reason: String,
    /// What the consumer answered last, if it ever did.
    pub status: Option<u16>,
    /// How many attempts were made.
    pub attempts: u32,
    /// When it was given up, milliseconds since 1970-01-01 UTC.
    pub unix_millis: u64,
}

/// Whether a subscription is being served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SubscriptionState {
    /// Its items are delivered.
    Active,
    /// Its items wait, within the bounds of its queue.
    Paused,
}

/// Why a subscription is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PauseReason {
    /// The consumer answered 410.
    #[error("the consumer answered 410 Gone; resume it when it is back, or remove it")]
    Gone,
    /// [`Delivery::pause`](super::Delivery::pause) was called.
    #[error("paused by the operator")]
    Operator,
}

/// How a subscription is doing. Counters begin at 0 when it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SubscriptionStatus {
    /// Its name.
    pub name: String,
    /// The paths that it is for.
    pub pattern: String,
    /// Where the consumer listens.
    pub endpoint: String,
    /// Whether it is being served.
    pub state: SubscriptionState,
    /// Why it is paused.
    pub why: Option<String>,
    /// Items that wait, also for their next attempt.
    pub queued_items: usize,
    /// Bytes that they hold.
    pub queued_bytes: usize,
    /// Since when the oldest of them has waited, in milliseconds.
    pub oldest_queued_millis: Option<u64>,
    /// Requests under way.
    pub in_flight: usize,
    /// Items that matched.
    pub accepted: u64,
    /// Items answered with 2xx.
    pub delivered: u64,
    /// Attempts that failed and are followed by another.
    pub retried: u64,
    /// Items that became dead letters. The last [`DEAD_LETTERS_MAX`](super::DEAD_LETTERS_MAX)
    /// are kept.
    pub failed: u64,
    /// Items dropped because the queue was full.
    pub shed: u64,
    /// Items dropped because they had expired.
    pub expired: u64,
    /// What the consumer answered last.
    pub last_status: Option<u16>,
    /// What went wrong last, in words.
    pub last_error: Option<String>,
}
