//! What is told of an item after all have been asked: each member's part of it, on one clock.
//!
//! Times count from the item's acceptance at its origin. Each agent's stamps are first brought to
//! the clock of the agent that asked, by the offset that its answer showed (see [`super::clock`]);
//! so is the acceptance, where the origin answered. Where it did not, its clock is taken to agree
//! with that of the agent that asked.

use super::clock::{Offset, difference};
use super::log::{Delivery, Try};
use super::record::{Described, Record, Seen, Via};
use bruit_model::{Member, MemberState, NodeId};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// One agent's answer, and how its clock differs.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// What it said; `None` if that is not understood.
    pub(crate) record: Option<Record>,
    /// How far its clock is ahead of ours.
    pub(crate) offset: Offset,
}

/// All that is known of an item's way.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct TraceView {
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) origin: String,
    pub(crate) origin_name: Option<String>,
    pub(crate) accepted_unix_ms: u64,
    pub(crate) payload_bytes: u32,
    /// How many members there are, those that have left not counted.
    pub(crate) members: usize,
    /// How many of all have seen it.
    pub(crate) reached: usize,
    /// How many answered, the agent that asked included.
    pub(crate) answered: usize,
    /// First those that have seen it, in the order of time; then the others, by name.
    pub(crate) nodes: Vec<NodeView>,
}

/// One member's part.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct NodeView {
    pub(crate) node: String,
    pub(crate) name: String,
    pub(crate) state: &'static str,
    pub(crate) seen: bool,
    /// After the acceptance, clocks corrected.
    pub(crate) received_after_ms: Option<f64>,
    pub(crate) from: Option<String>,
    pub(crate) from_name: Option<String>,
    /// `local`, `repair`, or the style that brought the first copy.
    pub(crate) via: Option<&'static str>,
    pub(crate) hops: Option<u8>,
    pub(crate) copies: Option<u32>,
    /// How far its clock is ahead of that of the agent that asked.
    pub(crate) clock_offset_ms: Option<f64>,
    /// By how much that may be wrong; an offset within it is not corrected for.
    pub(crate) clock_error_ms: Option<f64>,
    /// How many of its subscriptions match.
    pub(crate) matching: Option<u16>,
    /// What became of it there; perhaps not all, see `matching`.
    pub(crate) deliveries: Vec<DeliveryView>,
    /// Why it has not seen the item, or has no deliveries.
    pub(crate) why: Option<String>,
}

/// One delivery.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DeliveryView {
    pub(crate) subscription: String,
    /// `delivered`, `failed`, `queued` or `in_flight`.
    pub(crate) outcome: &'static str,
    pub(crate) status: Option<u16>,
    pub(crate) attempts: u32,
    /// From the item's acceptance to the delivery's end, clocks corrected.
    pub(crate) after_ms: Option<f64>,
    /// What the last attempts were answered; `null` is no answer.
    pub(crate) statuses: Vec<Option<u16>>,
    /// The same attempts.
    pub(crate) tries: Vec<TryView>,
    /// Why it failed.
    pub(crate) reason: Option<String>,
}

/// One attempt.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct TryView {
    pub(crate) status: Option<u16>,
    pub(crate) error: Option<String>,
    /// From the item's acceptance to its beginning, clocks corrected.
    pub(crate) at_ms: f64,
    pub(crate) took_ms: f64,
}

/// What is known when the answers are in.
#[derive(Debug)]
pub(crate) struct Known<'a> {
    /// The members, as the agent that asked has them.
    pub(crate) members: &'a [Member],
    /// The answers, its own included.
    pub(crate) heard: &'a BTreeMap<NodeId, Heard>,
    /// Its clock, nanoseconds since 1970-01-01 UTC.
    pub(crate) now_unix_nanos: u64,
    /// For how long the others had time to answer.
    pub(crate) timeout: Duration,
}

