//! Metadata comes to agree.

use super::{Checker, World};

/// In the end, what each node that is up knows of each other's metadata is what that one says.
#[derive(Debug)]
pub struct MetadataAgrees;

impl Checker for MetadataAgrees {
    fn name(&self) -> &'static str {
        "metadata agrees"
    }

    fn source(&self) -> &'static str {
        "design, section 1: each node's metadata reaches all nodes"
    }

    fn in_the_end(&self, world: &World<'_>) -> Result<(), String> {
        for (owner, own) in world.up() {
            let Some(itself) = own.member(&own.id) else {
                return Err(format!("{} does not know itself", owner.host));
            };
            for (host, node) in world.up() {
                let Some(known) = node.member(&own.id) else {
                    return Err(format!("{} does not know {}", host.host, owner.host));
                };
                let same = known.generation == itself.generation
                    && known.incarnation == itself.incarnation
                    && known.metadata == itself.metadata;
                if !same {
                    return Err(format!(
                        "{} has {} in incarnation {}, generation {:x}; it is in {}, {:x}{}",
                        host.host,
                        owner.host,
                        known.incarnation,
                        known.generation,
                        itself.incarnation,
                        itself.generation,
                        if known.metadata == itself.metadata { "" } else { "; metadata differs" },
                    ));
                }
            }
        }
        Ok(())
    }
}
