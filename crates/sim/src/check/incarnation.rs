//! Nothing is taken back without a higher incarnation.

use super::per_run::PerRun;
use super::{Checker, Told};
use bruit_model::{Event, MemberState, NodeId};
use std::collections::BTreeMap;

/// What one run of a node tells of a member only goes up, in the order (incarnation, state): no
/// failed member comes back by a lower incarnation, or by the same.
#[derive(Debug, Default)]
pub struct NoResurrection {
    known: PerRun<BTreeMap<NodeId, (u64, MemberState)>>,
}

impl Checker for NoResurrection {
    fn name(&self) -> &'static str {
        "no resurrection"
    }

    fn source(&self) -> &'static str {
        "SWIM (DSN 2002), section 4.2: the order of statements"
    }

    fn on_event(&mut self, told: &Told<'_>) -> Result<(), String> {
        let known = self.known.of(told);
        match told.event {
            Event::MemberReaped { id, .. } => drop(known.remove(id)),
            Event::MemberChanged { member, .. } if !member.is_self => {
                let new = (member.incarnation, member.state);
                let old = known.insert(member.id, new);
                if let Some(old) = old.filter(|old| *old > new) {
                    return Err(format!(
                        "{} had {} {} in incarnation {}, and then {} in {}",
                        told.host, member.name, old.1, old.0, new.1, new.0
                    ));
                }
            }
            Event::MemberChanged { .. }
            | Event::MemberUpdated(_)
            | Event::Item { .. }
            | Event::RecordChanged { .. }
            | Event::Told { .. }
            | Event::TellFailed { .. }
            | Event::Answer { .. }
            | Event::Joined { .. }
            | Event::JoinFailed { .. }
            | Event::Left
            | Event::Extra(_) => {}
        }
        Ok(())
    }
}
