//! Scuttlebutt reconciliation at engine scale:
//! [`bruit_engine::reconcile::scuttlebutt::Scuttlebutt`] on every node.
//!
//! The engine chooses neither peers nor times, so its owner does: once in each period a node tells
//! a random other one its digest of everyone, gets what it lacks and the other's digest, and sends
//! what the other lacks. Everyone's digest travels in every exchange, as in the paper.

use super::everyone::{Everyone, index};
use super::machine::{Call, Kind, Machine};
use super::{Settings, Universe};
use bruit_engine::reconcile::scuttlebutt::message::{DigestEntry, Entry, NodeDelta};
use bruit_engine::reconcile::scuttlebutt::{DeltaCost, Limits, Order, Scuttlebutt};
use bruit_engine::{Instant, PeerSampler as _, Rng};
use std::time::Duration;

/// A step of an exchange.
#[derive(Clone, Debug)]
pub enum Letter {
    /// "This is what I know of everyone."
    Digests(Box<[DigestEntry<u32>]>),
    /// "This you lack, and this is what I know."
    Answer(Box<Answer>),
    /// "This you lack."
    Deltas(Box<[NodeDelta<u32>]>),
}

/// The second step.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What the asker lacks.
    pub deltas: Vec<NodeDelta<u32>>,
    /// What the answerer knows of everyone.
    pub digests: Vec<DigestEntry<u32>>,
}

/// What all participants share.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// In which order nodes share a message that does not hold everything.
    pub order: Order,
    /// Entries in one message at most.
    pub entries_max: usize,
    /// Time between two exchanges that a participant begins.
    pub period: Duration,
    /// Entries sent so far.
    pub entries_sent: u64,
}

/// A participant.
#[derive(Debug)]
pub struct Participant {
    engine: Scuttlebutt<u32>,
    rng: Rng,
    next: Instant,
}

/// A universe of participants.
pub type ScuttlebuttUniverse = Universe<Participant>;

/// Participants that know nobody yet; each begins at a random phase of the period.
///
/// # Panics
/// If there are no nodes.
pub fn universe(seed: u64, nodes: u32, settings: Settings, rules: Rules) -> ScuttlebuttUniverse {
    Universe::new(seed, nodes, settings, rules, |node, mut rng| Participant {
        engine: Scuttlebutt::new(Limits::default(), node, 1),
        next: Instant::ZERO + rng.duration_below(rules.period),
        rng,
    })
}

/// One for each entry, nothing for the rest.
struct Entries;

impl DeltaCost<u32> for Entries {
    fn node(&self, _: &NodeDelta<u32>) -> usize {
        0
    }

    fn entry(&self, _: &Entry) -> usize {
        1
    }
}

impl Participant {
    /// The engine.
    pub fn engine(&self) -> &Scuttlebutt<u32> {
        &self.engine
    }

    /// The engine, for what its owner writes.
    pub fn engine_mut(&mut self) -> &mut Scuttlebutt<u32> {
        &mut self.engine
    }

    fn digests(&self) -> Vec<DigestEntry<u32>> {
        self.engine.digests().collect()
    }

    /// What the holder of these digests lacks.
    fn news(&mut self, rules: &mut Rules, theirs: &[DigestEntry<u32>]) -> Vec<NodeDelta<u32>> {
        let mut theirs = theirs.to_vec();
        for digest in &theirs {
            self.engine.note_digest(digest);
        }
        let is_named = |id: &u32| theirs.binary_search_by_key(id, |digest| digest.id).is_ok();
        let unknown: Vec<_> = self
            .engine
            .ids()
            .filter(|id| !is_named(id))
            .map(|id| DigestEntry::unknown(*id))
            .collect();
        theirs.extend(unknown);
        let (order, most) = (rules.order, rules.entries_max);
        let deltas = self.engine.delta(&theirs, order, most, &Entries, &mut self.rng);
        rules.entries_sent += deltas.iter().map(|delta| delta.entries.len() as u64).sum::<u64>();
        deltas
    }

    fn apply(&mut self, now: Instant, deltas: impl IntoIterator<Item = NodeDelta<u32>>) {
        for delta in deltas {
            // What does not fit by now comes with the next exchange.
            let _ = self.engine.apply(now, delta);
        }
    }
}

impl Machine for Participant {
    type Message = Letter;
    type Shared = Rules;

    fn handle_message(&mut self, call: &mut Call<'_, Self>, from: u32, letter: Letter) {
        match letter {
            Letter::Digests(theirs) => {
                let deltas = self.news(call.shared, &theirs);
                let answer = Answer { deltas, digests: self.digests() };
                call.send(from, Letter::Answer(Box::new(answer)));
            }
            Letter::Answer(answer) => {
                let Answer { deltas, digests: theirs } = *answer;
                self.apply(call.now, deltas);
                let news = self.news(call.shared, &theirs);
                if !news.is_empty() {
                    call.send(from, Letter::Deltas(news.into_boxed_slice()));
                }
            }
            Letter::Deltas(deltas) => self.apply(call.now, deltas.into_vec()),
        }
    }

    fn handle_timeout(&mut self, call: &mut Call<'_, Self>) {
        self.engine.purge(call.now);
        if self.next > call.now {
            return;
        }
        while self.next <= call.now {
            self.next = self.next + call.shared.period.max(Duration::from_nanos(1));
        }
        let mut chosen = Vec::new();
        let mut others = Everyone { me: call.me, nodes: call.nodes };
        others.sample(&mut self.rng, 1, &[], &mut chosen);
        for to in chosen {
            call.send(to, Letter::Digests(self.digests().into_boxed_slice()));
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        Some(self.engine.next_timeout().map_or(self.next, |purge| purge.min(self.next)))
    }

    fn touch(&self, _: u32, _: Option<&Letter>, _: &Rules) -> u64 {
        self.next.as_nanos()
    }

    fn kind(_: &Letter) -> Kind {
        Kind::Exchange
    }

    fn fingerprint(letter: &Letter) -> u64 {
        let of_digests = |digests: &[DigestEntry<u32>]| {
            digests.iter().map(|digest| digest.max_version).fold(0, u64::wrapping_add)
        };
        let of_deltas = |deltas: &[NodeDelta<u32>]| {
            let word = |delta: &NodeDelta<u32>| {
                u64::from(delta.id) << 32 ^ delta.max_version << 12 ^ delta.entries.len() as u64
            };
            deltas.iter().map(word).fold(0, u64::wrapping_add)
        };
        match letter {
            Letter::Digests(digests) => 1 << 60 ^ of_digests(digests),
            Letter::Answer(answer) => {
                2 << 60 ^ of_deltas(&answer.deltas) ^ of_digests(&answer.digests) << 20
            }
            Letter::Deltas(deltas) => 3 << 60 ^ of_deltas(deltas),
        }
    }
}

impl ScuttlebuttUniverse {
    /// Up to which of its writes an owner is known to a reader; 0 if it is not.
    pub fn known(&self, reader: u32, owner: u32) -> u64 {
        let copy = self.machines()[index(reader)].engine().get(&owner);
        copy.map_or(0, bruit_engine::reconcile::scuttlebutt::NodeState::max_version)
    }
}
