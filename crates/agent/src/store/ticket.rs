//! For whoever wants to know that something is on disk.

use super::Store;
use bruit_model::ItemId;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Says when something is on disk, or that it will not be.
#[derive(Debug)]
#[must_use = "whoever told this may have to wait for it"]
pub(crate) struct Ticket(Option<oneshot::Receiver<bool>>);

impl Ticket {
    pub(super) const fn new(receiver: Option<oneshot::Receiver<bool>>) -> Self {
        Self(receiver)
    }

    /// Whether there is something to wait for.
    pub(crate) const fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// Waits; whether it is on disk.
    pub(crate) async fn kept(self) -> bool {
        match self.0 {
            Some(receiver) => receiver.await.unwrap_or(false),
            None => false,
        }
    }

    /// The same, for a thread that may block.
    pub(crate) fn blocking_kept(self) -> bool {
        self.0.is_some_and(|receiver| receiver.blocking_recv().unwrap_or(false))
    }
}

/// As a [`Ticket`], for an item that is yet to be offered.
#[derive(Debug)]
pub(crate) struct Expected {
    store: Arc<Store>,
    id: ItemId,
    receiver: oneshot::Receiver<bool>,
}

impl Expected {
    pub(super) const fn new(
        store: Arc<Store>,
        id: ItemId,
        receiver: oneshot::Receiver<bool>,
    ) -> Self {
        Self { store, id, receiver }
    }

    /// Waits; whether the item is on disk.
    pub(crate) async fn kept(mut self) -> bool {
        (&mut self.receiver).await.unwrap_or(false)
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        // An item whose event was shed is never offered.
        self.store.forget_expected(&self.id);
    }
}
