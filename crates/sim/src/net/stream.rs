//! Streams: ordered and reliable, with credit.
//!
//! Each end has a queue of what travels to it. An entry arrives after the link's latency, never
//! before the one ahead of it. While a partition stands, the queue is stalled; if that lasts,
//! both ends are closed. Credit returns to the writer as the reader takes bytes in, over the same
//! kind of queue, so that a reader that pauses, or a process that is paused, holds the writer up.
//! A reset overtakes what a pausing reader has not read; that is lost, as with TCP. When both
//! sides have finished and been told so, each is told `Closed`. An idle stream does not notice a
//! partition.

use super::host::Waiting;
use super::queue::{Action, Side};
use crate::{HostId, Net};
use bruit_engine::Instant;
use bruit_model::{Peer, SocketId, StreamId, StreamInput, StreamOutput, Target, Transport, Why};
use bytes::{Bytes, BytesMut};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

/// How many bytes may be under way in one direction. Guess.
const CREDIT: usize = 64 * 1024;
/// How many bytes travel as one part at most. Guess.
const PART_BYTES_MAX: usize = 16 * 1024;
/// When a request to connect is given up. Guess.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// When a request to connect that was stopped is made again. Source: RFC 6298 section 2 (1 s).
const CONNECT_RETRY: Duration = Duration::from_secs(1);
/// When a stream that is held up is given up. Guess.
const STALL_TIMEOUT: Duration = Duration::from_secs(20);
/// A paused process with so much waiting for it takes no more streams. Source: Linux
/// `include/linux/socket.h`, `SOMAXCONN` (4,096).
const BACKLOG: usize = 4096;
/// The first port that connecting hosts use. Source: RFC 6335 section 6.
const EPHEMERAL_PORT: u16 = 49_152;

/// What travels to one end of a stream.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Accepted(SocketId, Peer),
    Connected(Peer),
    Failed(&'static str),
    Data(Bytes),
    Credit(usize),
    Finished,
    Closed(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Not yet told that it is open; the accepting end has no number yet.
    Opening,
    Open,
    Gone,
}

#[derive(Debug)]
struct End {
    host: HostId,
    id: Option<StreamId>,
    phase: Phase,
    /// What the node may still write.
    credit: usize,
    has_finished: bool,
    was_told_finished: bool,
    is_reading: bool,
    /// Came while the node did not read.
    unread: VecDeque<Part>,
    /// Travels here.
    wire: VecDeque<(Instant, Part)>,
    /// The number of the stall, while there is one.
    stall: Option<u64>,
    /// The answer to the request to connect is here.
    is_answered: bool,
}

impl End {
    fn new(host: HostId, id: Option<StreamId>) -> Self {
        Self {
            host,
            id,
            phase: Phase::Opening,
            credit: 0,
            has_finished: false,
            was_told_finished: false,
            is_reading: true,
            unread: VecDeque::new(),
            wire: VecDeque::new(),
            stall: None,
            is_answered: false,
        }
    }

    /// Whether nothing can reach a node here.
    fn is_gone(&self) -> bool {
        self.phase == Phase::Gone || self.id.is_none()
    }
}

#[derive(Debug)]
struct Stream {
    ends: [End; 2],
    listener: SocketId,
    /// What the accepting, and the connecting, end sees as the peer's address.
    addrs: [SocketAddr; 2],
}

/// All streams.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    streams: BTreeMap<u64, Stream>,
    by_id: BTreeMap<(HostId, StreamId), (u64, Side)>,
    count: u64,
    stalls: u64,
}

impl Streams {
    fn end(&mut self, stream: u64, side: Side) -> Option<&mut End> {
        self.streams.get_mut(&stream).map(|stream| &mut stream.ends[side])
    }
}

/// What nodes ask for.
impl Net {
    pub(crate) fn on_output(&mut self, host: HostId, output: StreamOutput, buffer: &[u8]) {
        let id = match output {
            StreamOutput::Connect { id, to, via } => return self.connect(host, id, &to, &via),
            StreamOutput::Write { id }
            | StreamOutput::Pause { id }
            | StreamOutput::Resume { id }
            | StreamOutput::Finish { id }
            | StreamOutput::Reset { id } => id,
        };
        let Some(&(stream, side)) = self.streams.by_id.get(&(host, id)) else {
            self.hosts[host.index()].stats.stream_outputs_stale += 1;
            return;
        };
        let end = self.streams.end(stream, side).expect("a numbered end has a stream");
        match output {
            StreamOutput::Write { .. } => self.write(stream, side, buffer),
            StreamOutput::Pause { .. } => end.is_reading = false,
            StreamOutput::Resume { .. } => {
                end.is_reading = true;
                self.queue.schedule(self.now, Action::Read(stream, side));
            }
            StreamOutput::Finish { .. } => {
                assert!(end.phase == Phase::Open, "{host} finishes {id:?} before it is open");
                if !std::mem::replace(&mut end.has_finished, true) {
                    self.dispatch(stream, 1 - side, Part::Finished);
                }
            }
            StreamOutput::Reset { .. } => self.abandon(stream, side),
            StreamOutput::Connect { .. } => {}
        }
    }

