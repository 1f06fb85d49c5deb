//! The engine.

use super::batch::{Batches, send_chunks};
use super::fetch::{Announced, Fetches, Retry};
use super::hot::{Hot, HotTable};
use super::message::{Message, Send};
use super::{
    Arrival, Cooled, Event, Limits, Out, PERIOD_MIN, ROUNDS_UNLIMITED, Spread, Stats, StopRule,
    Style, resolve,
};
use crate::{Deadlines, Instant, MemberId, PeerSampler, Rng};
use std::fmt::Debug;
use std::time::Duration;

/// What the engine waits for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer<K> {
    /// The next pull.
    Pull,
    /// An item's next contact, or the end of its phase.
    Item(K),
    /// The answer to a fetch.
    Fetch(K),
}

/// Decides to whom which item goes, and when. See the [module](super).
#[derive(Clone, Debug)]
pub struct Rumor<I, K> {
    pub(super) limits: Limits,
    pub(super) rng: Rng,
    pub(super) hot: HotTable<I, K>,
    fetches: Fetches<I, K>,
    /// Announcements of the present call.
    pub(super) announces: Batches<I, K>,
    /// Repeated fetches of the present call.
    asks: Batches<I, K>,
    pub(super) deadlines: Deadlines<Timer<K>>,
    pull_period: Option<Duration>,
    pub(super) stats: Stats,
}

impl<I: MemberId, K: Clone + Ord + Debug> Rumor<I, K> {
    /// An engine with nothing to spread.
    pub fn new(limits: Limits, rng: Rng) -> Self {
        Self {
            limits,
            rng,
            hot: HotTable::new(),
            fetches: Fetches::new(),
            announces: Batches::new(),
            asks: Batches::new(),
            deadlines: Deadlines::default(),
            pull_period: None,
            stats: Stats::default(),
        }
    }

    /// Starts to spread an item of this node. [`Style::Auto`] is resolved by the number of peers:
    /// the caller that stamps the item asks [`resolve`] before. A key that is hot already stays
    /// as it is.
    ///
    /// With no peers, what is sent at once (direct, rounds) goes to nobody and is not sent later:
    /// repair brings it to those who join. Counters, coins and pulls find peers that join while
    /// the item is hot.
    pub fn publish(
        &mut self,
        now: Instant,
        key: K,
        spread: Spread,
        peers: &mut impl PeerSampler<I>,
        out: &mut Out<I, K>,
    ) {
        self.clear_fetch(&key);
        let spread = Spread { style: resolve(spread.style, peers.peer_count() + 1), ..spread };
        if spread.style == Style::Direct {
            self.mail(&key, peers, out);
            return;
        }
        if self.hot.contains(&key) {
            return;
        }
        let rounds_left = match spread.stop {
            StopRule::Rounds(rounds) => rounds.get() - 1,
            StopRule::Counter { .. } | StopRule::Coin { .. } => ROUNDS_UNLIMITED,
        };
        let item = Hot::new(now, spread, rounds_left, None, &self.limits);
        self.start(now, key, item, peers, out);
        self.flush(out);
    }

    /// An item has arrived. An item that was not known is passed on as its spread says, except to
    /// its sender, unless it has no rounds left. Any arrival ends the fetch of the item.
    ///
    /// Items that repair brought are given with `rounds_left` 0: the others are repaired too.
    pub fn on_item(
        &mut self,
        now: Instant,
        arrival: Arrival<'_, I, K>,
        peers: &mut impl PeerSampler<I>,
        out: &mut Out<I, K>,
    ) {
        let Arrival { from, key, spread, rounds_left, wants_feedback, known } = arrival;
        if self.clear_fetch(&key) {
            self.stats.fetched += 1;
        }
        if wants_feedback {
            let message = Message::Feedback { key: key.clone(), known };
            out.send(Send { to: from.clone(), message });
        }
        if known {
            self.stats.duplicates += 1;
            return;
        }
        let spread = Spread { style: resolve(spread.style, peers.peer_count() + 1), ..spread };
        if rounds_left == 0 || spread.style == Style::Direct || self.hot.contains(&key) {
            return;
        }
        let rounds_left = match spread.stop {
            StopRule::Rounds(_) => rounds_left - 1,
            StopRule::Counter { .. } | StopRule::Coin { .. } => ROUNDS_UNLIMITED,
        };
        let item = Hot::new(now, spread, rounds_left, Some(from.clone()), &self.limits);
        self.start(now, key, item, peers, out);
        self.flush(out);
    }

