//! What is counted.

use bruit_model::Rejected;
use std::collections::BTreeMap;

/// Counters of the node itself; engines and the channel keep their own.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) datagrams_in: u64,
    pub(crate) datagrams_out: u64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) frames_unknown: u64,
    pub(crate) rejected: BTreeMap<Rejected, u64>,
    pub(crate) items_published: u64,
    pub(crate) items_received: u64,
    pub(crate) items_duplicate: u64,
    pub(crate) items_repaired: u64,
    pub(crate) items_expired: u64,
    pub(crate) items_gone: u64,
    pub(crate) exchanges_members: u64,
    pub(crate) exchanges_items: u64,
    pub(crate) wants_shed: u64,
    pub(crate) tells_failed: u64,
    pub(crate) tells_duplicate: u64,
    pub(crate) stream_errors: u64,
    pub(crate) stream_messages_in: u64,
    pub(crate) stream_messages_out: u64,
    pub(crate) stream_messages_shed: u64,
    pub(crate) clock_backwards: u64,
    pub(crate) events_max: u64,
}

impl Counters {
    pub(crate) fn reject(&mut self, why: Rejected) {
        *self.rejected.entry(why).or_default() += 1;
    }

    pub(crate) fn visit(&self, visit: &mut dyn FnMut(&'static str, &'static str, u64)) {
        for (name, label, value) in [
            ("gossip_received_packets", "", self.datagrams_in),
            ("gossip_sent_packets", "", self.datagrams_out),
            ("gossip_received_bytes", "datagram", self.bytes_in),
            ("gossip_sent_bytes", "datagram", self.bytes_out),
            ("frames_unknown", "", self.frames_unknown),
            ("items_published", "", self.items_published),
            ("items_received", "", self.items_received),
            ("items_duplicate", "", self.items_duplicate),
            ("items_dropped", "expired", self.items_expired),
            ("items_dropped", "gone", self.items_gone),
            ("pull_repairs", "", self.items_repaired),
            ("exchanges", "members", self.exchanges_members),
            ("exchanges", "items", self.exchanges_items),
            ("wants_shed", "", self.wants_shed),
            ("tells_failed", "", self.tells_failed),
            ("tells_duplicate", "", self.tells_duplicate),
            ("stream_errors", "", self.stream_errors),
            ("stream_messages", "received", self.stream_messages_in),
            ("stream_messages", "sent", self.stream_messages_out),
            ("stream_messages", "shed", self.stream_messages_shed),
            ("clock_backwards", "", self.clock_backwards),
            ("events_queued_max", "", self.events_max),
        ] {
            visit(name, label, value);
        }
        for (why, count) in &self.rejected {
            visit("datagrams_rejected", why.word(), *count);
        }
    }
}
