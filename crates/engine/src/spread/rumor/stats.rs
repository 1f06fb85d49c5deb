//! What a rumor engine counts.

/// Totals since the start. Sends are counted when the engine asks for them; what the outbox or
/// the network drops is counted there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Items sent unasked.
    pub pushed: u64,
    /// Items sent in answer to a fetch.
    pub served: u64,
    /// Keys announced, one per key and peer.
    pub announced: u64,
    /// Keys asked for, repeats counted.
    pub asked: u64,
    /// Items that arrived while they were being fetched.
    pub fetched: u64,
    /// Items that arrived although they were known.
    pub duplicates: u64,
    /// Fetches that a peer did not answer in time.
    pub fetch_timeouts: u64,
    /// Items given up after the last attempt to fetch them.
    pub fetches_abandoned: u64,
    /// Announced items that were not fetched because too many fetches were under way.
    pub fetches_shed: u64,
    /// Keys asked of this node that it does not hold.
    pub fetch_misses: u64,
    /// Pull requests sent.
    pub pulls: u64,
    /// Pull requests received.
    pub pulled: u64,
    /// Hot keys left out of an answer to a pull request because the answer was full.
    pub pull_answers_cut: u64,
    /// Feedback received that no open contact had asked for.
    pub feedback_unasked: u64,
    /// Items that cooled by their stop rule.
    pub cooled: u64,
    /// Items that cooled because they had been hot for the longest time allowed.
    pub aged: u64,
    /// Items that cooled, or stopped answering, because too many were hot.
    pub hot_shed: u64,
}
