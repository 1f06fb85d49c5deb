//! The settings of the engine.

use std::time::Duration;

/// Settings. They need not agree in the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Params {
    /// Up to so many members, this node included, answers go straight to the origin.
    /// Default: 1,000, at which the origin takes in 1,000 datagrams (guess).
    pub direct_members_max: usize,
    /// How much longer a member holds what it passes on than one that is a hop further from the
    /// origin. Above two trips between members and the time that an answer takes, or the parts of
    /// the members below come too late to travel along. Default: 20 ms (guess: a data centre).
    pub hold_step: Duration,
    /// For how long after its deadline a question is remembered, so that late messages are known
    /// as such. Default: 5 s (guess).
    pub margin: Duration,
    /// Questions remembered; beyond it the one that would be forgotten first is. Default: 1,024.
    pub questions_max: usize,
    /// Of these, open questions of this node itself; more are refused. Default: 512 (guess).
    pub own_questions_max: usize,
    /// Parts held, in flight, or remembered to know repetitions. Default: 65,536, a question to a
    /// group of 65,536.
    pub parts_max: usize,
    /// Bytes of parts held or in flight, with what [`Params::message_bytes`] counts beside them.
    /// Default: 16 MiB (guess).
    pub bytes_max: usize,
    /// What a message may take, so that it fits a datagram. One that cannot, because its only
    /// part is too large, exceeds it. Default: 1,200.
    pub message_bytes_max: usize,
    /// What a message takes beside its parts.
    pub message_bytes: usize,
    /// What each different part in a message takes beside its own length.
    pub group_bytes: usize,
    /// What each member that gave a part takes.
    pub member_bytes: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            direct_members_max: 1000,
            hold_step: Duration::from_millis(20),
            margin: Duration::from_secs(5),
            questions_max: 1024,
            own_questions_max: 512,
            parts_max: 65_536,
            bytes_max: 16 << 20,
            message_bytes_max: 1200,
            message_bytes: 48,
            group_bytes: 5,
            member_bytes: 17,
        }
    }
}

impl Params {
    /// How long a member so many hops from the origin holds parts, in a group of `members_count`.
    ///
    /// `hold_step × max(0, depth − hops)`; `depth` is about how far from the origin the last
    /// member is in a push with fanout `⌈log2 n⌉`: `⌈log2 n ÷ ⌊log2 log2 n⌋⌉ + 2`. Members that
    /// are deeper do not hold (guess; 6 at n = 2,000, 7 at 10⁶).
    pub(super) fn hold(&self, members_count: usize, hops: u8) -> Duration {
        let members = members_count.max(4);
        let fanout = usize::BITS - (members - 1).leading_zeros();
        let depth = fanout.div_ceil(fanout.ilog2()) + 2;
        self.hold_step.saturating_mul(depth.saturating_sub(u32::from(hops)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_nearer_holds_longer() {
        let params = Params::default();
        let millis = |members, hops| params.hold(members, hops).as_millis();
        assert_eq!([1, 2, 5, 6, 255].map(|hops| millis(2000, hops)), [100, 80, 20, 0, 0]);
        assert_eq!([0, 1, 2, 4, 1000, 1_000_000].map(|n| millis(n, 1)), [60, 60, 60, 60, 100, 120]);
    }
}
