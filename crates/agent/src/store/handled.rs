//! Items that an earlier run offered to the subscriptions after its node's last snapshot.
//!
//! The node asks the group for them again, since its snapshot does not know of them. They are not
//! offered again.

use bruit_model::ItemId;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// The items; each counts once.
#[derive(Debug, Default)]
pub(crate) struct Handled {
    items: Mutex<BTreeSet<ItemId>>,
}

impl Handled {
    pub(crate) fn new(items: BTreeSet<ItemId>) -> Self {
        Self { items: Mutex::new(items) }
    }

    /// Whether the item was offered by an earlier run. It is forgotten.
    pub(crate) fn take(&self, id: &ItemId) -> bool {
        self.items.lock().unwrap_or_else(PoisonError::into_inner).remove(id)
    }

    /// How many they are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.items.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
