//! What Serf adds to a push/pull, and what it tells of a member when names conflict.

use crate::codec::msgpack::{Pairs, record};
use crate::limits::{ADDR, EVENT, EVENT_SLOTS, EVENTS, LEFT, NAME, RECORD, STATUSES, TAGS};
use bytes::Bytes;

record! {
    /// The user state of a push/pull.
    pub struct PushPullState {
        /// The sender's clock of events.
        "EventLTime" event_ltime: u64, RECORD;
        /// Its ring of recent events, with empty slots.
        "Events" events: Option<Vec<Option<EventsAt>>>, EVENT_SLOTS;
        /// Its clock of intents.
        "LTime" ltime: u64, RECORD;
        /// Members that left.
        "LeftMembers" left_members: Option<Vec<String>>, LEFT;
        /// Its clock of queries.
        "QueryLTime" query_ltime: u64, RECORD;
        /// When each member got the status it has.
        "StatusLTimes" status_ltimes: Option<Pairs<u64>>, STATUSES;
    }
    source ["LTime", "StatusLTimes", "LeftMembers", "EventLTime", "Events", "QueryLTime"]

    /// The events of one Lamport time.
    pub struct EventsAt {
        /// Those with different names or payloads.
        "Events" events: Option<Vec<PastEvent>>, EVENTS;
        /// The time.
        "LTime" ltime: u64, RECORD;
    }
    source ["LTime", "Events"]

    /// An event without its time.
    pub struct PastEvent {
        /// What happened.
        "Name" name: String, EVENT;
        /// With what.
        "Payload" payload: Option<Bytes>, EVENT;
    }
    source ["Name", "Payload"]

    /// A member as Serf knows it.
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
        /// 0 none, 1 alive, 2 leaving, 3 left, 4 failed.
        "Status" status: i64, RECORD;
        /// Its tags.
        "Tags" tags: Option<Pairs<String>>, TAGS;
    }
    source [
        "Name", "Addr", "Port", "Tags", "Status", "ProtocolMin", "ProtocolMax", "ProtocolCur",
        "DelegateMin", "DelegateMax", "DelegateCur",
    ]
}
