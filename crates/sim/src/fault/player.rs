//! Applies a plan to a net as virtual time passes.

use super::{Act, Disk, Entry, Fault, Plan, Work};
use crate::check::Watch;
use crate::{CutId, HostId, Link, Net};
use bruit_engine::Instant;
use bruit_model::{Command, Path, Publish, Reply, Target};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::time::Duration;

/// Plays a plan. Between two entries the net runs by itself.
#[derive(Debug)]
pub struct Player {
    plan: Plan,
    next: usize,
    /// The entries' times count from here.
    origin: Instant,
    /// Whom a host that starts asks to let it join.
    seeds: Vec<HostId>,
    cuts: BTreeMap<u32, Vec<CutId>>,
    left: Vec<HostId>,
    counts: BTreeMap<&'static str, u64>,
    moot: u64,
}

impl Player {
    /// A player of `plan`, whose times count from the net's present one. Hosts that start join by
    /// `seeds`; without any, they are left alone.
    pub fn new(net: &Net, plan: Plan, seeds: Vec<HostId>) -> Self {
        Self {
            plan,
            next: 0,
            origin: net.now(),
            seeds,
            cuts: BTreeMap::new(),
            left: Vec::new(),
            counts: BTreeMap::new(),
            moot: 0,
        }
    }

