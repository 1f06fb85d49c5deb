//! Streams: for what does not fit a datagram.
//!
//! A stream carries sealed messages of one frame each, in both directions. The node opens one to
//! an address when it has something large for it, keeps it for [`IDLE_CLOSE_AFTER`], and answers
//! on a stream what came on it. Nothing is said on a stream before both ends have proved the
//! cluster key.

use crate::NativeNode;
use crate::incoming::Route;
use bruit_engine::{Deadlines, Instant};
use bruit_model::{Now, StreamId, StreamInput, StreamOutput, Target, Transport};
use bruit_wire::{StreamCrypto, StreamError};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

/// Streams at a time, both ways; more accepted ones are reset, more wanted ones wait for the next
/// exchange.
const STREAMS_MAX: usize = 512;
/// How long a quiet stream is kept by the side that opened it; the other keeps it twice as long.
const IDLE_CLOSE_AFTER: Duration = Duration::from_secs(10);
/// Bytes written at a time.
const WRITE_BYTES_MAX: usize = 64 << 10;

pub(crate) struct Conn {
    crypto: StreamCrypto,
    credit: usize,
    addr: Option<SocketAddr>,
    is_ours: bool,
    is_open: bool,
    /// Its key was removed: nothing new is begun on it.
    is_retired: bool,
    /// What to call the target in messages, for one that a join opened.
    pub(crate) joins: Option<Target>,
}

#[derive(Default)]
pub(crate) struct Streams {
    conns: BTreeMap<StreamId, Conn>,
    by_addr: BTreeMap<SocketAddr, StreamId>,
    control: VecDeque<StreamOutput>,
    writable: BTreeSet<StreamId>,
    idle: Deadlines<StreamId>,
    opened_count: u64,
}

impl Streams {
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.idle.next()
    }

    pub(crate) fn len(&self) -> usize {
        self.conns.len()
    }

    /// Those whose key was removed.
    pub(crate) fn retired_count(&self) -> usize {
        self.conns.values().filter(|conn| conn.is_retired).count()
    }

    pub(crate) fn poll(&mut self, buf: &mut Vec<u8>) -> Option<StreamOutput> {
        buf.clear();
        if let Some(output) = self.control.pop_front() {
            return Some(output);
        }
        while let Some(&id) = self.writable.first() {
            if let Some(conn) = self.conns.get_mut(&id)
                && conn.is_open
                && conn.credit > 0
            {
                conn.crypto.pending_output(conn.credit.min(WRITE_BYTES_MAX), buf);
                if !buf.is_empty() {
                    conn.credit -= buf.len();
                    return Some(StreamOutput::Write { id });
                }
            }
            self.writable.remove(&id);
        }
        None
    }

    /// A key is accepted no more: streams under it get [`IDLE_CLOSE_AFTER`] to end what they are
    /// at, and what is sent from here on opens others.
    pub(crate) fn retire_key(&mut self, now: Now, fingerprint: &str) {
        for (id, conn) in &mut self.conns {
            if conn.crypto.may_use(fingerprint) && !conn.is_retired {
                conn.is_retired = true;
                self.idle.set(*id, now.mono + IDLE_CLOSE_AFTER);
                if let Some(addr) = conn.addr
                    && self.by_addr.get(&addr) == Some(id)
                {
                    self.by_addr.remove(&addr);
                }
            }
        }
    }

    fn remove(&mut self, id: StreamId) -> Option<Conn> {
        let conn = self.conns.remove(&id)?;
        if let Some(addr) = conn.addr
            && self.by_addr.get(&addr) == Some(&id)
        {
            self.by_addr.remove(&addr);
        }
        self.writable.remove(&id);
        self.idle.cancel(&id);
        Some(conn)
    }

    fn reset(&mut self, id: StreamId) -> Option<Conn> {
        self.control.push_back(StreamOutput::Reset { id });
        self.remove(id)
    }

    fn touch(&mut self, now: Now, id: StreamId) {
        if let Some(conn) = self.conns.get(&id).filter(|conn| !conn.is_retired) {
            let factor = if conn.is_ours { 1 } else { 2 };
            self.idle.set(id, now.mono + IDLE_CLOSE_AFTER * factor);
        }
    }
}

