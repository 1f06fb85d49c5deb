//! What a channel counts.

use bruit_model::Rejected;
use std::collections::BTreeMap;

/// Counters since the channel was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub(super) rejected: BTreeMap<Rejected, u64>,
    /// Challenges sent to runs that were not known.
    pub challenges_sent: u64,
    /// Challenges not sent, because as many as allowed had been sent in that second.
    pub challenges_limited: u64,
    /// Hellos sent, with a cookie that came in a challenge or as an offer.
    pub hellos_sent: u64,
    /// Datagrams sealed a second time, after a challenge.
    pub resent: u64,
    /// Copies of datagrams, datagrams waiting to be sent, and introductions, dropped for want of
    /// room.
    pub shed: u64,
    /// Runs known at this time.
    pub sessions: u64,
    /// Addresses known at this time.
    pub destinations: u64,
}

impl Stats {
    /// How many datagrams were rejected for this reason.
    pub fn rejected(&self, why: Rejected) -> u64 {
        self.rejected.get(&why).copied().unwrap_or(0)
    }

    /// Calls `visit` with each reason for which a datagram was rejected, and how many were.
    pub fn each_rejected(&self, visit: &mut dyn FnMut(Rejected, u64)) {
        for (why, count) in &self.rejected {
            visit(*why, *count);
        }
    }
}
