//! Membership views come to agree.

use super::{Checker, World};
use bruit_model::{MemberState, NodeId};
use std::collections::BTreeSet;

/// In the end, every node that is up holds alive exactly the nodes that are up, and suspects
/// nobody.
#[derive(Debug)]
pub struct ViewsAgree;

impl Checker for ViewsAgree {
    fn name(&self) -> &'static str {
        "views agree"
    }

    fn source(&self) -> &'static str {
        "SWIM (DSN 2002), sections 3 and 4: strong completeness, eventual dissemination"
    }

    fn in_the_end(&self, world: &World<'_>) -> Result<(), String> {
        let up: BTreeSet<NodeId> = world.up().map(|(_, node)| node.id).collect();
        for (host, node) in world.up() {
            let mut alive = BTreeSet::new();
            for member in &node.members {
                match member.state {
                    MemberState::Alive => drop(alive.insert(member.id)),
                    MemberState::Suspect => {
                        return Err(format!("{} suspects {}", host.host, member.name));
                    }
                    MemberState::Failed | MemberState::Left => {}
                }
            }
            if let Some(id) = alive.symmetric_difference(&up).next() {
                let wrongly =
                    if alive.contains(id) { "holds alive" } else { "does not hold alive" };
                return Err(format!("{} {wrongly} the node {id}", host.host));
            }
        }
        Ok(())
    }
}
