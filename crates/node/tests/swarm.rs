//! Random faults, then peace: whatever happened, the group comes to agree.
//!
//! `BRUIT_SEEDS` says how many seeds are run (20 if unset), from `BRUIT_FIRST_SEED` on (0 if
//! unset); `BRUIT_SEED` runs one alone.

#![allow(clippy::disallowed_methods, reason = "the number of seeds is given from outside")]
#![allow(clippy::print_stdout, reason = "a run that fails says how, and how to repeat it")]

mod common;

use bruit_engine::Rng;
use bruit_model::{Command, ItemId, Node};
use bruit_node::Profile;
use bruit_sim::{HostId, Link, Loss, Net};
use common::{Group, Setup, agreed, has_item, items_told, ms, s};
use std::collections::BTreeMap;
use std::fmt::Write as _;

fn seeds() -> Vec<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    match number("BRUIT_SEED") {
        Some(seed) => vec![seed],
        None => {
            let first = number("BRUIT_FIRST_SEED").unwrap_or(0);
            (first..first + number("BRUIT_SEEDS").unwrap_or(20)).collect()
        }
    }
}

fn below(rng: &mut Rng, bound: u32) -> u32 {
    u32::try_from(rng.below(u64::from(bound))).expect("the result is below a u32")
}

/// One run: `(trace hash, how many of each fault happened)`.
struct Outcome {
    hash: u64,
    faults: BTreeMap<&'static str, u64>,
}

struct Swarm {
    group: Group,
    rng: Rng,
    published: Vec<ItemId>,
    /// How often each host was told of each item, over its runs; a restart may repeat.
    faults: BTreeMap<&'static str, u64>,
    paused: Vec<HostId>,
}

impl Swarm {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::from_seed(seed);
        let link = Link {
            loss: Loss::Random { ppm: below(&mut rng, 150_000) },
            duplicate_ppm: below(&mut rng, 50_000),
            reorder_ppm: below(&mut rng, 100_000),
            ..Link::default()
        };
        let setup =
            Setup { seed, link, profile: Profile::Local, keeps_identity: true, ..Setup::default() };
        let count = 3 + rng.index(8);
        let group = Group::joining(setup, count);
        Self { group, rng, published: Vec::new(), faults: BTreeMap::new(), paused: Vec::new() }
    }

    fn count(&mut self, fault: &'static str) {
        *self.faults.entry(fault).or_default() += 1;
    }

    fn running(&self) -> Vec<HostId> {
        let up = self.group.live().into_iter();
        up.filter(|host| !self.paused.contains(host)).collect()
    }

    fn pick(&mut self, from: &[HostId]) -> Option<HostId> {
        (!from.is_empty()).then(|| from[self.rng.index(from.len())])
    }

    fn step(&mut self) {
        let running = self.running();
        let Some(host) = self.pick(&running) else { return };
        match self.rng.below(10) {
            0..=3 => {
                let payload = self.rng.next_u64().to_be_bytes();
                let id = self.group.publish(host, "swarm/item", &payload);
                self.published.push(id);
            }
            4 => {
                let value = self.rng.next_u64().to_be_bytes().to_vec();
                let change = vec![("tag".to_owned(), Some(value))];
                self.group.command(host, Command::SetMetadata(change));
            }
            5 if running.len() > 2 => {
                self.group.net.save(host);
                self.group.net.crash(host);
                self.count("crash");
            }
            6 => {
                let hosts = self.group.hosts.clone();
                let down: Vec<_> =
                    hosts.into_iter().filter(|host| !self.group.net.is_up(*host)).collect();
                if let Some(host) = self.pick(&down) {
                    self.group.start(host);
                    self.count("restart");
                }
            }
            7 if running.len() > 2 => {
                self.group.net.pause(host);
                self.paused.push(host);
                self.count("pause");
            }
            8 => {
                if let Some(host) = self.paused.pop() {
                    self.group.net.resume(host);
                }
            }
            _ => self.partition(),
        }
    }

    fn partition(&mut self) {
        if self.rng.chance(1, 2) {
            self.group.net.heal();
            return;
        }
        let mut hosts = self.group.hosts.clone();
        self.rng.shuffle(&mut hosts);
        let (left, right) = hosts.split_at(1 + self.rng.index(hosts.len() - 1));
        if self.rng.chance(1, 3) {
            self.group.net.one_way(left[0], right[0]);
            self.count("one way");
        } else {
            self.group.net.partition(left, right);
            self.count("partition");
        }
    }

    fn make_peace(&mut self) {
        self.group.net.heal();
        self.group.net.set_links(Link::default());
        for host in std::mem::take(&mut self.paused) {
            self.group.net.resume(host);
        }
        for host in self.group.hosts.clone() {
            if !self.group.net.is_up(host) {
                self.group.start(host);
            }
        }
    }
}

