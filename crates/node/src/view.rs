//! The member table as others see it.

use crate::NativeNode;
use crate::membership::state;
use bruit_engine::membership::swim::{self, State};
use bruit_model::{Member, MemberRecord, Members, MetaEntry, NodeId, Now};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

/// A reading of the table at a moment.
pub(crate) struct View<'a> {
    node: &'a NativeNode,
    now: Now,
    /// Where live members of each name are: more than one address is a conflict.
    names: BTreeMap<Arc<str>, Vec<SocketAddr>>,
}

impl<'a> View<'a> {
    pub(crate) fn new(node: &'a NativeNode, now: Now) -> Self {
        let mut names: BTreeMap<Arc<str>, Vec<SocketAddr>> = BTreeMap::new();
        for member in node.swim.members().filter(|member| is_live(member)) {
            names.entry(member.record.name.clone()).or_default().push(member.record.addr);
        }
        Self { node, now, names }
    }

    fn show(&self, member: &swim::Member<NodeId, MemberRecord>) -> Member {
        let shared = self.names.get(&member.record.name);
        let conflict = is_live(member)
            && shared.is_some_and(|at| at.iter().any(|addr| *addr != member.record.addr));
        self.node.show(self.now, member, conflict)
    }
}

fn is_live(member: &swim::Member<NodeId, MemberRecord>) -> bool {
    matches!(member.state, State::Alive | State::Suspect)
}

impl Members for View<'_> {
    fn iter(&self) -> Box<dyn Iterator<Item = Member> + '_> {
        Box::new(self.node.swim.members().map(|member| self.show(member)))
    }

    fn get(&self, id: &NodeId) -> Option<Member> {
        self.node.swim.get(id).map(|member| self.show(member))
    }

    fn counts(&self) -> [usize; 4] {
        self.node.swim.counts()
    }
}

impl NativeNode {
    /// One member as others see it.
    pub(crate) fn member(&self, now: Now, id: &NodeId) -> Option<Member> {
        let member = self.swim.get(id)?;
        let conflict = is_live(member)
            && self.group.names.called(&member.record.name).any(|other| {
                self.swim.get(other).is_some_and(|other| {
                    is_live(other)
                        && other.record.name == member.record.name
                        && other.record.addr != member.record.addr
                })
            });
        Some(self.show(now, member, conflict))
    }

    fn show(
        &self,
        now: Now,
        member: &swim::Member<NodeId, MemberRecord>,
        conflict: bool,
    ) -> Member {
        let metadata = self.metadata.get(&member.id);
        let entries = metadata.into_iter().flat_map(|state| state.entries());
        Member {
            id: member.id,
            name: member.record.name.clone(),
            addr: member.record.addr,
            state: state(member.state),
            why: self.why(member),
            conflict,
            incarnation: member.incarnation.0,
            generation: metadata.map_or(0, |state| state.generation()),
            metadata: entries
                .map(|(key, value, version)| MetaEntry {
                    key: key.into(),
                    value: value.clone(),
                    version,
                })
                .collect(),
            since: now.mono.since(member.since),
            rtt: member.rtt,
            is_self: member.id == self.id,
        }
    }

    /// Why a member is in its state, with names for ids.
    fn why(&self, member: &swim::Member<NodeId, MemberRecord>) -> String {
        let name = |id: &NodeId| {
            let known = self.swim.get(id);
            known.map_or_else(|| id.to_string(), |member| member.record.name.to_string())
        };
        member.why.map(name).to_string()
    }

    pub(crate) fn visit_counters(&self, visit: &mut dyn FnMut(&'static str, &'static str, u64)) {
        self.counters.visit(visit);
        for (count, word) in
            self.swim.counts().into_iter().zip(["alive", "suspect", "failed", "left"])
        {
            visit("members", word, count as u64);
        }
        visit("local_health", "", u64::from(self.swim.local_health()));
        visit("outgoing_shed", "", self.outgoing.shed_count);
        visit("items_shed", "", self.store.shed_count());
        visit("records_refused", "", self.registry.refused_count);
        visit("streams", "", self.streams.len() as u64);
        visit("streams_retired", "", self.streams.retired_count() as u64);
        self.visit_engine_counters(visit);
    }

    fn visit_engine_counters(&self, visit: &mut dyn FnMut(&'static str, &'static str, u64)) {
        let swim = self.swim.stats();
        let rumor = self.rumor.stats();
        let channel = self.channel.stats();
        let metadata = self.metadata.counts();
        let seen = self.seen.counts();
        let asks = self.asks.stats();
        let (questions, parts, bytes) = self.asks.load();
        for (name, label, value) in [
            ("suspicions", "", swim.suspicions),
            ("false_suspicions", "", swim.suspicions_refuted),
            ("refutations", "", swim.refutations),
            ("members_refused", "", swim.members_refused),
            ("pushes", "", rumor.pushed),
            ("announcements", "", rumor.announced),
            ("fetches", "", rumor.asked),
            ("fetches_shed", "", rumor.fetches_shed),
            ("fetches_abandoned", "", rumor.fetches_abandoned),
            ("hot_shed", "", rumor.hot_shed),
            ("pulls", "", rumor.pulls),
            ("sends_shed", "membership", self.swim_out.shed_count()),
            ("sends_shed", "spread", self.rumor_out.shed_count()),
            ("sends_shed", "answers", self.asks_out.shed_count()),
            ("questions", "", questions as u64),
            ("questions_shed", "", asks.questions_shed),
            ("answers_held", "", parts as u64),
            ("answers_held_bytes", "", bytes as u64),
            ("answer_messages", "sent", asks.sent),
            ("answer_messages", "received", asks.came),
            ("answer_messages", "fallback", asks.fallbacks),
            ("answers", "gathered", asks.gathered),
            ("answers", "received", asks.received),
            ("answers", "duplicate", asks.duplicates),
            ("answers", "late", asks.late),
            ("answers", "shed", asks.shed),
            ("answers", "lost", asks.lost),
            ("clocks_ahead", "", self.clock.refused_count()),
            ("challenges", "sent", channel.challenges_sent),
            ("challenges", "limited", channel.challenges_limited),
            ("hellos", "", channel.hellos_sent),
            ("datagrams_resent", "", channel.resent),
            ("sends_shed", "channel", channel.shed),
            ("sessions", "", channel.sessions),
            ("metadata_refused", "", metadata.refused),
            ("metadata_forgotten", "", metadata.forgotten),
            ("runs_refused", "", seen.runs_refused),
            ("gaps_closed", "", seen.gaps_closed),
        ] {
            visit(name, label, value);
        }
    }
}