    /// `from` has these. What is neither known nor being fetched is asked for at once; of further
    /// announcers a note is taken, for when the first does not answer.
    pub fn on_announce(
        &mut self,
        now: Instant,
        from: &I,
        keys: &[K],
        is_known: &mut dyn FnMut(&K) -> bool,
        out: &mut Out<I, K>,
    ) {
        let mut asks = Vec::new();
        for key in keys {
            if is_known(key) {
                continue;
            }
            match self.fetches.on_announced(key, from, &self.limits) {
                Announced::Ask => {
                    let at = now + self.limits.fetch_timeout;
                    self.deadlines.set(Timer::Fetch(key.clone()), at);
                    self.stats.asked += 1;
                    asks.push(key.clone());
                }
                Announced::Noted => {}
                Announced::Shed => self.stats.fetches_shed += 1,
            }
        }
        let keys_max = self.limits.announce_batch_max;
        send_chunks(from, asks, keys_max, |keys| Message::Fetch { keys }, out);
    }

    /// `from` asks for these: those that are held are pushed to it. For a hot item this is a
    /// useful contact. A copy of an item that is forgotten here carries no rounds.
    pub fn on_fetch(
        &mut self,
        _now: Instant,
        from: &I,
        keys: &[K],
        is_held: &mut dyn FnMut(&K) -> bool,
        out: &mut Out<I, K>,
    ) {
        for key in keys {
            if !is_held(key) {
                self.stats.fetch_misses += 1;
                continue;
            }
            let rounds_left = self.hot.get_mut(key).map_or(0, |item| {
                item.on_answer(from, false);
                item.rounds_left
            });
            self.stats.served += 1;
            let message = Message::Push { key: key.clone(), rounds_left, wants_feedback: false };
            out.send(Send { to: from.clone(), message });
        }
    }

    /// `from` asks what is new: it is told of the hot pull and push-pull items, newest first, at
    /// most [`Limits::pull_answer_max`]. If there are none, it is not answered.
    pub fn on_pull_request(&mut self, now: Instant, from: &I, out: &mut Out<I, K>) {
        self.stats.pulled += 1;
        let keys_max = self.limits.pull_answer_max;
        let cut = self.hot.pulled_len().saturating_sub(keys_max);
        self.stats.pull_answers_cut += u64::try_from(cut).unwrap_or(u64::MAX);
        let candidates = self.hot.pulled(keys_max);
        let mut keys = Vec::with_capacity(candidates.len());
        for key in candidates {
            let item = self.hot.get_mut(&key).expect("it was listed just before");
            if item.on_pull(now, from, &mut self.rng) {
                self.cool_key(now, key, Cooled::Rule, out);
            } else {
                keys.push(key);
            }
        }
        self.stats.announced += u64::try_from(keys.len()).unwrap_or(u64::MAX);
        let batch_max = self.limits.announce_batch_max;
        send_chunks(from, keys, batch_max, |keys| Message::Announce { keys }, out);
    }

    /// `from` tells whether it knew an item that was pushed to it. Heeded once for each contact.
    pub fn on_feedback(
        &mut self,
        now: Instant,
        from: &I,
        key: &K,
        known: bool,
        out: &mut Out<I, K>,
    ) {
        let item = self.hot.get_mut(key).filter(|item| item.wants_feedback());
        let Some(item) = item else {
            // The item has cooled since: nothing is left to decide.
            return;
        };
        if !item.on_answer(from, known) {
            self.stats.feedback_unasked += 1;
            return;
        }
        if item.is_answered() && item.close_window(&mut self.rng) {
            self.cool_key(now, key.clone(), Cooled::Rule, out);
        }
    }

