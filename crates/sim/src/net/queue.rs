//! What is to happen, in order.

use crate::HostId;
use crate::calendar::Calendar;
use bruit_model::SocketId;
use bytes::Bytes;
use std::net::SocketAddr;

/// A datagram under way.
#[derive(Debug)]
pub(crate) struct Datagram {
    /// Who sent it; `None` if it was injected.
    pub(crate) sender: Option<HostId>,
    /// The address it came from.
    pub(crate) from: SocketAddr,
    pub(crate) to: HostId,
    pub(crate) on: SocketId,
    pub(crate) bytes: Bytes,
    /// Its place in the order in which the sender sent to this host.
    pub(crate) number: u64,
    /// Whether the network made it.
    pub(crate) copy: bool,
}

/// One of a stream's two ends: 0 connected, 1 accepted.
pub(crate) type Side = usize;

/// What is to happen.
#[derive(Debug)]
pub(crate) enum Action {
    /// A datagram arrives.
    Datagram(Datagram),
    /// A node's timer fires.
    Timer(HostId),
    /// A request to connect arrives.
    Syn(u64),
    /// A request to connect has waited long enough.
    ConnectTimeout(u64),
    /// What travels to this end of a stream may have arrived.
    Arrive(u64, Side),
    /// What travels to this end has been held up since the stall of this number.
    StallTimeout(u64, Side, u64),
    /// A node reads again.
    Read(u64, Side),
    /// A slow host is done with its last input.
    Ready(HostId),
}

/// What is to happen to all hosts, in the order (time, order of scheduling).
pub(crate) type Queue = Calendar<Action>;
