//! What is queued, under way and dead, and what an operator does about it.

use super::Delivery;
use super::entry::Entry;
use super::hub::millis;
use super::lane::Lane;
use super::letters::DeadLetter;
use super::state::State;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::time::Instant;

/// Where a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It waits, also for its next attempt.
    Queued,
    /// An attempt is being made.
    InFlight,
    /// It was given up: a dead letter.
    Failed,
}

/// A delivery that has not succeeded yet, or will not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeliveryRecord {
    /// Names it on this agent: the subscription's name, a dot, and a number. The same for as long
    /// as the delivery is known.
    pub id: String,
    /// The name of the subscription.
    pub subscription: String,
    /// The printable id of the item.
    pub item: String,
    /// The path of the item.
    pub path: String,
    /// Where it is.
    pub state: DeliveryState,
    /// How many attempts were made.
    pub attempts: u32,
    /// What the consumer answered last, if it ever did.
    pub status: Option<u16>,
    /// Why it was given up, or why the last attempt failed.
    pub reason: Option<String>,
    /// When it was queued, when its attempt began, or when it was given up: milliseconds since
    /// 1970-01-01 UTC.
    pub unix_millis: u64,
    /// In how many milliseconds it may be tried again; 0 if that depends on something else than
    /// time.
    pub next_attempt_millis: Option<u64>,
}

/// Which deliveries are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Those in this state only.
    pub state: Option<DeliveryState>,
    /// Those of this subscription only.
    pub subscription: Option<String>,
    /// At most so many.
    pub limit: usize,
}

impl Delivery {
    /// The deliveries that are wanted, by subscription; of each, those that failed, then those
    /// under way, then those that wait, the oldest first.
    pub fn deliveries(&self, wanted: &Wanted) -> Vec<DeliveryRecord> {
        let mut records = Vec::new();
        let is_wanted = |state| wanted.state.is_none_or(|wanted| wanted == state);
        for lane in self.lanes(wanted.subscription.as_deref()) {
            let state = lane.state();
            let left = wanted.limit - records.len();
            if is_wanted(DeliveryState::Failed) {
                records.extend(state.letters.iter().take(left).map(DeliveryRecord::of_letter));
            }
            let left = wanted.limit - records.len();
            if is_wanted(DeliveryState::InFlight) {
                records.extend(of_under_way(&state).take(left));
            }
            let left = wanted.limit - records.len();
            if is_wanted(DeliveryState::Queued) {
                let now = Instant::now();
                let waiting = state.queue.iter().take(left);
                records.extend(waiting.map(|entry| of_entry(&state.name, entry, now)));
            }
            if records.len() >= wanted.limit {
                break;
            }
        }
        records
    }

    /// The dead letter of this id.
    pub fn dead_letter(&self, id: &str) -> Option<DeadLetter> {
        let (lane, number) = self.find(id)?;
        lane.state().letters.get(number).cloned()
    }

    /// Queues the item of a dead letter anew, with all its attempts before it; whether there was
    /// such a letter.
    pub fn retry(&self, id: &str) -> bool {
        self.take_letter(id).is_some_and(|(lane, letter)| self.requeue(&lane, &letter))
    }

    /// The same for all dead letters of one subscription, or of all; how many there were.
    pub fn retry_all(&self, subscription: Option<&str>) -> usize {
        let mut count = 0;
        for lane in self.lanes(subscription) {
            let letters = lane.state().letters.drain();
            count += letters.iter().filter(|letter| self.requeue(&lane, letter)).count();
        }
        count
    }

    /// Drops a dead letter; whether it was there.
    pub fn drop_dead(&self, id: &str) -> bool {
        let Some((lane, letter)) = self.take_letter(id) else { return false };
        self.hub.journal.dead_letter_gone(letter.item.id, &lane.name);
        true
    }

    /// Drops the dead letters of one subscription, or of all; how many there were.
    pub fn drop_all_dead(&self, subscription: Option<&str>) -> usize {
        let mut count = 0;
        for lane in self.lanes(subscription) {
            let letters = lane.state().letters.drain();
            count += letters.len();
            let items = letters.iter().map(|letter| letter.item.id);
            items.for_each(|item| self.hub.journal.dead_letter_gone(item, &lane.name));
        }
        count
    }

    /// Takes back a dead letter that an earlier run of the agent kept; the journal hears only of
    /// those that are too many. Whether its subscription is there, and its id is one of its.
    pub fn restore_dead(&self, letter: DeadLetter) -> bool {
        let Some((lane, number)) = self.find(&letter.id) else { return false };
        if *lane.name != *letter.subscription {
            return false;
        }
        let gone = {
            let mut state = lane.state();
            state.queue.skip_numbers(number);
            state.letters.keep(number, letter)
        };
        let items = gone.iter().map(|letter| letter.item.id);
        items.for_each(|item| self.hub.journal.dead_letter_gone(item, &lane.name));
        true
    }

    fn find(&self, id: &str) -> Option<(Arc<Lane>, u64)> {
        let (name, number) = DeadLetter::parse_id(id)?;
        Some((self.lane(name)?, number))
    }

    fn take_letter(&self, id: &str) -> Option<(Arc<Lane>, DeadLetter)> {
        let (lane, number) = self.find(id)?;
        let letter = lane.state().letters.remove(number)?;
        Some((lane, letter))
    }

    /// The journal hears of the new delivery before the letter goes, so that a kill between the
    /// two loses nothing.
    fn requeue(&self, lane: &Arc<Lane>, letter: &DeadLetter) -> bool {
        let is_there = self.offer_to(&lane.name, &letter.item);
        self.hub.journal.dead_letter_gone(letter.item.id, &lane.name);
        is_there
    }
}

impl DeliveryRecord {
    /// What a list says of a dead letter.
    pub fn of_letter(letter: &DeadLetter) -> Self {
        Self {
            id: letter.id.clone(),
            subscription: letter.subscription.clone(),
            item: letter.item.id.to_string(),
            path: letter.item.path.to_string(),
            state: DeliveryState::Failed,
            attempts: letter.attempts,
            status: letter.status,
            reason: Some(letter.reason.clone()),
            unix_millis: letter.unix_millis,
            next_attempt_millis: None,
        }
    }
}

fn of_entry(name: &str, entry: &Entry, now: Instant) -> DeliveryRecord {
    DeliveryRecord {
        id: DeadLetter::id_of(name, entry.number),
        subscription: name.to_owned(),
        item: entry.item.id.to_string(),
        path: entry.item.path.to_string(),
        state: DeliveryState::Queued,
        attempts: entry.attempts,
        status: entry.last_status,
        reason: entry.notes.last().and_then(|note| note.error.clone()),
        unix_millis: entry.accepted_unix_millis,
        next_attempt_millis: Some(millis(entry.due.saturating_duration_since(now))),
    }
}

fn of_under_way(state: &State) -> impl Iterator<Item = DeliveryRecord> + '_ {
    state.under_way.iter().map(|(&number, under_way)| DeliveryRecord {
        id: DeadLetter::id_of(&state.name, number),
        subscription: state.name.to_string(),
        item: under_way.item.id.to_string(),
        path: under_way.item.path.to_string(),
        state: DeliveryState::InFlight,
        attempts: under_way.attempts,
        status: under_way.last_status,
        reason: None,
        unix_millis: under_way.since_unix_millis,
        next_attempt_millis: None,
    })
}
