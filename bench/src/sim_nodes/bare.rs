//! The net alone: nodes that answer and do nothing else.

use bruit_model::{
    Command, CommandError, Event, Instant, Item, ItemId, Items, Member, Members, Node, NodeId, Now,
    Record, Records, Rejected, Reply, SocketId, StreamId, StreamInput, StreamOutput, TopicParams,
    Transmit, Wake, WakeReason,
};
use bruit_sim::{Boot, HostId, Latency, Link, Net};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

const PERIOD: Duration = Duration::from_secs(1);
/// As long as a probe of a native node.
const BYTES: usize = 64;

/// Sends 64 bytes to one peer each second, and answers what comes.
struct Bare {
    id: NodeId,
    peers: Arc<Vec<SocketAddr>>,
    next: usize,
    wake: Instant,
    send: Option<(SocketAddr, u8)>,
}

/// A net of so many, after one second.
pub(super) fn net(nodes: u32) -> Net {
    let (min, max) = (Duration::from_millis(10), Duration::from_millis(50));
    let latency = Latency::Uniform { min, max };
    let mut net = Net::new(1, Link { latency, ..Link::default() });
    let peers: Vec<SocketAddr> = (1..=nodes)
        .map(|index| SocketAddr::from(((10 << 24 | index).to_be_bytes(), 7071)))
        .collect();
    let peers = Arc::new(peers);
    for _ in 0..nodes {
        let peers = peers.clone();
        net.add_host(move |boot: Boot<'_>| {
            let mut id = [0; 16];
            id[..4].copy_from_slice(&boot.host.0.to_be_bytes());
            let peers = peers.clone();
            let start = usize::try_from(boot.seed % 1000).expect("below 1000");
            let wake = boot.now.mono + PERIOD;
            Box::new(Bare { id: NodeId(id), peers, next: start, wake, send: None })
        });
    }
    net.hosts().collect::<Vec<HostId>>().into_iter().for_each(|host| net.start(host));
    net.run_for(PERIOD);
    net
}

impl Node for Bare {
    fn handle_datagram(
        &mut self,
        _now: Now,
        _on: SocketId,
        from: SocketAddr,
        bytes: &[u8],
    ) -> Result<(), Rejected> {
        if bytes.first() == Some(&1) {
            self.send = Some((from, 2));
        }
        Ok(())
    }

    fn handle_stream(&mut self, _now: Now, _id: StreamId, _input: StreamInput<'_>) {}

    fn handle_command(&mut self, _now: Now, _command: Command) -> Result<Reply, CommandError> {
        Err(CommandError::Unsupported)
    }

    fn handle_timeout(&mut self, now: Now) {
        self.next = (self.next + 7) % self.peers.len();
        self.send = Some((self.peers[self.next], 1));
        self.wake = now.mono + PERIOD;
    }

    fn poll_transmit(&mut self, _now: Now, buf: &mut Vec<u8>) -> Option<Transmit> {
        let (to, what) = self.send.take()?;
        buf.clear();
        buf.resize(BYTES, what);
        Some(Transmit { on: SocketId(0), to, segment_size: None })
    }

    fn poll_stream(&mut self, _now: Now, _buf: &mut Vec<u8>) -> Option<StreamOutput> {
        None
    }

    fn poll_event(&mut self) -> Option<Event> {
        None
    }

    fn poll_timeout(&self) -> Option<Wake> {
        Some(Wake { at: self.wake, reason: WakeReason::Probe })
    }

    fn id(&self) -> NodeId {
        self.id
    }

    fn members(&self, _now: Now) -> Box<dyn Members + '_> {
        Box::new(Nothing)
    }

    fn items(&self) -> &dyn Items {
        &Nothing
    }

    fn records(&self) -> &dyn Records {
        &Nothing
    }

    fn snapshot(&self) -> Vec<u8> {
        Vec::new()
    }

    fn counters(&self, _visit: &mut dyn FnMut(&'static str, &'static str, u64)) {}
}

struct Nothing;

impl Members for Nothing {
    fn iter(&self) -> Box<dyn Iterator<Item = Member> + '_> {
        Box::new(std::iter::empty())
    }

    fn get(&self, _id: &NodeId) -> Option<Member> {
        None
    }

    fn counts(&self) -> [usize; 4] {
        [0; 4]
    }
}

impl Items for Nothing {
    fn iter(&self) -> Box<dyn Iterator<Item = Arc<Item>> + '_> {
        Box::new(std::iter::empty())
    }

    fn get(&self, _id: &ItemId) -> Option<Arc<Item>> {
        None
    }

    fn find(&self, _printable: &str) -> Option<Arc<Item>> {
        None
    }

    fn held(&self) -> (usize, u64) {
        (0, 0)
    }
}

impl Records for Nothing {
    fn iter(&self) -> Box<dyn Iterator<Item = Record> + '_> {
        Box::new(std::iter::empty())
    }

    fn topics(&self) -> Vec<TopicParams> {
        Vec::new()
    }
}
