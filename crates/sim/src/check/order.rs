//! Items of one origin in the order of their numbers, where a node promises it.

use super::per_run::PerRun;
use super::{Checker, Told};
use bruit_model::{Event, NodeId};
use std::collections::BTreeMap;

/// A run of a node tells the items of one run of an origin in the order in which they were
/// accepted there. The native node promises no order, its agent does; so this is not one of
/// [`super::native`], but for a node that orders by itself.
#[derive(Debug, Default)]
pub struct OriginOrder {
    newest: PerRun<BTreeMap<(NodeId, u64), u64>>,
}

impl Checker for OriginOrder {
    fn name(&self) -> &'static str {
        "origin order"
    }

    fn source(&self) -> &'static str {
        "design, section 8: per-origin FIFO where asked for"
    }

    fn on_event(&mut self, told: &Told<'_>) -> Result<(), String> {
        let Event::Item { item, .. } = told.event else { return Ok(()) };
        let newest = self.newest.of(told);
        let newest = newest.entry((item.id.origin, item.id.start)).or_default();
        if item.id.seq <= *newest {
            return Err(format!("{} was told of {} after number {newest}", told.host, item.id));
        }
        *newest = item.id.seq;
        Ok(())
    }
}
