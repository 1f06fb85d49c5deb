//! The items that this node spreads.

use super::{Limits, PERIOD_MIN, Spread, StopRule, Style};
use crate::few::FewMap;
use crate::{Instant, MemberId, Rng};
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Debug;

/// How many open contacts about one item are remembered; the oldest is forgotten first. One batch
/// at the largest fanout fits.
const ASKED_MAX: usize = 256;

/// Whether an item still seeks contacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It is spread.
    Hot,
    /// Its rule has ended it, but those that it was announced to may still fetch it.
    Answering,
}

/// One item that is hot, or that answers fetches after it was.
#[derive(Clone, Debug)]
pub(super) struct Hot<I> {
    pub(super) spread: Spread,
    /// What copies sent from here carry.
    pub(super) rounds_left: u8,
    pub(super) phase: Phase,
    /// When the phase ends at the latest.
    pub(super) ends: Instant,
    /// Who sent it: never contacted about it.
    source: Option<I>,
    /// Place in the order of arrival.
    order: u64,
    /// What the stop rule has counted.
    count: u32,
    /// Contacts since the window opened.
    contacts: u32,
    /// Those of them that needed the item.
    useful: u32,
    /// Those of them that knew it.
    useless: u32,
    /// Peers that have not answered yet. Feedback rules only: the others do not ask who it was.
    asked: VecDeque<I>,
    /// When the window of answered pull requests closes.
    window_ends: Option<Instant>,
}

impl<I: MemberId> Hot<I> {
    /// An item that becomes hot now; `spread.style` is resolved.
    pub(super) fn new(
        now: Instant,
        spread: Spread,
        rounds_left: u8,
        source: Option<I>,
        limits: &Limits,
    ) -> Self {
        let spread = Spread { period: spread.period.max(PERIOD_MIN), ..spread };
        Self {
            spread,
            rounds_left,
            phase: Phase::Hot,
            ends: now + spread.period.saturating_mul(limits.hot_periods_max.get()),
            source,
            order: 0,
            count: 0,
            contacts: 0,
            useful: 0,
            useless: 0,
            asked: VecDeque::new(),
            window_ends: None,
        }
    }

    /// Peers not worth a contact.
    pub(super) fn exclude(&self) -> &[I] {
        self.source.as_slice()
    }

    /// True if peers that poll are told of it.
    fn is_pulled(&self) -> bool {
        matches!(self.spread.style, Style::Pull | Style::PushPull)
    }

    /// True if peers that poll are told of it now.
    fn is_told(&self) -> bool {
        self.phase == Phase::Hot && self.is_pulled()
    }

    /// True if peers learn of it by announcement, so that fetches can follow its end.
    pub(super) fn is_announced(&self) -> bool {
        self.is_pulled() || self.spread.style == Style::LazyPush
    }

    /// True if pushed copies ask for [`super::message::Message::Feedback`].
    pub(super) fn wants_feedback(&self) -> bool {
        self.spread.style == Style::Push && is_feedback(self.spread.stop)
    }

    /// When this node next contacts others about it, if it ever does.
    pub(super) fn next_contact(&self, now: Instant) -> Option<Instant> {
        let contacts = match self.spread.style {
            Style::Push | Style::LazyPush => self.phase == Phase::Hot,
            Style::Auto | Style::Direct | Style::Pull | Style::PushPull => false,
        };
        contacts.then(|| now + self.spread.period)
    }

    /// Counts a push or an announcement to `peer`; true if a blind rule ends the item. The push
    /// that opens push-pull is not counted.
    pub(super) fn on_contact(&mut self, peer: I, rng: &mut Rng) -> bool {
        if self.is_pulled() {
            return false;
        }
        if is_feedback(self.spread.stop) {
            self.note_asked(peer);
            return false;
        }
        self.count(1, rng)
    }

    /// Counts a pull request of `peer`. True if the window before it ended the item: then `peer`
    /// is not told.
    pub(super) fn on_pull(&mut self, now: Instant, peer: &I, rng: &mut Rng) -> bool {
        if self.window_ends.is_some_and(|ends| ends <= now) && self.close_window(rng) {
            return true;
        }
        if self.window_ends.is_none() {
            self.window_ends = Some(now + self.spread.period);
        }
        self.note_asked(peer.clone());
        false
    }

    /// `peer` has told whether it knew the item; false if it was not asked.
    pub(super) fn on_answer(&mut self, peer: &I, known: bool) -> bool {
        let Some(place) = self.asked.iter().position(|asked| asked == peer) else {
            return false;
        };
        self.asked.remove(place);
        if known {
            self.useless += 1;
        } else {
            self.useful += 1;
        }
        true
    }

    /// True if no contact is open.
    pub(super) fn is_answered(&self) -> bool {
        self.asked.is_empty()
    }

    /// Weighs the contacts since the last time; true if the rule ends the item.
    pub(super) fn close_window(&mut self, rng: &mut Rng) -> bool {
        let contacts = std::mem::take(&mut self.contacts);
        let useful = std::mem::take(&mut self.useful);
        let mut useless = std::mem::take(&mut self.useless);
        self.window_ends = None;
        if self.is_pulled() {
            self.asked.clear();
            useless = u32::from(contacts > 0);
            if !is_feedback(self.spread.stop) {
                return self.count(useless, rng);
            }
            if useful > 0 {
                useless = 0;
            }
        } else if self.spread.style == Style::LazyPush {
            useless = u32::try_from(self.asked.len()).unwrap_or(u32::MAX);
            self.asked.clear();
        }
        if useful > 0 && matches!(self.spread.stop, StopRule::Counter { feedback: true, .. }) {
            self.count = 0;
            return false;
        }
        self.count(useless, rng)
    }

