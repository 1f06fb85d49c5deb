//! Only the subject raises its incarnation.

use super::{Checker, World};
use bruit_model::NodeId;
use std::collections::BTreeMap;

/// Nobody has a node in a higher incarnation than the node itself ever was in. It needs a look at
/// each node before its end.
#[derive(Debug, Default)]
pub struct OnlySubjectRaises {
    own: BTreeMap<NodeId, u64>,
}

impl Checker for OnlySubjectRaises {
    fn name(&self) -> &'static str {
        "only the subject raises"
    }

    fn source(&self) -> &'static str {
        "SWIM (DSN 2002), section 4.2: only the member itself increments its incarnation"
    }

    fn at_any_time(&mut self, world: &World<'_>) -> Result<(), String> {
        for (_, node) in world.up() {
            let itself = node.member(&node.id).map_or(0, |member| member.incarnation);
            let own = self.own.entry(node.id).or_default();
            *own = itself.max(*own);
        }
        for (host, node) in world.up() {
            for member in &node.members {
                if let Some(own) = self.own.get(&member.id).filter(|own| member.incarnation > **own)
                {
                    return Err(format!(
                        "{} has {} in incarnation {}; it never was beyond {own}",
                        host.host, member.name, member.incarnation
                    ));
                }
            }
        }
        Ok(())
    }
}
