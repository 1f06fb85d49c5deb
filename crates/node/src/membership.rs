//! Who is there: `swim` between frames and events.

use crate::NativeNode;
use crate::incoming::Route;
use crate::names::Names;
use bruit_engine::MemberId;
use bruit_engine::membership::swim::message::{Message, Update};
use bruit_engine::membership::swim::{self, EvictError, Member, Seq, State};
use bruit_engine::reconcile::buckets::{Buckets, hash_words};
use bruit_engine::reconcile::scuttlebutt::SetError;
use bruit_model::{CommandError, Event, MemberRecord, MemberState, NodeId, Now};
use bruit_wire::{Frame, Summary};
use bytes::Bytes;
use std::net::SocketAddr;

/// The most members to whom a change of this node's metadata is sent at once; the others learn of
/// it by the summaries in their probes.
const ANNOUNCE_MEMBERS_MAX: usize = 64;

/// What the node keeps of the group beside the engines.
#[derive(Debug, Default)]
pub(crate) struct Group {
    sums: Buckets,
    /// A bit for each bucket whose sum is to be made anew.
    stale: u64,
    /// Whether anything has changed yet: until then nobody is counted, this node neither.
    has_changed: bool,
    /// Where in the table names and addresses are.
    pub(crate) names: Names,
    /// Where pings in hand came from, so that the engine's ack goes back by the same way.
    answering: Option<(Route, Seq)>,
}

pub(crate) fn state(state: State) -> MemberState {
    match state {
        State::Alive => MemberState::Alive,
        State::Suspect => MemberState::Suspect,
        State::Failed => MemberState::Failed,
        State::Left => MemberState::Left,
    }
}

impl NativeNode {
    /// Sums over all live members, each kept until something about its members changes.
    pub(crate) fn member_sums(&mut self) -> &Buckets {
        let stale = std::mem::take(&mut self.group.stale);
        if stale != 0 {
            let mut sums = std::mem::take(&mut self.group.sums);
            sums.clear(stale);
            for member in self.members_in(stale) {
                if member.state.is_live() {
                    let hash = member.id.bucket_hash();
                    let metadata = self.metadata.element_hash(&member.id);
                    sums.add(hash, hash_words(&[hash, member.incarnation.0, metadata]));
                }
            }
            self.group.sums = sums;
        }
        &self.group.sums
    }

    /// The members in the buckets of the bit mask `buckets`, in the order of their ids: a bucket
    /// is what ids begin with.
    pub(crate) fn members_in(
        &self,
        buckets: u64,
    ) -> impl Iterator<Item = &Member<NodeId, MemberRecord>> {
        let named = (0..64_u8).filter(move |bucket| buckets >> bucket & 1 == 1);
        named.flat_map(move |bucket| {
            let mut first = [0; 16];
            first[0] = bucket << 2;
            let is_in =
                move |id: &NodeId| Buckets::bucket_of(id.bucket_hash()) == usize::from(bucket);
            let members = self.swim.members_from(&NodeId(first));
            members.take_while(move |member| is_in(&member.id))
        })
    }

    /// To be called when a member's state, incarnation or metadata may have changed.
    pub(crate) fn member_changed(&mut self, id: NodeId) {
        let bucket = 1 << Buckets::bucket_of(id.bucket_hash());
        self.group.stale |= if self.group.has_changed { bucket } else { u64::MAX };
        self.group.has_changed = true;
    }

    pub(crate) fn summary(&mut self) -> Summary {
        let members = self.member_sums().summary();
        Summary { members, items: self.seen.buckets().summary() }
    }

    pub(crate) fn on_probe(&mut self, now: Now, from: NodeId, message: Message<NodeId>) {
        self.swim.handle_message(now.mono, &from, message, &mut self.swim_out);
    }

    /// The engine's answer to the ping in hand goes back to where the ping came from.
    pub(crate) fn answer_ping(&mut self, now: Now, route: Route, seq: Seq) {
        self.group.answering = Some((route, seq));
        self.settle(now);
        self.group.answering = None;
    }

    pub(crate) fn on_update(
        &mut self,
        now: Now,
        from: NodeId,
        update: Update<NodeId, MemberRecord>,
    ) {
        if let Update::Alive { id, record, .. } = &update
            && *id == from
        {
            self.replace_predecessor(now, from, record.addr);
        }
        let subject = *update.subject();
        let held = self.held_record(&update);
        self.swim.handle_update(now.mono, &from, update, &mut self.swim_out);
        self.member_changed(subject);
        if let Some(held) = held {
            self.note_record(subject, held.as_ref());
        }
    }

