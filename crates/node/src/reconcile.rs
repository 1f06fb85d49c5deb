//! Anti-entropy of members and their metadata.
//!
//! ```text
//! A                                   B
//! | ping(summary)  ------------------> |
//! | <------------------ ack(summary)   |   unequal: A begins
//! | buckets(64 sums)  ---------------> |
//! | <---- digests of the buckets that differ, wants answer
//! | what B lacks, digests -----------> |
//! | <----------------- what A lacks    |
//! ```
//!
//! Metadata is reconciled as by van Renesse et al. 2008 (digest, delta); the buckets before it are
//! what keeps an idle group silent, and a group of thousands from exchanging whole digests for
//! one change.

use crate::NativeNode;
use crate::incoming::Route;
use bruit_engine::membership::swim::message::Update;
use bruit_engine::membership::swim::{Member, State};
use bruit_engine::reconcile::scuttlebutt::message::{DigestEntry, Entry, NodeDelta};
use bruit_engine::reconcile::scuttlebutt::{Applied, DeltaCost, Order};
use bruit_model::{MemberRecord, NodeId, Now};
use bruit_wire::{Frame, MemberDigest, Subject, Summary};
use std::collections::BTreeMap;

/// Metadata that one answer carries at most, in bytes; the rest follows with later rounds.
const DELTA_BYTES_MAX: usize = 256 << 10;
const DIGESTS_MAX: usize = 4096;

struct FrameCost;

impl DeltaCost<NodeId> for FrameCost {
    fn node(&self, delta: &NodeDelta<NodeId>) -> usize {
        bruit_wire::delta_header_len(delta)
    }

    fn entry(&self, entry: &Entry) -> usize {
        bruit_wire::delta_entry_len(entry)
    }
}

impl NativeNode {
    /// Compares what another member knows with what this node knows, and begins the exchanges
    /// that are needed.
    pub(crate) fn compare_summary(
        &mut self,
        now: Now,
        route: Route,
        from: NodeId,
        theirs: Summary,
    ) {
        let ours = self.summary();
        if self.swim.get(&from).is_none() {
            return;
        }
        if ours.members != theirs.members {
            self.send_buckets(now, route, Subject::Members);
        }
        if ours.items != theirs.items {
            self.send_buckets(now, route, Subject::Items);
        }
    }

    /// Begins both exchanges without a comparison, after a join.
    pub(crate) fn start_exchanges(&mut self, now: Now, route: Route) {
        self.send_buckets(now, route, Subject::Members);
        self.send_buckets(now, route, Subject::Items);
    }

    fn send_buckets(&mut self, now: Now, route: Route, subject: Subject) {
        let sums = match subject {
            Subject::Members => {
                self.counters.exchanges_members += 1;
                *self.member_sums().sums()
            }
            Subject::Items => {
                self.counters.exchanges_items += 1;
                *self.seen.buckets().sums()
            }
        };
        self.send_by(now, route, &Frame::Buckets { subject, sums: Box::new(sums) });
    }

    pub(crate) fn on_member_buckets(&mut self, now: Now, route: Route, theirs: &[u64; 64]) {
        let buckets = self.member_sums().differing(theirs);
        if buckets != 0 {
            self.send_digests(now, route, buckets, true);
        }
    }

    fn send_digests(&mut self, now: Now, route: Route, buckets: u64, wants_answer: bool) {
        let digests = self
            .members_in(buckets)
            .take(DIGESTS_MAX)
            .map(|member| {
                let metadata = self.metadata.digest(&member.id);
                MemberDigest {
                    id: member.id,
                    incarnation: member.incarnation,
                    dead: is_dead(member),
                    generation: metadata.as_ref().map_or(0, |digest| digest.generation),
                    max_version: metadata.as_ref().map_or(0, |digest| digest.max_version),
                    purged_version: metadata.map_or(0, |digest| digest.purged_version),
                }
            })
            .collect();
        self.send_by(now, route, &Frame::MemberDigests { buckets, digests, wants_answer });
    }

