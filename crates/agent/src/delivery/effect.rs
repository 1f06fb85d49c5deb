//! What follows from a change of a subscription, to be done when no lock is held.

use super::hub::Hub;
use super::journal::Kept;
use super::letters::DeadLetter;
use super::outcome::Report;
use super::status::{Notice, PauseReason};
use bruit_model::ItemId;
use std::sync::Arc;

/// One thing to do.
#[derive(Debug)]
pub(super) enum Effect {
    /// A delivery ended.
    Ended {
        report: Report,
        /// What is kept of it if it became a dead letter.
        dead: Option<Box<DeadLetter>>,
        /// Whether the journal is told: not if it was told that the whole subscription is gone.
        is_kept: bool,
    },
    /// A dead letter is no more.
    LetterGone(ItemId),
    /// The subscription was paused or resumed.
    Paused(Option<PauseReason>),
    /// What the subscription shows of itself changed.
    Notice(Box<Notice>),
}

/// Does all, in order; gives what the last end is to wait for.
pub(super) fn perform(hub: &Hub, name: &Arc<str>, effects: Vec<Effect>) -> Option<Kept> {
    let mut kept = None;
    for effect in effects {
        match effect {
            Effect::Ended { report, dead, is_kept } => {
                if is_kept {
                    let item = report.item.id;
                    kept = hub.journal.ended(item, name, dead.as_deref());
                }
                (hub.sink)(report);
            }
            Effect::LetterGone(item) => hub.journal.dead_letter_gone(item, name),
            Effect::Paused(reason) => hub.journal.paused(name, reason),
            Effect::Notice(notice) => {
                if let Some(sink) = hub.notices.get() {
                    sink(*notice);
                }
            }
        }
    }
    kept
}
