//! Updates about members.

use super::{frame_len, kind, read_node_id};
use crate::writer::{Sink, counted};
use crate::{DecodeError, Frame, Reader, limits};
use bruit_engine::membership::swim::Incarnation;
use bruit_engine::membership::swim::message::Update;
use bruit_model::{MemberRecord, NodeId};
use std::net::SocketAddr;

/// At least this many bytes for an update in a `State`: its kind, an id, an incarnation.
const UPDATE_BYTES_MIN: usize = 1 + 16 + 1;

/// How many bytes an update takes as a frame of its own.
pub fn update_len(update: &Update<NodeId, MemberRecord>) -> usize {
    frame_len(counted(|count| write_update(update, count)))
}

pub(super) fn update_kind(update: &Update<NodeId, MemberRecord>) -> u8 {
    match update {
        Update::Alive { .. } => kind::ALIVE,
        Update::Suspect { .. } => kind::SUSPECT,
        Update::Failed { .. } => kind::FAILED,
        Update::Left { .. } => kind::LEFT,
    }
}

pub(super) fn write_update(update: &Update<NodeId, MemberRecord>, out: &mut impl Sink) {
    match update {
        Update::Alive { id, incarnation, record } => {
            out.put(&id.0);
            out.varint(incarnation.0);
            write_addr(record.addr, out);
            out.bytes(record.name.as_bytes());
        }
        Update::Suspect { id, incarnation, from } | Update::Failed { id, incarnation, from } => {
            out.put(&id.0);
            out.varint(incarnation.0);
            out.put(&from.0);
        }
        Update::Left { id, incarnation } => {
            out.put(&id.0);
            out.varint(incarnation.0);
        }
    }
}

pub(super) fn read_update(
    kind: u8,
    body: &mut Reader<'_>,
) -> Result<Update<NodeId, MemberRecord>, DecodeError> {
    let (id, incarnation) = (read_node_id(body)?, Incarnation(body.varint()?));
    match kind {
        kind::ALIVE => {
            let addr = read_addr(body)?;
            let name = body.str(limits::NAME)?;
            if !MemberRecord::is_valid_name(name) {
                return Err(DecodeError::Invalid("member name"));
            }
            let record = MemberRecord { name: name.into(), addr };
            Ok(Update::Alive { id, incarnation, record })
        }
        kind::SUSPECT => Ok(Update::Suspect { id, incarnation, from: read_node_id(body)? }),
        kind::FAILED => Ok(Update::Failed { id, incarnation, from: read_node_id(body)? }),
        kind::LEFT => Ok(Update::Left { id, incarnation }),
        _ => Err(DecodeError::Invalid("update")),
    }
}

pub(super) fn write_state(
    updates: &[Update<NodeId, MemberRecord>],
    wants_answer: bool,
    out: &mut impl Sink,
) {
    out.u8(u8::from(wants_answer));
    out.length(updates.len());
    for update in updates {
        out.u8(update_kind(update));
        write_update(update, out);
    }
}

pub(super) fn read_state(body: &mut Reader<'_>) -> Result<Frame, DecodeError> {
    let wants_answer = body.bool()?;
    let count = body.count(limits::UPDATES, UPDATE_BYTES_MIN)?;
    let mut updates = Vec::with_capacity(count);
    for _ in 0..count {
        let kind = body.u8()?;
        updates.push(read_update(kind, body)?);
    }
    Ok(Frame::State { updates, wants_answer })
}

/// Family (4 or 6), address, port. The flow label and scope of an IPv6 address mean something on
/// one host only: they do not travel.
fn write_addr(addr: SocketAddr, out: &mut impl Sink) {
    match addr {
        SocketAddr::V4(addr) => {
            out.u8(4);
            out.put(&addr.ip().octets());
        }
        SocketAddr::V6(addr) => {
            out.u8(6);
            out.put(&addr.ip().octets());
        }
    }
    out.u16(addr.port());
}

fn read_addr(body: &mut Reader<'_>) -> Result<SocketAddr, DecodeError> {
    match body.u8()? {
        4 => Ok((body.array::<4>()?, body.u16()?).into()),
        6 => Ok((body.array::<16>()?, body.u16()?).into()),
        _ => Err(DecodeError::Invalid("address family")),
    }
}
