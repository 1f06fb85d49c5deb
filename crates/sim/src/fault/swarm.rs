//! Random plans: each seed has its own mix of faults.

use super::{Act, Disk, Entry, Fault, Plan, Work};
use crate::{HostId, Link, Loss};
use bruit_engine::Rng;
use std::time::Duration;

/// A kind of fault that a random plan may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Crashes, the disk kept.
    Crash,
    /// Crashes, the disk as it was saved before.
    StaleDisk,
    /// Crashes, the disk lost.
    LostDisk,
    /// Goodbyes.
    Leave,
    /// Pauses.
    Pause,
    /// Slow processes.
    Slow,
    /// Jumps of wall clocks.
    Clock,
    /// Partitions.
    Partition,
    /// Cuts of one direction between two hosts.
    OneWay,
    /// A host that is cut off and mended in quick turns.
    Flap,
    /// A host that loses most of what comes to it, or of what it sends.
    LossyHost,
    /// Loss on all links, each message by itself.
    Loss,
    /// Loss on all links, in bursts.
    Burst,
    /// Duplicates on all links.
    Duplicate,
    /// Reordering on all links.
    Reorder,
    /// Narrow links with short queues.
    Narrow,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Crash,
        Self::StaleDisk,
        Self::LostDisk,
        Self::Leave,
        Self::Pause,
        Self::Slow,
        Self::Clock,
        Self::Partition,
        Self::OneWay,
        Self::Flap,
        Self::LossyHost,
        Self::Loss,
        Self::Burst,
        Self::Duplicate,
        Self::Reorder,
        Self::Narrow,
    ];
}

/// Draws plans. Each has a random half of the kinds, since a fault that is always there hides what
/// only its absence shows. Source: Groce et al., "Swarm testing", ISSTA 2012.
#[derive(Clone, Debug)]
pub struct Swarm {
    /// Of which kinds.
    pub kinds: Vec<Kind>,
    /// How many hosts, at least and at most.
    pub hosts: (u32, u32),
    /// How many entries.
    pub entries: u32,
    /// The longest time between two; all shorter ones are as probable.
    pub gap_max: Duration,
}

impl Default for Swarm {
    fn default() -> Self {
        let kinds = Kind::ALL.to_vec();
        Self { kinds, hosts: (3, 10), entries: 60, gap_max: Duration::from_millis(1500) }
    }
}

/// What a plan has done to the hosts so far.
struct Draft {
    rng: Rng,
    kinds: Vec<Kind>,
    at: Duration,
    entries: Vec<Entry>,
    up: Vec<HostId>,
    down: Vec<HostId>,
    paused: Vec<HostId>,
    cuts: u32,
    all: Vec<HostId>,
}

impl Swarm {
    /// The plan of a seed: how many hosts, the link between them, and what happens. The first
    /// 100 ms are quiet, for the hosts' start. Two hosts always run.
    pub fn plan(&self, seed: u64) -> (u32, Link, Plan) {
        let mut rng = Rng::from_seed(seed);
        let mut kinds = self.kinds.clone();
        kinds.retain(|_| rng.chance(1, 2));
        let (min, max) = self.hosts;
        let spread = u64::from(max.saturating_sub(min)) + 1;
        let hosts = min + u32::try_from(rng.below(spread)).expect("below a u32");
        let link = link(&kinds, &mut rng);
        let all: Vec<_> = (0..hosts).map(HostId).collect();
        let mut draft = Draft {
            rng,
            kinds,
            at: Duration::from_millis(100),
            entries: Vec::new(),
            up: all.clone(),
            down: Vec::new(),
            paused: Vec::new(),
            cuts: 0,
            all,
        };
        for _ in 0..self.entries {
            draft.draw();
            draft.at += Duration::from_millis(20) + draft.rng.duration_below(self.gap_max);
        }
        (hosts, link, Plan::new(draft.entries))
    }
}

fn link(kinds: &[Kind], rng: &mut Rng) -> Link {
    let has = |kind| kinds.contains(&kind);
    let mut below = |bound: u64| u32::try_from(rng.below(bound)).expect("the bound fits");
    let mut link = Link::default();
    let (ppm, burst_mean) = (below(150_000), 1 + below(8));
    if has(Kind::Burst) {
        link.loss = Loss::Bursty { ppm, burst_mean };
    } else if has(Kind::Loss) {
        link.loss = Loss::Random { ppm };
    }
    let (duplicate_ppm, reorder_ppm) = (below(50_000), below(100_000));
    let (kib_per_second, queue_kib) = (32 + below(256), 2 + below(14));
    if has(Kind::Duplicate) {
        link.duplicate_ppm = duplicate_ppm;
    }
    if has(Kind::Reorder) {
        link.reorder_ppm = reorder_ppm;
    }
    if has(Kind::Narrow) {
        link.bandwidth = Some(u64::from(kib_per_second) * 1024);
        link.queue_bytes_max = queue_kib * 1024;
    }
    link
}

impl Draft {
    fn push(&mut self, after: Duration, fault: Fault) {
        self.entries.push(Entry { at: self.at + after, act: Act::Fault(fault) });
    }

    fn now(&mut self, fault: Fault) {
        self.push(Duration::ZERO, fault);
    }

