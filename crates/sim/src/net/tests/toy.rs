//! A toy node: gossips counters by datagram, echoes streams, and logs what it is given.

use crate::{Boot, HostId, Net};
use bruit_engine::Rng;
use bruit_model::{
    Command, CommandError, Event, Instant, Item, ItemId, Items, Member, Members, Node, NodeId, Now,
    Record, Records, Rejected, Reply, SocketId, StreamId, StreamInput, StreamOutput, Target,
    TopicParams, Transmit, Transport, Wake, WakeReason,
};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// What a host's toys were given, over all runs.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) boots: Vec<(u64, u64, Vec<u8>)>,
    pub(crate) disks: Vec<u64>,
    pub(crate) values: Vec<u64>,
    pub(crate) datagrams: Vec<(Instant, SocketAddr)>,
    pub(crate) timeouts: Vec<Instant>,
    pub(crate) lags: Vec<Duration>,
    /// Everything on streams but data and credit.
    pub(crate) streams: Vec<(Instant, StreamId, String)>,
    pub(crate) received: BTreeMap<StreamId, Vec<u8>>,
}

impl Seen {
    pub(crate) fn words(&self) -> Vec<&str> {
        self.streams.iter().map(|(.., word)| word.as_str()).collect()
    }
}

/// What a test makes a toy do with a stream.
#[derive(Debug)]
pub(crate) enum Do {
    Connect(u64, Target),
    /// Write within credit, then finish if so told.
    Write(u64, Vec<u8>, bool),
    WriteBlindly(u64, Vec<u8>),
    Output(StreamOutput),
    SetValue(u64),
    Send(SocketAddr, Vec<u8>, Option<usize>),
}

pub(crate) struct Toy {
    me: usize,
    period: Duration,
    peers: Rc<Vec<SocketAddr>>,
    rng: Rng,
    wake: Instant,
    sends: VecDeque<(Transmit, Vec<u8>)>,
    outputs: VecDeque<(StreamOutput, Vec<u8>)>,
    to_write: BTreeMap<StreamId, (Vec<u8>, bool)>,
    credit: BTreeMap<StreamId, usize>,
    events: VecDeque<Event>,
    seen: Rc<RefCell<Seen>>,
}

pub(crate) struct Group {
    pub(crate) net: Net,
    pub(crate) hosts: Vec<HostId>,
    pub(crate) seen: Vec<Rc<RefCell<Seen>>>,
}

/// A net of `count` started toys that gossip each `period`; `Duration::MAX` for never.
pub(crate) fn group(mut net: Net, count: usize, period: Duration) -> Group {
    let peers: Vec<_> = (1..=count).map(|i| format!("10.0.0.{i}:7071").parse().unwrap()).collect();
    let peers = Rc::new(peers);
    let seen: Vec<Rc<RefCell<Seen>>> = (0..count).map(|_| Rc::default()).collect();
    let hosts: Vec<_> = (0..count)
        .map(|me| {
            let (peers, seen) = (peers.clone(), seen[me].clone());
            net.add_host(move |boot: Boot<'_>| {
                assert_eq!(boot.addr, peers[me]);
                let mut log = seen.borrow_mut();
                log.disks.push(boot.disk);
                log.boots.push((boot.run, boot.seed, boot.saved.to_vec()));
                log.values = vec![0; peers.len()];
                Box::new(Toy {
                    me,
                    period,
                    peers: peers.clone(),
                    rng: Rng::from_seed(boot.seed),
                    wake: boot.now.mono + period,
                    sends: VecDeque::new(),
                    outputs: VecDeque::new(),
                    to_write: BTreeMap::new(),
                    credit: BTreeMap::new(),
                    events: VecDeque::new(),
                    seen: seen.clone(),
                })
            })
        })
        .collect();
    hosts.iter().for_each(|&host| net.start(host));
    Group { net, hosts, seen }
}

/// A toy of three that gossip each 100 ms, for who makes nodes and nothing else.
pub(crate) fn lone(boot: Boot<'_>) -> Box<dyn Node> {
    let me = usize::try_from(boot.host.0).unwrap();
    let peers = (1..=3).map(|i| format!("10.0.0.{i}:7071").parse().unwrap()).collect();
    let seen = Seen { values: vec![boot.run, 0, 0], ..Default::default() };
    let period = Duration::from_millis(100);
    Box::new(Toy {
        me,
        period,
        peers: Rc::new(peers),
        rng: Rng::from_seed(boot.seed),
        wake: boot.now.mono + period,
        sends: VecDeque::new(),
        outputs: VecDeque::new(),
        to_write: BTreeMap::new(),
        credit: BTreeMap::new(),
        events: VecDeque::new(),
        seen: Rc::new(RefCell::new(seen)),
    })
}

impl Group {
    pub(crate) fn make(&mut self, host: usize, what: Do) {
        let done = self.net.command(self.hosts[host], Command::Extra(Box::new(RefCell::new(what))));
        assert_eq!(done, Ok(Reply::Done));
    }

    pub(crate) fn connect(&mut self, from: usize, id: u64, to: usize) {
        let to = self.net.addr(self.hosts[to]);
        self.make(from, Do::Connect(id, Target::Addr(to)));
    }

    pub(crate) fn words(&self, host: usize) -> Vec<String> {
        self.seen[host].borrow().words().into_iter().map(str::to_owned).collect()
    }

    pub(crate) fn received(&self, host: usize, id: u64) -> Vec<u8> {
        self.seen[host].borrow().received.get(&StreamId(id)).cloned().unwrap_or_default()
    }

