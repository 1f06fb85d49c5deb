//! The store as delivery's journal, and as what keeps the subscriptions that the API makes.

use super::{LoadedDead, Store, Ticket};
use crate::delivery::{DeadLetter, Journal, Kept, PauseReason, SubscriptionSpec};
use crate::subscriptions::Keep;
use bruit_model::{Item, ItemId};
use std::sync::Arc;

/// Tells a store.
#[derive(Clone, Debug)]
pub(crate) struct StoreJournal(pub(crate) Arc<Store>);

/// The number in the id of a dead letter: what follows the last dot.
fn number_of(letter: &DeadLetter) -> u64 {
    let number = letter.id.rsplit_once('.').and_then(|(_, number)| number.parse().ok());
    number.expect("the id of a dead letter ends with its number")
}

impl From<&DeadLetter> for LoadedDead {
    fn from(letter: &DeadLetter) -> Self {
        Self {
            subscription: letter.subscription.clone(),
            item: Arc::clone(&letter.item),
            number: number_of(letter),
            unix_millis: letter.unix_millis,
            attempts: letter.attempts,
            status: letter.status,
            reason: letter.reason.clone(),
        }
    }
}

impl From<LoadedDead> for DeadLetter {
    fn from(dead: LoadedDead) -> Self {
        Self {
            id: format!("{}.{}", dead.subscription, dead.number),
            subscription: dead.subscription,
            item: dead.item,
            reason: dead.reason,
            status: dead.status,
            attempts: dead.attempts,
            unix_millis: dead.unix_millis,
        }
    }
}

/// The word by which a reason is kept.
const fn word_of(reason: PauseReason) -> &'static str {
    match reason {
        PauseReason::Gone => "gone",
        PauseReason::Operator => "operator",
    }
}

/// The reason of which this is the word. One that is not known, from another version, is the
/// operator's: it lasts until an operator ends it.
pub(crate) fn reason_of(word: &str) -> PauseReason {
    if word == word_of(PauseReason::Gone) { PauseReason::Gone } else { PauseReason::Operator }
}

/// What is to be waited for, if anything.
fn kept(ticket: Ticket) -> Option<Kept> {
    let wait = async move {
        // That it is not on disk is counted and shown; nobody can do anything about it here.
        let _ = ticket.kept().await;
    };
    Some(Box::pin(wait))
}

impl Journal for StoreJournal {
    fn offered(&self, item: &Arc<Item>, subscriptions: &[Arc<str>]) {
        self.0.offered(item, subscriptions);
    }

    fn ended(
        &self,
        item: ItemId,
        subscription: &Arc<str>,
        dead: Option<&DeadLetter>,
    ) -> Option<Kept> {
        let dead = dead.map(LoadedDead::from);
        let ticket = self.0.ended(item, subscription, dead.as_ref());
        if ticket.is_open() { kept(ticket) } else { None }
    }

    fn dead_letter_gone(&self, item: ItemId, subscription: &Arc<str>) {
        self.0.dead_letter_gone(item, subscription);
    }

    fn paused(&self, subscription: &Arc<str>, reason: Option<PauseReason>) {
        self.0.paused(subscription, reason.map(word_of));
    }

    fn unsubscribed(&self, subscription: &Arc<str>) {
        self.0.unsubscribed(subscription);
    }
}

impl Keep for StoreJournal {
    fn put(&self, name: &str, spec: &SubscriptionSpec) -> Option<Kept> {
        kept(self.0.put_subscription(name, spec))
    }

    fn remove(&self, name: &str) -> Option<Kept> {
        kept(self.0.remove_subscription(name))
    }
}
