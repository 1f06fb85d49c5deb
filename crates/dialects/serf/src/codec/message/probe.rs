//! Probing.

use crate::codec::msgpack::record;
use crate::limits::{ACK_PAYLOAD, ADDR, NAME, RECORD};
use bytes::Bytes;

record! {
    /// Asks whether its receiver is there.
    pub struct Ping {
        /// The name of who is asked; empty asks whoever receives it.
        "Node" node: String, NAME;
        /// Repeated by the answer.
        "SeqNo" seq: u32, RECORD;
        /// Where the answer goes, 4 or 16 bytes; empty: to where the ping came from.
        "SourceAddr" source_addr: Bytes, ADDR, omit;
        /// Who asks.
        "SourceNode" source_node: String, NAME, omit;
        /// The port where the answer goes.
        "SourcePort" source_port: u16, RECORD, omit;
    }
    source ["SeqNo", "Node", "SourceAddr", "SourcePort", "SourceNode"]

    /// Asks its receiver to ping another.
    pub struct IndirectPing {
        /// Whether a [`Nack`] is wanted if there is no answer in time (memberlist protocol 4).
        "Nack" wants_nack: bool, RECORD;
        /// The name of who is to be pinged.
        "Node" node: String, NAME;
        /// Its port.
        "Port" port: u16, RECORD;
        /// Repeated by the answer.
        "SeqNo" seq: u32, RECORD;
        /// As in [`Ping`].
        "SourceAddr" source_addr: Bytes, ADDR, omit;
        /// As in [`Ping`].
        "SourceNode" source_node: String, NAME, omit;
        /// As in [`Ping`].
        "SourcePort" source_port: u16, RECORD, omit;
        /// Its address, 4 or 16 bytes.
        "Target" target: Option<Bytes>, ADDR;
    }
    source ["SeqNo", "Target", "Port", "Node", "Nack", "SourceAddr", "SourcePort", "SourceNode"]

    /// Answers a [`Ping`], directly or on behalf of who was pinged.
    pub struct Ack {
        /// What the answering member adds: with Serf, its coordinate.
        "Payload" payload: Option<Bytes>, ACK_PAYLOAD;
        /// As in the ping.
        "SeqNo" seq: u32, RECORD;
    }
    source ["SeqNo", "Payload"]

    /// Says that an indirect ping had no answer in time.
    pub struct Nack {
        /// As in the indirect ping.
        "SeqNo" seq: u32, RECORD;
    }
    source ["SeqNo"]
}
