//! A slot: a task that makes one attempt after another for a subscription.
//!
//! It takes what is due from the queue by itself, and so needs nobody to hand it over. While
//! nothing is due it keeps its connection for a while, and then ends.

use super::end::{Ended, Occupied, Place};
use super::entry::Entry;
use super::http::Client;
use super::lane::Lane;
use super::outcome::FailReason;
use super::state::Begin;
use super::{Mode, Subscription, attempt};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// How many idle connections of a subscription are kept for [`IDLE_FOR`].
const IDLE_MAX: usize = 2;
/// How long they are kept. Below the 5 s after which Node.js closes them
/// (`server.keepAliveTimeout`), the shortest default among common servers: a request that
/// crosses such a close is lost and costs an attempt.
const IDLE_FOR: Duration = Duration::from_secs(4);
/// How long further ones are kept, so that a pause between bursts does not cost new connections.
/// A guess.
const SPARE_FOR: Duration = Duration::from_millis(200);

/// Serves `lane` until there has been nothing to do for a while. The lane counts it from before
/// it starts.
pub(super) async fn run(lane: Arc<Lane>) {
    let mut slot = Slot {
        lane,
        client: Client::default(),
        is_sharing: false,
        wake: Arc::default(),
        place: None,
    };
    while slot.next().await {}
}

struct Slot {
    lane: Arc<Lane>,
    client: Client,
    /// Its last request went over the connection that all slots share.
    is_sharing: bool,
    wake: Arc<Notify>,
    /// Of a delivery that has ended, and whose place is not free yet.
    place: Option<Occupied>,
}

/// What a slot does next.
enum Step {
    Serve(Box<Entry>, Arc<Subscription>),
    Expire(Box<Entry>),
    Park(Instant),
    End,
}

impl Slot {
    /// Makes the next attempt, or waits for one; false when it is time to end.
    async fn next(&mut self) -> bool {
        match self.step() {
            Step::Serve(entry, subscription) => self.serve(entry, &subscription).await,
            Step::Expire(entry) => self.abandon(entry, FailReason::Expired).await,
            Step::Park(until) => return self.park(until).await,
            Step::End => return false,
        }
        true
    }

    fn step(&mut self) -> Step {
        let now = Instant::now();
        let lane = &self.lane;
        let mut state = lane.state();
        if let Some(place) = self.place.take() {
            state.free(&lane.hub, place);
        }
        // Where the mode was changed to a stream, readers take the rest.
        let is_over = state.closed || state.subscription.mode == Mode::Stream;
        let begin = if is_over { Begin::Idle(None) } else { lane.begin(&mut state, now) };
        match begin {
            Begin::Entry(entry, subscription) => Step::Serve(entry, subscription),
            Begin::Expired(entry) => Step::Expire(entry),
            Begin::Idle(_) => {
                let has_connection = self.client.is_connected() || self.is_sharing;
                if is_over || !has_connection {
                    self.retire(&mut state.workers.slots);
                    if is_over {
                        lane.stir(&mut state, now);
                    }
                    return Step::End;
                }
                state.workers.parked.push(Arc::clone(&self.wake));
                let is_kept = state.workers.parked.len() <= IDLE_MAX;
                Step::Park(now + if is_kept { IDLE_FOR } else { SPARE_FOR })
            }
        }
    }

    /// Keeps the connection until there is something to do or `until`; false at that time.
    async fn park(&mut self, until: Instant) -> bool {
        tokio::select! {
            biased;
            () = self.wake.notified() => return true,
            () = self.client.closed() => {}
            () = sleep_until(until) => {}
        }
        let mut state = self.lane.state();
        let parked = &mut state.workers.parked;
        let Some(at) = parked.iter().position(|slot| Arc::ptr_eq(slot, &self.wake)) else {
            // Woken in the meantime.
            return true;
        };
        parked.remove(at);
        self.retire(&mut state.workers.slots);
        false
    }

    /// The last one closes the connection that all shared.
    fn retire(&self, slots: &mut usize) {
        *slots -= 1;
        if *slots == 0 {
            self.lane.http2.close();
        }
    }

    /// Makes one attempt.
    async fn serve(&mut self, entry: Box<Entry>, subscription: &Subscription) {
        let at_unix_millis = self.lane.hub.unix_millis();
        let began = Instant::now();
        self.is_sharing = matches!(&subscription.mode, Mode::Http(mode) if mode.http2);
        let shared = &self.lane.http2;
        let result = attempt::make(&mut self.client, shared, &entry.item, subscription).await;
        let took = began.elapsed();
        match result {
            Err(reason) => self.abandon(entry, reason).await,
            Ok(ended) => self.end(entry, Ended { at_unix_millis, took, ..ended }).await,
        }
    }

    async fn end(&mut self, entry: Box<Entry>, ended: Ended) {
        let place = Occupied::by(&entry);
        let mut effects = Vec::new();
        let held = self.lane.state().end(&self.lane.hub, entry, ended, &mut effects);
        let kept = self.lane.perform(effects);
        if held == Place::Held {
            self.place = Some(place);
            if let Some(kept) = kept {
                kept.await;
            }
        }
    }

    /// Drops an entry without an attempt.
    async fn abandon(&mut self, entry: Box<Entry>, reason: FailReason) {
        let mut effects = Vec::new();
        self.place = Some(Occupied::by(&entry));
        self.lane.state().fail(&self.lane.hub, *entry, reason, None, &mut effects);
        if let Some(kept) = self.lane.perform(effects) {
            kept.await;
        }
    }
}
