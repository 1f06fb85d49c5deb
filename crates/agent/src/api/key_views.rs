//! The JSON of `/v1/keys`.

use crate::keys::{AtMember, Changed, Step};
use bruit_model::MemberState;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// A key of the group.
#[derive(Debug, Clone, Serialize)]
pub(super) struct KeyView {
    pub(super) fingerprint: String,
    /// Whether the agent that was asked seals with it.
    pub(super) primary: bool,
    /// How many members accept it.
    pub(super) members: usize,
    /// How many seal with it.
    pub(super) primary_members: usize,
    /// Those that may be there and lack it, by name.
    pub(super) missing: Vec<String>,
    /// Those that may be there and did not say.
    pub(super) silent: Vec<String>,
}

impl KeyView {
    /// Every key that some member has.
    pub(super) fn all(members: &[AtMember]) -> Vec<Self> {
        let mut keys: BTreeMap<&str, bool> = BTreeMap::new();
        for each in members {
            for key in each.holding.iter().flat_map(|holding| &holding.keys) {
                *keys.entry(&key.fingerprint).or_default() |= each.member.is_self && key.is_primary;
            }
        }
        let names = |wanted: &dyn Fn(&&AtMember) -> bool| {
            let there = members.iter().filter(|each| each.member.state.may_be_there());
            there.filter(wanted).map(|each| each.member.name.to_string()).collect()
        };
        let view = |(fingerprint, primary): (&str, bool)| Self {
            fingerprint: fingerprint.to_owned(),
            primary,
            members: members.iter().filter(|each| each.has(fingerprint)).count(),
            primary_members: members.iter().filter(|each| each.uses(fingerprint)).count(),
            missing: names(&|each| each.holding.is_some() && !each.has(fingerprint)),
            silent: names(&|each| each.holding.is_none()),
        };
        let mut views: Vec<Self> = keys.into_iter().map(view).collect();
        views.sort_by_key(|view| !view.primary);
        views
    }
}

/// What became of a change of keys.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ChangedView {
    pub(super) fingerprint: String,
    /// What this agent sealed with before, if that is another.
    pub(super) previous: Option<String>,
    /// How far it came: `installed`, `used` or `removed`.
    pub(super) step: &'static str,
    /// By name.
    pub(super) nodes: Vec<ChangedNodeView>,
    /// What to do next.
    pub(super) hint: Option<String>,
}

/// What became of it at one member.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ChangedNodeView {
    pub(super) node: String,
    pub(super) name: String,
    pub(super) state: &'static str,
    /// Whether it took the step.
    pub(super) done: bool,
    /// Why not.
    pub(super) error: Option<String>,
    /// Whether its keys outlive a restart; known where it answered.
    pub(super) kept: Option<bool>,
    /// What its operator has to do.
    pub(super) note: Option<&'static str>,
}

impl ChangedView {
    pub(super) fn new(changed: &Changed, timeout: Duration) -> Self {
        let mut nodes: Vec<_> = changed
            .members
            .iter()
            .map(|each| ChangedNodeView::new(each, changed.step, timeout))
            .collect();
        nodes.sort_by(|a, b| (&a.name, &a.node).cmp(&(&b.name, &b.node)));
        let mut view = Self {
            fingerprint: changed.fingerprint.clone(),
            previous: changed.previous.clone(),
            step: changed.step.word(),
            nodes,
            hint: None,
        };
        view.hint = view.next(changed);
        view
    }

    fn next(&self, changed: &Changed) -> Option<String> {
        let fingerprint = &self.fingerprint;
        match (changed.step, &self.previous, changed.is_whole()) {
            (Step::Install, ..) => Some(format!(
                "nothing uses the new key yet: see to the members with an error, then repeat POST \
                 /v1/keys/rotate?key={fingerprint}; with &force=true it is used without them"
            )),
            (Step::Use, Some(previous), true) => Some(format!(
                "put the new key into every --key-file (an agent with --data has it in its \
                 keyring), then DELETE /v1/keys/{previous}"
            )),
            (Step::Use, _, false) => Some(format!("repeat POST /v1/keys/rotate?key={fingerprint}")),
            (Step::Remove, _, false) => Some(format!("repeat DELETE /v1/keys/{fingerprint}")),
            (Step::Use | Step::Remove, ..) => None,
        }
    }
}

impl ChangedNodeView {
    fn new(each: &AtMember, step: Step, timeout: Duration) -> Self {
        let AtMember { member, holding } = each;
        let seconds = member.since.as_secs_f64();
        let silent = || match member.state {
            MemberState::Alive => format!("no answer within {} ms", timeout.as_millis()),
            state @ (MemberState::Suspect | MemberState::Failed | MemberState::Left) => {
                format!("no answer: {state} for {seconds:.1} s ({})", member.why)
            }
        };
        let error = match holding {
            None => Some(silent()),
            Some(holding) => holding.why.clone(),
        };
        let kept = holding.as_ref().map(|holding| holding.is_kept);
        let note = match (step, kept, member.state.may_be_there()) {
            (Step::Install | Step::Use, Some(false), _) => {
                Some("in memory only: put the new key into its --key-file")
            }
            (Step::Install | Step::Use, None, false) => {
                Some("put the new key into its --key-file before it comes back")
            }
            _ => None,
        };
        Self {
            node: member.id.to_string(),
            name: member.name.to_string(),
            state: member.state.word(),
            done: each.is_done(),
            error,
            kept,
            note,
        }
    }
}
