//! A run under way: nodes, what is to be done to them, and what has been measured.

use super::Progress;
use super::act::{Act, Nodes, Timeline};
use super::group::Group;
use crate::measure::{Failures, Items, Outcome, VERSION, Verdict};
use crate::scenario::{Origins, Scale, Scenario, State};
use crate::{CutId, Happened, HostId, Link, Net, Stats};
use bruit_engine::{Instant, Rng};
use bruit_model::{Event, Member, MemberState, NodeId};
use bruit_node::Profile;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// When an item is looked at after its publication: by then nobody spreads it any more, and it is
/// within the retention of all topics by default. Guess.
const LOOK_AFTER: Duration = Duration::from_secs(60);

/// Some nodes that cannot hear others.
#[derive(Debug)]
struct Cut {
    fault: usize,
    from: Nodes,
    to: Nodes,
    /// What the net calls it: both ways, or one.
    ids: Vec<CutId>,
    /// When it ended; such a one still explains failures for a while.
    ended: Option<Instant>,
}

impl Cut {
    /// Whether it keeps one from hearing the other, or did so not longer than `grace` ago.
    fn separates(&self, one: u32, other: u32, at: Instant, grace: Duration) -> bool {
        let is_over = self.ended.is_some_and(|ended| at.since(ended) > grace);
        let crosses = |a: u32, b: u32| {
            self.from.binary_search(&a).is_ok() && self.to.binary_search(&b).is_ok()
        };
        !is_over && (crosses(one, other) || crosses(other, one))
    }
}

/// A run under way.
pub(super) struct World<'a> {
    scenario: &'a Scenario,
    seed: u64,
    group: Group,
    begin: Instant,
    end: Instant,
    timeline: Timeline,
    /// One generator for each purpose.
    origins: Rng,
    payloads: Rng,
    churn: Rng,
    /// Who publishes by turns; empty: anybody.
    publishers: Vec<u32>,
    published: u32,
    not_published: u64,
    items: Items,
    failures: Failures,
    hosts_of: BTreeMap<NodeId, HostId>,
    cuts: Vec<Cut>,
    paused: BTreeSet<u32>,
    /// When a process that was stopped went on.
    resumed: BTreeMap<u32, Instant>,
    degraded: Vec<(usize, Nodes, Link)>,
    clocks_set: u64,
    /// Counters when the run began.
    before: Vec<Stats>,
}

impl<'a> World<'a> {
    /// Plans a run of a group that has formed.
    pub(super) fn begin(scenario: &'a Scenario, seed: u64, mut group: Group) -> Self {
        group.connect(scenario, |link| link);
        let begin = group.net.now();
        let end = begin + scenario.duration;
        let mut rng = Rng::from_seed(seed).fork("scenario");
        let (mut origins, payloads) = (rng.fork("origins"), rng.fork("payloads"));
        let (churn, faults) = (rng.fork("churn"), rng.fork("faults"));
        let mut timeline = Timeline::default();
        timeline.plan(scenario, (begin, end), &faults);
        let publishers = match scenario.workload.origins {
            Origins::Random => Vec::new(),
            Origins::Count(count) => {
                crate::scenario::Select::Count(count).pick(&mut origins, scenario.nodes, &[])
            }
        };
        let hosts_of = group.hosts.iter().map(|host| (group.id(*host), *host)).collect();
        let before = group.hosts.iter().map(|host| group.net.host_stats(*host)).collect();
        Self {
            scenario,
            seed,
            group,
            begin,
            end,
            timeline,
            origins,
            payloads,
            churn,
            publishers,
            published: 0,
            not_published: 0,
            items: Items::default(),
            failures: Failures::default(),
            hosts_of,
            cuts: Vec::new(),
            paused: BTreeSet::new(),
            resumed: BTreeMap::new(),
            degraded: Vec::new(),
            clocks_set: 0,
            before,
        }
    }

    /// Lets so much time pass, with what is to be done in it; false once the run is over.
    pub(super) fn go_on(&mut self, time: Duration) -> bool {
        let until = (self.group.net.now() + time).min(self.end);
        while let Some(at) = self.timeline.next().filter(|at| *at <= until) {
            self.pass_to(at);
            if let Some(act) = self.timeline.pop() {
                self.act(act);
            }
        }
        self.pass_to(until);
        until < self.end
    }

