//! Serf's RPC: what its command line says to its agent.
//!
//! Objects of MessagePack back to back on a TCP stream: a header, and a body where the command has
//! one. Which body follows an answer's header depends on what was asked, so that a client keeps the
//! commands that it has not got an answer to.
//!
//! Source: serf `cmd/serf/command/agent/ipc.go`, `client/const.go`.

mod answer;
mod object;
mod record;
mod request;

pub use answer::{
    CoordinateAnswer, JoinAnswer, KeyAnswer, LogRecord, Member, MemberEvent, MembersAnswer,
    QueryEvent, QueryRecord, ResponseHeader, Stats, UserEvent,
};
pub use object::Objects;
pub use record::{StreamRecord, Tagged};
pub use request::{
    Auth, Event, ForceLeave, Handshake, Join, Key, MembersFiltered, Monitor, NodeName, Query,
    Request, RequestHeader, Respond, Stop, Stream, Tags,
};
