//! No item is told twice to one run of a node.

use super::per_run::PerRun;
use super::{Checker, Told};
use bruit_model::{Event, ItemId};
use std::collections::BTreeSet;

/// No item is told twice to one run of a node. A restart may repeat, since delivery is at least
/// once.
#[derive(Debug, Default)]
pub struct ToldOnce {
    told: PerRun<BTreeSet<ItemId>>,
}

impl Checker for ToldOnce {
    fn name(&self) -> &'static str {
        "told once"
    }

    fn source(&self) -> &'static str {
        "design, section 5: intervals find duplicates, exactly, and outlive retention"
    }

    fn on_event(&mut self, told: &Told<'_>) -> Result<(), String> {
        let Event::Item { item, .. } = told.event else { return Ok(()) };
        let items = self.told.of(told);
        if items.insert(item.id) {
            return Ok(());
        }
        Err(format!("{} was told of {} twice in run {}", told.host, item.id, told.run))
    }
}
