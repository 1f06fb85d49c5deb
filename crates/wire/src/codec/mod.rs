//! Frames as bytes: type, length of the body, body. See `docs/wire.md` for the table.
//!
//! The same bytes always mean the same frame, and a frame has one form only: what is not in that
//! form is refused. A frame of a type that this version does not know is skipped.

mod answers;
#[cfg(test)]
mod budget;
mod delta;
mod digest;
mod item;
mod member;
#[cfg(test)]
pub(crate) mod tests;

use crate::writer::{Sink, counted, varint_len};
use crate::{DecodeError, Frame, Reader, Subject, Summary, limits};
use bruit_engine::membership::swim::Seq;
use bruit_model::{ItemId, NodeId};
use bytes::Bytes;

pub use answers::{ANSWER_GROUP_BYTES, ANSWER_MEMBER_BYTES, ANSWERS_BYTES};
pub use delta::{delta_entry_len, delta_header_len};
pub use item::{decode_item, encode_item, item_len};
pub use member::update_len;

/// The first byte of each frame. A number is never used again for another type.
mod kind {
    pub(super) const PING: u8 = 0x01;
    pub(super) const PING_REQ: u8 = 0x02;
    pub(super) const ACK: u8 = 0x03;
    pub(super) const NACK: u8 = 0x04;
    pub(super) const ALIVE: u8 = 0x10;
    pub(super) const SUSPECT: u8 = 0x11;
    pub(super) const FAILED: u8 = 0x12;
    pub(super) const LEFT: u8 = 0x13;
    pub(super) const STATE: u8 = 0x14;
    pub(super) const ITEM: u8 = 0x20;
    pub(super) const ANNOUNCE: u8 = 0x21;
    pub(super) const FETCH: u8 = 0x22;
    pub(super) const PULL_REQUEST: u8 = 0x23;
    pub(super) const FEEDBACK: u8 = 0x24;
    pub(super) const BUCKETS: u8 = 0x30;
    pub(super) const MEMBER_DIGESTS: u8 = 0x31;
    pub(super) const DELTA: u8 = 0x32;
    pub(super) const ITEM_DIGESTS: u8 = 0x33;
    pub(super) const WANT: u8 = 0x34;
    pub(super) const GONE: u8 = 0x35;
    pub(super) const TELL: u8 = 0x40;
    pub(super) const TOLD: u8 = 0x41;
    pub(super) const ANSWERS: u8 = 0x42;
}

