//! The papers' measures of one item.

use super::RumorUniverse;
use super::ledger::Coverage;
use std::time::Duration;

/// What has become of an item.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The seed that repeats the run.
    pub seed: u64,
    /// Nodes that are up.
    pub nodes: u64,
    /// Of these, the part that does not hold the item (Demers et al.: residue s).
    pub residue: f64,
    /// Copies, and keys told to those that polled, by all nodes (Demers et al.: traffic m): copies
    /// for push, announcements where copies are asked for.
    pub traffic: f64,
    /// From the publication to the last first receipt (Demers et al.: t_last).
    pub last: Duration,
    /// How many hops the farthest first receipt was from the origin (last delivery hop).
    pub hops_last: u8,
    /// Copies for each node reached but the origin, less the one that it needs (relative message
    /// redundancy); 0 if nobody was reached.
    pub rmr: f64,
    /// First receipts over time.
    pub coverage: Coverage,
    /// Calls of engines in the whole run.
    pub events: u64,
    /// What the whole run comes to.
    pub trace_hash: u64,
}

impl Outcome {
    pub(super) fn of(universe: &RumorUniverse, key: u32, alive: usize) -> Self {
        let ledger = &universe.shared.ledger;
        let item = ledger.item(key);
        let lacking = (0..universe.nodes())
            .filter(|node| !universe.is_down(*node) && !ledger.holds(*node, key))
            .count();
        let reached = item.holders.saturating_sub(1);
        let announced: u64 = universe.machines().iter().map(|node| node.stats().announced).sum();
        let told = if announced > 0 { announced } else { item.copies };
        Self {
            seed: universe.seed(),
            nodes: alive as u64,
            residue: lacking as f64 / alive.max(1) as f64,
            traffic: told as f64 / f64::from(universe.nodes()),
            last: item.last.since(item.published),
            hops_last: item.hops_last,
            rmr: if reached > 0 { item.copies as f64 / reached as f64 - 1.0 } else { 0.0 },
            coverage: item.coverage.clone(),
            events: universe.counts().events(),
            trace_hash: universe.trace_hash(),
        }
    }
}
