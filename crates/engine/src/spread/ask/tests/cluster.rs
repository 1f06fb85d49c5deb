//! Many engines, a lossy network, and members that crash.

use super::super::message::{Parts, Send};
use super::super::{Ask, Asked, Event, Out, Params, QuestionId, Reduce};
use crate::{Instant, Rng};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Question(pub(super) u32);

impl QuestionId<u32> for Question {
    fn origin(&self) -> u32 {
        self.0
    }
}

type Part = Vec<u8>;
type Message = Arc<Parts<u32, Question, Part>>;

enum What {
    Question { from: u32, hops: u8 },
    Parts { from: u32, number: u64, parts: Message },
    Told { number: u64 },
    Retry { number: u64, left: u32, wait: Duration },
    Timeout,
    Crash,
}

struct Unconfirmed {
    to: u32,
    parts: Message,
    until: Instant,
}

struct Host {
    engine: Ask<u32, Question, Part>,
    out: Out<u32, Question, Part>,
    is_up: bool,
    was_asked: bool,
    unconfirmed: BTreeMap<u64, Unconfirmed>,
}

/// How a run is set up.
#[derive(Clone)]
pub(super) struct Setup {
    pub(super) seed: u64,
    pub(super) members: u32,
    pub(super) params: Params,
    pub(super) reduce: Reduce,
    pub(super) loss_percent: u64,
    /// Members that crash, at some time in the first 200 ms.
    pub(super) crashes: u32,
    pub(super) timeout: Duration,
    pub(super) part: fn(u32) -> Part,
    /// How many parts each gives.
    pub(super) parts_each: u8,
}

/// What came of it.
#[derive(Default)]
pub(super) struct Report {
    pub(super) answers: BTreeMap<(u32, Part), u64>,
    pub(super) totals: BTreeMap<Part, u64>,
    /// Live members that the question reached.
    pub(super) asked: BTreeSet<u32>,
    /// Messages with parts and confirmations, repetitions included.
    pub(super) messages: u64,
    /// Of these, those to the origin, and the bytes in them.
    pub(super) into_origin: u64,
    pub(super) bytes_into_origin: usize,
    pub(super) last_answer: Duration,
    pub(super) duplicates: u64,
}

const ORIGIN: u32 = 0;
const RETRY: Duration = Duration::from_millis(150);
const TRIES: u32 = 3;

pub(super) struct Cluster {
    setup: Setup,
    hosts: Vec<Host>,
    queue: BTreeMap<(Instant, u64), (u32, What)>,
    next: u64,
    rng: Rng,
    now: Instant,
    report: Report,
}

impl Cluster {
    pub(super) fn run(setup: Setup) -> Report {
        let hosts = (0..setup.members)
            .map(|me| Host {
                engine: Ask::new(setup.params.clone(), me),
                out: Out::new(100_000),
                is_up: true,
                was_asked: false,
                unconfirmed: BTreeMap::new(),
            })
            .collect();
        let rng = Rng::from_seed(setup.seed);
        let (queue, next, now) = (BTreeMap::new(), 0, Instant::from_nanos(1_000_000_000));
        let report = Report::default();
        let mut cluster = Self { setup, hosts, queue, next, rng, now, report };
        cluster.play();
        cluster.report
    }

    fn play(&mut self) {
        for _ in 0..self.setup.crashes {
            let victim = 1 + self.below(self.setup.members - 1);
            let after = self.rng.duration_below(Duration::from_millis(200));
            self.at(after, victim, What::Crash);
        }
        self.on_question(ORIGIN, None, 0);
        while let Some(((at, _), (host, what))) = self.queue.pop_first() {
            self.now = at;
            self.on(host, what);
        }
        for (id, host) in self.hosts.iter().enumerate() {
            assert!(!host.is_up || host.engine.is_clean(), "{id}: {:?}", host.engine.load());
            if host.is_up && host.was_asked {
                self.report.asked.insert(u32::try_from(id).unwrap());
            }
        }
        self.report.duplicates = self.hosts[0].engine.stats().duplicates;
    }

    fn at(&mut self, after: Duration, host: u32, what: What) {
        self.next += 1;
        self.queue.insert((self.now + after, self.next), (host, what));
    }

    /// Over the network: 0.5 to 2 ms, or lost.
    fn send(&mut self, to: u32, what: What) {
        let latency = Duration::from_micros(500 + self.rng.below(1500));
        if !self.rng.chance(self.setup.loss_percent, 100) {
            self.at(latency, to, what);
        }
    }

    fn below(&mut self, bound: u32) -> u32 {
        u32::try_from(self.rng.below(u64::from(bound))).unwrap()
    }

