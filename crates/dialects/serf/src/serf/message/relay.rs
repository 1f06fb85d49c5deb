//! A message that a member passes on to another.

use crate::codec::msgpack::record;
use crate::limits::{ADDR, NAME, RECORD};
use bytes::Bytes;

record! {
    /// Where a relayed message goes.
    pub struct RelayHeader {
        /// The address.
        "DestAddr" addr: UdpAddr, RECORD;
        /// The member's name.
        "DestName" name: String, NAME;
    }
    source ["DestAddr", "DestName"]

    /// An address as Go's `net.UDPAddr`.
    pub struct UdpAddr {
        /// 4 or 16 bytes.
        "IP" ip: Bytes, ADDR;
        /// The port.
        "Port" port: i64, RECORD;
        /// The scope of an IPv6 address; empty.
        "Zone" zone: String, NAME;
    }
    source ["IP", "Port", "Zone"]
}

/// A message, and for whom.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Relay {
    /// For whom.
    pub header: RelayHeader,
    /// The message, its type first, as it is passed on: as a user message.
    pub message: Bytes,
}
