//! The loop.

use super::everyone::index;
use super::machine::{Call, Kind, Machine};
use super::settings::{Carrier, Settings, nanos};
use crate::calendar::Calendar;
use bruit_engine::{Instant, Rng};
use std::time::Duration;

/// A message under way.
#[derive(Debug)]
struct Letter<P> {
    from: u32,
    to: u32,
    message: P,
}

/// What has happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages that reached an engine.
    pub messages: u64,
    /// Timeouts that an engine handled.
    pub timeouts: u64,
    /// Messages that engines sent.
    pub sent: u64,
    /// Of these, those that the network lost.
    pub lost: u64,
    /// Of these, those that arrived at a node that was down.
    pub to_the_dead: u64,
    /// Nodes that were crashed.
    pub crashes: u64,
}

impl Counts {
    /// Calls of engines.
    pub fn events(&self) -> u64 {
        self.messages + self.timeouts
    }
}

/// How many events are looked ahead. Guess: about as many reads of memory as a core has open at a
/// time.
const AHEAD: usize = 16;
/// No timer is armed.
const NEVER: u64 = u64::MAX;

/// Many machines, a network between them, and one clock. See the [module](super).
#[derive(Debug)]
pub struct Universe<M: Machine> {
    seed: u64,
    now: Instant,
    machines: Vec<M>,
    /// When each is woken next.
    armed: Vec<u64>,
    down: Vec<bool>,
    /// What the machines share: settings going in, results coming out.
    pub shared: M::Shared,
    letters: Calendar<Letter<M::Message>>,
    timers: Calendar<u32>,
    unasked: Carrier,
    exchange: Carrier,
    /// Nanoseconds between the moments at which timers are called.
    align: u64,
    sends: Vec<(u32, M::Message)>,
    /// After so many events the next look ahead is due.
    ahead: usize,
    faults: Rng,
    hash: u64,
    counts: Counts,
}

impl<M: Machine> Universe<M> {
    /// Nodes 0, 1, … run what `make` gives for each, from its own generator.
    ///
    /// # Panics
    /// If there are no nodes.
    pub fn new(
        seed: u64,
        nodes: u32,
        settings: Settings,
        shared: M::Shared,
        mut make: impl FnMut(u32, Rng) -> M,
    ) -> Self {
        assert!(nodes > 0, "a universe has at least one node");
        let mut rng = Rng::from_seed(seed);
        let unasked = Carrier::new(settings.unasked, &mut rng.fork("unasked"));
        let exchange = Carrier::new(settings.exchange, &mut rng.fork("exchange"));
        let faults = rng.fork("faults");
        let mut engines = rng.fork("engines");
        let machines = (0..nodes).map(|node| make(node, engines.fork("engine"))).collect();
        let mut universe = Self {
            seed,
            now: Instant::ZERO,
            machines,
            armed: vec![NEVER; index(nodes)],
            down: vec![false; index(nodes)],
            shared,
            letters: Calendar::default(),
            timers: Calendar::default(),
            unasked,
            exchange,
            align: settings.align.map_or(1, nanos).max(1),
            sends: Vec::new(),
            ahead: 0,
            faults,
            hash: 0,
            counts: Counts::default(),
        };
        (0..nodes).for_each(|node| universe.arm(node));
        universe
    }

    /// The seed that repeats this run.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Virtual time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// How many nodes there are, those that are down included.
    pub fn nodes(&self) -> u32 {
        u32::try_from(self.machines.len()).expect("made from a number of 32 bits")
    }

    /// A node's machine, be it down.
    pub fn machine(&self, node: u32) -> &M {
        &self.machines[index(node)]
    }

    /// All machines, in the order of their nodes.
    pub fn machines(&self) -> &[M] {
        &self.machines
    }

    /// Whether a node is down.
    pub fn is_down(&self, node: u32) -> bool {
        self.down[index(node)]
    }

    /// What has happened.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// A number that two runs share exactly if they went alike.
    pub fn trace_hash(&self) -> u64 {
        self.hash
    }

    /// How many messages are under way.
    pub fn under_way(&self) -> usize {
        self.letters.len()
    }