    /// How far it is.
    pub(super) fn progress(&self) -> Progress {
        Progress {
            passed: Some(self.group.net.now().since(self.begin)),
            items: self.published,
            coverage_ppm: self.items.coverage_ppm(),
        }
    }

    /// What it came to.
    pub(super) fn close(mut self) -> (Outcome, Group) {
        self.take_events();
        for place in 0..self.items.count() as usize {
            self.look(place);
        }
        let now = self.group.net.now();
        let took = now.since(self.begin);
        let bound = Duration::from_secs(60).max(grace(self.scenario.protocol.profile));
        let stats = super::account::changes(&self.group, &self.before);
        let outcome = Outcome {
            version: VERSION.to_owned(),
            title: self.scenario.title.clone(),
            scale: Scale::Nodes,
            seed: self.seed,
            nodes: self.scenario.nodes,
            formed_ms: u64::try_from(self.begin.since(Instant::ZERO).as_millis())
                .unwrap_or(u64::MAX),
            duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            spread: self.items.measures(self.scenario.workload.within),
            detection: self.failures.measures(now, took, bound),
            traffic: super::account::traffic(&stats, took),
            faults: super::account::faults(&stats, self.clocks_set),
            shed: super::account::shed(&self.group, &stats, self.not_published),
            trace_hash: format!("{:016x}", self.group.net.trace_hash()),
        };
        (outcome, self.group)
    }

    /// The net, to be looked at.
    pub(super) fn net(&self) -> &Net {
        &self.group.net
    }

    /// When the next thing happens; `None` if nothing does before the end of the run.
    pub(super) fn next_at(&mut self) -> Option<Instant> {
        let next = self.timeline.next().into_iter().chain(self.group.net.next_at()).min();
        next.filter(|at| *at <= self.end)
    }

    /// Lets the next thing happen, be it in the net or one that is done to it; `None` once the run
    /// is over. `look` sees the net before what the nodes told is taken from it.
    pub(super) fn step(&mut self, look: &mut dyn FnMut(&Net, &Happened)) -> Option<Happened> {
        let act_at = self.timeline.next().filter(|at| *at <= self.end);
        let net_at = self.group.net.next_at().filter(|at| *at <= self.end);
        // What the net does at a moment comes before what is done to it then.
        let happened = match (net_at, act_at) {
            (Some(net_at), act_at) if act_at.is_none_or(|act_at| net_at <= act_at) => {
                self.group.net.step_once()?
            }
            (_, Some(at)) => {
                self.pass_to(at);
                let act = self.timeline.pop()?;
                let what = format!("scenario: {}", act.words());
                self.act(act);
                Happened { at, host: HostId(0), what, is_for_all: true }
            }
            (_, None) => {
                self.pass_to(self.end);
                return None;
            }
        };
        look(&self.group.net, &happened);
        self.take_events();
        Some(happened)
    }

    fn pass_to(&mut self, at: Instant) {
        let time = at.since(self.group.net.now());
        if !time.is_zero() {
            self.group.net.run_for(time);
        }
        self.take_events();
    }

    fn host(&self, node: u32) -> HostId {
        self.group.hosts[node as usize]
    }

    fn is_running(&self, node: u32) -> bool {
        self.group.net.is_up(self.host(node)) && !self.paused.contains(&node)
    }

    /// Per node, whether its process is there, be it stopped.
    fn up(&self) -> Vec<bool> {
        self.group.hosts.iter().map(|host| self.group.net.is_up(*host)).collect()
    }
}

