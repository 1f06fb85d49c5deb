//! What an agent answers, and what it streams.

use crate::codec::msgpack::{Form, Pairs, Reader, Value as _, Writer, read, record};
use crate::limits::{ADDR, EVENT, MEMBERS, NAME, RECORD, TAGS, TEXT, TEXTS};
use crate::serf::coordinate::Coordinate;
use bruit_wire::{DecodeError, Sink};
use bytes::Bytes;

record! {
    /// Stands in front of each answer and of each record of a stream.
    pub struct ResponseHeader {
        /// What went wrong; empty: nothing.
        "Error" error: String, TEXT;
        /// As in the request.
        "Seq" seq: u64, RECORD;
    }
    source ["Seq", "Error"]

    /// Answers a join.
    pub struct JoinAnswer {
        /// How many members were reached.
        "Num" count: i32, RECORD;
    }
    source ["Num"]

    /// Answers for members.
    pub struct MembersAnswer {
        /// They.
        "Members" members: Option<Vec<Member>>, MEMBERS;
    }
    source ["Members"]

    /// A member.
    pub struct Member {
        /// 4 or 16 bytes.
        "Addr" addr: Option<Bytes>, ADDR;
        /// The version of Serf's protocol that it speaks.
        "DelegateCur" delegate_cur: u8, RECORD;
        /// The highest that it understands.
        "DelegateMax" delegate_max: u8, RECORD;
        /// The lowest.
        "DelegateMin" delegate_min: u8, RECORD;
        /// Its name.
        "Name" name: String, NAME;
        /// Its port.
        "Port" port: u16, RECORD;
        /// The version of memberlist's protocol that it speaks.
        "ProtocolCur" protocol_cur: u8, RECORD;
        /// The highest that it understands.
        "ProtocolMax" protocol_max: u8, RECORD;
        /// The lowest.
        "ProtocolMin" protocol_min: u8, RECORD;
        /// In a word: `alive`, `leaving`, `left`, `failed`, `none`.
        "Status" status: String, TEXT;
        /// Its tags.
        "Tags" tags: Option<Pairs<String>>, TAGS;
    }
    source [
        "Name", "Addr", "Port", "Tags", "Status", "ProtocolMin", "ProtocolMax", "ProtocolCur",
        "DelegateMin", "DelegateMax", "DelegateCur",
    ]

    /// Answers about keys.
    pub struct KeyAnswer {
        /// How many members have each key, when listing.
        "Keys" keys: Option<Pairs<i64>>, TEXTS;
        /// What members said, by name.
        "Messages" messages: Option<Pairs<String>>, TEXTS;
        /// How many members said that it went wrong.
        "NumErr" error_count: i64, RECORD;
        /// How many members there are.
        "NumNodes" node_count: i64, RECORD;
        /// How many members answered.
        "NumResp" response_count: i64, RECORD;
    }
    source ["Messages", "Keys", "NumNodes", "NumErr", "NumResp"]

    /// Answers for a coordinate.
    pub struct CoordinateAnswer {
        /// It.
        "Coord" coordinate: Coordinate, RECORD;
        /// Whether it is known.
        "Ok" is_known: bool, RECORD;
    }
    source ["Coord", "Ok"]

    /// A line of the log.
    pub struct LogRecord {
        /// The line.
        "Log" line: String, TEXT;
    }
    source ["Log"]

    /// A member that joined, left, failed, changed, or was forgotten.
    pub struct MemberEvent {
        /// `member-join` and so on.
        "Event" event: String, TEXT;
        /// Who.
        "Members" members: Option<Vec<Member>>, MEMBERS;
    }
    source ["Event", "Members"]

    /// A user event.
    pub struct UserEvent {
        /// Whether only the newest of that name is given.
        "Coalesce" coalesce: bool, RECORD;
        /// `user`.
        "Event" event: String, TEXT;
        /// Its Lamport time.
        "LTime" ltime: u64, RECORD;
        /// Its name.
        "Name" name: String, EVENT;
        /// Its payload.
        "Payload" payload: Option<Bytes>, EVENT;
    }
    source ["Event", "LTime", "Name", "Payload", "Coalesce"]

    /// A query that may be answered.
    pub struct QueryEvent {
        /// `query`.
        "Event" event: String, TEXT;
        /// By which it is answered.
        "ID" id: u64, RECORD;
        /// Its Lamport time.
        "LTime" ltime: u64, RECORD;
        /// What is asked.
        "Name" name: String, EVENT;
        /// With what.
        "Payload" payload: Option<Bytes>, EVENT;
    }
    source ["Event", "ID", "LTime", "Name", "Payload"]

    /// What comes of a query that the client asked.
    pub struct QueryRecord {
        /// Who answers.
        "From" from: String, NAME;
        /// The answer.
        "Payload" payload: Option<Bytes>, EVENT;
        /// `ack`, `response`, `done`.
        "Type" kind: String, TEXT;
    }
    source ["Type", "From", "Payload"]
}

/// Statistics: by section and by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats(pub Pairs<Pairs<String>>);

impl Stats {
    /// Reads them.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        read(reader, TEXTS).map(Self)
    }

    /// Writes them.
    pub fn write<S: Sink>(&self, form: Form, out: &mut S) {
        self.0.encode(&mut Writer::new(out, form));
    }
}