    /// Switches periodic pulling on (with this period), or off. The first pull comes after a
    /// random part of the period, so that nodes started together do not poll together.
    pub fn set_pulling(&mut self, now: Instant, period: Option<Duration>) {
        let period = period.map(|period| period.max(PERIOD_MIN));
        if period == self.pull_period {
            return;
        }
        self.pull_period = period;
        match period {
            Some(period) => {
                let first = now + self.rng.duration_below(period);
                self.deadlines.set(Timer::Pull, first);
            }
            None => {
                self.deadlines.cancel(&Timer::Pull);
            }
        }
    }

    /// The caller no longer holds the item: it is neither spread nor fetched. Causes no event.
    pub fn forget(&mut self, key: &K) {
        self.clear_fetch(key);
        if self.hot.take(key).is_some() {
            self.deadlines.cancel(&Timer::Item(key.clone()));
        }
    }

    /// Does what is due.
    pub fn handle_timeout(
        &mut self,
        now: Instant,
        peers: &mut impl PeerSampler<I>,
        out: &mut Out<I, K>,
    ) {
        while let Some((at, timer)) = self.deadlines.pop_due(now) {
            match timer {
                Timer::Pull => self.on_pull_timer(now, at, peers, out),
                Timer::Item(key) => self.on_item_timer(now, key, peers, out),
                Timer::Fetch(key) => self.on_fetch_timer(now, key, out),
            }
        }
        self.flush(out);
    }

    /// When [`Self::handle_timeout`] has something to do.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    /// The totals.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// How many items are hot, or answer fetches after they were.
    pub fn hot_count(&self) -> usize {
        self.hot.len()
    }

    /// How many items are being fetched.
    pub fn fetch_count(&self) -> usize {
        self.fetches.len()
    }

    fn on_fetch_timer(&mut self, now: Instant, key: K, out: &mut Out<I, K>) {
        let Some(retry) = self.fetches.on_timeout(&key, &self.limits) else {
            return;
        };
        self.stats.fetch_timeouts += 1;
        match retry {
            Retry::Ask(peer) => {
                self.stats.asked += 1;
                self.asks.add(peer, key.clone());
                self.deadlines.set(Timer::Fetch(key), now + self.limits.fetch_timeout);
            }
            Retry::Abandon(from) => {
                self.stats.fetches_abandoned += 1;
                out.event(Event::FetchAbandoned { key, from });
            }
        }
    }

    fn on_pull_timer(
        &mut self,
        now: Instant,
        at: Instant,
        peers: &mut impl PeerSampler<I>,
        out: &mut Out<I, K>,
    ) {
        let Some(period) = self.pull_period else {
            return;
        };
        let mut chosen = Vec::new();
        peers.sample(&mut self.rng, 1, &[], &mut chosen);
        for to in chosen {
            self.stats.pulls += 1;
            out.send(Send { to, message: Message::PullRequest });
        }
        // The phase is kept, so that being called a little late does not lower the rate.
        let next = at + period;
        self.deadlines.set(Timer::Pull, if next > now { next } else { now + period });
    }

    fn clear_fetch(&mut self, key: &K) -> bool {
        let was_pending = self.fetches.clear(key);
        if was_pending {
            self.deadlines.cancel(&Timer::Fetch(key.clone()));
        }
        was_pending
    }

    fn flush(&mut self, out: &mut Out<I, K>) {
        let keys_max = self.limits.announce_batch_max;
        self.announces.flush(keys_max, |keys| Message::Announce { keys }, out);
        self.asks.flush(keys_max, |keys| Message::Fetch { keys }, out);
    }
}
