//! The network: its hosts, its clock and its loop.

mod datagram;
mod host;
mod once;
mod queue;
mod slow;
mod stats;
mod stream;
mod trace;

#[cfg(test)]
pub(crate) mod tests;

pub use host::{Boot, HostId, Recorded};
pub use once::Happened;
pub use stats::Stats;

use crate::Link;
use crate::link::Links;
use bruit_engine::{Instant, Rng};
use bruit_model::{Command, CommandError, Event, Node, Now, Rejected, Reply, SocketId, UnixNanos};
use bytes::Bytes;
use host::{Host, Stall, Waiting};
use queue::{Action, Datagram, Queue};
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use stream::Streams;
use trace::Trace;

/// Virtual time zero is 2026-01-01 00:00 UTC, in milliseconds since 1970.
const UNIX_ORIGIN_MILLIS: i64 = 1_767_225_600_000;
/// Events, and recorded datagrams, kept for one host at most. Guess.
const KEPT_MAX: usize = 1 << 20;
/// So many steps at one moment, or outputs of a node in one drain, are an endless loop. Guess.
const STEPS_MAX: u64 = 1_000_000;
/// So many timeouts of one host at one moment are an endless loop. Guess.
const TIMEOUTS_MAX: u32 = 10_000;

/// A virtual network. See the crate's documentation.
pub struct Net {
    seed: u64,
    pub(crate) now: Instant,
    steps_at_now: u64,
    pub(crate) queue: Queue,
    pub(crate) hosts: Vec<Host>,
    pub(crate) by_addr: BTreeMap<SocketAddr, (HostId, SocketId)>,
    pub(crate) names: BTreeMap<String, IpAddr>,
    pub(crate) links: Links,
    pub(crate) streams: Streams,
    pub(crate) trace: Trace,
    order: Rng,
    buffer: Vec<u8>,
}

impl fmt::Debug for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("Net");
        text.field("seed", &self.seed).field("now", &self.now);
        text.field("hosts", &self.hosts.len()).finish_non_exhaustive()
    }
}

/// Hosts, and what a test asks of them.
impl Net {
    /// A network without hosts, where every pair of hosts is connected by `link`.
    pub fn new(seed: u64, link: Link) -> Self {
        let mut rng = Rng::from_seed(seed);
        Self {
            seed,
            now: Instant::ZERO,
            steps_at_now: 0,
            queue: Queue::default(),
            hosts: Vec::new(),
            by_addr: BTreeMap::new(),
            names: BTreeMap::new(),
            links: Links::new(link, &mut rng),
            streams: Streams::default(),
            trace: Trace::default(),
            order: rng.fork("order"),
            buffer: Vec::new(),
        }
    }

