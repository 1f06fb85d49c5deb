//! The queue of updates to spread (SWIM section 4.1).

use super::message::Update;
use crate::MemberId;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// At most one update per member: the newest. Those sent least come first, of these the newest.
#[derive(Clone, Debug)]
pub(super) struct Queue<I, R> {
    entries: BTreeMap<I, Entry<I, R>>,
    order: BTreeSet<Rank<I>>,
    count: u64,
}

type Rank<I> = (u32, Reverse<u64>, I);

#[derive(Clone, Debug)]
struct Entry<I, R> {
    update: Update<I, R>,
    transmissions: u32,
    number: u64,
}

impl<I: MemberId, R: Clone> Queue<I, R> {
    /// How many updates in a row may be too large for the room left before the search ends.
    const MISFITS_MAX: u32 = 16;

    /// An empty queue.
    pub(super) fn new() -> Self {
        Self { entries: BTreeMap::new(), order: BTreeSet::new(), count: 0 }
    }

    /// Queues an update as if it had been sent `transmissions` times; true if it replaced an
    /// older one about the same member.
    pub(super) fn push(&mut self, update: Update<I, R>, transmissions: u32) -> bool {
        let id = update.subject().clone();
        let replaced = self.remove(&id);
        self.count += 1;
        self.order.insert((transmissions, Reverse(self.count), id.clone()));
        self.entries.insert(id, Entry { update, transmissions, number: self.count });
        replaced
    }

    /// Drops the update about a member.
    pub(super) fn remove(&mut self, id: &I) -> bool {
        match self.entries.remove(id) {
            Some(entry) => {
                self.order.remove(&(entry.transmissions, Reverse(entry.number), id.clone()))
            }
            None => false,
        }
    }

    /// True when there is nothing to spread.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many updates are queued.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether an update about `id` is queued.
    pub(super) fn contains(&self, id: &I) -> bool {
        self.entries.contains_key(id)
    }

    /// Moves into `into` what `fits`, each update at most once, and counts it as sent; those sent
    /// `limit` times are dropped. Updates about a member in `told` were sent to the receiver
    /// already: they are left as they are. That the receiver is alive is known to it: it counts
    /// as sent and takes no room.
    pub(super) fn fill(
        &mut self,
        to: &I,
        limit: u32,
        told: &[I],
        fits: &mut dyn FnMut(&Update<I, R>) -> bool,
        into: &mut Vec<Update<I, R>>,
    ) {
        let mut misfits_left = Self::MISFITS_MAX;
        let mut sent = Vec::new();
        for rank in &self.order {
            let id = &rank.2;
            if told.contains(id) {
                continue;
            }
            let update = &self.entries.get(id).expect("each rank has its entry").update;
            if id == to && matches!(update, Update::Alive { .. }) {
                sent.push(rank.clone());
            } else if fits(update) {
                into.push(update.clone());
                sent.push(rank.clone());
            } else {
                misfits_left -= 1;
                if misfits_left == 0 {
                    break;
                }
            }
        }
        for rank in sent {
            self.count_transmission(rank, limit);
        }
    }

    fn count_transmission(&mut self, rank: Rank<I>, limit: u32) {
        self.order.remove(&rank);
        let (transmissions, number, id) = rank;
        if transmissions + 1 >= limit {
            self.entries.remove(&id);
            return;
        }
        let entry = self.entries.get_mut(&id).expect("each rank has its entry");
        entry.transmissions += 1;
        self.order.insert((transmissions + 1, number, id));
    }
}