impl NativeNode {
    fn nonce(&mut self) -> [u8; 16] {
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&self.rng.next_u64().to_be_bytes());
        nonce[8..].copy_from_slice(&self.rng.next_u64().to_be_bytes());
        nonce
    }

    fn conn(&mut self, is_ours: bool, addr: Option<SocketAddr>) -> Conn {
        let nonce = self.nonce();
        let make = if is_ours { StreamCrypto::initiator } else { StreamCrypto::acceptor };
        Conn {
            crypto: make(&self.keyring, self.id, self.start, nonce),
            credit: 0,
            addr,
            is_ours,
            is_open: false,
            is_retired: false,
            joins: None,
        }
    }

    /// Opens a stream; `None` when there are too many.
    pub(crate) fn open_stream(&mut self, now: Now, target: Target) -> Option<StreamId> {
        if self.streams.conns.len() >= STREAMS_MAX {
            self.counters.stream_messages_shed += 1;
            return None;
        }
        let addr = match &target {
            Target::Addr(addr) => Some(*addr),
            Target::Name(..) => None,
        };
        self.streams.opened_count += 1;
        let id = StreamId(self.streams.opened_count * 2);
        let conn = self.conn(true, addr);
        self.streams.conns.insert(id, conn);
        if let Some(addr) = addr {
            self.streams.by_addr.insert(addr, id);
        }
        self.streams.touch(now, id);
        let output = StreamOutput::Connect { id, to: target, via: Transport::Tcp };
        self.streams.control.push_back(output);
        Some(id)
    }

    /// Marks a stream as opened to join by.
    pub(crate) fn set_joins(&mut self, id: StreamId, target: Target) {
        if let Some(conn) = self.streams.conns.get_mut(&id) {
            conn.joins = Some(target);
        }
    }

    /// Sends a message to an address, by the stream that is open or a new one.
    pub(crate) fn stream_send_to(&mut self, now: Now, addr: SocketAddr, frame: &[u8]) {
        let open = self.streams.by_addr.get(&addr).copied();
        let id = open.or_else(|| self.open_stream(now, Target::Addr(addr)));
        if let Some(id) = id {
            self.stream_send(now, id, frame);
        }
    }

    pub(crate) fn stream_send(&mut self, now: Now, id: StreamId, frame: &[u8]) {
        let Some(conn) = self.streams.conns.get_mut(&id) else { return };
        match conn.crypto.send_message(frame) {
            Ok(()) => self.counters.stream_messages_out += 1,
            Err(_) => self.counters.stream_messages_shed += 1,
        }
        self.streams.writable.insert(id);
        self.streams.touch(now, id);
    }

    pub(crate) fn on_stream(&mut self, now: Now, id: StreamId, input: StreamInput<'_>) {
        match input {
            StreamInput::Accepted { .. } => self.on_accepted(now, id),
            StreamInput::Connected { peer } => self.on_connected(id, peer.addr),
            StreamInput::Credit(bytes) => {
                if let Some(conn) = self.streams.conns.get_mut(&id) {
                    conn.credit = conn.credit.saturating_add(bytes);
                    self.streams.writable.insert(id);
                }
            }
            StreamInput::Data(bytes) => self.on_stream_data(now, id, bytes),
            StreamInput::Finished => {
                if let Some(conn) = self.streams.reset(id) {
                    self.stream_gone(conn, "closed by the peer");
                }
            }
            StreamInput::Failed(why) | StreamInput::Closed(why) => {
                if let Some(conn) = self.streams.remove(id) {
                    self.stream_gone(conn, &why.0);
                }
            }
        }
    }

    fn on_connected(&mut self, id: StreamId, addr: SocketAddr) {
        let Some(conn) = self.streams.conns.get_mut(&id) else { return };
        conn.is_open = true;
        // Where a name led is known only now.
        let is_named = conn.addr.is_none();
        if is_named && self.is_needless(addr) {
            self.streams.reset(id);
        } else {
            self.streams.writable.insert(id);
        }
    }

    fn on_accepted(&mut self, now: Now, id: StreamId) {
        if self.streams.conns.len() >= STREAMS_MAX {
            self.counters.stream_messages_shed += 1;
            self.streams.control.push_back(StreamOutput::Reset { id });
            return;
        }
        let mut conn = self.conn(false, None);
        conn.is_open = true;
        self.streams.conns.insert(id, conn);
        self.streams.touch(now, id);
    }

    fn on_stream_data(&mut self, now: Now, id: StreamId, bytes: &[u8]) {
        let Some(conn) = self.streams.conns.get_mut(&id) else { return };
        if let Err(error) = conn.crypto.feed(bytes) {
            self.fail_stream(id, error);
            return;
        }
        self.streams.writable.insert(id);
        self.streams.touch(now, id);
        // The stream may be reset while its messages are handled.
        while let Some(conn) = self.streams.conns.get_mut(&id) {
            let Some(message) = conn.crypto.poll_message() else { break };
            let Some(peer) = conn.crypto.peer() else { break };
            self.counters.stream_messages_in += 1;
            if self.handle_frames(now, Route::Stream(id), peer, &message).is_err() {
                self.fail_stream(id, StreamError::Malformed);
            }
            self.settle(now);
        }
    }

    fn fail_stream(&mut self, id: StreamId, error: StreamError) {
        self.counters.stream_errors += 1;
        if let Some(conn) = self.streams.reset(id) {
            self.stream_gone(conn, &error.to_string());
        }
    }

    fn stream_gone(&mut self, conn: Conn, why: &str) {
        if let Some(target) = conn.joins {
            self.join_failed(&target, why);
        }
    }

    pub(crate) fn close_idle_streams(&mut self, now: Now) {
        while let Some((_, id)) = self.streams.idle.pop_due(now.mono) {
            if let Some(conn) = self.streams.reset(id) {
                self.stream_gone(conn, "no answer in time");
            }
        }
    }

    /// The address that a join's stream was opened to, once; `None` for other streams.
    pub(crate) fn take_join(&mut self, id: StreamId) -> Option<Target> {
        self.streams.conns.get_mut(&id).and_then(|conn| conn.joins.take())
    }
}