    fn connect(&mut self, host: HostId, id: StreamId, to: &Target, via: &Transport) {
        assert!(id.0 & 1 == 0, "{host} uses the driver's stream number {id:?}");
        let on = &mut self.hosts[host.index()];
        on.stats.streams_asked += 1;
        on.streams_asked = on.streams_asked.wrapping_add(1) % (u16::MAX - EPHEMERAL_PORT);
        let mut own = on.addrs[0];
        own.set_port(EPHEMERAL_PORT + on.streams_asked);
        let to = match to {
            Target::Addr(addr) => Some(*addr),
            Target::Name(name, port) => self.names.get(name).map(|&ip| SocketAddr::new(ip, *port)),
        };
        let found = to.and_then(|to| self.by_addr.get(&to)).copied();
        let (peer, listener) = found.unwrap_or((host, SocketId(0)));
        let addrs = [own, to.unwrap_or(own)];
        let mut ends = [End::new(host, Some(id)), End::new(peer, None)];
        self.streams.count += 1;
        let stream = self.streams.count;
        let taken = self.streams.by_id.insert((host, id), (stream, 0));
        assert!(taken.is_none(), "{host} uses the stream number {id:?} twice");
        let refusal = match via {
            Transport::Tcp if to.is_none() => Some("no such name"),
            Transport::Tcp => None,
            _ => Some("the simulator does not have this transport"),
        };
        if let Some(why) = refusal {
            ends[0].wire.push_back((self.now, Part::Failed(why)));
            self.queue.schedule(self.now, Action::Arrive(stream, 0));
        } else if found.is_some() {
            let (way, _) = self.links.stream_way(self.now, host, peer, 0);
            self.queue.schedule(self.now + way, Action::Syn(stream));
        }
        self.streams.streams.insert(stream, Stream { ends, listener, addrs });
        self.queue.schedule(self.now + CONNECT_TIMEOUT, Action::ConnectTimeout(stream));
    }

    fn write(&mut self, stream: u64, side: Side, mut bytes: &[u8]) {
        let end = self.streams.end(stream, side).expect("the caller has looked it up");
        let host = end.host;
        assert!(!end.has_finished, "{host} writes to {:?} after it has finished", end.id);
        assert!(bytes.len() <= end.credit, "{host} writes to {:?} beyond its credit", end.id);
        end.credit -= bytes.len();
        self.hosts[host.index()].stats.stream_bytes_sent += bytes.len() as u64;
        while !bytes.is_empty() {
            let len = match self.links.stream_cut(bytes.len()) {
                0 => bytes.len().min(PART_BYTES_MAX),
                cut => cut.min(PART_BYTES_MAX),
            };
            let (part, rest) = bytes.split_at(len);
            self.dispatch(stream, 1 - side, Part::Data(Bytes::copy_from_slice(part)));
            bytes = rest;
        }
    }

    /// Drops an end, as its own node or system wants it, and lets the other end know.
    fn abandon(&mut self, stream: u64, side: Side) {
        self.dispatch(stream, 1 - side, Part::Closed("reset by the peer"));
        self.forget(stream, side);
    }

    pub(crate) fn reset_streams_of(&mut self, host: HostId) {
        let all = (host, StreamId(0))..=(host, StreamId(u64::MAX));
        let ends: Vec<_> = self.streams.by_id.range(all).map(|(_, &end)| end).collect();
        ends.into_iter().for_each(|(stream, side)| self.abandon(stream, side));
    }
}

/// What travels.
impl Net {
    /// The host at one end of a stream that is there.
    pub(crate) fn stream_host(&self, stream: u64, side: Side) -> Option<HostId> {
        self.streams.streams.get(&stream).map(|stream| stream.ends[side].host)
    }

