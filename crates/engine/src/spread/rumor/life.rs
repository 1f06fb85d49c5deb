//! The life of an item at a node: from its first contacts to its end.

use super::hot::{Hot, Phase};
use super::machine::Timer;
use super::message::{Message, Send};
use super::{Cooled, Event, Out, Rumor, StopRule, Style};
use crate::{Instant, MemberId, PeerSampler};
use std::fmt::Debug;

impl<I: MemberId, K: Clone + Ord + Debug> Rumor<I, K> {
    /// Direct mail: one copy to every peer, none of which passes it on.
    pub(super) fn mail(&mut self, key: &K, peers: &mut impl PeerSampler<I>, out: &mut Out<I, K>) {
        let mut all = Vec::new();
        peers.all(&[], &mut all);
        for to in all {
            self.push(to, key, 0, false, out);
        }
    }

    /// Makes an item hot: first contacts now, the next ones as its rule says.
    pub(super) fn start(
        &mut self,
        now: Instant,
        key: K,
        mut item: Hot<I>,
        peers: &mut impl PeerSampler<I>,
        out: &mut Out<I, K>,
    ) {
        let is_over = match item.spread.style {
            Style::Pull => false,
            Style::Push | Style::LazyPush | Style::PushPull => {
                self.contact(&key, &mut item, peers, out)
            }
            Style::Auto | Style::Direct => true,
        };
        let is_kept = !is_over || item.is_announced();
        while is_kept && self.hot.len() >= self.limits.hot_max.max(1) {
            self.shed_oldest(now, out);
        }
        self.hot.place(&mut item);
        if is_over {
            self.cool(now, key, item, Cooled::Rule, out);
        } else {
            self.hot.put(key.clone(), item);
            self.arm(now, key);
        }
    }

    /// Contacts random peers about an item; true if its rule ends it by that.
    fn contact(
        &mut self,
        key: &K,
        item: &mut Hot<I>,
        peers: &mut impl PeerSampler<I>,
        out: &mut Out<I, K>,
    ) -> bool {
        let fanout_count = usize::from(item.spread.fanout_count.get());
        let mut chosen = Vec::with_capacity(fanout_count);
        peers.sample(&mut self.rng, fanout_count, item.exclude(), &mut chosen);
        for peer in chosen {
            if item.spread.style == Style::LazyPush {
                self.stats.announced += 1;
                self.announces.add(peer.clone(), key.clone());
            } else {
                self.push(peer.clone(), key, item.rounds_left, item.wants_feedback(), out);
            }
            if item.on_contact(peer, &mut self.rng) {
                return true;
            }
        }
        let is_once = matches!(item.spread.stop, StopRule::Rounds(_));
        is_once && item.spread.style != Style::PushPull
    }

    fn push(&mut self, to: I, key: &K, rounds_left: u8, wants_feedback: bool, out: &mut Out<I, K>) {
        self.stats.pushed += 1;
        let message = Message::Push { key: key.clone(), rounds_left, wants_feedback };
        out.send(Send { to, message });
    }

    pub(super) fn on_item_timer(
        &mut self,
        now: Instant,
        key: K,
        peers: &mut impl PeerSampler<I>,
        out: &mut Out<I, K>,
    ) {
        let Some(mut item) = self.hot.take(&key) else {
            return;
        };
        if item.ends <= now {
            if item.phase == Phase::Hot {
                self.cool(now, key, item, Cooled::Age, out);
            }
            return;
        }
        let is_over = item.close_window(&mut self.rng) || self.contact(&key, &mut item, peers, out);
        if is_over {
            self.cool(now, key, item, Cooled::Rule, out);
        } else {
            self.hot.put(key.clone(), item);
            self.arm(now, key);
        }
    }

    /// Sets the timer of an item that is in the table.
    fn arm(&mut self, now: Instant, key: K) {
        if let Some(item) = self.hot.get_mut(&key) {
            let at = item.next_contact(now).map_or(item.ends, |next| next.min(item.ends));
            self.deadlines.set(Timer::Item(key), at);
        }
    }

    pub(super) fn cool_key(&mut self, now: Instant, key: K, why: Cooled, out: &mut Out<I, K>) {
        if let Some(item) = self.hot.take(&key) {
            self.cool(now, key, item, why, out);
        }
    }

    /// Ends the spreading of an item taken out of the table. It goes back, as one that answers,
    /// if announcements of it may be under way.
    fn cool(&mut self, now: Instant, key: K, mut item: Hot<I>, why: Cooled, out: &mut Out<I, K>) {
        match why {
            Cooled::Rule => self.stats.cooled += 1,
            Cooled::Age => self.stats.aged += 1,
            Cooled::Shed => self.stats.hot_shed += 1,
        }
        self.deadlines.cancel(&Timer::Item(key.clone()));
        out.event(Event::Cooled { key: key.clone(), why });
        if why == Cooled::Shed || !item.is_announced() {
            return;
        }
        item.phase = Phase::Answering;
        item.ends = now + self.limits.answer_time();
        self.hot.put(key.clone(), item);
        self.arm(now, key);
    }

    fn shed_oldest(&mut self, now: Instant, out: &mut Out<I, K>) {
        match self.hot.pop_oldest() {
            Some((key, item)) if item.phase == Phase::Hot => {
                self.cool(now, key, item, Cooled::Shed, out);
            }
            Some((key, _)) => {
                self.deadlines.cancel(&Timer::Item(key));
                self.stats.hot_shed += 1;
            }
            None => {}
        }
    }
}