    pub(crate) fn agree(&self) -> bool {
        self.seen.windows(2).all(|two| two[0].borrow().values == two[1].borrow().values)
    }
}

impl Toy {
    fn send(&mut self, to: SocketAddr, bytes: Vec<u8>, segment_size: Option<usize>) {
        self.sends.push_back((Transmit { on: SocketId(0), to, segment_size }, bytes));
    }

    fn obey(&mut self, what: Do) {
        match what {
            Do::Connect(id, to) => {
                let connect = StreamOutput::Connect { id: StreamId(id), to, via: Transport::Tcp };
                self.outputs.push_back((connect, Vec::new()));
            }
            Do::Write(id, bytes, finish) => {
                let to_write = self.to_write.entry(StreamId(id)).or_default();
                to_write.0.extend(bytes);
                to_write.1 |= finish;
            }
            Do::WriteBlindly(id, bytes) => {
                self.outputs.push_back((StreamOutput::Write { id: StreamId(id) }, bytes));
            }
            Do::Output(output) => self.outputs.push_back((output, Vec::new())),
            Do::SetValue(value) => self.seen.borrow_mut().values[self.me] = value,
            Do::Send(to, bytes, size) => self.send(to, bytes, size),
        }
    }
}

impl Node for Toy {
    fn handle_datagram(
        &mut self,
        now: Now,
        _on: SocketId,
        from: SocketAddr,
        bytes: &[u8],
    ) -> Result<(), Rejected> {
        let mut seen = self.seen.borrow_mut();
        seen.datagrams.push((now.mono, from));
        if bytes.len() != 8 * seen.values.len() {
            return Err(Rejected::Malformed);
        }
        for (value, bytes) in seen.values.iter_mut().zip(bytes.chunks(8)) {
            let theirs = u64::from_le_bytes(bytes.try_into().unwrap());
            if theirs > *value {
                *value = theirs;
                self.events.push_back(Event::Joined { addr: from });
            }
        }
        Ok(())
    }

    fn handle_stream(&mut self, now: Now, id: StreamId, input: StreamInput<'_>) {
        let mut seen = self.seen.borrow_mut();
        let word = match input {
            StreamInput::Accepted { peer, .. } => {
                assert_eq!(id.0 & 1, 1);
                assert!(!self.peers.contains(&peer.addr), "an ephemeral port");
                "accepted".to_owned()
            }
            StreamInput::Connected { .. } => "connected".to_owned(),
            StreamInput::Failed(why) => format!("failed: {}", why.0),
            StreamInput::Closed(why) => format!("closed: {}", why.0),
            StreamInput::Finished => {
                if id.0 & 1 == 1 {
                    self.to_write.entry(id).or_default().1 = true;
                }
                "finished".to_owned()
            }
            StreamInput::Credit(count) => return *self.credit.entry(id).or_default() += count,
            StreamInput::Data(bytes) => {
                seen.received.entry(id).or_default().extend_from_slice(bytes);
                if id.0 & 1 == 1 {
                    self.to_write.entry(id).or_default().0.extend_from_slice(bytes);
                }
                return;
            }
        };
        seen.streams.push((now.mono, id, word));
    }

    fn handle_command(&mut self, _now: Now, command: Command) -> Result<Reply, CommandError> {
        if let Command::ReportLag(lag) = command {
            self.seen.borrow_mut().lags.push(lag);
            return Ok(Reply::Done);
        }
        if let Command::Leave = command {
            self.events.push_back(Event::Left);
            return Ok(Reply::Done);
        }
        let Command::Extra(extra) = command else { return Err(CommandError::Unsupported) };
        let what = extra.downcast::<RefCell<Do>>().expect("a test's order");
        self.obey(what.into_inner());
        Ok(Reply::Done)
    }

    fn handle_timeout(&mut self, now: Now) {
        let values = {
            let mut seen = self.seen.borrow_mut();
            seen.timeouts.push(now.mono);
            seen.values.iter().flat_map(|value| value.to_le_bytes()).collect()
        };
        let others: Vec<_> = (0..self.peers.len()).filter(|&peer| peer != self.me).collect();
        let to = self.peers[others[self.rng.index(others.len())]];
        self.send(to, values, None);
        self.wake = now.mono + self.period;
    }

    fn poll_transmit(&mut self, _now: Now, buf: &mut Vec<u8>) -> Option<Transmit> {
        let (transmit, bytes) = self.sends.pop_front()?;
        *buf = bytes;
        Some(transmit)
    }

    fn poll_stream(&mut self, _now: Now, buf: &mut Vec<u8>) -> Option<StreamOutput> {
        if let Some((output, bytes)) = self.outputs.pop_front() {
            *buf = bytes;
            return Some(output);
        }
        for (&id, (bytes, finish)) in &mut self.to_write {
            let Some(credit) = self.credit.get_mut(&id) else { continue };
            let len = bytes.len().min(*credit);
            if len > 0 {
                *credit -= len;
                *buf = bytes.drain(..len).collect();
                return Some(StreamOutput::Write { id });
            }
            if bytes.is_empty() && std::mem::take(finish) {
                return Some(StreamOutput::Finish { id });
            }
        }
        None
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn poll_timeout(&self) -> Option<Wake> {
        Some(Wake { at: self.wake, reason: WakeReason::Spread })
    }

    fn id(&self) -> NodeId {
        NodeId([u8::try_from(self.me).unwrap(); 16])
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
        vec![u8::try_from(self.me).unwrap(); 3]
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
