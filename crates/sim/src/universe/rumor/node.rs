//! One node: the engine, and what carries its messages.

use super::ledger::Ledger;
use super::letter::{Keys, Letter};
use crate::universe::machine::{Call, Kind, Machine};
use crate::universe::{Everyone, Overlay};
use bruit_engine::spread::rumor::message::Message;
use bruit_engine::spread::rumor::{Arrival, Out, Rumor, Stats};
use bruit_engine::{Instant, Outbox, PeerSampler, Rng};
use std::time::Duration;

/// At most so many sends wait in one call: direct mail to everyone fits.
const SENDS_MAX: usize = 1 << 24;

/// Among whom a node chooses.
#[derive(Clone, Debug)]
pub enum Peers {
    /// All others.
    Everyone,
    /// Its neighbours.
    Overlay(Overlay),
}

/// What all nodes share.
#[derive(Debug)]
pub struct Group {
    /// Who holds what.
    pub ledger: Ledger,
    peers: Peers,
    out: Out<u32, u32>,
}

impl Group {
    /// Without items.
    pub fn new(ledger: Ledger, peers: Peers) -> Self {
        Self { ledger, peers, out: Outbox::new(SENDS_MAX) }
    }
}

/// The peers of one node.
enum View<'a> {
    Everyone(Everyone),
    Neighbours(bruit_engine::FullView<'a, u32>),
}

impl PeerSampler<u32> for View<'_> {
    fn peer_count(&self) -> usize {
        match self {
            Self::Everyone(all) => all.peer_count(),
            Self::Neighbours(some) => some.peer_count(),
        }
    }

    fn sample(&mut self, rng: &mut Rng, count: usize, exclude: &[u32], into: &mut Vec<u32>) {
        match self {
            Self::Everyone(all) => all.sample(rng, count, exclude, into),
            Self::Neighbours(some) => some.sample(rng, count, exclude, into),
        }
    }

    fn all(&mut self, exclude: &[u32], into: &mut Vec<u32>) {
        match self {
            Self::Everyone(all) => all.all(exclude, into),
            Self::Neighbours(some) => some.all(exclude, into),
        }
    }
}

fn view(peers: &Peers, me: u32, nodes: u32) -> View<'_> {
    match peers {
        Peers::Everyone => View::Everyone(Everyone { me, nodes }),
        Peers::Overlay(overlay) => View::Neighbours(bruit_engine::FullView(overlay.of(me))),
    }
}

/// A rumor engine in a universe.
#[derive(Debug)]
pub struct RumorNode {
    rumor: Rumor<u32, u32>,
}

impl RumorNode {
    pub(super) fn new(rumor: Rumor<u32, u32>) -> Self {
        Self { rumor }
    }

    /// What the engine counts.
    pub fn stats(&self) -> &Stats {
        self.rumor.stats()
    }

    /// How many items are hot, or answer fetches after they were.
    pub fn hot_count(&self) -> usize {
        self.rumor.hot_count()
    }

    pub(super) fn poll(&mut self, call: &mut Call<'_, Self>, period: Duration) {
        self.rumor.set_pulling(call.now, Some(period));
    }

    pub(super) fn publish(&mut self, call: &mut Call<'_, Self>, key: u32) {
        let group = &mut *call.shared;
        group.ledger.publish(call.me, key);
        let spread = group.ledger.item(key).spread;
        let mut peers = view(&group.peers, call.me, call.nodes);
        self.rumor.publish(call.now, key, spread, &mut peers, &mut group.out);
        drain(call, false);
    }

    fn on_copy(
        &mut self,
        call: &mut Call<'_, Self>,
        from: u32,
        (key, rounds_left, wants_feedback): (u32, u8, bool),
        hop: u8,
    ) {
        let group = &mut *call.shared;
        let known = group.ledger.receive(call.now, call.me, key, hop);
        let spread = group.ledger.item(key).spread;
        let arrival = Arrival { from: &from, key, spread, rounds_left, wants_feedback, known };
        let mut peers = view(&group.peers, call.me, call.nodes);
        self.rumor.on_item(call.now, arrival, &mut peers, &mut group.out);
    }

    fn on_keys(&mut self, call: &mut Call<'_, Self>, from: u32, keys: &Keys, is_fetch: bool) {
        let Group { ledger, out, .. } = &mut *call.shared;
        let me = call.me;
        let mut holds = |key: &u32| ledger.holds(me, *key);
        if is_fetch {
            self.rumor.on_fetch(call.now, &from, keys.as_slice(), &mut holds, out);
        } else {
            self.rumor.on_announce(call.now, &from, keys.as_slice(), &mut holds, out);
        }
    }
}

impl Machine for RumorNode {
    type Message = Letter;
    type Shared = Group;

    fn handle_message(&mut self, call: &mut Call<'_, Self>, from: u32, letter: Letter) {
        let asked = matches!(letter, Letter::Fetch(_));
        match letter {
            Letter::Push { key, rounds_left, wants_feedback, hop, .. } => {
                self.on_copy(call, from, (key, rounds_left, wants_feedback), hop);
            }
            Letter::Announce(keys) => self.on_keys(call, from, &keys, false),
            Letter::Fetch(keys) => self.on_keys(call, from, &keys, true),
            Letter::PullRequest => {
                self.rumor.on_pull_request(call.now, &from, &mut call.shared.out);
            }
            Letter::Feedback { key, known } => {
                self.rumor.on_feedback(call.now, &from, &key, known, &mut call.shared.out);
            }
        }
        drain(call, asked);
    }

    fn handle_timeout(&mut self, call: &mut Call<'_, Self>) {
        let group = &mut *call.shared;
        let mut peers = view(&group.peers, call.me, call.nodes);
        self.rumor.handle_timeout(call.now, &mut peers, &mut group.out);
        drain(call, false);
    }

    fn next_timeout(&self) -> Option<Instant> {
        self.rumor.next_timeout()
    }

    #[inline]
    fn touch(&self, node: u32, letter: Option<&Letter>, group: &Group) -> u64 {
        let due = self.rumor.next_timeout().map_or(0, Instant::as_nanos);
        let counts = self.rumor.fetch_count() + self.rumor.hot_count();
        let held = match letter {
            Some(Letter::Push { key, .. } | Letter::Announce(Keys::One(key))) => {
                u64::from(group.ledger.holds(node, *key))
            }
            _ => 0,
        };
        due ^ self.rumor.stats().duplicates ^ counts as u64 ^ held
    }

    fn kind(letter: &Letter) -> Kind {
        match letter {
            Letter::Push { asked: false, .. } => Kind::Unasked,
            Letter::Push { asked: true, .. }
            | Letter::Announce(_)
            | Letter::Fetch(_)
            | Letter::PullRequest
            | Letter::Feedback { .. } => Kind::Exchange,
        }
    }

    fn fingerprint(letter: &Letter) -> u64 {
        letter.fingerprint()
    }
}

/// Hands on what the engine sent.
fn drain(call: &mut Call<'_, RumorNode>, asked: bool) {
    let (group, me) = (&mut *call.shared, call.me);
    while group.out.pop_event().is_some() {}
    while let Some(send) = group.out.pop_send() {
        let hop = match &send.message {
            Message::Push { key, .. } => group.ledger.send(me, *key),
            Message::Announce { .. }
            | Message::Fetch { .. }
            | Message::PullRequest
            | Message::Feedback { .. } => 0,
        };
        call.sends.push((send.to, Letter::new(send.message, hop, asked)));
    }
}
