//! The smallest plan that still fails.

use super::{Entry, Plan};

/// What shrinking came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shrunk {
    /// A plan that fails.
    pub plan: Plan,
    /// How many plans were tried.
    pub tries: u32,
    /// No entry can be dropped alone without the failure going away.
    pub is_minimal: bool,
}

/// Drops entries from a failing plan while it `fails`, halves first, then quarters and so on, down
/// to single ones; `tries_max` bounds how often `fails` is asked. Source: Zeller, Hildebrandt,
/// "Simplifying and isolating failure-inducing input", IEEE TSE 28 (2002), the complement step of
/// ddmin.
pub fn shrink(plan: &Plan, tries_max: u32, mut fails: impl FnMut(&Plan) -> bool) -> Shrunk {
    let mut entries = plan.entries().to_vec();
    let (mut tries, mut parts) = (0, 2);
    let mut is_minimal = entries.is_empty();
    while !entries.is_empty() && tries < tries_max {
        let size = entries.len().div_ceil(parts);
        let smaller = (0..entries.len()).step_by(size).find_map(|start| {
            if tries >= tries_max {
                return None;
            }
            tries += 1;
            let rest = without(&entries, start, size);
            fails(&Plan::new(rest.clone())).then_some(rest)
        });
        match smaller {
            Some(rest) => {
                entries = rest;
                parts = parts.saturating_sub(1).max(2);
            }
            None if tries >= tries_max => {}
            None if size == 1 => {
                is_minimal = true;
                break;
            }
            None => parts = (2 * parts).min(entries.len()),
        }
        is_minimal = entries.is_empty();
    }
    Shrunk { plan: Plan::new(entries), tries, is_minimal }
}

fn without(entries: &[Entry], start: usize, len: usize) -> Vec<Entry> {
    let end = entries.len().min(start + len);
    entries[..start].iter().chain(&entries[end..]).cloned().collect()
}
