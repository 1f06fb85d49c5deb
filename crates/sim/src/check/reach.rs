//! Every item reaches every node.

use super::{Checker, Fate, World};

/// In the end, every acknowledged item, and every unknown one that somebody holds, has been told
/// to each host that is up, by a run with its present disk. A host with an empty disk is a late
/// joiner: it gets what is retained.
#[derive(Debug)]
pub struct ItemsReachAll;

impl Checker for ItemsReachAll {
    fn name(&self) -> &'static str {
        "items reach all"
    }

    fn source(&self) -> &'static str {
        "design, sections 6.7 and 8: what push missed, anti-entropy repairs within retention"
    }

    fn in_the_end(&self, world: &World<'_>) -> Result<(), String> {
        for (id, fate) in world.oracle.accepted() {
            let is_held = || world.up().any(|(_, node)| node.items.contains(id));
            if fate == Fate::Unknown && !is_held() {
                continue;
            }
            for (host, _) in world.up() {
                if !world.oracle.was_told(host.host, host.disk, id) {
                    let fate = if fate == Fate::Acknowledged { "acknowledged" } else { "held" };
                    return Err(format!("{} was not told of {id}, which is {fate}", host.host));
                }
            }
        }
        Ok(())
    }
}
