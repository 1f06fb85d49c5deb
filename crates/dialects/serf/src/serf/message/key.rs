//! Queries about keys, and their answers.

use crate::codec::msgpack::record;
use crate::limits::{ADDR, KEYS, RECORD, TEXT};
use bruit_wire::Limit;
use bytes::Bytes;

record! {
    /// The payload of `_serf_install-key`, `_serf_use-key`, `_serf_remove-key`, `_serf_list-keys`.
    pub struct KeyRequest {
        /// The key; absent to list them.
        "Key" key: Option<Bytes>, crate::codec::msgpack::Bound {
            count: Limit { what: "a key, in bytes", max: 64 }, ..ADDR
        };
    }
    source ["Key"]

    /// What one member answers.
    pub struct KeyResponse {
        /// When listing: its keys in base64.
        "Keys" keys: Option<Vec<String>>, KEYS;
        /// What went wrong, or that the list was cut.
        "Message" message: String, TEXT;
        /// When listing: its primary key in base64 (Serf 0.9 and later).
        "PrimaryKey" primary_key: String, TEXT;
        /// Whether it went well.
        "Result" result: bool, RECORD;
    }
    source ["Result", "Message", "Keys", "PrimaryKey"]
}
