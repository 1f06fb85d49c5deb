//! What a node knows of members and items.

use super::read_node_id;
use crate::writer::Sink;
use crate::{DecodeError, Frame, MemberDigest, Reader, RunRanges, limits};
use bruit_engine::membership::swim::Incarnation;

/// At least this many bytes for a member's digest: id, flag, four numbers.
const DIGEST_BYTES_MIN: usize = 16 + 1 + 4;
/// At least this many bytes for a run: origin, start, count.
const RUN_BYTES_MIN: usize = 16 + 8 + 1;
/// At least this many bytes for a range: two numbers.
const RANGE_BYTES_MIN: usize = 2;

pub(super) fn write_member_digests(
    buckets: u64,
    digests: &[MemberDigest],
    wants_answer: bool,
    out: &mut impl Sink,
) {
    out.u64(buckets);
    out.u8(u8::from(wants_answer));
    out.length(digests.len());
    for digest in digests {
        out.put(&digest.id.0);
        out.u8(u8::from(digest.dead));
        out.varint(digest.incarnation.0);
        out.varint(digest.generation);
        out.varint(digest.max_version);
        out.varint(digest.purged_version);
    }
}

pub(super) fn read_member_digests(body: &mut Reader<'_>) -> Result<Frame, DecodeError> {
    let (buckets, wants_answer) = (body.u64()?, body.bool()?);
    let count = body.count(limits::DIGESTS, DIGEST_BYTES_MIN)?;
    let mut digests = Vec::with_capacity(count);
    for _ in 0..count {
        digests.push(MemberDigest {
            id: read_node_id(body)?,
            dead: body.bool()?,
            incarnation: Incarnation(body.varint()?),
            generation: body.varint()?,
            max_version: body.varint()?,
            purged_version: body.varint()?,
        });
    }
    Ok(Frame::MemberDigests { buckets, digests, wants_answer })
}

pub(super) fn write_runs(runs: &[RunRanges], out: &mut impl Sink) {
    out.length(runs.len());
    for run in runs {
        out.put(&run.origin.0);
        out.u64(run.start);
        out.length(run.ranges.len());
        write_ranges(&run.ranges, out);
    }
}

/// The first range begins as far from 0, each other as far from two behind its predecessor, as
/// its first number says; the second is its length less one. So no bytes stand for ranges that
/// touch, overlap or descend.
fn write_ranges(ranges: &[(u64, u64)], out: &mut impl Sink) {
    let mut begin_min = Some(0_u64);
    for &(first, last) in ranges {
        let gap = begin_min.and_then(|begin_min| first.checked_sub(begin_min));
        out.varint(gap.expect("ranges ascend and do not touch"));
        out.varint(last.checked_sub(first).expect("a range ends where it begins, or later"));
        begin_min = last.checked_add(2);
    }
}

pub(super) fn read_runs(body: &mut Reader<'_>) -> Result<Vec<RunRanges>, DecodeError> {
    let count = body.count(limits::RUNS, RUN_BYTES_MIN)?;
    let mut runs = Vec::with_capacity(count);
    for _ in 0..count {
        let (origin, start) = (read_node_id(body)?, body.u64()?);
        runs.push(RunRanges { origin, start, ranges: read_ranges(body)? });
    }
    Ok(runs)
}

fn read_ranges(body: &mut Reader<'_>) -> Result<Vec<(u64, u64)>, DecodeError> {
    let count = body.count(limits::RANGES, RANGE_BYTES_MIN)?;
    let mut ranges = Vec::with_capacity(count);
    let mut begin_min = Some(0_u64);
    for _ in 0..count {
        let (gap, more) = (body.varint()?, body.varint()?);
        let first = begin_min.and_then(|begin_min| begin_min.checked_add(gap));
        let range = first.and_then(|first| Some((first, first.checked_add(more)?)));
        let (first, last) = range.ok_or(DecodeError::Invalid("range"))?;
        ranges.push((first, last));
        begin_min = last.checked_add(2);
    }
    Ok(ranges)
}