    /// The record that an update may replace; `None` if it replaces none.
    fn held_record(&self, update: &Update<NodeId, MemberRecord>) -> Option<Option<MemberRecord>> {
        let Update::Alive { id, .. } = update else { return None };
        Some(self.swim.get(id).map(|member| member.record.clone()))
    }

    /// To be called when a member's record, which was `held`, may have been replaced.
    fn note_record(&mut self, id: NodeId, held: Option<&MemberRecord>) {
        let now = self.swim.get(&id).map(|member| &member.record);
        if now == held {
            return;
        }
        if let Some(held) = held {
            self.group.names.remove(id, held);
        }
        if let Some(now) = now {
            self.group.names.add(id, now);
        }
    }

    /// `newcomer` says itself that it is at `addr`: whoever was known there is gone.
    fn replace_predecessor(&mut self, now: Now, newcomer: NodeId, addr: SocketAddr) {
        let is_predecessor = |member: &&Member<NodeId, MemberRecord>| {
            member.record.addr == addr
                && member.id != newcomer
                && member.id != self.id
                && member.state.is_live()
        };
        let there = self.group.names.at(&addr).filter_map(|id| self.swim.get(id));
        let gone: Vec<_> =
            there.filter(is_predecessor).map(|member| (member.id, member.incarnation)).collect();
        for (id, incarnation) in gone {
            let update = Update::Failed { id, incarnation, from: self.id };
            let me = self.id;
            self.swim.handle_update(now.mono, &me, update, &mut self.swim_out);
            self.member_changed(id);
        }
    }

    pub(crate) fn on_state(
        &mut self,
        now: Now,
        route: Route,
        from: NodeId,
        updates: Vec<Update<NodeId, MemberRecord>>,
        wants_answer: bool,
    ) {
        if from == self.id {
            // A target that is this node itself: it has told nothing, and joins nobody.
            return;
        }
        for update in &updates {
            if let Update::Alive { id, record, .. } = update
                && *id == from
            {
                self.replace_predecessor(now, from, record.addr);
            }
        }
        let known_before = self.swim.live_peers().len();
        let subjects = updates.iter().map(|update| (*update.subject(), self.held_record(update)));
        let subjects: Vec<_> = subjects.collect();
        self.swim.merge(now.mono, &from, updates, &mut self.swim_out);
        for (id, held) in subjects {
            self.member_changed(id);
            if let Some(held) = held {
                self.note_record(id, held.as_ref());
            }
        }
        self.settle(now);
        if wants_answer {
            self.send_state(now, route, false);
        } else {
            self.joined(now, route, from);
            if known_before == 0 {
                self.announce_metadata(now, 0);
            }
            self.start_exchanges(now, route);
        }
    }

    /// Sends the whole member list, and this node's own metadata behind it: whoever learns of this
    /// node by it knows in the same moment what it subscribes to.
    pub(crate) fn send_state(&mut self, now: Now, route: Route, wants_answer: bool) {
        let updates: Vec<_> = self.swim.full_state().collect();
        for (index, part) in updates.chunks(STATE_UPDATES_MAX).enumerate() {
            let wants_answer = wants_answer && index == 0;
            self.send_by(now, route, &Frame::State { updates: part.to_vec(), wants_answer });
        }
        if let Some(delta) = self.delta_from(self.id, 0) {
            self.send_by(now, route, &Frame::Delta(delta));
        }
    }

    /// Hands the engine's sends to the packing, and its events on.
    pub(crate) fn settle_swim(&mut self, now: Now) {
        while let Some(event) = self.swim_out.pop_event() {
            self.on_swim_event(now, event);
        }
        while let Some(send) = self.swim_out.pop_send() {
            let summary = self.summary();
            let frame = match send.message {
                Message::Ping { seq, target } => Frame::Ping { seq, target, summary },
                Message::PingReq { seq, target, wants_nack } => {
                    Frame::PingReq { seq, target, wants_nack }
                }
                Message::Ack { seq } => {
                    let frame = Frame::Ack { seq, summary };
                    if let Some((route, asked)) = self.group.answering
                        && asked == seq
                    {
                        self.send_by(now, route, &frame);
                        continue;
                    }
                    frame
                }
                Message::Nack { seq } => Frame::Nack { seq },
                Message::Gossip => {
                    self.send_encoded(now, Route::Member(send.to), Bytes::new());
                    continue;
                }
            };
            self.send(now, send.to, &frame);
        }
    }