impl Known<'_> {
    /// The whole of it; `None` if nobody knows the item. Answers about another item that has the
    /// same printable id as the one described first, in the order of node ids, do not count.
    pub(crate) fn report(&self) -> Option<TraceView> {
        let what = self.described()?;
        let origin = what.id.origin;
        let accepted = self.accepted(what);
        let mut nodes: Vec<NodeView> =
            self.members.iter().map(|member| self.node(member, what, accepted)).collect();
        let time = |node: &NodeView| node.received_after_ms.unwrap_or(f64::MAX);
        nodes.sort_by(|a, b| {
            let order = b.seen.cmp(&a.seen).then(time(a).total_cmp(&time(b)));
            order.then_with(|| (&a.name, &a.node).cmp(&(&b.name, &b.node)))
        });
        let there = self.members.iter().filter(|member| member.state != MemberState::Left);
        Some(TraceView {
            id: what.id.to_string(),
            path: what.path.clone(),
            origin: origin.to_string(),
            origin_name: self.name(&origin),
            accepted_unix_ms: what.accepted_unix_millis,
            payload_bytes: what.payload_bytes,
            members: there.count(),
            reached: nodes.iter().filter(|node| node.seen).count(),
            answered: self.heard.len(),
            nodes,
        })
    }

    fn described(&self) -> Option<&Described> {
        let records = self.heard.values().filter_map(|heard| heard.record.as_ref());
        records.filter_map(|record| record.described.as_ref()).next()
    }

    fn name(&self, id: &NodeId) -> Option<String> {
        let member = self.members.iter().find(|member| member.id == *id)?;
        Some(member.name.to_string())
    }

    /// When the item was accepted, by our clock: as its origin tells, else as the item says.
    fn accepted(&self, what: &Described) -> u64 {
        let origin = self.heard.get(&what.id.origin);
        let seen = origin.and_then(|heard| Some((heard.record.as_ref()?.seen.as_ref()?, heard)));
        match seen {
            Some((seen, heard)) if seen.via == Some(Via::Local) => {
                ours(seen.received_unix_nanos, heard.offset)
            }
            Some(_) | None => what.accepted_unix_millis.saturating_mul(1_000_000),
        }
    }

    fn node(&self, member: &Member, what: &Described, accepted: u64) -> NodeView {
        let heard = self.heard.get(&member.id);
        let record = heard.and_then(|heard| heard.record.as_ref()).filter(|record| {
            record.described.as_ref().is_none_or(|described| described.id == what.id)
        });
        let seen = record.and_then(|record| record.seen.as_ref());
        let offset = heard.filter(|heard| heard.record.is_some()).map(|heard| heard.offset);
        let received = seen.map(|seen| {
            difference(ours(seen.received_unix_nanos, offset.unwrap_or_default()), accepted)
        });
        // The origin's other stamp, or a clock within its error, may come out before.
        let received = received.map(|nanos| nanos.max(0));
        let how = seen.filter(|seen| seen.via.is_some());
        NodeView {
            node: member.id.to_string(),
            name: member.name.to_string(),
            state: member.state.word(),
            seen: seen.is_some(),
            received_after_ms: received.map(millis),
            from: seen.and_then(|seen| seen.from).map(|from| from.to_string()),
            from_name: seen.and_then(|seen| self.name(&seen.from?)),
            via: seen.and_then(|seen| seen.via).map(Via::word),
            hops: how.map(|seen| seen.hops),
            copies: how.map(|seen| seen.copies),
            clock_offset_ms: offset.map(|offset| millis(offset.nanos)),
            clock_error_ms: offset.map(|offset| offset.error_nanos as f64 / 1e6),
            matching: seen.filter(|seen| seen.is_offered).map(|seen| seen.matching),
            deliveries: seen.map_or_else(Vec::new, |seen| {
                let from = received.unwrap_or_default();
                seen.deliveries.iter().map(|each| DeliveryView::new(each, from)).collect()
            }),
            why: match (heard, record, seen) {
                (None, ..) => Some(self.silent(member)),
                (Some(_), None, _) => Some("its answer was not understood".to_owned()),
                (Some(_), Some(record), None) => Some(self.unseen(record, accepted)),
                (Some(_), Some(_), Some(seen)) => undelivered(seen),
            },
        }
    }

    /// Why a member did not answer.
    fn silent(&self, member: &Member) -> String {
        let seconds = member.since.as_secs_f64();
        let why = &member.why;
        match member.state {
            MemberState::Alive => {
                format!("no answer within {} ms", self.timeout.as_millis())
            }
            MemberState::Suspect => format!("no answer: suspect for {seconds:.1} s ({why})"),
            MemberState::Failed => format!("no answer: failed {seconds:.1} s ago ({why})"),
            MemberState::Left => format!("left {seconds:.1} s ago"),
        }
    }

    /// Why a member that answered has not seen the item.
    fn unseen(&self, record: &Record, accepted: u64) -> String {
        let remembers = record.now_unix_nanos.saturating_sub(record.log_since_unix_nanos);
        if remembers >= self.now_unix_nanos.saturating_sub(accepted) {
            return "not seen".to_owned();
        }
        let seconds = Duration::from_nanos(remembers).as_secs_f64();
        format!("not seen, or forgotten: it remembers the last {seconds:.1} s")
    }
}

/// Why there are no deliveries where the item was seen.
fn undelivered(seen: &Seen) -> Option<String> {
    if !seen.is_offered {
        return Some(
            "not offered to its subscriptions, or its deliveries are forgotten".to_owned(),
        );
    }
    (seen.matching == 0).then(|| "no subscription matches".to_owned())
}

/// A stamp of another clock, by ours.
fn ours(unix_nanos: u64, offset: Offset) -> u64 {
    unix_nanos.saturating_add_signed(offset.correction().saturating_neg())
}

fn millis(nanos: i64) -> f64 {
    nanos as f64 / 1e6
}

impl DeliveryView {
    fn new(delivery: &Delivery, received_nanos: i64) -> Self {
        let after = |time: Duration| millis(received_nanos) + time.as_secs_f64() * 1e3;
        let mut statuses: Vec<_> = delivery.tries.iter().map(|each| each.status).collect();
        if statuses.is_empty() && delivery.attempts > 0 {
            statuses.push(delivery.status);
        }
        let one = |each: &Try| TryView {
            status: each.status,
            error: Some(&*each.error).filter(|error| !error.is_empty()).map(str::to_owned),
            at_ms: after(each.at),
            took_ms: each.took.as_secs_f64() * 1e3,
        };
        Self {
            subscription: delivery.subscription.to_string(),
            outcome: delivery.ended.word(),
            status: delivery.status,
            attempts: delivery.attempts,
            after_ms: delivery.after.map(after),
            statuses,
            tries: delivery.tries.iter().map(one).collect(),
            reason: Some(&*delivery.reason).filter(|text| !text.is_empty()).map(str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests;