    fn pick(&mut self, from: &[HostId]) -> Option<HostId> {
        (!from.is_empty()).then(|| from[self.rng.index(from.len())])
    }

    /// Takes a host that runs out of those that run, if two others remain.
    fn take(&mut self) -> Option<HostId> {
        if self.up.len() < 3 {
            return None;
        }
        let index = self.rng.index(self.up.len());
        Some(self.up.remove(index))
    }

    fn draw(&mut self) {
        match self.rng.below(10) {
            0..=3 => self.work(),
            4 => self.come_back(),
            5 => self.mend(),
            _ => {
                if !self.kinds.is_empty() {
                    let kind = self.kinds[self.rng.index(self.kinds.len())];
                    self.fault(kind);
                }
            }
        }
    }

    fn work(&mut self) {
        let up = self.up.clone();
        let Some(host) = self.pick(&up) else { return };
        let work = if self.rng.chance(1, 5) {
            Work::Metadata { host, key: "tag".to_owned(), value: self.rng.next_u64() }
        } else {
            // Most in a datagram, some in a stream.
            let bytes = if self.rng.chance(1, 8) { 20_000 } else { 8 };
            Work::Publish { host, path: "swarm/item".to_owned(), bytes }
        };
        self.entries.push(Entry { at: self.at, act: Act::Work(work) });
    }

    fn come_back(&mut self) {
        if !self.paused.is_empty() && self.rng.chance(1, 2) {
            let host = self.paused.remove(0);
            self.up.push(host);
            self.now(Fault::Resume(host));
        } else if !self.down.is_empty() {
            let index = self.rng.index(self.down.len());
            let host = self.down.remove(index);
            self.up.push(host);
            self.now(Fault::Start(host));
        }
    }

    fn mend(&mut self) {
        if self.cuts == 0 {
            return;
        }
        if self.rng.chance(1, 2) {
            self.now(Fault::Heal);
        } else {
            let number = 1 + u32::try_from(self.rng.below(self.cuts.into())).expect("a u32");
            self.now(Fault::Mend(number));
        }
    }

    fn fault(&mut self, kind: Kind) {
        match kind {
            Kind::Crash => self.crash(Disk::Kept),
            Kind::StaleDisk => self.crash(Disk::Stale),
            Kind::LostDisk => self.crash(Disk::Lost),
            Kind::Leave => {
                if let Some(host) = self.take() {
                    self.down.push(host);
                    self.now(Fault::Leave(host));
                }
            }
            Kind::Pause => {
                if let Some(host) = self.take() {
                    self.paused.push(host);
                    self.now(Fault::Pause(host));
                }
            }
            Kind::Slow => {
                let millis = 1 + self.rng.below(40);
                self.on_one(|host| Fault::Slow(host, Duration::from_millis(millis)));
            }
            Kind::Clock => {
                // Up to two hours either way.
                let millis = i64::try_from(self.rng.below(14_400_000)).expect("it fits");
                self.on_one(|host| Fault::Clock(host, millis - 7_200_000));
            }
            Kind::Partition => self.partition(),
            Kind::OneWay => {
                let mut all = self.all.clone();
                self.rng.shuffle(&mut all);
                self.cut(&all[..1], &all[1..2], false);
            }
            Kind::Flap => self.flap(),
            Kind::LossyHost => {
                let ppm = 500_000 + u32::try_from(self.rng.below(400_000)).expect("it fits");
                let link = (!self.rng.chance(1, 3)).then(|| Link::lossy(ppm));
                let is_ingress = self.rng.chance(1, 2);
                self.on_one(|host| match is_ingress {
                    true => Fault::Ingress(host, link),
                    false => Fault::Egress(host, link),
                });
            }
            // Always there, by the link.
            Kind::Loss | Kind::Burst | Kind::Duplicate | Kind::Reorder | Kind::Narrow => {}
        }
    }

    fn on_one(&mut self, fault: impl FnOnce(HostId) -> Fault) {
        let all = self.all.clone();
        if let Some(host) = self.pick(&all) {
            self.now(fault(host));
        }
    }

    fn crash(&mut self, disk: Disk) {
        if let Some(host) = self.take() {
            self.down.push(host);
            self.now(Fault::Crash(host, disk));
        }
    }

    fn cut(&mut self, from: &[HostId], to: &[HostId], both_ways: bool) {
        self.cuts += 1;
        let (number, from, to) = (self.cuts, from.to_vec(), to.to_vec());
        self.now(Fault::Cut { number, from, to, both_ways });
    }

    fn partition(&mut self) {
        let mut all = self.all.clone();
        self.rng.shuffle(&mut all);
        let (left, right) = all.split_at_mut(1 + self.rng.index(self.all.len() - 1));
        left.sort();
        right.sort();
        self.cut(left, right, true);
    }

    fn flap(&mut self) {
        let all = self.all.clone();
        let Some(host) = self.pick(&all) else { return };
        let period = Duration::from_millis(100 + self.rng.below(900));
        let both_ways = self.rng.chance(1, 2);
        for turn in 0..4 {
            self.cuts += 1;
            let (number, from, to) = (self.cuts, all.clone(), vec![host]);
            self.push(2 * turn * period, Fault::Cut { number, from, to, both_ways });
            self.push((2 * turn + 1) * period, Fault::Mend(number));
        }
    }
}