    fn host(&mut self, host: u32) -> &mut Host {
        &mut self.hosts[host as usize]
    }

    fn on(&mut self, host: u32, what: What) {
        if !self.host(host).is_up {
            return;
        }
        let now = self.now;
        let Host { engine, out, unconfirmed, .. } = self.host(host);
        match what {
            What::Question { from, hops } => return self.on_question(host, Some(from), hops),
            What::Parts { from, number, parts } => {
                engine.handle_message(now, &from, number, (*parts).clone(), out);
            }
            What::Told { number } => {
                unconfirmed.remove(&number);
                engine.delivered(now, number, out);
            }
            What::Retry { number, left, wait } => return self.retry(host, number, left, wait),
            What::Timeout => engine.handle_timeout(now, out),
            What::Crash => self.host(host).is_up = false,
        }
        self.drain(host);
    }

    /// The question spreads by a push with fanout log2 n; what it misses repair brings 300 ms
    /// later.
    fn on_question(&mut self, host: u32, parent: Option<u32>, hops: u8) {
        if std::mem::replace(&mut self.host(host).was_asked, true) {
            return;
        }
        let (now, members) = (self.now, self.setup.members);
        let Setup { reduce, timeout, part, parts_each, .. } = self.setup.clone();
        let deadline = Instant::from_nanos(1_000_000_000) + timeout;
        let members_count = members as usize;
        let asked = Asked { parent, reduce, hops, deadline, members_count };
        let Host { engine, out, .. } = self.host(host);
        engine.on_question(now, Question(ORIGIN), asked, out);
        for number in 1..=parts_each {
            let is_last = number == parts_each;
            engine.answer(now, &Question(ORIGIN), part(host), is_last, out).unwrap();
        }
        for _ in 0..(u32::BITS - (members - 1).leading_zeros()) {
            let to = self.below(members);
            self.send(to, What::Question { from: host, hops: hops.saturating_add(1) });
        }
        if host == ORIGIN {
            for to in 1..members {
                let from = self.below(members);
                if from != to {
                    self.at(Duration::from_millis(300), to, What::Question { from, hops: 9 });
                }
            }
        }
        self.drain(host);
    }

    fn drain(&mut self, host: u32) {
        while let Some(send) = self.host(host).out.pop_send() {
            match send {
                Send::Confirm { to, ticket } => {
                    self.report.messages += 1;
                    self.send(to, What::Told { number: ticket });
                }
                Send::Parts { to, number, parts, patience, until } => {
                    let wait = RETRY + patience;
                    let unconfirmed = Unconfirmed { to, parts: parts.clone(), until };
                    self.host(host).unconfirmed.insert(number, unconfirmed);
                    self.send_parts(host, number);
                    self.at(wait, host, What::Retry { number, left: TRIES - 1, wait });
                }
            }
        }
        while let Some(Event::Answer { part, from, .. }) = self.host(host).out.pop_event() {
            assert_eq!(host, ORIGIN);
            self.report.last_answer = self.now.since(Instant::from_nanos(1_000_000_000));
            *self.report.totals.entry(part.clone()).or_default() += from.len() as u64;
            for member in from {
                *self.report.answers.entry((member, part.clone())).or_default() += 1;
            }
        }
        if let Some(at) = self.host(host).engine.next_timeout() {
            self.at(at.since(self.now), host, What::Timeout);
        }
    }

    fn send_parts(&mut self, host: u32, number: u64) {
        let Unconfirmed { to, parts, .. } = &self.host(host).unconfirmed[&number];
        let (to, parts) = (*to, parts.clone());
        self.report.messages += 1;
        if to == ORIGIN {
            self.report.into_origin += 1;
            self.report.bytes_into_origin += 48
                + parts.groups.iter().map(|g| 5 + g.part.len() + 17 * g.from.len()).sum::<usize>();
        }
        self.send(to, What::Parts { from: host, number, parts });
    }

    /// A parent is tried three times, the origin until the deadline.
    fn retry(&mut self, host: u32, number: u64, left: u32, wait: Duration) {
        let now = self.now;
        let Host { engine, out, unconfirmed, .. } = self.host(host);
        let Some(pending) = unconfirmed.get(&number) else { return };
        let is_over = pending.to != ORIGIN && left == 0;
        if is_over || now >= pending.until {
            unconfirmed.remove(&number);
            engine.undelivered(now, number, out);
            self.drain(host);
            return;
        }
        self.send_parts(host, number);
        let wait = wait * 2;
        self.at(wait, host, What::Retry { number, left: left.saturating_sub(1), wait });
    }
}