    fn on_swim_event(&mut self, now: Now, event: swim::Event<NodeId, MemberRecord>) {
        let subject = match &event {
            swim::Event::Changed { id, .. }
            | swim::Event::Updated { id }
            | swim::Event::Reaped { id, .. }
            | swim::Event::Reconnect { id } => *id,
            swim::Event::Refuted { .. } | swim::Event::LeaveSpread => self.id,
        };
        self.member_changed(subject);
        match event {
            swim::Event::Changed { id, was } => {
                if self.swim.get(&id).is_some_and(|member| !member.state.is_live()) {
                    self.asks.member_gone(now.mono, &id, &mut self.asks_out);
                }
                if let Some(member) = self.member(now, &id) {
                    self.event(Event::MemberChanged {
                        member: Box::new(member),
                        was: was.map(state),
                    });
                }
            }
            swim::Event::Updated { id } => {
                if let Some(member) = self.member(now, &id) {
                    self.event(Event::MemberUpdated(Box::new(member)));
                }
            }
            swim::Event::Reaped { id, record } => {
                self.metadata.remove(&id);
                self.note_record(id, Some(&record));
                self.event(Event::MemberReaped { id, name: record.name });
            }
            swim::Event::Refuted { .. } => {}
            swim::Event::Reconnect { id } => self.reconnect(now, id),
            swim::Event::LeaveSpread => self.event(Event::Left),
        }
    }

    pub(crate) fn evict(&mut self, now: Now, id: NodeId) -> Result<(), CommandError> {
        self.member_changed(id);
        self.swim.evict(now.mono, &id, &mut self.swim_out).map_err(|error| match error {
            EvictError::Unknown => CommandError::UnknownMember(id),
            EvictError::Myself | EvictError::Alive => CommandError::Invalid(error.to_string()),
        })
    }

    pub(crate) fn set_metadata(
        &mut self,
        now: Now,
        changes: &[(String, Option<Vec<u8>>)],
    ) -> Result<(), CommandError> {
        let before = self.metadata.digest(&self.id).map_or(0, |digest| digest.max_version);
        let changed = self.metadata.set(now.mono, changes).map_err(set_error)?;
        if changed {
            self.member_changed(self.id);
            if let Some(member) = self.member(now, &self.id) {
                self.event(Event::MemberUpdated(Box::new(member)));
            }
            self.announce_metadata(now, before);
        }
        Ok(())
    }

    /// Sends this node's metadata from after version `from_version` to some members at once.
    fn announce_metadata(&mut self, now: Now, from_version: u64) {
        let Some(delta) = self.delta_from(self.id, from_version) else { return };
        let mut peers: Vec<NodeId> = self.swim.live_peers().to_vec();
        if peers.len() > ANNOUNCE_MEMBERS_MAX {
            self.rng.shuffle(&mut peers);
            peers.truncate(ANNOUNCE_MEMBERS_MAX);
        }
        let mut bytes = Vec::new();
        Frame::Delta(delta).encode(&mut bytes);
        if bytes.len() > self.plaintext_max() {
            // Too large to be pushed at everybody: it spreads by the summaries in the probes.
            peers.truncate(4);
        }
        let bytes = Bytes::from(bytes);
        // Who does not know this node yet would drop its metadata.
        let introduction = (from_version == 0).then(|| self.own_update()).flatten();
        for peer in peers {
            if let Some(frame) = &introduction {
                self.send(now, peer, frame);
            }
            self.send_encoded(now, Route::Member(peer), bytes.clone());
        }
    }

    fn own_update(&self) -> Option<Frame> {
        let own = self.swim.get(&self.id).filter(|own| own.state == State::Alive)?;
        let (id, incarnation, record) = (own.id, own.incarnation, own.record.clone());
        Some(Frame::Update(Update::Alive { id, incarnation, record }))
    }
}

/// Members in one frame: at most 100 bytes each with the longest names, within a stream message.
const STATE_UPDATES_MAX: usize = 4096;

fn set_error(error: SetError) -> CommandError {
    CommandError::Invalid(error.to_string())
}
