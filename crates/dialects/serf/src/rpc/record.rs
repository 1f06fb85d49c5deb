//! What an agent streams: events of three shapes, told apart by their `Event`.

use super::{MemberEvent, QueryEvent, UserEvent};
use crate::codec::msgpack::{Form, Reader, record};
use crate::limits::TEXT;
use bruit_wire::{DecodeError, Sink};

record! {
    /// What is common to all records of a stream.
    pub struct Tagged {
        /// Which event it is.
        "Event" event: String, TEXT;
    }
    source ["Event"]
}

/// An event of a stream.
#[derive(Clone, Debug, PartialEq)]
pub enum StreamRecord {
    /// `member-join`, `member-leave`, `member-failed`, `member-update`, `member-reap`.
    Members(MemberEvent),
    /// `user`.
    User(UserEvent),
    /// `query`.
    Query(QueryEvent),
}

impl StreamRecord {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let tagged = Tagged::read(&mut reader.clone())?;
        Ok(match tagged.event.as_str() {
            "user" => Self::User(UserEvent::read(reader)?),
            "query" => Self::Query(QueryEvent::read(reader)?),
            _ => Self::Members(MemberEvent::read(reader)?),
        })
    }

    /// Writes it.
    pub fn write<S: Sink>(&self, form: Form, out: &mut S) {
        match self {
            Self::Members(event) => event.write(form, out),
            Self::User(event) => event.write(form, out),
            Self::Query(event) => event.write(form, out),
        }
    }
}
