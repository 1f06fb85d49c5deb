//! How long a group may take to come to agree once faults have stopped.

use bruit_engine::membership::swim::{Params, SuspicionRule};
use std::time::Duration;

/// The bound, from the configuration. Each part is the worst case of one thing that has to happen;
/// they are added, as if none began before the one ahead of it was done.
#[derive(Clone, Debug)]
pub struct Bound<'a> {
    /// The membership settings.
    pub swim: &'a Params,
    /// How many nodes.
    pub nodes: usize,
    /// How long an item, or a message, takes beyond the protocol's own timers: repair delay and
    /// the slowest way there and back.
    pub way: Duration,
    /// The longest wait between two tries to join.
    pub join_wait: Duration,
}

/// So many tries in a row, of which each reaches a given failed member with probability 1 − 1/e,
/// all miss it less than once in 10⁶ times: e^-14.
const TRIES: u32 = 14;

impl Bound<'_> {
    /// A node whose local health is worst takes this long for one period of probes.
    fn slow_period(&self) -> Duration {
        self.swim.probe_interval * u32::from(self.swim.health_max.get())
    }

    /// How long a suspicion lasts at most.
    fn suspicion(&self) -> Duration {
        let n = self.nodes.max(2);
        let (mult, max_mult, one) = match self.swim.suspicion {
            SuspicionRule::Log10 { mult, max_mult } => {
                let digits = n.to_string().len();
                (mult, max_mult, self.swim.probe_interval * u32::try_from(digits).unwrap_or(20))
            }
            SuspicionRule::Spread { mult, max_mult, .. } => {
                let rounds = usize::BITS - n.leading_zeros();
                (mult, max_mult, self.swim.probe_timeout + self.swim.gossip_interval * rounds)
            }
        };
        one * u32::from(mult.get()) * u32::from(max_mult.get())
    }

    /// Until everybody has probed everybody that it must: log2 n rounds of the exchanges that
    /// unequal hashes start, each of a period, and as many again for what was lost on the way.
    fn exchanges(&self) -> Duration {
        let rounds = usize::BITS - self.nodes.leading_zeros();
        (self.swim.probe_interval + self.way) * (2 * rounds + 4)
    }

    /// The sum: a last join, a last probe of a node that trusts itself least, the suspicion that
    /// follows, the search for those held failed, and the exchanges.
    pub fn total(&self) -> Duration {
        self.join_wait
            + self.slow_period() * 2
            + self.suspicion()
            + self.swim.reconnect_interval * TRIES
            + self.exchanges()
    }
}
