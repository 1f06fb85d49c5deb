//! Rumor mongering at engine scale: [`bruit_engine::spread::rumor::Rumor`] on every node.
//!
//! Items are the numbers 0, 1, … in the order in which they are published. Who holds what is kept
//! once for all nodes, a byte for each node and item, in the [`Ledger`]; it knows all that the
//! papers measure.

mod ledger;
mod letter;
mod node;
mod outcome;

pub use ledger::{Coverage, Ledger, Spreading};
pub use letter::{Keys, Letter};
pub use node::{Group, Peers, RumorNode};
pub use outcome::Outcome;

use super::{Settings, Universe};
use bruit_engine::spread::rumor::{Limits, Rumor, Spread, Style};

/// A universe of rumor engines.
pub type RumorUniverse = Universe<RumorNode>;

/// A universe in which items are spread.
///
/// # Panics
/// If there are no nodes.
pub fn universe(seed: u64, nodes: u32, settings: Settings, group: Group) -> RumorUniverse {
    let limits = Limits::default();
    Universe::new(seed, nodes, settings, group, |_, rng| RumorNode::new(Rumor::new(limits, rng)))
}

impl RumorUniverse {
    /// Publishes an item at a node; its number. Under pull and push-pull all nodes that are up
    /// begin to poll, unless they do.
    pub fn publish(&mut self, origin: u32, spread: Spread) -> u32 {
        let nodes = self.nodes();
        let key = self.shared.ledger.open(self.now(), nodes, spread);
        if matches!(spread.style, Style::Pull | Style::PushPull) {
            for node in 0..nodes {
                if !self.is_down(node) {
                    self.call(node, |machine, call| machine.poll(call, spread.period));
                }
            }
        }
        self.call(origin, |machine, call| machine.publish(call, key));
        key
    }

    /// What has become of an item.
    pub fn outcome(&self, key: u32) -> Outcome {
        let alive = (0..self.nodes()).filter(|node| !self.is_down(*node)).count();
        Outcome::of(self, key, alive)
    }
}