    /// Sends `part` on its way to an end.
    fn dispatch(&mut self, stream: u64, side: Side, part: Part) {
        let Some(on) = self.streams.streams.get_mut(&stream) else { return };
        let (from, to) = (on.ends[1 - side].host, on.ends[side].host);
        let end = &mut on.ends[side];
        if end.is_gone() {
            return;
        }
        let len = if let Part::Data(bytes) = &part { bytes.len() } else { 0 };
        let (way, losses) = self.links.stream_way(self.now, from, to, len);
        self.hosts[to.index()].stats.stream_retransmits += u64::from(losses);
        let ahead = end.wire.back().map_or(Instant::ZERO, |(at, _)| *at);
        let at = ahead.max(self.now + way);
        end.wire.push_back((at, part));
        self.queue.schedule(at, Action::Arrive(stream, side));
    }

    pub(crate) fn on_syn(&mut self, stream: u64) {
        let Some(on) = self.streams.streams.get_mut(&stream) else { return };
        let (from, host) = (on.ends[0].host, on.ends[1].host);
        let blocked = self.links.is_blocked(from, host) || self.links.is_blocked(host, from);
        let stall = self.hosts[host.index()].stall.as_ref();
        if blocked || stall.is_some_and(|stall| stall.waiting.len() >= BACKLOG) {
            self.queue.schedule(self.now + CONNECT_RETRY, Action::Syn(stream));
            return;
        }
        let target = &mut self.hosts[host.index()];
        if target.node.is_none() {
            self.dispatch(stream, 0, Part::Failed("connection refused"));
            return;
        }
        let id = StreamId(target.streams_accepted * 2 + 1);
        target.streams_accepted += 1;
        target.stats.streams_accepted += 1;
        on.ends[1].id = Some(id);
        self.streams.by_id.insert((host, id), (stream, 1));
        let [connecting, accepting] = on.addrs.map(|addr| Peer { addr, identity: None });
        let listener = on.listener;
        self.dispatch(stream, 0, Part::Connected(accepting));
        self.offer(stream, 1, Part::Accepted(listener, connecting));
    }

    pub(crate) fn on_connect_timeout(&mut self, stream: u64) {
        let Some(end) = self.streams.end(stream, 0) else { return };
        if end.phase == Phase::Opening && !end.is_answered {
            self.dispatch(stream, 1, Part::Closed("reset by the peer"));
            self.offer(stream, 0, Part::Failed("timed out"));
        }
    }

    pub(crate) fn on_arrive(&mut self, stream: u64, side: Side) {
        let Some(on) = self.streams.streams.get_mut(&stream) else { return };
        let (from, to) = (on.ends[1 - side].host, on.ends[side].host);
        if self.links.is_blocked(from, to) {
            if on.ends[side].stall.is_none() {
                self.streams.stalls += 1;
                let stall = self.streams.stalls;
                on.ends[side].stall = Some(stall);
                self.hosts[to.index()].stats.stream_stalls += 1;
                let timeout = Action::StallTimeout(stream, side, stall);
                self.queue.schedule(self.now + STALL_TIMEOUT, timeout);
            }
            return;
        }
        while let Some(part) = self.arrived(stream, side) {
            self.offer(stream, side, part);
        }
    }

    /// Takes the next part off the wire, perhaps joined with those behind it.
    fn arrived(&mut self, stream: u64, side: Side) -> Option<Part> {
        let end = self.streams.streams.get_mut(&stream).map(|stream| &mut stream.ends[side])?;
        if end.wire.front()?.0 > self.now {
            return None;
        }
        let (_, first) = end.wire.pop_front()?;
        let Part::Data(first) = first else { return Some(first) };
        let mut joined = BytesMut::from(first);
        while let Some((at, Part::Data(next))) = end.wire.front() {
            if *at > self.now || !self.links.stream_joins() {
                break;
            }
            joined.extend_from_slice(next);
            end.wire.pop_front();
        }
        Some(Part::Data(joined.freeze()))
    }

    pub(crate) fn unstall_streams(&mut self) {
        for (&stream, on) in &mut self.streams.streams {
            let hosts = [on.ends[0].host, on.ends[1].host];
            for (side, end) in on.ends.iter_mut().enumerate() {
                if end.stall.take().is_some() {
                    let (way, _) = self.links.stream_way(self.now, hosts[1 - side], hosts[side], 0);
                    self.queue.schedule(self.now + way, Action::Arrive(stream, side));
                }
            }
        }
    }

    pub(crate) fn on_stall_timeout(&mut self, stream: u64, side: Side, stall: u64) {
        let Some(end) = self.streams.end(stream, side) else { return };
        if end.stall == Some(stall) {
            self.offer(stream, 0, Part::Closed("timed out"));
            self.offer(stream, 1, Part::Closed("timed out"));
        }
    }
}