    /// Adds a host that is down, at port 7071 of the next address from 10.0.0.1 on.
    pub fn add_host(&mut self, factory: impl FnMut(Boot<'_>) -> Box<dyn Node> + 'static) -> HostId {
        let index = u32::try_from(self.hosts.len()).expect("fewer than 2³² hosts") + 1;
        let addr = Ipv4Addr::from_bits((10 << 24) + index);
        self.add_host_at(SocketAddr::from((addr, 7071)), factory)
    }

    /// Adds a host that is down, at `addr`, where it has both socket 0 and listener 0.
    pub fn add_host_at(
        &mut self,
        addr: SocketAddr,
        factory: impl FnMut(Boot<'_>) -> Box<dyn Node> + 'static,
    ) -> HostId {
        let id = HostId(u32::try_from(self.hosts.len()).expect("fewer than 2³² hosts"));
        let taken = self.by_addr.insert(addr, (id, SocketId(0)));
        assert!(taken.is_none(), "{addr} is taken");
        self.hosts.push(Host::new(addr, Box::new(factory)));
        id
    }

    /// Gives a host a further address: the socket and listener of the returned number.
    pub fn bind(&mut self, host: HostId, addr: SocketAddr) -> SocketId {
        let addrs = &mut self.hosts[host.index()].addrs;
        let socket = SocketId(u16::try_from(addrs.len()).expect("fewer than 65,536 sockets"));
        addrs.push(addr);
        let taken = self.by_addr.insert(addr, (host, socket));
        assert!(taken.is_none(), "{addr} is taken");
        socket
    }

    /// Lets `name` be resolved.
    pub fn add_name(&mut self, name: &str, addr: IpAddr) {
        self.names.insert(name.to_owned(), addr);
    }

    /// Makes the host's node and lets it begin.
    pub fn start(&mut self, host: HostId) {
        assert!(self.hosts[host.index()].node.is_none(), "{host} is up already");
        let run = self.hosts[host.index()].run + 1;
        let seed = Rng::from_seed(self.seed).fork(&format!("{host} run {run}")).next_u64();
        let now = self.now_at(host);
        let on = &mut self.hosts[host.index()];
        on.run = run;
        on.stats.starts += 1;
        let (addr, disk) = (on.addrs[0], on.disk);
        let boot = Boot { host, addr, run, seed, now, saved: &on.saved, disk };
        on.node = Some((on.factory)(boot));
        self.trace.note(self.now, host, "start", run, &[]);
        self.drain(host);
    }

    /// Kills the process: the node is dropped, and so is what waited for it; the system resets
    /// its streams. Datagrams under way arrive nowhere, unless a new run is up by then.
    pub fn crash(&mut self, host: HostId) {
        assert!(self.is_up(host), "{host} is down already");
        self.hosts[host.index()].stats.crashes += 1;
        self.trace.note(self.now, host, "crash", 0, &[]);
        self.end(host);
    }

    fn end(&mut self, host: HostId) {
        let on = &mut self.hosts[host.index()];
        on.stats.datagrams_shed += on.waiting_datagrams() as u64;
        on.node = None;
        on.stall = None;
        on.slowness.waiting.clear();
        on.is_leaving = false;
        if let Some((_, key)) = on.timer.take() {
            self.queue.cancel(key);
        }
        self.reset_streams_of(host);
    }

    /// Lets the node say goodbye; once it has, the process ends. Streams that are open then are
    /// reset.
    ///
    /// # Errors
    /// The node's own; nothing was changed.
    pub fn leave(&mut self, host: HostId) -> Result<(), CommandError> {
        self.hosts[host.index()].is_leaving = true;
        let taken = self.command(host, Command::Leave);
        if taken.is_err() {
            self.hosts[host.index()].is_leaving = false;
        }
        taken.map(drop)
    }

    /// Starts the host again, killing it first if it is up.
    pub fn restart(&mut self, host: HostId) {
        if self.hosts[host.index()].node.is_some() {
            self.crash(host);
        }
        self.start(host);
    }

    /// Takes a snapshot of the node, for later runs to start from.
    pub fn save(&mut self, host: HostId) {
        self.hosts[host.index()].saved = self.node(host).snapshot();
    }

    /// Loses what [`Net::save`] saved: the next run starts with an empty disk.
    pub fn wipe(&mut self, host: HostId) {
        let on = &mut self.hosts[host.index()];
        on.saved = Vec::new();
        on.disk += 1;
        on.stats.wipes += 1;
    }

    /// Stops the process without ending it, as `SIGSTOP` or a starved machine does: datagrams
    /// wait up to a bound, streams stall by lack of credit, the timer is late.
    pub fn pause(&mut self, host: HostId) {
        let since = self.now;
        let on = &mut self.hosts[host.index()];
        assert!(on.is_running(), "{host} is not running");
        on.stats.pauses += 1;
        on.stall = Some(Stall { since, waiting: Default::default(), timer_due: false });
        self.trace.note(since, host, "pause", 0, &[]);
    }

    /// Lets a paused process run again. The driver reports the lag, then the timer and what has
    /// waited have their turns, in one order or the other.
    pub fn resume(&mut self, host: HostId) {
        let stall = self.hosts[host.index()].stall.take();
        let stall = stall.expect("only a paused host is resumed");
        self.trace.note(self.now, host, "resume", 0, &[]);
        let lag = self.now.since(stall.since);
        let _ignored_by_some = self.command(host, Command::ReportLag(lag));
        let mut waiting = stall.waiting;
        if stall.timer_due {
            let timer = Waiting::Timer(self.now);
            if self.order.chance(1, 2) {
                waiting.push_front(timer)
            } else {
                waiting.push_back(timer)
            }
        }
        waiting.into_iter().for_each(|input| self.take_in(host, input));
    }

    /// Gives a running node a command.
    ///
    /// # Errors
    /// The node's own.
    pub fn command(&mut self, host: HostId, command: Command) -> Result<Reply, CommandError> {
        self.trace.note(self.now, host, "command", 0, &[]);
        self.with_node(host, |node, now| node.handle_command(now, command))
    }

    /// Calls `call` with a running node, and drains the node afterwards.
    pub fn with_node<R>(&mut self, host: HostId, call: impl FnOnce(&mut dyn Node, Now) -> R) -> R {
        assert!(self.hosts[host.index()].is_running(), "{host} is not running");
        let now = self.now_at(host);
        let node = self.hosts[host.index()].node.as_deref_mut();
        let result = call(node.expect("a running host has a node"), now);
        self.drain(host);
        result
    }

    /// The node of a host that is up.
    pub fn node(&self, host: HostId) -> &dyn Node {
        self.hosts[host.index()].node.as_deref().expect("only a host that is up has a node")
    }

    /// Whether the host is up, be it paused.
    pub fn is_up(&self, host: HostId) -> bool {
        self.hosts[host.index()].node.is_some()
    }

    /// The host's run, or its last; 0 before the first.
    pub fn run(&self, host: HostId) -> u64 {
        self.hosts[host.index()].run
    }

    /// How often the host lost its disk.
    pub fn disk(&self, host: HostId) -> u64 {
        self.hosts[host.index()].disk
    }

    /// Whether the host is up and paused.
    pub fn is_paused(&self, host: HostId) -> bool {
        self.hosts[host.index()].stall.is_some()
    }

    /// Every host.
    pub fn hosts(&self) -> impl ExactSizeIterator<Item = HostId> + use<> {
        let len = u32::try_from(self.hosts.len()).expect("fewer than 2³² hosts");
        (0..len).map(HostId)
    }

    /// The host's first address.
    pub fn addr(&self, host: HostId) -> SocketAddr {
        self.hosts[host.index()].addrs[0]
    }

    /// Sets the host's wall clock ahead, or back, of the net's.
    pub fn skew(&mut self, host: HostId, millis: i64) {
        self.hosts[host.index()].skew_millis = millis;
    }

    /// Virtual time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Both clocks, as the host has them.
    pub fn now_at(&self, host: HostId) -> Now {
        let ahead = UNIX_ORIGIN_MILLIS.saturating_add(self.hosts[host.index()].skew_millis);
        let nanos = i128::from(ahead) * 1_000_000 + i128::from(self.now.as_nanos());
        let unix = u64::try_from(nanos.max(0)).unwrap_or(u64::MAX);
        Now { mono: self.now, unix: UnixNanos(unix) }
    }

    /// The host's events since the last call, each with the time at which it was told.
    pub fn events(&mut self, host: HostId) -> Vec<(Instant, Event)> {
        std::mem::take(&mut self.hosts[host.index()].events)
    }

    /// Keeps what the host sends by datagram from here on, for [`Net::recorded`].
    pub fn record(&mut self, host: HostId) {
        self.hosts[host.index()].records.get_or_insert_default();
    }

    /// The datagrams that the host sent since the last call.
    pub fn recorded(&mut self, host: HostId) -> Vec<Recorded> {
        self.hosts[host.index()].records.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Brings a datagram to a host's first socket, past all links, at once when time next moves.
    pub fn inject_datagram(&mut self, to: HostId, from: SocketAddr, bytes: &[u8]) {
        let (on, number, copy) = (SocketId(0), 0, false);
        let bytes = Bytes::copy_from_slice(bytes);
        self.hosts[to.index()].in_flight += 1;
        self.hosts[to.index()].stats.datagrams_injected += 1;
        let datagram = Datagram { sender: None, from, to, on, bytes, number, copy };
        self.queue.schedule(self.now, Action::Datagram(datagram));
    }

    /// A number that two runs share exactly if they went alike.
    pub fn trace_hash(&self) -> u64 {
        self.trace.hash()
    }

    /// Keeps the last `lines_max` lines of what happens, for [`Net::trace`]. Keeps none at first.
    pub fn keep_trace(&mut self, lines_max: usize) {
        self.trace.keep(lines_max);
    }

    /// What happened last, oldest first.
    pub fn trace(&self) -> impl Iterator<Item = &str> {
        self.trace.lines()
    }

    /// The sums of all hosts' counters.
    pub fn stats(&self) -> Stats {
        let mut sum = Stats::default();
        self.hosts.iter().for_each(|host| sum += host.stats);
        sum
    }

    /// The host's counters, over all its runs.
    pub fn host_stats(&self, host: HostId) -> Stats {
        self.hosts[host.index()].stats
    }

    /// How many datagrams the host's nodes refused, by reason.
    pub fn rejected(&self, host: HostId) -> &BTreeMap<Rejected, u64> {
        &self.hosts[host.index()].rejected
    }

    /// Lets so much virtual time pass.
    pub fn run_for(&mut self, time: Duration) {
        self.run_until(time, |_| false);
    }

    /// Lets virtual time pass until `check` holds, asked now and after each moment at which
    /// something happened, or until `limit` has passed. Whether it holds.
    pub fn run_until(&mut self, limit: Duration, mut check: impl FnMut(&Self) -> bool) -> bool {
        let end = self.now + limit;
        loop {
            if check(self) {
                return true;
            }
            let Some(at) = self.queue.next_at().filter(|&at| at <= end) else { break };
            while self.queue.next_at() == Some(at) {
                self.step();
            }
        }
        self.now = end;
        false
    }
}

/// The loop.
impl Net {
    fn step(&mut self) {
        if let Some((at, action)) = self.queue.pop() {
            self.perform(at, action);
        }
    }

    fn perform(&mut self, at: Instant, action: Action) {
        self.steps_at_now = if at > self.now { 0 } else { self.steps_at_now + 1 };
        assert!(self.steps_at_now < STEPS_MAX, "endless loop at {at:?}: {action:?}");
        self.now = self.now.max(at);
        match action {
            Action::Datagram(datagram) => self.arrive(datagram),
            Action::Timer(host) => self.on_timer(host),
            Action::Syn(stream) => self.on_syn(stream),
            Action::ConnectTimeout(stream) => self.on_connect_timeout(stream),
            Action::Arrive(stream, side) => self.on_arrive(stream, side),
            Action::StallTimeout(stream, side, stall) => {
                self.on_stall_timeout(stream, side, stall);
            }
            Action::Read(stream, side) => self.on_read(stream, side),
            Action::Ready(host) => self.on_ready(host),
        }
    }

    fn on_timer(&mut self, host: HostId) {
        let on = &mut self.hosts[host.index()];
        on.timer = None;
        match &mut on.stall {
            Some(stall) => stall.timer_due = true,
            None => self.take_in(host, Waiting::Timer(self.now)),
        }
    }

    pub(crate) fn handle_timeout(&mut self, host: HostId) {
        let on = &mut self.hosts[host.index()];
        on.stats.timeouts += 1;
        on.stats.inputs += 1;
        on.timeouts_at = match on.timeouts_at {
            (at, count) if at == self.now => (at, count + 1),
            _ => (self.now, 1),
        };
        assert!(on.timeouts_at.1 < TIMEOUTS_MAX, "{host} is due for ever at {:?}", self.now);
        self.trace.note(self.now, host, "timeout", 0, &[]);
        self.with_node(host, |node, now| node.handle_timeout(now));
    }

    /// Carries away all that the node wants, and arms its timer.
    pub(crate) fn drain(&mut self, host: HostId) {
        let now = self.now_at(host);
        let Some(mut node) = self.hosts[host.index()].node.take() else { return };
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut outputs = 0;
        let mut count = || {
            outputs += 1;
            assert!(outputs < STEPS_MAX, "{host} never stops asking for something at {now:?}");
        };
        while let Some(transmit) = node.poll_transmit(now, &mut buffer) {
            count();
            self.transmit(host, transmit, &buffer);
        }
        while let Some(output) = node.poll_stream(now, &mut buffer) {
            count();
            self.on_output(host, output, &buffer);
        }
        let mut has_left = false;
        while let Some(event) = node.poll_event() {
            count();
            has_left |= matches!(event, Event::Left);
            self.keep_event(host, event);
        }
        let wake = node.poll_timeout().map(|wake| wake.at);
        self.buffer = buffer;
        self.hosts[host.index()].node = Some(node);
        self.arm(host, wake.filter(|&at| at < Instant::FAR_FUTURE));
        if has_left && self.hosts[host.index()].is_leaving {
            self.hosts[host.index()].stats.leaves += 1;
            self.trace.note(self.now, host, "left", 0, &[]);
            self.end(host);
        }
    }

    fn arm(&mut self, host: HostId, wake: Option<Instant>) {
        // A timer that waits for its turn at a slow host is armed again after it.
        let is_waiting = self.hosts[host.index()].slowness.has_timer();
        let wake = wake.map(|at| at.max(self.now)).filter(|_| !is_waiting);
        let armed = self.hosts[host.index()].timer;
        if armed.map(|(at, _)| at) == wake {
            return;
        }
        if let Some((_, key)) = armed {
            self.queue.cancel(key);
        }
        let timer = wake.map(|at| (at, self.queue.schedule(at, Action::Timer(host))));
        self.hosts[host.index()].timer = timer;
    }

    fn keep_event(&mut self, host: HostId, event: Event) {
        self.trace.note_event(self.now, host, &event);
        let on = &mut self.hosts[host.index()];
        on.stats.events += 1;
        if on.events.len() < KEPT_MAX {
            on.events.push((self.now, event));
        } else {
            on.stats.events_shed += 1;
        }
    }
}
