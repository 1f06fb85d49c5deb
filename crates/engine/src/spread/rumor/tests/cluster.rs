//! A group of engines in virtual time, with instant delivery.

use super::*;
use crate::PeerSampler;
use std::collections::{BTreeMap, BTreeSet};

/// All nodes but one.
struct Others {
    me: u32,
    members: u32,
}

impl PeerSampler<u32> for Others {
    fn peer_count(&self) -> usize {
        self.members as usize - 1
    }

    fn sample(&mut self, rng: &mut Rng, count: usize, exclude: &[u32], into: &mut Vec<u32>) {
        let start = into.len();
        let possible = (0..self.members).filter(|id| *id != self.me && !exclude.contains(id));
        if count * 3 >= self.members as usize {
            let mut all: Vec<u32> = possible.collect();
            rng.shuffle(&mut all);
            into.extend(all.into_iter().take(count));
            return;
        }
        while into.len() - start < count {
            let peer = u32::try_from(rng.below(u64::from(self.members))).unwrap();
            if peer != self.me && !exclude.contains(&peer) && !into[start..].contains(&peer) {
                into.push(peer);
            }
        }
    }

    fn all(&mut self, exclude: &[u32], into: &mut Vec<u32>) {
        into.extend((0..self.members).filter(|id| *id != self.me && !exclude.contains(id)));
    }
}

/// A message under way.
pub(super) type Sent = (u32, Send<u32, u32>);

pub(super) struct Cluster {
    pub(super) nodes: Vec<Engine>,
    pub(super) held: Vec<BTreeSet<u32>>,
    /// How often each node was sent each item.
    pub(super) copies: BTreeMap<(u32, u32), u32>,
    pub(super) now: Instant,
    pub(super) messages: u64,
    /// Everything that was sent, for comparing two runs.
    pub(super) trace: Vec<Sent>,
    spread: Spread,
    out: Out<u32, u32>,
}

impl Cluster {
    pub(super) fn new(seed: u64, members: u32, spread: Spread) -> Self {
        let mut rng = Rng::from_seed(seed);
        let node = |_| Rumor::new(Limits::default(), rng.fork("rumor"));
        Self {
            nodes: (0..members).map(node).collect(),
            held: vec![BTreeSet::new(); members as usize],
            copies: BTreeMap::new(),
            now: Instant::ZERO,
            messages: 0,
            trace: Vec::new(),
            spread,
            out: outbox(),
        }
    }

    pub(super) fn start_pulling(&mut self) {
        for node in &mut self.nodes {
            node.set_pulling(self.now, Some(self.spread.period));
        }
    }

    pub(super) fn publish(&mut self, origin: u32, key: u32) -> Vec<Sent> {
        self.held[origin as usize].insert(key);
        let peers = &mut Others { me: origin, members: self.members() };
        let node = &mut self.nodes[origin as usize];
        node.publish(self.now, key, self.spread, peers, &mut self.out);
        self.drain(origin)
    }

    /// Delivers one message and returns what it causes. `known` tells whether a copy is news.
    pub(super) fn deliver(&mut self, from: u32, send: Send<u32, u32>, known: bool) -> Vec<Sent> {
        let Send { to, message } = send;
        let peers = &mut Others { me: to, members: self.members() };
        let (now, out) = (self.now, &mut self.out);
        let node = &mut self.nodes[to as usize];
        let held = &mut self.held[to as usize];
        match message {
            Message::Push { key, rounds_left, wants_feedback } => {
                *self.copies.entry((to, key)).or_default() += 1;
                held.insert(key);
                let spread = self.spread;
                let arrival =
                    Arrival { from: &from, key, spread, rounds_left, wants_feedback, known };
                node.on_item(now, arrival, peers, out);
            }
            Message::Announce { keys } => {
                node.on_announce(now, &from, &keys, &mut |key| held.contains(key), out);
            }
            Message::Fetch { keys } => {
                node.on_fetch(now, &from, &keys, &mut |key| held.contains(key), out);
            }
            Message::PullRequest => node.on_pull_request(now, &from, out),
            Message::Feedback { key, known } => node.on_feedback(now, &from, &key, known, out),
        }
        self.drain(to)
    }

    /// All timers of all nodes that are due.
    pub(super) fn tick(&mut self) -> Vec<Sent> {
        let mut sent = Vec::new();
        for me in 0..self.members() {
            let peers = &mut Others { me, members: self.members() };
            self.nodes[me as usize].handle_timeout(self.now, peers, &mut self.out);
            sent.extend(self.drain(me));
        }
        sent
    }

    /// Instant delivery until nothing is under way.
    pub(super) fn settle(&mut self, messages: Vec<Sent>) {
        let mut queue = std::collections::VecDeque::from(messages);
        while let Some((from, send)) = queue.pop_front() {
            let known = self.knows(&send);
            queue.extend(self.deliver(from, send, known));
        }
    }

    pub(super) fn advance(&mut self, by: Duration) {
        self.now = self.now + by;
    }

    pub(super) fn members(&self) -> u32 {
        u32::try_from(self.nodes.len()).unwrap()
    }

    /// How many nodes hold `key`.
    pub(super) fn holders(&self, key: u32) -> usize {
        self.held.iter().filter(|held| held.contains(&key)).count()
    }

    pub(super) fn is_hot(&self) -> bool {
        self.nodes.iter().any(|node| node.hot_count() > 0)
    }

    fn knows(&self, send: &Send<u32, u32>) -> bool {
        match &send.message {
            Message::Push { key, .. } => self.held[send.to as usize].contains(key),
            Message::Announce { .. }
            | Message::Fetch { .. }
            | Message::PullRequest
            | Message::Feedback { .. } => false,
        }
    }

    fn drain(&mut self, from: u32) -> Vec<Sent> {
        events(&mut self.out);
        let sent: Vec<Sent> = sends(&mut self.out).into_iter().map(|send| (from, send)).collect();
        self.messages += sent.len() as u64;
        self.trace.extend(sent.iter().cloned());
        sent
    }
}
