//! Honest nodes understand each other.

use super::{Checker, World};
use bruit_model::Rejected;

/// Among nodes of one version and one key, no datagram is refused but as seen before or as a first
/// contact, and no clock goes backwards: what a node would log as an error. A host that restarted
/// may refuse as not authentic what was meant for its earlier run.
#[derive(Debug)]
pub struct NothingRefused;

/// Counters of errors.
const ERRORS: [&str; 3] = ["clock_backwards", "frames_unknown", "records_refused"];

impl Checker for NothingRefused {
    fn name(&self) -> &'static str {
        "nothing refused"
    }

    fn source(&self) -> &'static str {
        "style guide, section 2.5: any error in a simulation fails it"
    }

    fn at_any_time(&mut self, world: &World<'_>) -> Result<(), String> {
        for host in world.hosts {
            let is_fine = |why: &Rejected| {
                matches!(why, Rejected::Replayed | Rejected::FirstContact)
                    || (*why == Rejected::Unauthentic && host.run > 1)
            };
            let wrong = host.rejected.iter().find(|(why, _)| !is_fine(why));
            if let Some((why, count)) = wrong {
                return Err(format!("{} refused {count} datagrams: {why}", host.host));
            }
            let Some(node) = &host.node else { continue };
            for ((name, _), count) in &node.counters {
                if ERRORS.contains(name) && *count > 0 {
                    return Err(format!("{} counts {count} {name}", host.host));
                }
            }
        }
        Ok(())
    }
}
