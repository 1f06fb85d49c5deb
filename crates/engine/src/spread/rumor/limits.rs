//! What bounds a rumor engine's memory and traffic.

use std::num::NonZeroU32;
use std::time::Duration;

/// The bounds of a [`super::Rumor`]. What does not fit is shed and counted in
/// [`super::Stats`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// At most this many items are hot or answering; beyond it the oldest is dropped (the newest
    /// is always kept, so 0 means 1). Default: 4,096 (guess: 40 s of 100 items/s).
    pub hot_max: usize,
    /// An item is hot for at most this many of its periods, whatever its stop rule. Default: 64,
    /// above every last delivery in Demers et al. 1987, tables 1 to 3 (at most 38 cycles at
    /// n = 1,000), and above log2 n + ln n = 34 rounds of push at n = 10⁶ (Pittel 1987).
    pub hot_periods_max: NonZeroU32,
    /// At most this many items are being fetched; further announced ones are ignored.
    /// Default: 4,096 (guess).
    pub fetches_max: usize,
    /// Of how many announcers of one item the engine takes note, at least 1. Default: 8 (guess).
    pub announcers_max: usize,
    /// How long an asked peer may take to send an item before another one is asked.
    /// Default: 1 s (guess: a round trip plus 1 MiB at 10 Mbit/s).
    pub fetch_timeout: Duration,
    /// How often an item is asked for, from whichever peers announced it. Default: 3 (guess).
    pub fetch_attempts_max: NonZeroU32,
    /// Keys in one announce or fetch, at least 1. Default: 32, so that keys of up to 32 bytes fit
    /// in one datagram of 1,200 bytes.
    pub announce_batch_max: usize,
    /// Keys announced in answer to one pull request, the newest items first. Default: 256 (guess).
    pub pull_answer_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            hot_max: 4096,
            hot_periods_max: NonZeroU32::new(64).expect("64 is not zero"),
            fetches_max: 4096,
            announcers_max: 8,
            fetch_timeout: Duration::from_secs(1),
            fetch_attempts_max: NonZeroU32::new(3).expect("three is not zero"),
            announce_batch_max: 32,
            pull_answer_max: 256,
        }
    }
}

impl Limits {
    /// How long an item that has cooled still answers fetches with its rounds: as long as a peer
    /// under the same limits goes on asking.
    pub(super) fn answer_time(&self) -> Duration {
        self.fetch_timeout.saturating_mul(self.fetch_attempts_max.get())
    }
}
