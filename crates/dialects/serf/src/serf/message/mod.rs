//! Serf's messages: in memberlist's user messages, in its user state, and in queries.
//!
//! Source: serf `serf/messages.go`, `serf/internal_query.go`, `serf/keymanager.go`.

mod event;
mod filter;
mod intent;
mod key;
mod query;
mod relay;
mod state;

pub use event::UserEvent;
pub use filter::{Filter, TagFilter};
pub use intent::{Join, Leave};
pub use key::{KeyRequest, KeyResponse};
pub use query::{Query, QueryResponse};
pub use relay::{Relay, RelayHeader, UdpAddr};
pub use state::{EventsAt, Member, PastEvent, PushPullState};

use crate::codec::msgpack::{Form, Reader};
use bruit_wire::{DecodeError, Sink};
use bytes::Bytes;

/// The first byte of each. Serf only ever appends to this list.
mod kind {
    pub(super) const LEAVE: u8 = 0;
    pub(super) const JOIN: u8 = 1;
    pub(super) const PUSH_PULL: u8 = 2;
    pub(super) const USER_EVENT: u8 = 3;
    pub(super) const QUERY: u8 = 4;
    pub(super) const QUERY_RESPONSE: u8 = 5;
    pub(super) const CONFLICT_RESPONSE: u8 = 6;
    pub(super) const KEY_REQUEST: u8 = 7;
    pub(super) const KEY_RESPONSE: u8 = 8;
    pub(super) const RELAY: u8 = 9;
}

/// A message of Serf.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// A member leaves, or is made to.
    Leave(Leave),
    /// A member has joined.
    Join(Join),
    /// The user state of a push/pull.
    PushPull(PushPullState),
    /// A user event.
    UserEvent(UserEvent),
    /// A question to members.
    Query(Query),
    /// An answer.
    QueryResponse(QueryResponse),
    /// The payload of an answer to `_serf_conflict`.
    ConflictResponse(Member),
    /// The payload of a query about keys.
    KeyRequest(KeyRequest),
    /// The payload of an answer to it.
    KeyResponse(KeyResponse),
    /// A message to be passed on.
    Relay(Relay),
}

impl Message {
    /// Reads one, its type first. What follows a structure is ignored, as in Serf.
    ///
    /// # Errors
    /// What is wrong with the bytes; an unknown type is [`DecodeError::Invalid`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (&kind, body) = bytes.split_first().ok_or(DecodeError::Truncated)?;
        let reader = &mut Reader::new(body);
        Ok(match kind {
            kind::LEAVE => Self::Leave(Leave::read(reader)?),
            kind::JOIN => Self::Join(Join::read(reader)?),
            kind::PUSH_PULL => Self::PushPull(PushPullState::read(reader)?),
            kind::USER_EVENT => Self::UserEvent(UserEvent::read(reader)?),
            kind::QUERY => Self::Query(Query::read(reader)?),
            kind::QUERY_RESPONSE => Self::QueryResponse(QueryResponse::read(reader)?),
            kind::CONFLICT_RESPONSE => Self::ConflictResponse(Member::read(reader)?),
            kind::KEY_REQUEST => Self::KeyRequest(KeyRequest::read(reader)?),
            kind::KEY_RESPONSE => Self::KeyResponse(KeyResponse::read(reader)?),
            kind::RELAY => {
                let header = RelayHeader::read(reader)?;
                let message = Bytes::copy_from_slice(reader.take(reader.remaining())?);
                Self::Relay(Relay { header, message })
            }
            _ => return Err(DecodeError::Invalid("type of a Serf message")),
        })
    }

    /// Writes it, its type first.
    pub fn encode<S: Sink>(&self, form: Form, out: &mut S) {
        out.u8(self.kind());
        match self {
            Self::Leave(leave) => leave.write(form, out),
            Self::Join(join) => join.write(form, out),
            Self::PushPull(state) => state.write(form, out),
            Self::UserEvent(event) => event.write(form, out),
            Self::Query(query) => query.write(form, out),
            Self::QueryResponse(response) => response.write(form, out),
            Self::ConflictResponse(member) => member.write(form, out),
            Self::KeyRequest(request) => request.write(form, out),
            Self::KeyResponse(response) => response.write(form, out),
            Self::Relay(relay) => {
                relay.header.write(form, out);
                out.put(&relay.message);
            }
        }
    }

    const fn kind(&self) -> u8 {
        match self {
            Self::Leave(_) => kind::LEAVE,
            Self::Join(_) => kind::JOIN,
            Self::PushPull(_) => kind::PUSH_PULL,
            Self::UserEvent(_) => kind::USER_EVENT,
            Self::Query(_) => kind::QUERY,
            Self::QueryResponse(_) => kind::QUERY_RESPONSE,
            Self::ConflictResponse(_) => kind::CONFLICT_RESPONSE,
            Self::KeyRequest(_) => kind::KEY_REQUEST,
            Self::KeyResponse(_) => kind::KEY_RESPONSE,
            Self::Relay(_) => kind::RELAY,
        }
    }
}