    /// How often each kind of fault and of work really happened.
    pub fn counts(&self) -> &BTreeMap<&'static str, u64> {
        &self.counts
    }

    /// How many entries had nothing to act on, such as a crash of a host that was down, or were
    /// refused by the node.
    pub fn moot(&self) -> u64 {
        self.moot
    }

    /// Hosts that said goodbye and have not been started since.
    pub fn left(&self) -> &[HostId] {
        &self.left
    }

    /// When the next entry is due; `None` at the plan's end.
    pub fn next_at(&self) -> Option<Instant> {
        self.next_entry().map(|entry| self.origin + entry.at)
    }

    pub(super) fn next_entry(&self) -> Option<&Entry> {
        self.plan.entries().get(self.next)
    }

    /// Lets so much time pass, with all entries that are due in it.
    pub fn run_for(&mut self, net: &mut Net, watch: &mut Watch, time: Duration) {
        let end = net.now() + time;
        while let Some(at) = self.next_at().filter(|&at| at <= end) {
            net.run_for(at.since(net.now()));
            self.play_next(net, watch);
        }
        net.run_for(end.since(net.now()));
        watch.drain(net);
    }

    /// Does what the next entry says, now; false at the plan's end.
    pub fn play_next(&mut self, net: &mut Net, watch: &mut Watch) -> bool {
        let Some(entry) = self.next_entry().cloned() else { return false };
        self.next += 1;
        let done = match entry.act {
            Act::Fault(fault) => self.fault(net, watch, &fault).then_some(fault.kind()),
            Act::Work(work) => self.do_work(net, watch, &work).then_some(match work {
                Work::Publish { .. } => "publish",
                Work::Metadata { .. } => "metadata",
            }),
        };
        match done {
            Some(kind) => *self.counts.entry(kind).or_default() += 1,
            None => self.moot += 1,
        }
        true
    }

    /// Starts a host that is down and lets it join.
    pub fn start(&mut self, net: &mut Net, host: HostId) {
        net.start(host);
        self.left.retain(|left| *left != host);
        let seeds = self.seeds.iter().filter(|seed| **seed != host || self.seeds.len() == 1);
        let targets: Vec<_> = seeds.map(|seed| Target::Addr(net.addr(*seed))).collect();
        if !targets.is_empty() {
            let _tried_again_by_the_node = net.command(host, Command::Join(targets));
        }
    }

    /// Ends all faults: cuts, links, pauses, slowness. Clocks stay as they are, since nobody
    /// repairs those either. Hosts that are down start, but for those that left.
    pub fn make_peace(&mut self, net: &mut Net, link: Link) {
        net.heal();
        net.set_links(link);
        self.cuts.clear();
        for host in net.hosts() {
            net.slow(host, Duration::ZERO);
            if net.is_paused(host) {
                net.resume(host);
            }
            if !net.is_up(host) && !self.left.contains(&host) {
                self.start(net, host);
            }
        }
    }

    /// True if it happened.
    fn fault(&mut self, net: &mut Net, watch: &mut Watch, fault: &Fault) -> bool {
        let known = |host: HostId| host.index() < net.hosts().len();
        match fault {
            Fault::Crash(host, _)
            | Fault::Leave(host)
            | Fault::Start(host)
            | Fault::Pause(host)
            | Fault::Resume(host)
                if !known(*host) =>
            {
                false
            }
            Fault::Crash(host, disk) => self.crash(net, watch, *host, *disk),
            Fault::Leave(host) => self.leave(net, watch, *host),
            Fault::Start(host) if !net.is_up(*host) => {
                watch.drain(net);
                self.start(net, *host);
                true
            }
            Fault::Pause(host) if net.is_up(*host) && !net.is_paused(*host) => {
                net.pause(*host);
                true
            }
            Fault::Resume(host) if net.is_paused(*host) => {
                net.resume(*host);
                true
            }
            Fault::Start(_) | Fault::Pause(_) | Fault::Resume(_) => false,
            Fault::Slow(host, _) | Fault::Clock(host, _) if !known(*host) => false,
            Fault::Slow(host, per_input) => {
                net.slow(*host, *per_input);
                true
            }
            Fault::Clock(host, millis) => {
                net.skew(*host, *millis);
                true
            }
            Fault::Cut { .. }
            | Fault::Mend(_)
            | Fault::Heal
            | Fault::Links(_)
            | Fault::Ingress(..)
            | Fault::Egress(..) => self.change_links(net, fault),
        }
    }

    fn change_links(&mut self, net: &mut Net, fault: &Fault) -> bool {
        match fault {
            Fault::Cut { number, from, to, both_ways } => {
                let cuts = self.cuts.entry(*number).or_default();
                cuts.push(net.cut(from, to));
                if *both_ways {
                    cuts.push(net.cut(to, from));
                }
                true
            }
            Fault::Mend(number) => {
                let cuts = self.cuts.remove(number).unwrap_or_default();
                cuts.iter().for_each(|cut| net.mend(*cut));
                !cuts.is_empty()
            }
            Fault::Heal => {
                let any = !self.cuts.is_empty();
                self.cuts.clear();
                net.heal();
                any
            }
            Fault::Links(link) => {
                net.set_links(*link);
                true
            }
            Fault::Ingress(host, link) => {
                net.set_ingress(*host, *link);
                true
            }
            Fault::Egress(host, link) => {
                net.set_egress(*host, *link);
                true
            }
            Fault::Crash(..)
            | Fault::Start(_)
            | Fault::Leave(_)
            | Fault::Pause(_)
            | Fault::Resume(_)
            | Fault::Slow(..)
            | Fault::Clock(..) => false,
        }
    }

    fn crash(&mut self, net: &mut Net, watch: &mut Watch, host: HostId, disk: Disk) -> bool {
        if !net.is_up(host) {
            return false;
        }
        watch.look(net);
        match disk {
            Disk::Kept => net.save(host),
            Disk::Stale => {}
            Disk::Lost => net.wipe(host),
        }
        net.crash(host);
        true
    }

    fn leave(&mut self, net: &mut Net, watch: &mut Watch, host: HostId) -> bool {
        if !net.is_up(host) || net.is_paused(host) {
            return false;
        }
        watch.look(net);
        net.save(host);
        let leaves = net.leave(host).is_ok();
        if leaves {
            self.left.push(host);
        }
        leaves
    }

    pub(super) fn do_work(&self, net: &mut Net, watch: &mut Watch, work: &Work) -> bool {
        let (Work::Publish { host, .. } | Work::Metadata { host, .. }) = work;
        let host = *host;
        if host.index() >= net.hosts().len() || !net.is_up(host) || net.is_paused(host) {
            return false;
        }
        let command = match work {
            Work::Publish { path, bytes, .. } => {
                let Ok(path) = Path::parse(path) else { return false };
                let len = usize::try_from(*bytes).unwrap_or(usize::MAX);
                let payload = (self.next as u64).to_be_bytes().into_iter().cycle().take(len);
                Command::Publish(Publish {
                    path,
                    topic: None,
                    headers: Vec::new(),
                    payload: payload.collect::<Bytes>(),
                    style: None,
                    expiry: None,
                    ask: None,
                })
            }
            Work::Metadata { key, value, .. } => {
                Command::SetMetadata(vec![(key.clone(), Some(value.to_be_bytes().to_vec()))])
            }
        };
        match net.command(host, command) {
            Ok(Reply::Accepted(id)) => {
                watch.accept(net, host, id);
                true
            }
            Ok(Reply::Done) => true,
            Err(_) => false,
        }
    }
}