impl Frame {
    /// Appends the frame to `out`. What exceeds a limit of [`limits`] is written all the same, and
    /// refused by every reader: the limits are the caller's to keep.
    ///
    /// # Panics
    /// If the ranges of a run are not as [`crate::RunRanges`] says.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let body = self.body_len();
        out.reserve(1 + varint_len(body as u64) + body);
        out.u8(self.kind());
        out.length(body);
        self.write_body(out);
    }

    /// How many bytes [`Frame::encode`] appends.
    ///
    /// # Panics
    /// As [`Frame::encode`].
    pub fn encoded_len(&self) -> usize {
        frame_len(self.body_len())
    }

    /// Takes one frame from the front of `reader`; `None` stands for a frame of an unknown type,
    /// which has been skipped.
    ///
    /// # Errors
    /// The bytes are no frame, or exceed a limit.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        let kind = reader.u8()?;
        let mut body = Reader::new(reader.bytes(limits::FRAME)?);
        let frame = Self::read_body(kind, &mut body)?;
        if frame.is_some() {
            body.finish()?;
        }
        Ok(frame)
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Ping { .. } => kind::PING,
            Self::PingReq { .. } => kind::PING_REQ,
            Self::Ack { .. } => kind::ACK,
            Self::Nack { .. } => kind::NACK,
            Self::Update(update) => member::update_kind(update),
            Self::State { .. } => kind::STATE,
            Self::Item { .. } => kind::ITEM,
            Self::Announce(_) => kind::ANNOUNCE,
            Self::Fetch(_) => kind::FETCH,
            Self::PullRequest => kind::PULL_REQUEST,
            Self::Feedback { .. } => kind::FEEDBACK,
            Self::Buckets { .. } => kind::BUCKETS,
            Self::MemberDigests { .. } => kind::MEMBER_DIGESTS,
            Self::Delta(_) => kind::DELTA,
            Self::ItemDigests { .. } => kind::ITEM_DIGESTS,
            Self::Want(_) => kind::WANT,
            Self::Gone(_) => kind::GONE,
            Self::Tell { .. } => kind::TELL,
            Self::Told { .. } => kind::TOLD,
            Self::Answers { .. } => kind::ANSWERS,
        }
    }

    fn body_len(&self) -> usize {
        counted(|count| self.write_body(count))
    }

    fn write_body(&self, out: &mut impl Sink) {
        match self {
            Self::Ping { seq, target, summary } => {
                out.u32(seq.0);
                out.put(&target.0);
                write_summary(summary, out);
            }
            Self::PingReq { seq, target, wants_nack } => {
                out.u32(seq.0);
                out.put(&target.0);
                out.u8(u8::from(*wants_nack));
            }
            Self::Ack { seq, summary } => {
                out.u32(seq.0);
                write_summary(summary, out);
            }
            Self::Nack { seq } => out.u32(seq.0),
            Self::Update(update) => member::write_update(update, out),
            Self::State { updates, wants_answer } => {
                member::write_state(updates, *wants_answer, out);
            }
            Self::Item { item, wants_feedback, repair } => {
                item::write_item_body(item, *wants_feedback, *repair, out);
            }
            Self::Announce(ids) | Self::Fetch(ids) => item::write_ids(ids, out),
            Self::PullRequest => {}
            Self::Feedback { id, known } => {
                write_item_id(id, out);
                out.u8(u8::from(*known));
            }
            Self::Buckets { subject, sums } => write_buckets(*subject, sums, out),
            Self::MemberDigests { buckets, digests, wants_answer } => {
                digest::write_member_digests(*buckets, digests, *wants_answer, out);
            }
            Self::Delta(delta) => delta::write_delta(delta, out),
            Self::ItemDigests { buckets, runs, wants_answer } => {
                out.u64(*buckets);
                out.u8(u8::from(*wants_answer));
                digest::write_runs(runs, out);
            }
            Self::Want(runs) | Self::Gone(runs) => digest::write_runs(runs, out),
            Self::Tell { token, bytes } => {
                out.u64(*token);
                out.put(bytes);
            }
            Self::Told { token } => out.u64(*token),
            Self::Answers { token, answers } => answers::write_answers(*token, answers, out),
        }
    }

    fn read_body(kind: u8, body: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        let frame = match kind {
            kind::PING => {
                let (seq, target) = (read_seq(body)?, read_node_id(body)?);
                Self::Ping { seq, target, summary: read_summary(body)? }
            }
            kind::PING_REQ => {
                let (seq, target) = (read_seq(body)?, read_node_id(body)?);
                Self::PingReq { seq, target, wants_nack: body.bool()? }
            }
            kind::ACK => Self::Ack { seq: read_seq(body)?, summary: read_summary(body)? },
            kind::NACK => Self::Nack { seq: read_seq(body)? },
            kind::ALIVE | kind::SUSPECT | kind::FAILED | kind::LEFT => {
                Self::Update(member::read_update(kind, body)?)
            }
            kind::STATE => member::read_state(body)?,
            kind::ITEM => item::read_item_body(body)?,
            kind::ANNOUNCE => Self::Announce(item::read_ids(body)?),
            kind::FETCH => Self::Fetch(item::read_ids(body)?),
            kind::PULL_REQUEST => Self::PullRequest,
            kind::FEEDBACK => Self::Feedback { id: read_item_id(body)?, known: body.bool()? },
            kind::BUCKETS => read_buckets(body)?,
            kind::MEMBER_DIGESTS => digest::read_member_digests(body)?,
            kind::DELTA => Self::Delta(delta::read_delta(body)?),
            kind::ITEM_DIGESTS => {
                let (buckets, wants_answer) = (body.u64()?, body.bool()?);
                Self::ItemDigests { buckets, runs: digest::read_runs(body)?, wants_answer }
            }
            kind::WANT => Self::Want(digest::read_runs(body)?),
            kind::GONE => Self::Gone(digest::read_runs(body)?),
            kind::TELL => {
                let token = body.u64()?;
                Self::Tell { token, bytes: Bytes::copy_from_slice(body.rest(limits::TELL)?) }
            }
            kind::TOLD => Self::Told { token: body.u64()? },
            kind::ANSWERS => answers::read_answers(body)?,
            _ => return Ok(None),
        };
        Ok(Some(frame))
    }
}