/// What is done.
impl World<'_> {
    fn act(&mut self, act: Act) {
        match act {
            Act::Publish => self.publish(),
            Act::Look(place) => self.look(place),
            Act::Cut { fault, from, to, is_one_way } => {
                self.cut(fault, (from, to), is_one_way);
            }
            Act::Heal { fault } => self.heal(fault),
            Act::Pause(nodes) => nodes.iter().for_each(|node| self.pause(*node)),
            Act::Resume(nodes) => nodes.iter().for_each(|node| self.resume(*node)),
            Act::Crash(nodes, state) => nodes.iter().for_each(|node| self.crash(*node, state)),
            Act::Start(nodes) => nodes.iter().for_each(|node| self.start(*node)),
            Act::Churn { every, down, state, until } => self.churn(every, down, state, until),
            Act::Degrade { fault, nodes, link } => {
                self.degraded.push((fault, nodes, link));
                self.relink();
            }
            Act::Mend { fault } => {
                self.degraded.retain(|(each, ..)| *each != fault);
                self.relink();
            }
            Act::Slow(nodes, per_input) => {
                let hosts = nodes.iter().map(|node| self.group.hosts[*node as usize]);
                hosts.for_each(|host| self.group.net.slow(host, per_input));
            }
            Act::Skew(nodes, millis) => {
                self.clocks_set += nodes.len() as u64;
                let hosts = nodes.iter().map(|node| self.group.hosts[*node as usize]);
                hosts.for_each(|host| self.group.net.skew(host, millis));
            }
        }
    }

    fn publish(&mut self) {
        let now = self.group.net.now();
        let number = self.published;
        self.published += 1;
        if self.published < self.scenario.workload.items {
            self.timeline.add(now + self.scenario.workload.every, Act::Publish);
        }
        let mut payload = vec![0; self.scenario.workload.payload_bytes];
        for chunk in payload.chunks_mut(8) {
            let bytes = self.payloads.next_u64().to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
        let Some(node) = self.publisher(number) else {
            self.not_published += 1;
            return;
        };
        let up = self.up();
        let Some(id) = self.group.publish(self.host(node), Bytes::from(payload)) else {
            self.not_published += 1;
            return;
        };
        let place = self.items.published(id, now, up);
        self.timeline.add(now + LOOK_AFTER, Act::Look(place));
    }

    /// Who publishes the item of that number: among those that run.
    fn publisher(&mut self, number: u32) -> Option<u32> {
        let draw = self.origins.next_u64();
        let all: Vec<u32> = if self.publishers.is_empty() {
            (0..self.scenario.nodes).collect()
        } else {
            self.publishers.clone()
        };
        let running: Vec<u32> = all.into_iter().filter(|node| self.is_running(*node)).collect();
        let turn = if self.publishers.is_empty() { draw } else { number.into() };
        let place = turn.checked_rem(running.len() as u64)?;
        running.get(usize::try_from(place).ok()?).copied()
    }

    fn look(&mut self, place: usize) {
        let Some(id) = self.items.take_id(place) else { return };
        for host in self.group.hosts.iter().filter(|host| self.group.net.is_up(**host)) {
            if let Some(trace) = self.group.net.node(*host).item_trace(&id) {
                self.items.traced(place, &trace);
            }
        }
    }

    fn cut(&mut self, fault: usize, (from, to): (Nodes, Nodes), is_one_way: bool) {
        let hosts = |nodes: &Nodes| nodes.iter().map(|node| self.host(*node)).collect::<Vec<_>>();
        let (these, those) = (hosts(&from), hosts(&to));
        let mut ids = vec![self.group.net.cut(&these, &those)];
        if !is_one_way {
            ids.push(self.group.net.cut(&those, &these));
        }
        self.cuts.push(Cut { fault, from, to, ids, ended: None });
    }

    fn heal(&mut self, fault: usize) {
        let now = self.group.net.now();
        for cut in self.cuts.iter_mut().filter(|cut| cut.fault == fault && cut.ended.is_none()) {
            cut.ended = Some(now);
            cut.ids.iter().for_each(|id| self.group.net.mend(*id));
        }
        let grace = grace(self.scenario.protocol.profile);
        self.cuts.retain(|cut| cut.ended.is_none_or(|ended| now.since(ended) <= grace));
    }

    fn pause(&mut self, node: u32) {
        if self.is_running(node) {
            self.group.net.pause(self.host(node));
            self.paused.insert(node);
        }
    }

    fn resume(&mut self, node: u32) {
        if self.paused.remove(&node) {
            self.resumed.insert(node, self.group.net.now());
            self.group.net.resume(self.host(node));
        }
    }

    fn crash(&mut self, node: u32, state: State) {
        let host = self.host(node);
        if !self.group.net.is_up(host) {
            return;
        }
        let id = self.group.id(host);
        self.paused.remove(&node);
        self.group.crash(host, state);
        self.items.crashed(node as usize);
        self.failures.gone(node as usize);
        let running = (0..self.scenario.nodes).map(|node| self.is_running(node)).collect();
        self.failures.crashed(id, self.group.net.now(), running);
    }

    fn start(&mut self, node: u32) {
        let host = self.host(node);
        if self.group.net.is_up(host) {
            return;
        }
        let before: Vec<NodeId> =
            self.hosts_of.iter().filter(|(_, each)| **each == host).map(|(id, _)| *id).collect();
        self.group.start_again(host);
        before.iter().for_each(|id| self.failures.back(id));
        self.hosts_of.insert(self.group.id(host), host);
    }

    fn churn(&mut self, every: Duration, down: Duration, state: State, until: Instant) {
        let now = self.group.net.now();
        if now >= until {
            return;
        }
        self.timeline.add(now + every, Act::Churn { every, down, state, until });
        let draw = self.churn.next_u64();
        let running: Vec<u32> =
            (0..self.scenario.nodes).filter(|node| self.is_running(*node)).collect();
        let Some(place) = draw.checked_rem(running.len() as u64) else { return };
        let node = running[usize::try_from(place).expect("an index")];
        self.crash(node, state);
        self.timeline.add(now + down, Act::Start([node].into()));
    }

    /// Gives every link what the scenario says, and the faults over it, the later over the former.
    fn relink(&mut self) {
        self.group.connect(self.scenario, |link| link);
        for host in self.group.hosts.clone() {
            let its = self.degraded.iter().rev();
            let mut its = its.filter(|(_, nodes, _)| nodes.binary_search(&host.0).is_ok());
            let link = its.next().map(|(_, _, link)| *link);
            self.group.net.set_ingress(host, link);
            self.group.net.set_egress(host, link);
        }
    }
}

