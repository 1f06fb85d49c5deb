//! Our side: native nodes over the simulator's net.

use crate::failure::{Doing as _, Failure};
use bruit_model::{Command, Instant, ItemId, Node, Path, Publish, Reply, Style, Target};
use bruit_node::{Config, NativeNode, Secrets};
use bruit_sim::{Boot, HostId, Latency, Link, Net};
use bytes::Bytes;
use std::time::Duration;

/// A group that forms within this virtual time, or never.
const FORM_MAX: Duration = Duration::from_secs(600);
/// An item that has not reached all after this virtual time is lost.
const BROADCAST_MAX: Duration = Duration::from_secs(5);

pub(super) struct Group {
    net: Net,
}

fn bytes32(number: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    bytes
}

fn make(boot: Boot<'_>) -> Box<dyn Node> {
    let secrets = Secrets {
        identity_seed: bytes32(u64::from(boot.host.0) + 1),
        cluster_key: None,
        start: boot.seed ^ 1,
        seed: boot.seed,
        cookie_secret: bytes32(boot.seed),
    };
    let config = Config::new(format!("n{}", boot.host.0), boot.addr);
    Box::new(NativeNode::new(config, &secrets, boot.now).expect("a valid configuration"))
}

impl Group {
    pub(super) fn new(nodes: u32) -> Self {
        let (min, max) = (Duration::from_millis(10), Duration::from_millis(50));
        let link = Link { latency: Latency::Uniform { min, max }, ..Link::default() };
        let mut net = Net::new(1, link);
        for _ in 0..nodes {
            net.add_host(make);
        }
        Self { net }
    }

    pub(super) fn now(&self) -> Instant {
        self.net.now()
    }

    /// Inputs that nodes have handled.
    fn inputs(&self) -> u64 {
        self.net.stats().inputs
    }

    /// Starts all and lets them meet, for twice as long as it takes.
    pub(super) fn form(&mut self) -> Result<u64, Failure> {
        let seed = Target::Addr(self.net.addr(HostId(0)));
        for host in self.net.hosts() {
            self.net.start(host);
            self.command(host, Command::Join(vec![seed.clone()]))?;
            self.net.run_for(Duration::from_millis(10));
        }
        let count = self.net.hosts().len();
        let all_know_all = |net: &Net| {
            net.hosts().all(|host| net.node(host).members(net.now_at(host)).counts()[0] == count)
        };
        let step = Duration::from_millis(500);
        while !all_know_all(&self.net) {
            if self.net.now().since(Instant::ZERO) > FORM_MAX {
                return Err(Failure::new("the nodes did not come to know each other"));
            }
            self.net.run_for(step);
        }
        self.net.run_for(Duration::from_secs(30));
        self.forget_events();
        Ok(self.inputs())
    }

    /// Lets time pass, with some items evenly in it, each from another node.
    pub(super) fn idle(&mut self, time: Duration, items: u32) -> Result<u64, Failure> {
        let before = self.inputs();
        let count = self.net.hosts().len();
        for item in 0..items {
            let from = HostId(item * 7 % u32::try_from(count).doing("counting nodes")?);
            self.publish(from)?;
            self.net.run_for(time / items);
            self.forget_events();
        }
        if items == 0 {
            self.net.run_for(time);
        }
        Ok(self.inputs() - before)
    }

    /// Spreads items one by one from one node, each until all have it.
    pub(super) fn broadcast(&mut self, count: u32) -> Result<u64, Failure> {
        let before = self.inputs();
        for _ in 0..count {
            let id = self.publish(HostId(0))?;
            // Asked from the last one on that lacked it, so that asking costs little.
            let mut lacking = 0;
            let hosts = self.net.hosts().len();
            let reached = self.net.run_until(BROADCAST_MAX, |net| {
                while lacking < hosts && has(net, lacking, &id) {
                    lacking += 1;
                }
                lacking == hosts
            });
            if !reached {
                return Err(Failure::new("an item did not reach all"));
            }
        }
        self.forget_events();
        Ok(self.inputs() - before)
    }

    fn publish(&mut self, host: HostId) -> Result<ItemId, Failure> {
        let publish = Publish {
            path: Path::parse("bench/item").doing("making an item")?,
            topic: None,
            headers: Vec::new(),
            payload: Bytes::from_static(&[7; 100]),
            style: Some(Style::Push),
            expiry: None,
            ask: None,
        };
        match self.command(host, Command::Publish(publish))? {
            Reply::Accepted(id) => Ok(id),
            Reply::Done => Err(Failure::new("a publish was not answered with an id")),
        }
    }

    fn command(&mut self, host: HostId, command: Command) -> Result<Reply, Failure> {
        self.net.command(host, command).doing("commanding a node")
    }

    fn forget_events(&mut self) {
        for host in self.net.hosts() {
            drop(self.net.events(host));
        }
    }
}

fn has(net: &Net, index: usize, id: &ItemId) -> bool {
    let host = u32::try_from(index).expect("there are fewer than 2³² hosts");
    net.node(HostId(host)).items().get(id).is_some()
}
