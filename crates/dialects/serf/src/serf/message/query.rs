//! A query and its answers.

use crate::codec::msgpack::record;
use crate::limits::{ADDR, EVENT, FILTERS, NAME, RECORD};
use bytes::Bytes;

record! {
    /// A question to all members that its filters choose.
    pub struct Query {
        /// Where answers go: 4 or 16 bytes.
        "Addr" addr: Bytes, ADDR;
        /// As [`super::Filter`] reads them; all must fit.
        "Filters" filters: Option<Vec<Bytes>>, FILTERS;
        /// [`Query::ACK`] and [`Query::NO_BROADCAST`].
        "Flags" flags: u32, RECORD;
        /// Random; tells it from others of the same Lamport time.
        "ID" id: u32, RECORD;
        /// The query's Lamport time.
        "LTime" ltime: u64, RECORD;
        /// What is asked; names that begin with `_serf_` are Serf's own.
        "Name" name: String, EVENT;
        /// With what.
        "Payload" payload: Option<Bytes>, EVENT;
        /// The port where answers go.
        "Port" port: u16, RECORD;
        /// How many members pass an answer on besides the direct way.
        "RelayFactor" relay_factor: u8, RECORD;
        /// Who asks; empty from Serf before 0.9.2.
        "SourceNode" source_node: String, NAME;
        /// For how many nanoseconds answers are taken.
        "Timeout" timeout_nanos: i64, RECORD;
    }
    source [
        "LTime", "ID", "Addr", "Port", "SourceNode", "Filters", "Flags", "RelayFactor", "Timeout",
        "Name", "Payload",
    ]

    /// An answer, or only that the query has come.
    pub struct QueryResponse {
        /// [`QueryResponse::ACK`].
        "Flags" flags: u32, RECORD;
        /// Who answers.
        "From" from: String, NAME;
        /// As in the query.
        "ID" id: u32, RECORD;
        /// As in the query.
        "LTime" ltime: u64, RECORD;
        /// The answer.
        "Payload" payload: Option<Bytes>, EVENT;
    }
    source ["LTime", "ID", "From", "Flags", "Payload"]
}

impl Query {
    /// Each receiver says that it has come.
    pub const ACK: u32 = 1;
    /// It is not passed on.
    pub const NO_BROADCAST: u32 = 2;
}

impl QueryResponse {
    /// It says that the query has come, and is no answer.
    pub const ACK: u32 = 1;
}
