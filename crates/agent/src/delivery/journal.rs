//! What delivery tells to whoever keeps it over a restart.

use super::{DeadLetter, PauseReason};
use bruit_model::{Item, ItemId};
use std::pin::Pin;
use std::sync::Arc;

/// Resolves once what was told is kept, or cannot be.
pub type Kept = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Keeps what must survive a restart. Nothing here blocks or waits.
pub trait Journal: Send + Sync {
    /// An item was queued for these subscriptions; there may be none.
    fn offered(&self, item: &Arc<Item>, subscriptions: &[Arc<str>]);

    /// A delivery ended; `dead` is what is kept of it if it became a dead letter. The place of the
    /// delivery among those under way is free only when the answer, if there is one, resolves:
    /// so what a kill repeats is what was under way.
    fn ended(
        &self,
        item: ItemId,
        subscription: &Arc<str>,
        dead: Option<&DeadLetter>,
    ) -> Option<Kept>;

    /// A dead letter is no more: dropped, retried, or older than what is kept.
    fn dead_letter_gone(&self, item: ItemId, subscription: &Arc<str>);

    /// A subscription was paused, or resumed.
    fn paused(&self, subscription: &Arc<str>, reason: Option<PauseReason>);

    /// A subscription and all that waits in it is gone.
    fn unsubscribed(&self, subscription: &Arc<str>);
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoJournal;

impl Journal for NoJournal {
    fn offered(&self, _: &Arc<Item>, _: &[Arc<str>]) {}

    fn ended(&self, _: ItemId, _: &Arc<str>, _: Option<&DeadLetter>) -> Option<Kept> {
        None
    }

    fn dead_letter_gone(&self, _: ItemId, _: &Arc<str>) {}

    fn paused(&self, _: &Arc<str>, _: Option<PauseReason>) {}

    fn unsubscribed(&self, _: &Arc<str>) {}
}