/// What reaches nodes.
impl Net {
    /// Gives `part` to the end's node now, or when it runs or reads again.
    pub(crate) fn offer(&mut self, stream: u64, side: Side, part: Part) {
        let Some(end) = self.streams.end(stream, side).filter(|end| !end.is_gone()) else { return };
        end.is_answered = true;
        if let Some(stall) = &mut self.hosts[end.host.index()].stall {
            stall.waiting.push_back(Waiting::Part(stream, side, part));
            return;
        }
        let host = end.host;
        self.take_in(host, Waiting::Part(stream, side, part));
    }

    /// Gives `part` to the end's node, which runs, now or when it reads again.
    pub(crate) fn offer_running(&mut self, stream: u64, side: Side, part: Part) {
        let Some(end) = self.streams.end(stream, side).filter(|end| !end.is_gone()) else { return };
        let is_content = matches!(part, Part::Data(_) | Part::Finished);
        if is_content && !(end.is_reading && end.unread.is_empty()) {
            end.unread.push_back(part);
            return;
        }
        self.hand(stream, side, &part);
    }

    pub(crate) fn on_read(&mut self, stream: u64, side: Side) {
        loop {
            let Some(end) = self.streams.end(stream, side).filter(|end| end.is_reading) else {
                return;
            };
            if let Some(stall) = &mut self.hosts[end.host.index()].stall {
                // Ahead of what has come since.
                while let Some(part) = end.unread.pop_back() {
                    stall.waiting.push_front(Waiting::Part(stream, side, part));
                }
                return;
            }
            let Some(part) = end.unread.pop_front() else { return };
            self.hand(stream, side, &part);
        }
    }

    fn hand(&mut self, stream: u64, side: Side, part: &Part) {
        let end = self.streams.end(stream, side).expect("the caller has looked it up");
        let (host, id) = (end.host, end.id.expect("an end that is not gone has a number"));
        let is_opening = end.phase == Phase::Opening;
        let stats = &mut self.hosts[host.index()].stats;
        stats.inputs += 1;
        let (input, word, bytes) = match part {
            Part::Accepted(listener, peer) => (
                StreamInput::Accepted { listener: *listener, peer: peer.clone() },
                "accepted",
                None,
            ),
            Part::Connected(peer) => {
                (StreamInput::Connected { peer: peer.clone() }, "connected", None)
            }
            Part::Failed(why) => {
                stats.streams_failed += 1;
                (StreamInput::Failed(Why((*why).into())), "failed", None)
            }
            Part::Data(bytes) => {
                stats.stream_bytes_delivered += bytes.len() as u64;
                (StreamInput::Data(bytes), "data", Some(bytes))
            }
            Part::Credit(count) => (StreamInput::Credit(*count), "credit", None),
            Part::Finished => (StreamInput::Finished, "finished", None),
            Part::Closed(why) => {
                let whole = end.has_finished && end.was_told_finished;
                stats.streams_broken += u64::from(!whole);
                (StreamInput::Closed(Why((*why).into())), "closed", None)
            }
        };
        let opens = is_opening && matches!(part, Part::Accepted(..) | Part::Connected(_));
        match part {
            Part::Accepted(..) | Part::Connected(_) => {
                (end.phase, end.credit) = (Phase::Open, CREDIT);
            }
            Part::Credit(count) => end.credit += count,
            Part::Finished => end.was_told_finished = true,
            Part::Failed(_) | Part::Closed(_) => self.forget(stream, side),
            Part::Data(_) => {}
        }
        self.trace.note(self.now, host, word, id.0, bytes.map_or(&[], |bytes| bytes));
        self.with_node(host, |node, now| {
            node.handle_stream(now, id, input);
            if opens {
                node.handle_stream(now, id, StreamInput::Credit(CREDIT));
            }
        });
        self.after(stream, side, part);
    }

    /// What follows from a part that the node has taken in.
    fn after(&mut self, stream: u64, side: Side, part: &Part) {
        if let Part::Data(bytes) = part {
            self.dispatch(stream, 1 - side, Part::Credit(bytes.len()));
        }
        let Some(on) = self.streams.streams.get(&stream) else { return };
        let told = on.ends.iter().all(|end| end.was_told_finished);
        if matches!(part, Part::Finished) && told {
            self.dispatch(stream, 1 - side, Part::Closed("finished"));
            self.offer(stream, side, Part::Closed("finished"));
        }
    }

    fn forget(&mut self, stream: u64, side: Side) {
        let Some(on) = self.streams.streams.get_mut(&stream) else { return };
        let end = &mut on.ends[side];
        end.phase = Phase::Gone;
        end.wire.clear();
        end.unread.clear();
        if let Some(id) = end.id {
            self.streams.by_id.remove(&(end.host, id));
        }
        if on.ends.iter().all(End::is_gone) {
            self.streams.streams.remove(&stream);
        }
    }
}
