//! The nodes of a run: how they are made, how they find each other, and what a crash leaves.

use super::{Progress, RunError};
use crate::scenario::{Protocol, Scenario, State};
use crate::{Boot, HostId, Link, Loss, Net};
use bruit_engine::Rng;
use bruit_model::{Command, ItemId, NodeId, Path, Publish, Record, Reply, Target, TopicParams};
use bruit_node::{Config, NativeNode, Secrets};
use bytes::Bytes;
use std::ops::ControlFlow;
use std::time::Duration;

/// How often it is looked whether the group has formed.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long the group is left alone once it has formed, so that what forming it left behind is
/// over. Guess.
const REST: Duration = Duration::from_secs(5);
/// How long it is left alone before and after its topic is changed. Guess.
const REST_BETWEEN: Duration = Duration::from_secs(1);
/// Nodes that the others know from their settings, and join by. Guess: what people write.
const SEEDS_MAX: u32 = 3;
/// Where items are published.
const PATH: &str = "sim/item";

/// The nodes did not come to know each other. Nothing was measured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "with seed {seed}, {agreed} of {nodes} nodes knew all others after {limit:?} of virtual time; \
     raise `settle`, or make the network faster"
)]
pub struct NotFormed {
    /// The seed.
    pub seed: u64,
    /// How many nodes knew all others.
    pub agreed: usize,
    /// Of how many.
    pub nodes: u32,
    /// How long they had.
    pub limit: Duration,
}

/// The nodes, and the net between them.
pub(super) struct Group {
    pub(super) net: Net,
    pub(super) hosts: Vec<HostId>,
}

fn bytes32(rng: &mut Rng) -> [u8; 32] {
    let mut bytes = [0; 32];
    for chunk in bytes.chunks_mut(8) {
        chunk.copy_from_slice(&rng.next_u64().to_le_bytes());
    }
    bytes
}

fn make_node(protocol: &Protocol, seed: u64, boot: &Boot<'_>) -> NativeNode {
    // A host's identity is the same over its runs, until its disk is lost.
    let label = format!("identity {} {}", boot.host, boot.disk);
    let mut of_run = Rng::from_seed(boot.seed);
    let secrets = Secrets {
        identity_seed: bytes32(&mut Rng::from_seed(seed).fork(&label)),
        cluster_key: None,
        start: of_run.next_u64(),
        seed: of_run.next_u64(),
        cookie_secret: bytes32(&mut of_run),
    };
    let mut config = Config::new(format!("n{}", boot.host.0), boot.addr);
    config.profile = protocol.profile;
    config.datagram_bytes_max = protocol.datagram_bytes_max;
    config.snapshot = (!boot.saved.is_empty()).then(|| boot.saved.to_vec());
    config.generation = u32::try_from(boot.run).unwrap_or(u32::MAX);
    NativeNode::new(config, &secrets, boot.now).expect("the scenario's settings are valid")
}

/// The same link, without faults and without end.
fn without_faults(link: Link) -> Link {
    Link { loss: Loss::NONE, duplicate_ppm: 0, reorder_ppm: 0, bandwidth: None, ..link }
}

