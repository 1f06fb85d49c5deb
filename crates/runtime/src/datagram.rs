//! Sending and receiving datagrams.

use crate::stats::{Counters, add, count};
use bruit_model::{Node, SocketId, Transmit};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::net::UdpSocket;

use crate::Clock;

/// Datagrams taken in before other inputs have their turn. Source: guess; at 5 us each, other
/// inputs wait for a third of a millisecond.
pub(crate) const DATAGRAMS_PER_BATCH: usize = 64;

/// No UDP datagram is larger, so that none is cut.
const RECEIVE_BYTES: usize = 64 * 1024;

/// The one socket there is.
const SOCKET: SocketId = SocketId(0);

/// A datagram socket, with at most one transmit that the system did not take yet. While that
/// waits, nothing more is drained from the node, whose queue is bounded and sheds.
#[derive(Debug)]
pub(crate) struct Datagrams {
    socket: UdpSocket,
    /// The socket is IPv6: IPv4 addresses are mapped.
    v6: bool,
    counters: Arc<Counters>,
    receive: Box<[u8]>,
    send: Vec<u8>,
    blocked: Option<Blocked>,
}

/// What is left of a transmit: `send[from..]`.
#[derive(Clone, Copy, Debug)]
struct Blocked {
    transmit: Transmit,
    from: usize,
}

impl Datagrams {
    pub(crate) fn new(socket: UdpSocket, local_addr: SocketAddr, counters: Arc<Counters>) -> Self {
        Self {
            socket,
            v6: local_addr.is_ipv6(),
            counters,
            receive: vec![0; RECEIVE_BYTES].into(),
            send: Vec::new(),
            blocked: None,
        }
    }

    /// Ready when there is something to receive, or the blocked transmit may be tried again.
    pub(crate) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.blocked.is_some() && self.socket.poll_send_ready(cx).is_ready() {
            return Poll::Ready(());
        }
        // An error shows when receiving.
        let _: io::Result<()> = ready!(self.socket.poll_recv_ready(cx));
        Poll::Ready(())
    }

    /// Gives the node what has come, up to a batch of it. Whether there may be more.
    pub(crate) fn receive(&mut self, node: &mut dyn Node, clock: &Clock) -> bool {
        for _ in 0..DATAGRAMS_PER_BATCH {
            count(&self.counters.syscalls);
            match self.socket.try_recv_from(&mut self.receive) {
                Ok((len, from)) => {
                    count(&self.counters.datagrams_in);
                    add(&self.counters.datagram_bytes_in, len);
                    let from = canonical(from);
                    let bytes = &self.receive[..len];
                    if let Err(why) = node.handle_datagram(clock.now(), SOCKET, from, bytes) {
                        count(&self.counters.datagrams_refused);
                        tracing::trace!(%from, len, %why, "datagram refused");
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                // Such as ECONNREFUSED: ICMP's answer to something sent earlier.
                Err(error) => {
                    count(&self.counters.receive_errors);
                    tracing::trace!(%error, "receiving failed");
                }
            }
        }
        true
    }

    /// Sends what the node wants sent, until it has no more or the socket blocks.
    pub(crate) fn transmit(&mut self, node: &mut dyn Node, clock: &Clock) {
        loop {
            let Blocked { transmit, from } = match self.blocked.take() {
                Some(blocked) => blocked,
                None => match node.poll_transmit(clock.now(), &mut self.send) {
                    Some(transmit) => Blocked { transmit, from: 0 },
                    None => return,
                },
            };
            if transmit.on != SOCKET {
                count(&self.counters.outputs_invalid);
                continue;
            }
            if let Some(from) = self.send_from(transmit, from) {
                count(&self.counters.sends_blocked);
                self.blocked = Some(Blocked { transmit, from });
                return;
            }
        }
    }

    /// Sends the buffer's bytes after `from`; where it got to if the socket blocks. An empty
    /// buffer is one empty datagram.
    fn send_from(&self, transmit: Transmit, mut from: usize) -> Option<usize> {
        let to = self.mapped(transmit.to);
        let segment = transmit.segment_size.unwrap_or(usize::MAX).max(1);
        loop {
            let to_end = self.send.len() - from;
            let datagram = &self.send[from..from + segment.min(to_end)];
            count(&self.counters.syscalls);
            match self.socket.try_send_to(datagram, to) {
                Ok(sent) => {
                    count(&self.counters.datagrams_out);
                    add(&self.counters.datagram_bytes_out, sent);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Some(from),
                Err(error) => {
                    self.counters.send_failed(&error);
                    tracing::trace!(%to, len = datagram.len(), %error, "sending failed");
                }
            }
            from += datagram.len();
            if from == self.send.len() {
                return None;
            }
        }
    }

    fn mapped(&self, to: SocketAddr) -> SocketAddr {
        match to {
            SocketAddr::V4(v4) if self.v6 => {
                SocketAddr::new(v4.ip().to_ipv6_mapped().into(), v4.port())
            }
            SocketAddr::V4(_) | SocketAddr::V6(_) => to,
        }
    }
}

/// The address with an IPv4 address written as such.
pub(crate) fn canonical(addr: SocketAddr) -> SocketAddr {
    match addr.ip().to_canonical() {
        ip @ IpAddr::V4(_) => SocketAddr::new(ip, addr.port()),
        // As it was, with its scope.
        IpAddr::V6(_) => addr,
    }
}