/// What the nodes tell.
impl World<'_> {
    fn take_events(&mut self) {
        for place in 0..self.group.hosts.len() {
            for (at, event) in self.group.net.events(self.group.hosts[place]) {
                self.on_event(place, at, event);
            }
        }
    }

    fn on_event(&mut self, place: usize, at: Instant, event: Event) {
        if let Event::Item { item, repaired, .. } = &event {
            self.items.told(place, at, item, *repaired);
        } else if let Event::MemberChanged { member, .. } = event {
            self.on_member(place, at, &member);
        }
    }

    fn on_member(&mut self, place: usize, at: Instant, member: &Member) {
        match member.state {
            MemberState::Suspect => self.failures.suspected(),
            MemberState::Failed if self.failures.is_down(&member.id) => {
                self.failures.noticed(place, &member.id, at);
            }
            MemberState::Failed => {
                let verdict = self.verdict(place, at, &member.id);
                self.failures.told(verdict);
            }
            MemberState::Alive | MemberState::Left => {}
        }
    }

    /// Whether an observer may hold a node that is not down to have failed.
    fn verdict(&self, observer: usize, at: Instant, id: &NodeId) -> Verdict {
        let Some(host) = self.hosts_of.get(id) else { return Verdict::Justified };
        if !self.group.net.is_up(*host) || self.group.id(*host) != *id {
            return Verdict::Justified;
        }
        let grace = grace(self.scenario.protocol.profile);
        let node = host.0;
        let observer = self.group.hosts[observer].0;
        let was_stopped = self.paused.contains(&node)
            || self.resumed.get(&node).is_some_and(|resumed| at.since(*resumed) <= grace);
        let is_cut = self.cuts.iter().any(|cut| cut.separates(observer, node, at, grace));
        if was_stopped || is_cut { Verdict::Justified } else { Verdict::False }
    }
}

/// For how long after a fault a failure is still its consequence: the longest suspicion of the
/// profile, about. Guess.
fn grace(profile: Profile) -> Duration {
    match profile {
        Profile::Local => Duration::from_secs(5),
        Profile::Lan => Duration::from_secs(15),
        Profile::Wan => Duration::from_secs(60),
    }
}