/// An item that one host holds, all hold, but for hosts that have crashed: what such a one saw
/// before, it does not ask for again. An item whose only holder crashed is lost to all.
fn items_agree(net: &Net, ids: &[ItemId]) -> bool {
    let steady: Vec<_> = net.hosts().filter(|host| net.host_stats(*host).crashes == 0).collect();
    ids.iter().all(|id| {
        let held = net.hosts().any(|host| has_item(net, host, id));
        !held || steady.iter().all(|host| has_item(net, *host, id))
    })
}

fn metadata_agrees(net: &Net) -> bool {
    let view = |host: HostId| -> Vec<_> {
        let members = net.node(host).members(net.now_at(host));
        let live = members.iter().filter(|member| member.state.word() == "alive");
        live.map(|member| (member.id, member.incarnation, member.generation, member.metadata))
            .collect()
    };
    let mut views = net.hosts().map(view);
    let first = views.next();
    views.all(|other| Some(other) == first)
}

/// What the hosts hold, in words, for a run that failed.
fn difference(net: &Net, ids: &[ItemId]) -> String {
    let mut text = String::new();
    for host in net.hosts() {
        let members = net.node(host).members(net.now_at(host));
        let _ = writeln!(text, "{host} crashes {}", net.host_stats(host).crashes);
        for member in members.iter() {
            let tag = member.metadata.iter().map(|entry| entry.version).max();
            let _ = writeln!(
                text,
                "  {} {} {} inc {} gen {:x} tag {tag:?}: {}",
                member.name,
                member.id,
                member.state,
                member.incarnation,
                member.generation,
                member.why
            );
        }
        let missing: Vec<_> = ids.iter().filter(|id| !has_item(net, host, id)).collect();
        let _ = writeln!(text, "  lacks {missing:?}");
    }
    text
}

fn run(seed: u64) -> Outcome {
    let mut swarm = Swarm::new(seed);
    for _ in 0..60 {
        swarm.step();
        let pause = ms(20 + swarm.rng.below(1500));
        swarm.group.net.run_for(pause);
    }
    swarm.make_peace();
    let count = swarm.group.hosts.len();
    let ids = swarm.published.clone();
    let agree = swarm
        .group
        .wait(s(120), |net| agreed(net, count) && metadata_agrees(net) && items_agree(net, &ids));
    if !agree {
        println!("{}", difference(&swarm.group.net, &ids));
    }
    assert!(agree, "seed {seed}: no agreement; repeat with BRUIT_SEED={seed}");
    for host in swarm.group.hosts.clone() {
        let events = swarm.group.net.events(host);
        if swarm.group.net.host_stats(host).crashes == 0 {
            for (id, times) in items_told(&events) {
                assert_eq!(times, 1, "seed {seed}: {host} was told of {id} {times} times");
            }
        }
    }
    // In peace, all that is accepted reaches all.
    let id = swarm.group.publish(swarm.group.hosts[0], "peace", b"x");
    assert!(swarm.group.wait(s(10), |net| common::all_have(net, &id)), "seed {seed}");
    let stats = swarm.group.net.stats();
    for (name, value) in [
        ("loss", stats.datagrams_lost),
        ("duplicate", stats.datagrams_duplicated),
        ("reorder", stats.datagrams_reordered),
        ("blocked", stats.datagrams_blocked),
    ] {
        *swarm.faults.entry(name).or_default() += value;
    }
    let node: &dyn Node = swarm.group.net.node(swarm.group.hosts[0]);
    assert_eq!(common::counter(node, "clock_backwards", ""), 0);
    Outcome { hash: swarm.group.net.trace_hash(), faults: swarm.faults }
}

#[test]
fn after_random_faults_the_group_agrees_and_every_kind_of_fault_happened() {
    let mut faults: BTreeMap<&str, u64> = BTreeMap::new();
    let seeds = seeds();
    for seed in &seeds {
        for (name, count) in run(*seed).faults {
            *faults.entry(name).or_default() += count;
        }
    }
    println!("{} seeds, faults: {faults:?}", seeds.len());
    if seeds.len() >= 20 {
        for kind in [
            "crash",
            "restart",
            "pause",
            "partition",
            "one way",
            "loss",
            "duplicate",
            "reorder",
            "blocked",
        ] {
            assert!(faults.get(kind).is_some_and(|count| *count > 0), "no {kind} happened");
        }
    }
}

#[test]
fn one_seed_goes_one_way() {
    assert_eq!(run(3).hash, run(3).hash);
    assert_ne!(run(3).hash, run(4).hash);
}
