//! Nothing disappears uncounted.

use super::{Checker, World};
use crate::Stats;

/// Every datagram that was sent, doubled or injected was delivered, is under way, or is counted
/// under the reason for which it was not; and no event was shed before a checker saw it.
#[derive(Debug)]
pub struct AllCounted;

impl Checker for AllCounted {
    fn name(&self) -> &'static str {
        "all counted"
    }

    fn source(&self) -> &'static str {
        "design, section 8: any bounded resource that fills sheds, counts it, and shows it"
    }

    fn at_any_time(&mut self, world: &World<'_>) -> Result<(), String> {
        let mut sum = Stats::default();
        world.hosts.iter().for_each(|host| sum += host.stats);
        let under_way: u64 = world.hosts.iter().map(|host| host.under_way).sum();
        let made = sum.datagrams_sent + sum.datagrams_duplicated + sum.datagrams_injected;
        let gone = sum.datagrams_lost
            + sum.datagrams_dropped
            + sum.datagrams_blocked
            + sum.datagrams_unroutable
            + sum.datagrams_oversized
            + sum.datagrams_overflowed
            + sum.datagrams_to_dead
            + sum.datagrams_shed;
        if made != gone + sum.datagrams_delivered + under_way {
            return Err(format!(
                "of {made} datagrams, {} were delivered, {gone} not, and {under_way} are under way",
                sum.datagrams_delivered
            ));
        }
        if sum.events_shed > 0 {
            return Err(format!("{} events were shed unseen", sum.events_shed));
        }
        Ok(())
    }
}
