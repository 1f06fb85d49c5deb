//! A user event.

use crate::codec::msgpack::record;
use crate::limits::{EVENT, RECORD};
use bytes::Bytes;

record! {
    /// A name and a payload, for all members.
    pub struct UserEvent {
        /// Whether a receiver may give only the newest of that name (Go: can coalesce).
        "CC" coalesce: bool, RECORD;
        /// The event's Lamport time.
        "LTime" ltime: u64, RECORD;
        /// What happened.
        "Name" name: String, EVENT;
        /// With what.
        "Payload" payload: Option<Bytes>, EVENT;
    }
    source ["LTime", "Name", "Payload", "CC"]
}
