//! Reading a subscription whose items go to whoever is connected.

use super::Mode;
use super::effect::Effect;
use super::end::{Ended, Occupied, Place, TAKEN};
use super::entry::Entry;
use super::lane::Lane;
use super::outcome::FailReason;
use super::state::{Begin, State};
use bruit_model::Item;
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Reads a stream. As many items as the subscription's concurrency are given out at once, to all
/// readers of it together; each item goes to one of them. Those that were not acknowledged when
/// the reader is dropped go back to the queue, and no attempt is counted.
pub struct Reader {
    lane: Arc<Lane>,
    given: BTreeMap<u64, Given>,
}

struct Given {
    entry: Box<Entry>,
    at: Instant,
    at_unix_millis: u64,
}

/// An item given to a reader.
#[derive(Clone, Debug)]
pub struct Offered {
    /// Names it in [`Reader::ack`].
    pub seq: u64,
    /// The item.
    pub item: Arc<Item>,
}

impl Reader {
    /// `None` if the subscription has no stream, or is gone.
    pub(super) fn open(lane: Arc<Lane>) -> Option<Self> {
        let mut effects = Vec::new();
        let mut state = lane.state();
        if state.closed || state.subscription.mode != Mode::Stream {
            return None;
        }
        state.workers.readers += 1;
        state.notice(Instant::now(), &mut effects);
        drop(state);
        lane.perform(effects);
        Some(Self { lane, given: BTreeMap::new() })
    }

    /// The next item. `None` when the stream is over: the subscription was removed or changed, or
    /// the agent stops. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Offered> {
        let lane = Arc::clone(&self.lane);
        loop {
            let mut woken = pin!(lane.readers.notified());
            // From here on a call is not missed, whoever is called.
            woken.as_mut().enable();
            let begin = {
                let mut state = lane.state();
                let is_over = state.closed || state.subscription.mode != Mode::Stream;
                if is_over || lane.hub.is_stopping() {
                    return None;
                }
                lane.begin(&mut state, Instant::now())
            };
            match begin {
                Begin::Entry(entry, _) => return Some(self.give(entry)),
                Begin::Expired(entry) => self.expire(entry),
                Begin::Idle(_) => woken.await,
            }
        }
    }

    fn give(&mut self, entry: Box<Entry>) -> Offered {
        let offered = Offered { seq: entry.number, item: Arc::clone(&entry.item) };
        let at_unix_millis = self.lane.hub.unix_millis();
        self.given.insert(offered.seq, Given { entry, at: Instant::now(), at_unix_millis });
        offered
    }

    fn expire(&self, entry: Box<Entry>) {
        let place = Occupied::by(&entry);
        self.finish(place, |state, effects| {
            state.fail(&self.lane.hub, *entry, FailReason::Expired, None, effects);
            Place::Held
        });
    }

    /// The item was taken; whether it was given to this reader and not acknowledged before.
    pub fn ack(&mut self, seq: u64) -> bool {
        let Some(Given { entry, at, at_unix_millis }) = self.given.remove(&seq) else {
            return false;
        };
        let ended = Ended { at_unix_millis, took: at.elapsed(), ..Ended::answered(TAKEN, None) };
        let place = Occupied::by(&entry);
        self.finish(place, |state, effects| state.end(&self.lane.hub, entry, ended, effects));
        true
    }

    /// How many items were given out and not acknowledged.
    pub fn unacknowledged(&self) -> usize {
        self.given.len()
    }

    /// Ends a delivery, and frees its place when the journal has kept that.
    fn finish(&self, place: Occupied, end: impl FnOnce(&mut State, &mut Vec<Effect>) -> Place) {
        let mut effects = Vec::new();
        let held = end(&mut self.lane.state(), &mut effects);
        let kept = self.lane.perform(effects);
        if held == Place::Freed {
            return;
        }
        let lane = Arc::clone(&self.lane);
        let free = move || {
            let mut state = lane.state();
            state.free(&lane.hub, place);
            lane.stir(&mut state, Instant::now());
        };
        match kept {
            None => free(),
            Some(kept) => self.lane.hub.spawn(async move {
                kept.await;
                free();
            }),
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut effects = Vec::new();
        let now = Instant::now();
        let mut state = self.lane.state();
        state.workers.readers -= 1;
        for (_, Given { entry, .. }) in std::mem::take(&mut self.given) {
            let due = entry.due;
            state.put_back(&self.lane.hub, entry, due, &mut effects);
        }
        state.notice(now, &mut effects);
        self.lane.stir(&mut state, now);
        drop(state);
        self.lane.perform(effects);
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let given: Vec<&u64> = self.given.keys().collect();
        f.debug_struct("Reader").field("name", &self.lane.name).field("given", &given).finish()
    }
}

/// How one attempt outside the queue went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestResult {
    /// What the consumer answered.
    pub status: Option<u16>,
    /// What went wrong, in words.
    pub error: Option<String>,
    /// How long it took.
    pub after: Duration,
}
