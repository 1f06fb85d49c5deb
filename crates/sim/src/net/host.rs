//! A host: one node, its addresses, its clock and what waits for it.

use super::queue::{Datagram, Side};
use super::stream::Part;
use crate::Stats;
use crate::calendar::Key;
use bruit_engine::Instant;
use bruit_model::{Event, Node, Now, Rejected};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// Names a host: 0, 1, 2, … in the order in which they were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub u32);

impl HostId {
    pub(crate) fn index(self) -> usize {
        usize::try_from(self.0).expect("hosts are held in a Vec")
    }
}

impl fmt::Display for HostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "h{}", self.0)
    }
}

/// What a factory makes a node from.
#[derive(Clone, Copy, Debug)]
pub struct Boot<'a> {
    /// On which host.
    pub host: HostId,
    /// The host's first address.
    pub addr: SocketAddr,
    /// 1 for the first start, one more for each restart.
    pub run: u64,
    /// The node's seed: another for every net's seed, host and run.
    pub seed: u64,
    /// What time it is there.
    pub now: Now,
    /// What [`crate::Net::save`] saved last; empty if nothing.
    pub saved: &'a [u8],
    /// How often the host lost its disk: a node whose identity is kept on disk is another one
    /// after that.
    pub disk: u64,
}

/// A datagram that a recorded host sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// When.
    pub at: Instant,
    /// From which of its addresses.
    pub from: SocketAddr,
    /// To whom.
    pub to: SocketAddr,
    /// What.
    pub bytes: Bytes,
}

/// What waits for a paused process.
#[derive(Debug)]
pub(crate) enum Waiting {
    Datagram(Datagram),
    Part(u64, Side, Part),
    /// The timer, due since then.
    Timer(Instant),
}

/// A process that does not run.
#[derive(Debug)]
pub(crate) struct Stall {
    pub(crate) since: Instant,
    pub(crate) waiting: VecDeque<Waiting>,
    pub(crate) timer_due: bool,
}

/// A process that takes its time for each input.
#[derive(Debug, Default)]
pub(crate) struct Slowness {
    pub(crate) per_input: Duration,
    /// Until then it is at the last one.
    pub(crate) busy_until: Instant,
    pub(crate) waiting: VecDeque<Waiting>,
}

/// Makes a host's nodes.
pub(crate) type Factory = Box<dyn FnMut(Boot<'_>) -> Box<dyn Node>>;

pub(crate) struct Host {
    pub(crate) addrs: Vec<SocketAddr>,
    pub(crate) factory: Factory,
    pub(crate) node: Option<Box<dyn Node>>,
    pub(crate) run: u64,
    pub(crate) saved: Vec<u8>,
    pub(crate) skew_millis: i64,
    /// When its timer is due, and the entry that says so.
    pub(crate) timer: Option<(Instant, Key)>,
    /// When the last timeout was, and how many there have been at that moment.
    pub(crate) timeouts_at: (Instant, u32),
    pub(crate) stall: Option<Stall>,
    pub(crate) slowness: Slowness,
    /// Whether it stops once the node has said goodbye.
    pub(crate) is_leaving: bool,
    pub(crate) disk: u64,
    /// Datagrams under way to it.
    pub(crate) in_flight: usize,
    /// Streams accepted, and asked for, by any of its runs.
    pub(crate) streams_accepted: u64,
    pub(crate) streams_asked: u16,
    pub(crate) events: Vec<(Instant, Event)>,
    pub(crate) records: Option<Vec<Recorded>>,
    pub(crate) rejected: BTreeMap<Rejected, u64>,
    pub(crate) stats: Stats,
}

impl Host {
    pub(crate) fn new(addr: SocketAddr, factory: Factory) -> Self {
        Self {
            addrs: vec![addr],
            factory,
            node: None,
            run: 0,
            saved: Vec::new(),
            skew_millis: 0,
            timer: None,
            timeouts_at: (Instant::ZERO, 0),
            stall: None,
            slowness: Slowness::default(),
            is_leaving: false,
            disk: 0,
            in_flight: 0,
            streams_accepted: 0,
            streams_asked: 0,
            events: Vec::new(),
            records: None,
            rejected: BTreeMap::new(),
            stats: Stats::default(),
        }
    }

    /// Datagrams that have arrived and wait for the process.
    pub(crate) fn waiting_datagrams(&self) -> usize {
        let stalled = self.stall.iter().flat_map(|stall| &stall.waiting);
        let waiting = stalled.chain(&self.slowness.waiting);
        waiting.filter(|waiting| matches!(waiting, Waiting::Datagram(_))).count()
    }

    pub(crate) fn is_running(&self) -> bool {
        self.node.is_some() && self.stall.is_none()
    }
}