/// Takes all frames of a datagram or message: `frames` is cleared and filled. The result is how
/// many frames of unknown types were skipped.
///
/// # Errors
/// One of them is no frame, or there are more than [`limits::FRAMES`]; `frames` is then empty, so
/// that bytes are taken whole or not at all.
pub fn decode_all(bytes: &[u8], frames: &mut Vec<Frame>) -> Result<usize, DecodeError> {
    frames.clear();
    let mut reader = Reader::new(bytes);
    let mut unknown_count = 0;
    while !reader.is_empty() {
        let taken = limits::FRAMES
            .check((frames.len() + unknown_count + 1) as u64)
            .and_then(|_| Frame::decode(&mut reader));
        match taken {
            Ok(Some(frame)) => frames.push(frame),
            Ok(None) => unknown_count += 1,
            Err(error) => {
                frames.clear();
                return Err(error);
            }
        }
    }
    Ok(unknown_count)
}

/// The length of a frame with a body of `body` bytes.
const fn frame_len(body: usize) -> usize {
    1 + varint_len(body as u64) + body
}

fn read_seq(body: &mut Reader<'_>) -> Result<Seq, DecodeError> {
    body.u32().map(Seq)
}

fn read_node_id(body: &mut Reader<'_>) -> Result<NodeId, DecodeError> {
    body.array().map(NodeId)
}

/// At least this many bytes for an item's id.
const ITEM_ID_BYTES_MIN: usize = 16 + 8 + 1;

fn write_item_id(id: &ItemId, out: &mut impl Sink) {
    out.put(&id.origin.0);
    out.u64(id.start);
    out.varint(id.seq);
}

fn read_item_id(body: &mut Reader<'_>) -> Result<ItemId, DecodeError> {
    Ok(ItemId { origin: read_node_id(body)?, start: body.u64()?, seq: body.varint()? })
}

fn write_summary(summary: &Summary, out: &mut impl Sink) {
    out.u64(summary.members);
    out.u64(summary.items);
}

fn read_summary(body: &mut Reader<'_>) -> Result<Summary, DecodeError> {
    Ok(Summary { members: body.u64()?, items: body.u64()? })
}

fn write_buckets(subject: Subject, sums: &[u64; 64], out: &mut impl Sink) {
    out.u8(match subject {
        Subject::Members => 0,
        Subject::Items => 1,
    });
    for sum in sums {
        out.u64(*sum);
    }
}

fn read_buckets(body: &mut Reader<'_>) -> Result<Frame, DecodeError> {
    let subject = match body.u8()? {
        0 => Subject::Members,
        1 => Subject::Items,
        _ => return Err(DecodeError::Invalid("subject")),
    };
    let mut sums = Box::new([0; 64]);
    for sum in sums.iter_mut() {
        *sum = body.u64()?;
    }
    Ok(Frame::Buckets { subject, sums })
}