    pub(crate) fn on_member_digests(
        &mut self,
        now: Now,
        route: Route,
        buckets: u64,
        digests: &[MemberDigest],
        wants_answer: bool,
    ) {
        let theirs: BTreeMap<NodeId, &MemberDigest> =
            digests.iter().map(|digest| (digest.id, digest)).collect();
        if let Some(mine) = theirs.get(&self.id) {
            // Somebody holds metadata of ours that this run did not write.
            self.metadata.note_digest(&entry_of(self.id, Some(mine)));
            self.member_changed(self.id);
        }
        let (updates, lacking) = self.newer_than(buckets, &theirs);
        for update in updates {
            self.send_by(now, route, &Frame::Update(update));
        }
        if wants_answer {
            self.send_digests(now, route, buckets, false);
        }
        let deltas =
            self.metadata.delta(&lacking, Order::Depth, DELTA_BYTES_MAX, &FrameCost, &mut self.rng);
        for delta in deltas {
            self.send_by(now, route, &Frame::Delta(delta));
        }
    }

    /// What this node knows, of the members in `buckets`, that `theirs` does not show: updates,
    /// and the digests to make deltas against.
    fn newer_than(
        &self,
        buckets: u64,
        theirs: &BTreeMap<NodeId, &MemberDigest>,
    ) -> (Vec<Update<NodeId, MemberRecord>>, Vec<DigestEntry<NodeId>>) {
        let mut updates = Vec::new();
        let mut lacking = Vec::new();
        for member in self.members_in(buckets) {
            let known = theirs.get(&member.id);
            let ours = (member.incarnation, is_dead(member));
            // A dead member that they have never heard of is no news.
            let news =
                known.map_or(!is_dead(member), |known| ours > (known.incarnation, known.dead));
            if news {
                updates.push(update_of(member, self.id));
            }
            let theirs = entry_of(member.id, known.copied());
            if !is_dead(member) && self.metadata.has_news(&theirs) {
                lacking.push(theirs);
            }
        }
        (updates, lacking)
    }

    pub(crate) fn on_delta(&mut self, now: Now, delta: NodeDelta<NodeId>) {
        let id = delta.id;
        if self.swim.get(&id).is_none() {
            return;
        }
        match self.metadata.apply(now.mono, delta) {
            Applied::Changed { .. } => {
                self.member_changed(id);
                if let Some(member) = self.member(now, &id) {
                    self.event(bruit_model::Event::MemberUpdated(Box::new(member)));
                }
            }
            Applied::OwnNewer => self.member_changed(id),
            // After a gap the next round's digest says from where. To answer at once would let two
            // nodes that cannot agree go on at the network's speed.
            Applied::Gap | Applied::Stale | Applied::Refused(_) => {}
        }
    }

    /// One member's metadata from after `from_version`.
    pub(crate) fn delta_from(
        &mut self,
        id: NodeId,
        from_version: u64,
    ) -> Option<NodeDelta<NodeId>> {
        let digest = self.metadata.digest(&id)?;
        let known = DigestEntry { max_version: from_version, ..digest };
        let all =
            self.metadata.delta(&[known], Order::Depth, DELTA_BYTES_MAX, &FrameCost, &mut self.rng);
        all.into_iter().next()
    }
}

fn entry_of(id: NodeId, known: Option<&MemberDigest>) -> DigestEntry<NodeId> {
    known.map_or_else(
        || DigestEntry::unknown(id),
        |known| DigestEntry {
            id,
            generation: known.generation,
            max_version: known.max_version,
            purged_version: known.purged_version,
        },
    )
}

fn is_dead(member: &Member<NodeId, MemberRecord>) -> bool {
    matches!(member.state, State::Failed | State::Left)
}

/// A suspicion is an opinion that spreads by itself: what is handed on is that it lives.
fn update_of(member: &Member<NodeId, MemberRecord>, me: NodeId) -> Update<NodeId, MemberRecord> {
    let (id, incarnation) = (member.id, member.incarnation);
    match member.state {
        State::Alive | State::Suspect => {
            Update::Alive { id, incarnation, record: member.record.clone() }
        }
        State::Failed => Update::Failed { id, incarnation, from: me },
        State::Left => Update::Left { id, incarnation },
    }
}
