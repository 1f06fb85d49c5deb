//! Which items have deliveries that have not ended: a later run asks for those again.

use bruit_model::ItemId;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Open deliveries by item. Bounded by the delivery queues: each entry stands for something
/// that waits there or is under way.
#[derive(Debug, Default)]
pub(crate) struct Undone {
    /// An end may be told before its beginning, so counts may be negative for a moment.
    open: Mutex<BTreeMap<ItemId, i64>>,
}

impl Undone {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<ItemId, i64>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, item: ItemId, by: i64) {
        let mut open = self.lock();
        let count = open.entry(item).or_default();
        *count += by;
        if *count == 0 {
            open.remove(&item);
        }
    }

    /// An item was handed to so many subscriptions.
    pub(crate) fn offered(&self, item: ItemId, subscriptions: usize) {
        self.change(item, i64::try_from(subscriptions).unwrap_or(i64::MAX));
    }

    /// A delivery ended.
    pub(crate) fn ended(&self, item: ItemId) {
        self.change(item, -1);
    }

    /// The items, in the order of their ids.
    pub(crate) fn items(&self) -> Vec<ItemId> {
        self.lock().keys().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bruit_model::NodeId;

    #[test]
    fn an_item_is_undone_until_its_last_delivery_ended() {
        let undone = Undone::default();
        let item = |seq| ItemId { origin: NodeId([1; 16]), start: 1, seq };
        undone.ended(item(1));
        undone.offered(item(1), 2);
        undone.offered(item(2), 0);
        assert_eq!(undone.items(), [item(1)]);
        undone.ended(item(1));
        assert_eq!(undone.items(), []);
    }
}
