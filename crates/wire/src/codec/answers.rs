//! Answers to questions.

use super::{read_item_id, read_node_id, write_item_id};
use crate::writer::Sink;
use crate::{Answers, DecodeError, Frame, Reader, limits};
use bruit_engine::spread::ask::message::Group;
use bytes::Bytes;
use std::sync::Arc;

/// At least this many bytes for one who answered: id, number.
const MEMBER_BYTES_MIN: usize = 16 + 1;
/// At least this many bytes for a part: a flag and two lengths.
const GROUP_BYTES_MIN: usize = 1 + 1 + 1;

pub(super) fn write_answers(token: u64, answers: &Answers, out: &mut impl Sink) {
    out.u64(token);
    write_item_id(&answers.question, out);
    out.length(answers.groups.len());
    for group in &answers.groups {
        out.u8(u8::from(group.is_last));
        out.bytes(&group.part);
        out.length(group.from.len());
        for (member, ordinal) in &group.from {
            out.put(&member.0);
            out.u8(*ordinal);
        }
    }
}

pub(super) fn read_answers(body: &mut Reader<'_>) -> Result<Frame, DecodeError> {
    let (token, question) = (body.u64()?, read_item_id(body)?);
    let count = body.count(limits::ANSWER_GROUPS, GROUP_BYTES_MIN)?;
    let mut groups = Vec::with_capacity(count);
    for _ in 0..count {
        let is_last = body.bool()?;
        let part = Bytes::copy_from_slice(body.bytes(limits::ANSWER_PART)?);
        let members = body.count(limits::ANSWER_MEMBERS, MEMBER_BYTES_MIN)?;
        if members == 0 {
            return Err(DecodeError::Invalid("answer of nobody"));
        }
        let mut from = Vec::with_capacity(members);
        for _ in 0..members {
            from.push((read_node_id(body)?, body.u8()?));
        }
        groups.push(Group { part, is_last, from });
    }
    Ok(Frame::Answers { token, answers: Arc::new(Answers { question, groups }) })
}

/// What an `Answers` frame of less than 2 MiB takes at most beside the parts themselves: kind,
/// length, token, question and count.
pub const ANSWERS_BYTES: usize = 1 + 3 + 8 + (16 + 8 + 10) + 2;
/// What each different part adds at most to its own length: flag and two lengths.
pub const ANSWER_GROUP_BYTES: usize = 1 + 2 + 2;
/// What each member that gave a part adds.
pub const ANSWER_MEMBER_BYTES: usize = MEMBER_BYTES_MIN;

#[cfg(test)]
mod tests {
    use super::super::tests::{reread, try_limit};
    use super::*;
    use bruit_model::{ItemId, NodeId};

    fn frame(groups: Vec<Group<NodeId, Bytes>>) -> Frame {
        let question = ItemId { origin: NodeId([1; 16]), start: 2, seq: 3 };
        Frame::Answers { token: 4, answers: Arc::new(Answers { question, groups }) }
    }

    fn group(part_bytes: usize, members: usize) -> Group<NodeId, Bytes> {
        let part = vec![5; part_bytes].into();
        Group { part, is_last: false, from: vec![(NodeId([1; 16]), 2); members] }
    }

    #[test]
    fn answers_have_limits() {
        try_limit(limits::ANSWER_GROUPS, |count| frame(vec![group(1, 1); count]));
        try_limit(limits::ANSWER_PART, |length| frame(vec![group(length, 1)]));
        try_limit(limits::ANSWER_MEMBERS, |count| frame(vec![group(1, count.max(1))]));
        let of_nobody = frame(vec![group(1, 0)]);
        assert_eq!(reread(&of_nobody), Err(DecodeError::Invalid("answer of nobody")));
    }
}
