//! What a subscription shows of itself.

use serde::Serialize;

/// Whether a subscription is being served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SubscriptionState {
    /// Its items are delivered.
    Active,
    /// Its items wait, within the bounds of its queue, until it is resumed.
    Paused,
    /// Its items wait until the consumer says that it is well.
    Down,
    /// Too many attempts in a row failed: one is made at a time, with growing waits between.
    Open,
    /// Its items wait until somebody reads its stream.
    Waiting,
}

impl SubscriptionState {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Down => "down",
            Self::Open => "open",
            Self::Waiting => "waiting",
        }
    }
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

/// A subscription's state changed. Told at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What it was.
    pub was: SubscriptionState,
    /// How the subscription is doing, with what its state is.
    pub status: SubscriptionStatus,
}

/// How a subscription is doing. Counters begin at 0 when it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SubscriptionStatus {
    /// Its name.
    pub name: String,
    /// The paths that it is for.
    pub pattern: String,
    /// The word of its mode.
    pub mode: &'static str,
    /// Where its items go: an address, a command, or that it is a stream.
    pub endpoint: String,
    /// Whether it is being served.
    pub state: SubscriptionState,
    /// Why not.
    pub why: Option<String>,
    /// Items that wait, also for their next attempt.
    pub queued_items: usize,
    /// Bytes that they hold.
    pub queued_bytes: usize,
    /// Since when the oldest of them has waited, in milliseconds.
    pub oldest_queued_millis: Option<u64>,
    /// Deliveries under way.
    pub in_flight: usize,
    /// Items that matched.
    pub accepted: u64,
    /// Items that the consumer took.
    pub delivered: u64,
    /// Attempts that failed and are followed by another.
    pub retried: u64,
    /// Items that became dead letters.
    pub failed: u64,
    /// Items dropped because the queue was full.
    pub shed: u64,
    /// Items dropped because they had expired.
    pub expired: u64,
    /// Dead letters that are kept.
    pub dead_letters: usize,
    /// Dead letters dropped because there were too many.
    pub dead_letters_shed: u64,
    /// Items of an ordered subscription that were not held back any longer though the one before
    /// them had not come.
    pub gaps_skipped: u64,
    /// What the consumer answered last.
    pub last_status: Option<u16>,
    /// What went wrong last, in words.
    pub last_error: Option<String>,
}
