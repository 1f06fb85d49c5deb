//! What a host shows to the outside at one moment.

use crate::{HostId, Net, Stats};
use bruit_model::{ItemId, Member, NodeId, Rejected};
use std::collections::{BTreeMap, BTreeSet};

/// A host, up or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostView {
    /// Which.
    pub host: HostId,
    /// Its run, or its last; 0 before the first.
    pub run: u64,
    /// Its disk, see [`crate::Boot::disk`].
    pub disk: u64,
    /// The host's counters.
    pub stats: Stats,
    /// Datagrams that are on their way to it, or wait for its process.
    pub under_way: u64,
    /// How many datagrams its nodes refused, by reason.
    pub rejected: BTreeMap<Rejected, u64>,
    /// What its node shows; `None` if it is down.
    pub node: Option<NodeView>,
}

/// What a node shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeView {
    /// Its id.
    pub id: NodeId,
    /// Its member table, in the order of ids.
    pub members: Vec<Member>,
    /// The items that it holds.
    pub items: BTreeSet<ItemId>,
    /// Its counters, by name and label.
    pub counters: BTreeMap<(&'static str, &'static str), u64>,
}

impl NodeView {
    /// One member as this node has it.
    pub fn member(&self, id: &NodeId) -> Option<&Member> {
        let found = self.members.binary_search_by(|member| member.id.cmp(id));
        found.ok().map(|index| &self.members[index])
    }
}

impl HostView {
    /// Looks at a host.
    pub fn of(net: &Net, host: HostId) -> Self {
        let on = &net.hosts[host.index()];
        let node = on.node.as_deref().map(|node| {
            let mut counters = BTreeMap::new();
            node.counters(&mut |name, label, value| {
                *counters.entry((name, label)).or_default() += value;
            });
            NodeView {
                id: node.id(),
                members: node.members(net.now_at(host)).iter().collect(),
                items: node.items().iter().map(|item| item.id).collect(),
                counters,
            }
        });
        Self {
            host,
            run: on.run,
            disk: on.disk,
            stats: on.stats,
            under_way: (on.in_flight + on.waiting_datagrams()) as u64,
            rejected: on.rejected.clone(),
            node,
        }
    }

    /// Looks at every host.
    pub fn all(net: &Net) -> Vec<Self> {
        net.hosts().map(|host| Self::of(net, host)).collect()
    }
}