    fn note_asked(&mut self, peer: I) {
        self.contacts = self.contacts.saturating_add(1);
        if !is_feedback(self.spread.stop) {
            return;
        }
        if self.asked.len() >= ASKED_MAX {
            self.asked.pop_front();
        }
        self.asked.push_back(peer);
    }

    /// Counts contacts against the rule; true if it ends the item.
    fn count(&mut self, contacts: u32, rng: &mut Rng) -> bool {
        match self.spread.stop {
            StopRule::Rounds(_) => false,
            StopRule::Counter { k, .. } => {
                self.count = self.count.saturating_add(contacts);
                self.count >= u32::from(k.get())
            }
            StopRule::Coin { k, .. } => (0..contacts).any(|_| rng.chance(1, u64::from(k.get()))),
        }
    }
}

fn is_feedback(stop: StopRule) -> bool {
    match stop {
        StopRule::Rounds(_) => false,
        StopRule::Counter { feedback, .. } | StopRule::Coin { feedback, .. } => feedback,
    }
}

/// Up to so many items are looked through for the oldest or the pulled ones.
const UNINDEXED_MAX: usize = 8;

/// The hot and the answering items, and their order of arrival.
#[derive(Clone, Debug)]
pub(super) struct HotTable<I, K> {
    items: FewMap<K, Hot<I>>,
    /// Made when the items are too many to be looked through, dropped when there are none.
    index: Option<Box<Index<K>>>,
    order_next: u64,
}

/// Items by their place in the order of arrival.
#[derive(Clone, Debug)]
struct Index<K> {
    by_age: BTreeMap<u64, K>,
    /// Those that peers are told of when they poll.
    pulled: BTreeMap<u64, K>,
}

impl<K> Index<K> {
    fn add<I: MemberId>(&mut self, key: K, item: &Hot<I>)
    where
        K: Clone,
    {
        if item.is_told() {
            self.pulled.insert(item.order, key.clone());
        }
        self.by_age.insert(item.order, key);
    }
}

impl<I: MemberId, K: Clone + Ord + Debug> HotTable<I, K> {
    pub(super) fn new() -> Self {
        Self { items: FewMap::new(), index: None, order_next: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        self.items.contains_key(key)
    }

    /// Makes an item the newest; it is not in the table yet.
    pub(super) fn place(&mut self, item: &mut Hot<I>) {
        item.order = self.order_next;
        self.order_next += 1;
    }

    /// Puts an item in the place that it has.
    pub(super) fn put(&mut self, key: K, item: Hot<I>) {
        if let Some(index) = &mut self.index {
            index.add(key.clone(), &item);
        }
        self.items.insert(key, item);
        if self.index.is_none() && self.items.len() > UNINDEXED_MAX {
            let mut index = Index { by_age: BTreeMap::new(), pulled: BTreeMap::new() };
            self.items.iter().for_each(|(key, item)| index.add(key.clone(), item));
            self.index = Some(Box::new(index));
        }
        debug_assert!(
            self.index.as_ref().is_none_or(|index| index.by_age.len() == self.items.len()),
            "one place per item"
        );
    }

    pub(super) fn take(&mut self, key: &K) -> Option<Hot<I>> {
        let item = self.items.remove(key)?;
        if let Some(index) = &mut self.index {
            index.by_age.remove(&item.order);
            index.pulled.remove(&item.order);
        }
        if self.items.len() == 0 {
            self.index = None;
        }
        Some(item)
    }

    pub(super) fn pop_oldest(&mut self) -> Option<(K, Hot<I>)> {
        let key = match &self.index {
            Some(index) => index.by_age.first_key_value()?.1.clone(),
            None => self.items.iter().min_by_key(|(_, item)| item.order)?.0.clone(),
        };
        let item = self.take(&key)?;
        Some((key, item))
    }

    /// For counting an answer; what decides the order must not be changed.
    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut Hot<I>> {
        self.items.get_mut(key)
    }

    /// The items that a peer is told of when it polls, newest first, at most `keys_max`.
    pub(super) fn pulled(&self, keys_max: usize) -> Vec<K> {
        if let Some(index) = &self.index {
            return index.pulled.values().rev().take(keys_max).cloned().collect();
        }
        let told = self.items.iter().filter(|(_, item)| item.is_told());
        let mut told: Vec<(u64, &K)> = told.map(|(key, item)| (item.order, key)).collect();
        told.sort_unstable_by(|a, b| b.cmp(a));
        told.into_iter().take(keys_max).map(|(_, key)| key.clone()).collect()
    }

    /// How many items a peer is told of when it polls.
    pub(super) fn pulled_len(&self) -> usize {
        match &self.index {
            Some(index) => index.pulled.len(),
            None => self.items.iter().filter(|(_, item)| item.is_told()).count(),
        }
    }
}