    /// Gives a machine a command, and carries away what it sends.
    pub fn call<R>(&mut self, node: u32, command: impl FnOnce(&mut M, &mut Call<'_, M>) -> R) -> R {
        let nodes = self.nodes();
        let (shared, sends) = (&mut self.shared, &mut self.sends);
        let mut call = Call { now: self.now, me: node, nodes, shared, sends };
        let result = command(&mut self.machines[index(node)], &mut call);
        self.carry(node);
        self.arm(node);
        result
    }

    /// Stops a node for good: what arrives there is lost.
    pub fn crash(&mut self, node: u32) {
        if !std::mem::replace(&mut self.down[index(node)], true) {
            self.counts.crashes += 1;
            self.armed[index(node)] = NEVER;
            self.fold([self.now.as_nanos(), u64::from(node), u64::MAX]);
        }
    }

    /// Stops each node but `spared` with this probability.
    pub fn crash_some(&mut self, ppm: u32, spared: u32) {
        for node in 0..self.nodes() {
            if self.faults.chance(u64::from(ppm), 1_000_000) && node != spared {
                self.crash(node);
            }
        }
    }

    /// When something happens next.
    pub fn next_at(&mut self) -> Option<Instant> {
        match (self.letters.next_at(), self.timers.next_at()) {
            (Some(letter), Some(timer)) => Some(letter.min(timer)),
            (letter, timer) => letter.or(timer),
        }
    }

    /// Lets so much virtual time pass.
    pub fn run_for(&mut self, time: Duration) {
        self.run_until(time, |_| false);
    }

    /// Lets virtual time pass until `check` holds, asked now and after each moment at which
    /// something happened, or until `limit` has passed. Whether it holds.
    pub fn run_until(&mut self, limit: Duration, mut check: impl FnMut(&Self) -> bool) -> bool {
        let end = self.now + limit;
        loop {
            if check(self) {
                return true;
            }
            let Some(at) = self.next_at().filter(|&at| at <= end) else { break };
            self.now = at;
            self.moment();
        }
        self.now = end;
        false
    }

    /// All that happens now.
    fn moment(&mut self) {
        loop {
            while self.letters.next_at() == Some(self.now) {
                self.look_ahead(false);
                let Some((_, letter)) = self.letters.pop() else { break };
                self.deliver(letter);
            }
            if self.timers.next_at() != Some(self.now) {
                return;
            }
            self.look_ahead(true);
            if let Some((_, node)) = self.timers.pop() {
                self.wake(node);
            }
        }
    }

    /// Has the memory of the next machines fetched at the same time.
    fn look_ahead(&mut self, of_timers: bool) {
        self.ahead = self.ahead.saturating_sub(1);
        if self.ahead > 0 {
            return;
        }
        let (mut sum, mut seen) = (0_u64, 0);
        let mut touch = |node: u32, message| {
            let machine = &self.machines[index(node)];
            sum ^= machine.touch(node, message, &self.shared) ^ self.armed[index(node)];
            seen += 1;
        };
        if of_timers {
            self.timers.upcoming().take(AHEAD).for_each(|node| touch(*node, None));
        } else {
            let letters = self.letters.upcoming().take(AHEAD);
            letters.for_each(|letter| touch(letter.to, Some(&letter.message)));
        }
        self.ahead = seen;
        // What is not used would not be read.
        std::hint::black_box(sum);
    }

    fn deliver(&mut self, letter: Letter<M::Message>) {
        let Letter { from, to, message } = letter;
        if self.down[index(to)] {
            self.counts.to_the_dead += 1;
            return;
        }
        self.counts.messages += 1;
        let ends = u64::from(from) << 32 | u64::from(to);
        self.fold([self.now.as_nanos(), ends, M::fingerprint(&message)]);
        self.call(to, |machine, call| machine.handle_message(call, from, message));
    }

    fn wake(&mut self, node: u32) {
        if self.armed[index(node)] != self.now.as_nanos() {
            // Armed anew since, or down.
            return;
        }
        self.armed[index(node)] = NEVER;
        let due = self.machines[index(node)].next_timeout();
        if due.is_none_or(|due| due > self.now) {
            self.arm(node);
            return;
        }
        self.counts.timeouts += 1;
        self.fold([self.now.as_nanos(), u64::from(node), 0]);
        self.call(node, Machine::handle_timeout);
    }

    /// Wakes the machine when it is due. An entry that has become too early stays, and finds
    /// nothing to do.
    fn arm(&mut self, node: u32) {
        let Some(due) = self.machines[index(node)].next_timeout() else { return };
        if due == Instant::FAR_FUTURE {
            return;
        }
        let due = due.max(self.now).as_nanos();
        let at = if self.align > 1 {
            due.checked_next_multiple_of(self.align).unwrap_or(NEVER)
        } else {
            due
        };
        if at < self.armed[index(node)] {
            self.armed[index(node)] = at;
            self.timers.post(Instant::from_nanos(at), node);
        }
    }

    /// Puts what a machine sent on its way.
    fn carry(&mut self, from: u32) {
        let mut sends = std::mem::take(&mut self.sends);
        for (to, message) in sends.drain(..) {
            self.counts.sent += 1;
            let carrier = match M::kind(&message) {
                Kind::Unasked => &mut self.unasked,
                Kind::Exchange => &mut self.exchange,
            };
            match carrier.carry() {
                Some(nanos) => {
                    let at = Instant::from_nanos(self.now.as_nanos().saturating_add(nanos));
                    self.letters.post(at, Letter { from, to, message });
                }
                None => self.counts.lost += 1,
            }
        }
        self.sends = sends;
    }

    /// `FxHash`'s step: rotate, xor, multiply by an odd constant.
    fn fold(&mut self, words: [u64; 3]) {
        for word in words {
            self.hash = (self.hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
        }
    }
}
