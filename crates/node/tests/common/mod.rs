//! A simulated group of native nodes.

#![allow(dead_code, reason = "each test file uses a part of it")]

use bruit_model::{
    Command, Event, ItemId, MemberState, Node, NodeId, Path, Publish, Reply, Style, Target,
};
use bruit_node::{ClusterKey, Config, NativeNode, Profile, Secrets};
use bruit_sim::{Boot, HostId, Link, Net};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::time::Duration;

/// Seconds.
pub(crate) fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Milliseconds.
pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// How a group is set up.
#[derive(Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) seed: u64,
    pub(crate) link: Link,
    pub(crate) profile: Profile,
    /// Whether a host's identity outlives its restarts.
    pub(crate) keeps_identity: bool,
    pub(crate) key: Option<[u8; 32]>,
    /// See [`Config::ask_direct_members_max`].
    pub(crate) ask_direct_members_max: usize,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            seed: 1,
            link: Link::default(),
            profile: Profile::Lan,
            keeps_identity: false,
            key: None,
            ask_direct_members_max: 1000,
        }
    }
}

pub(crate) struct Group {
    pub(crate) net: Net,
    pub(crate) hosts: Vec<HostId>,
}

fn bytes32(mut seed: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    for byte in &mut bytes {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *byte = seed.to_be_bytes()[0];
    }
    bytes
}

/// The node that a host runs.
pub(crate) fn make_node(setup: Setup, boot: &Boot<'_>) -> NativeNode {
    make_node_with(setup, boot, |_| {})
}

/// As [`make_node`], with changes to its configuration.
pub(crate) fn make_node_with(
    setup: Setup,
    boot: &Boot<'_>,
    change: impl FnOnce(&mut Config),
) -> NativeNode {
    let identity = if setup.keeps_identity { boot.disk << 32 } else { boot.run << 32 };
    let secrets = Secrets {
        identity_seed: bytes32(u64::from(boot.host.0) + identity + 1000),
        cluster_key: setup.key.map(ClusterKey::new),
        start: boot.seed ^ 0x5555,
        seed: boot.seed,
        cookie_secret: bytes32(boot.seed),
    };
    let mut config = Config::new(format!("n{}", boot.host.0), boot.addr);
    config.profile = setup.profile;
    config.ask_direct_members_max = setup.ask_direct_members_max;
    config.snapshot = (!boot.saved.is_empty()).then(|| boot.saved.to_vec());
    change(&mut config);
    NativeNode::new(config, &secrets, boot.now).expect("a valid configuration")
}

impl Group {
    /// `count` hosts that are down.
    pub(crate) fn down(setup: Setup, count: usize) -> Self {
        let mut net = Net::new(setup.seed, setup.link);
        let hosts = (0..count)
            .map(|_| net.add_host(move |boot| Box::new(make_node(setup, &boot))))
            .collect();
        Self { net, hosts }
    }

    /// `count` hosts that have been started at once, all joining by the first.
    pub(crate) fn joining(setup: Setup, count: usize) -> Self {
        let mut group = Self::down(setup, count);
        for host in group.hosts.clone() {
            group.start(host);
        }
        group
    }

    /// `count` hosts that all know each other and their metadata.
    pub(crate) fn settled(setup: Setup, count: usize) -> Self {
        let mut group = Self::joining(setup, count);
        assert!(group.wait(s(60), |net| agreed(net, count)), "the group did not form");
        group.net.run_for(s(5));
        for host in group.hosts.clone() {
            group.net.events(host);
        }
        group
    }

    /// Lets time pass in steps of 20 ms until `check` holds.
    pub(crate) fn wait(&mut self, limit: Duration, check: impl Fn(&Net) -> bool) -> bool {
        let end = self.net.now() + limit;
        while !check(&self.net) {
            if self.net.now() >= end {
                return false;
            }
            self.net.run_for(ms(20));
        }
        true
    }

    pub(crate) fn start(&mut self, host: HostId) {
        self.net.start(host);
        self.join(host);
    }

    pub(crate) fn join(&mut self, host: HostId) {
        let seed = self.net.addr(self.hosts[0]);
        self.command(host, Command::Join(vec![Target::Addr(seed)]));
    }

    pub(crate) fn command(&mut self, host: HostId, command: Command) -> Reply {
        self.net.command(host, command).expect("the command is accepted")
    }

    pub(crate) fn publish(&mut self, host: HostId, path: &str, payload: &[u8]) -> ItemId {
        self.publish_in(host, path, payload, None)
    }

    pub(crate) fn publish_in(
        &mut self,
        host: HostId,
        path: &str,
        payload: &[u8],
        style: Option<Style>,
    ) -> ItemId {
        let publish = Publish {
            path: Path::parse(path).expect("a path"),
            topic: None,
            headers: Vec::new(),
            payload: Bytes::copy_from_slice(payload),
            style,
            expiry: None,
            ask: None,
        };
        match self.command(host, Command::Publish(publish)) {
            Reply::Accepted(id) => id,
            Reply::Done => panic!("a publish is answered with an id"),
        }
    }

    pub(crate) fn id(&self, host: HostId) -> NodeId {
        self.net.node(host).id()
    }

    /// The state in which `host` has the node that `other` runs, or ran last.
    pub(crate) fn state(&self, host: HostId, other: NodeId) -> Option<MemberState> {
        state(&self.net, host, other)
    }

    pub(crate) fn live(&self) -> Vec<HostId> {
        self.hosts.iter().copied().filter(|host| self.net.is_up(*host)).collect()
    }

    pub(crate) fn counter(&self, host: HostId, name: &str, label: &str) -> u64 {
        counter(self.net.node(host), name, label)
    }
}

pub(crate) fn counter(node: &dyn Node, name: &str, label: &str) -> u64 {
    let mut found = 0;
    node.counters(&mut |each, its_label, value| {
        if each == name && its_label == label {
            found += value;
        }
    });
    found
}

pub(crate) fn state(net: &Net, host: HostId, other: NodeId) -> Option<MemberState> {
    let now = net.now_at(host);
    net.node(host).members(now).get(&other).map(|member| member.state)
}

/// Whether all hosts that are up see exactly `count` members alive, none suspect.
pub(crate) fn agreed(net: &Net, count: usize) -> bool {
    net.hosts().filter(|host| net.is_up(*host)).all(|host| {
        let [alive, suspect, _, _] = net.node(host).members(net.now_at(host)).counts();
        alive == count && suspect == 0
    })
}

pub(crate) fn has_item(net: &Net, host: HostId, id: &ItemId) -> bool {
    net.node(host).items().get(id).is_some()
}

/// Whether all hosts that are up hold the item.
pub(crate) fn all_have(net: &Net, id: &ItemId) -> bool {
    net.hosts().filter(|host| net.is_up(*host)).all(|host| has_item(net, host, id))
}

/// How often each item was told of by a host's events.
pub(crate) fn items_told(events: &[(bruit_model::Instant, Event)]) -> BTreeMap<ItemId, usize> {
    let mut told = BTreeMap::new();
    for (_, event) in events {
        if let Event::Item { item, .. } = event {
            *told.entry(item.id).or_default() += 1;
        }
    }
    told
}

/// A value of another's metadata, as a host knows it.
pub(crate) fn metadata_of(net: &Net, host: HostId, other: NodeId, key: &str) -> Option<Vec<u8>> {
    let member = net.node(host).members(net.now_at(host)).get(&other)?;
    let entry = member.metadata.iter().find(|entry| &*entry.key == key)?;
    Some(entry.value.to_vec())
}