impl Group {
    /// Nodes that all know each other, and the topic's parameters. While they form, links have
    /// their latency and lose nothing.
    pub(super) fn form(
        scenario: &Scenario,
        seed: u64,
        lines_max: usize,
        watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Self, RunError> {
        let mut net = Net::new(seed, without_faults(scenario.network.link));
        net.keep_trace(lines_max);
        let hosts = (0..scenario.nodes).map(|_| {
            let protocol = scenario.protocol.clone();
            net.add_host(move |boot| Box::new(make_node(&protocol, seed, &boot)))
        });
        let hosts: Vec<HostId> = hosts.collect();
        let mut group = Self { net, hosts };
        group.connect(scenario, without_faults);
        for host in group.hosts.clone() {
            group.start(host);
        }
        group.wait(scenario, seed, watch)?;
        let topic = &scenario.protocol.topic;
        if *topic != TopicParams::new(topic.pattern.clone()) {
            group.set_topic(topic);
        }
        group.rest(REST);
        Ok(group)
    }

    /// Connects all nodes as the scenario says.
    pub(super) fn connect(&mut self, scenario: &Scenario, change: impl Fn(Link) -> Link) {
        let network = &scenario.network;
        self.net.set_links(change(network.link));
        let number = |zone: usize| u16::try_from(zone).expect("a scenario has fewer zones");
        for (host, zone) in self.hosts.iter().zip(network.zone_of_each()) {
            self.net.set_zone(*host, number(zone));
        }
        for each in &network.zone_links {
            let (a, b) = each.between;
            self.net.set_zone_link(number(a), number(b), change(each.link));
        }
    }

    fn wait(
        &mut self,
        scenario: &Scenario,
        seed: u64,
        watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<(), RunError> {
        let (nodes, limit) = (scenario.nodes, scenario.settle);
        let end = self.net.now() + limit;
        while self.agreed() < self.hosts.len() {
            if self.net.now() >= end {
                return Err(NotFormed { seed, agreed: self.agreed(), nodes, limit }.into());
            }
            if watch(Progress { passed: None, items: 0, coverage_ppm: 0 }).is_break() {
                return Err(RunError::Interrupted);
            }
            self.net.run_for(LOOK_EVERY);
        }
        Ok(())
    }

    /// How many nodes see all others alive.
    fn agreed(&self) -> usize {
        let sees_all = |host: &&HostId| {
            let members = self.net.node(**host).members(self.net.now_at(**host));
            let [alive, suspect, _, _] = members.counts();
            alive == self.hosts.len() && suspect == 0
        };
        self.hosts.iter().filter(sees_all).count()
    }

    /// Gives the group another topic, in peace, for a further run of the same nodes.
    pub(super) fn change_topic(&mut self, scenario: &Scenario, topic: &TopicParams) {
        self.connect(scenario, without_faults);
        self.rest(REST_BETWEEN);
        self.set_topic(topic);
        self.rest(REST_BETWEEN);
    }

    /// Lets time pass, and forgets what the nodes tell in it.
    fn rest(&mut self, time: Duration) {
        self.net.run_for(time);
        for host in self.hosts.clone() {
            self.net.events(host);
        }
    }

    fn set_topic(&mut self, topic: &TopicParams) {
        let key = format!("{}{}", TopicParams::RECORD_PREFIX, topic.pattern.as_str());
        let value = Some(topic.to_record());
        let put = Command::PutRecord { key: key.clone(), value: value.clone() };
        self.command(self.hosts[0], put);
        let has = |net: &Net, host: HostId| {
            let is_it = |record: Record| *record.key == *key && record.value == value;
            net.node(host).records().iter().any(is_it)
        };
        let hosts = self.hosts.clone();
        self.net.run_until(REST * 12, |net| hosts.iter().all(|host| has(net, *host)));
    }

    fn start(&mut self, host: HostId) {
        self.net.start(host);
        let seeds = self.hosts.iter().take(SEEDS_MAX as usize).filter(|seed| **seed != host);
        let targets: Vec<_> = seeds.map(|seed| Target::Addr(self.net.addr(*seed))).collect();
        if !targets.is_empty() {
            self.command(host, Command::Join(targets));
        }
    }

    fn command(&mut self, host: HostId, command: Command) -> Reply {
        self.net.command(host, command).expect("a running node takes a valid command")
    }

    /// Publishes an item; `None` if the node sheds it.
    pub(super) fn publish(&mut self, host: HostId, payload: Bytes) -> Option<ItemId> {
        let publish = Publish {
            path: Path::parse(PATH).expect("it is a path"),
            topic: None,
            headers: Vec::new(),
            payload,
            style: None,
            expiry: None,
            ask: None,
        };
        match self.net.command(host, Command::Publish(publish)) {
            Ok(Reply::Accepted(id)) => Some(id),
            Ok(Reply::Done) | Err(_) => None,
        }
    }

    /// Kills a node that is up; `state` says what is left of it.
    pub(super) fn crash(&mut self, host: HostId, state: State) {
        self.net.save(host);
        self.net.crash(host);
        if state == State::Lost {
            self.net.wipe(host);
        }
    }

    /// Starts a node that is down; it joins by the nodes that all know.
    pub(super) fn start_again(&mut self, host: HostId) {
        self.start(host);
    }

    pub(super) fn id(&self, host: HostId) -> NodeId {
        self.net.node(host).id()
    }
}
