//! News about a member's metadata.

use super::read_node_id;
use crate::writer::{Sink, counted, varint_len};
use crate::{DecodeError, Reader, limits};
use bruit_engine::reconcile::scuttlebutt::message::{Entry, NodeDelta};
use bruit_model::NodeId;

/// At least this many bytes for an entry: a key of one byte, a tombstone, a version.
const ENTRY_BYTES_MIN: usize = 4;

/// How many bytes an entry adds to a `Delta`: exact.
pub fn delta_entry_len(entry: &Entry) -> usize {
    counted(|count| write_entry(entry, count))
}

/// How many bytes a `Delta` frame takes beside its entries, whatever they are: type, length and
/// count are taken at their longest, so that a delta of this and its entries' lengths always fits
/// in as much. The frame may turn out up to 4 bytes shorter.
pub fn delta_header_len(delta: &NodeDelta<NodeId>) -> usize {
    let length_and_count =
        varint_len(limits::DELTA.max as u64) + varint_len(limits::ENTRIES.max as u64);
    1 + length_and_count + counted(|count| write_head(delta, count))
}

pub(super) fn write_delta(delta: &NodeDelta<NodeId>, out: &mut impl Sink) {
    write_head(delta, out);
    out.length(delta.entries.len());
    for entry in &delta.entries {
        write_entry(entry, out);
    }
}

fn write_head(delta: &NodeDelta<NodeId>, out: &mut impl Sink) {
    out.put(&delta.id.0);
    out.varint(delta.generation);
    out.varint(delta.from_version);
    out.varint(delta.purged_version);
    out.varint(delta.max_version);
}

/// Key; 0 for a tombstone, else one more than the value's length, and the value; version.
fn write_entry(entry: &Entry, out: &mut impl Sink) {
    out.bytes(entry.key.as_bytes());
    match &entry.value {
        None => out.varint(0),
        Some(value) => {
            out.length(value.len() + 1);
            out.put(value);
        }
    }
    out.varint(entry.version);
}

pub(super) fn read_delta(body: &mut Reader<'_>) -> Result<NodeDelta<NodeId>, DecodeError> {
    limits::DELTA.check(body.remaining() as u64)?;
    let mut delta = NodeDelta {
        id: read_node_id(body)?,
        generation: body.varint()?,
        from_version: body.varint()?,
        purged_version: body.varint()?,
        max_version: body.varint()?,
        entries: Vec::new(),
    };
    let count = body.count(limits::ENTRIES, ENTRY_BYTES_MIN)?;
    delta.entries.reserve_exact(count);
    let mut version = delta.from_version;
    for _ in 0..count {
        let entry = read_entry(body)?;
        if entry.version <= version || entry.version > delta.max_version {
            return Err(DecodeError::Invalid("order of versions"));
        }
        version = entry.version;
        delta.entries.push(entry);
    }
    Ok(delta)
}

fn read_entry(body: &mut Reader<'_>) -> Result<Entry, DecodeError> {
    let key = body.str(limits::META_KEY)?;
    if key.is_empty() || key.chars().any(char::is_control) {
        return Err(DecodeError::Invalid("metadata key"));
    }
    let value = match body.varint()?.checked_sub(1) {
        None => None,
        Some(length) => Some(body.take(limits::META_VALUE.check(length)?)?.to_vec()),
    };
    Ok(Entry { key: key.to_owned(), value, version: body.varint()? })
}
