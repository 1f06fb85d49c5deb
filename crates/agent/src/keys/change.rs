//! Changing the keys of the whole group, from the agent that was asked to.
//!
//! The new key travels sealed with the old one: who has that and listens learns it too. A key
//! that is known to have leaked is changed in the key files, and the agents restarted.

use super::{Holding, Operation, apply};
use crate::new_cluster_key;
use crate::questions::{self, AskError, Topic};
use crate::shared::Shared;
use bruit_model::{KeyInfo, Member, MemberState};
use bruit_runtime::Stopped;
use bruit_wire::ClusterKey;
use std::collections::BTreeMap;
use std::time::Duration;

/// How often members that came meanwhile are asked, too. Guess.
const ROUNDS_MAX: usize = 3;

/// What became of an operation at one member.
#[derive(Clone, Debug)]
pub(crate) struct AtMember {
    /// As this agent has it.
    pub(crate) member: Member,
    /// What it has; `None` if it did not answer.
    pub(crate) holding: Option<Holding>,
}

impl AtMember {
    /// Whether it has done what was asked.
    pub(crate) fn is_done(&self) -> bool {
        self.holding.as_ref().is_some_and(|holding| holding.why.is_none())
    }

    fn key(&self, fingerprint: &str) -> Option<&KeyInfo> {
        self.holding.as_ref()?.keys.iter().find(|key| key.fingerprint == fingerprint)
    }

    /// Whether it accepts the key.
    pub(crate) fn has(&self, fingerprint: &str) -> bool {
        self.key(fingerprint).is_some()
    }

    /// Whether it seals with the key.
    pub(crate) fn uses(&self, fingerprint: &str) -> bool {
        self.key(fingerprint).is_some_and(|key| key.is_primary)
    }
}

/// The group was not asked to change, or stopped before.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The group has no key.
    Unkeyed,
    /// This agent is changing the group's keys already.
    Busy,
    /// There is no such key; it says where.
    Unknown(&'static str),
    /// This agent seals with it.
    InUse,
    /// Another member seals with it, or may: these are named.
    UsedBy(Vec<String>),
    /// The question could not be asked.
    Ask(AskError),
}

impl From<AskError> for Refused {
    fn from(error: AskError) -> Self {
        Self::Ask(error)
    }
}

/// Which key is to be used.
#[derive(Clone, Debug)]
pub(crate) enum Choice {
    /// One that is made now.
    New,
    /// This one.
    Given(ClusterKey),
    /// The one of this fingerprint, which this agent has.
    Known(String),
}

/// One of the steps of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// All accept the key.
    Install,
    /// All seal with it.
    Use,
    /// Nobody accepts it any more.
    Remove,
}

impl Step {
    /// The word for what it made of the key, in the API.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Install => "installed",
            Self::Use => "used",
            Self::Remove => "removed",
        }
    }
}

/// What became of a change.
#[derive(Clone, Debug)]
pub(crate) struct Changed {
    /// The key in question.
    pub(crate) fingerprint: String,
    /// The one that was used before, at this agent.
    pub(crate) previous: Option<String>,
    /// The last step that was taken: after `Install`, some member did not take it.
    pub(crate) step: Step,
    /// The members, as they were after the last step that was taken.
    pub(crate) members: Vec<AtMember>,
}

impl Changed {
    /// Whether the last step that there is was taken, by all that may be there.
    pub(crate) fn is_whole(&self) -> bool {
        let mut there = self.members.iter().filter(|each| each.member.state.may_be_there());
        self.step != Step::Install && there.all(AtMember::is_done)
    }
}

async fn members(shared: &Shared) -> Result<Vec<Member>, Stopped> {
    shared.node.with(|node, now| node.members(now).iter().collect()).await
}

/// Does an operation at every member, this one first, and at those that come meanwhile. If it
/// fails here, nobody else is asked.
async fn everywhere(
    shared: &Shared,
    operation: &Operation,
    timeout: Duration,
) -> Result<Vec<AtMember>, AskError> {
    let own = apply(shared, operation).await;
    let goes_on = own.why.is_none();
    let mut holdings = BTreeMap::from([(shared.facts.me, Some(own))]);
    for _ in 0..ROUNDS_MAX {
        let members = members(shared).await?;
        let is_new = |each: &Member| each.state.may_be_there() && !holdings.contains_key(&each.id);
        if !goes_on || !members.iter().any(is_new) {
            break;
        }
        let asked = questions::ask(shared, Topic::Keys, operation.encode(), timeout).await?;
        let mut wanted = asked.others();
        wanted.retain(|id| !holdings.contains_key(id));
        holdings.extend(wanted.iter().map(|id| (*id, None)));
        for (from, answer) in asked.collect(wanted).await {
            let known = holdings.entry(from).or_default();
            // Of several rounds, the first that a member answered counts.
            *known = known.take().or_else(|| Holding::decode(&answer.part).ok());
        }
    }
    let members = members(shared).await?;
    let stays = |member: &Member| member.state != MemberState::Left;
    let at = |member: Member| {
        let holding = holdings.remove(&member.id).flatten();
        AtMember { member, holding }
    };
    Ok(members.into_iter().filter(stays).map(at).collect())
}

/// Which keys every member has.
pub(crate) async fn list(shared: &Shared, timeout: Duration) -> Result<Vec<AtMember>, Refused> {
    if shared.keys.is_none() {
        return Err(Refused::Unkeyed);
    }
    Ok(everywhere(shared, &Operation::List, timeout).await?)
}

/// Has every member seal with another key. If `force`, also when some that may be there do not
/// have it: those are cut off.
pub(crate) async fn rotate(
    shared: &Shared,
    choice: Choice,
    force: bool,
    timeout: Duration,
) -> Result<Changed, Refused> {
    let keys = shared.keys.as_ref().ok_or(Refused::Unkeyed)?;
    let Ok(_changing) = keys.changing.try_lock() else { return Err(Refused::Busy) };
    let (key, previous) = {
        let ring = keys.ring.lock().await;
        let known = |fingerprint: &str| {
            ring.find(fingerprint).cloned().ok_or(Refused::Unknown("at this agent"))
        };
        let key = match choice {
            Choice::New => new_cluster_key(),
            Choice::Given(key) => key,
            Choice::Known(fingerprint) => known(&fingerprint)?,
        };
        (key, ring.primary().fingerprint())
    };
    let fingerprint = key.fingerprint();
    let previous = Some(previous).filter(|previous| *previous != fingerprint);
    let installed = everywhere(shared, &Operation::Install(key), timeout).await?;
    let missing = |each: &AtMember| {
        let is_needed = each.member.is_self || (!force && each.member.state.may_be_there());
        is_needed && !each.is_done()
    };
    if installed.iter().any(missing) {
        return Ok(Changed { fingerprint, previous, step: Step::Install, members: installed });
    }
    let members = everywhere(shared, &Operation::Use(fingerprint.clone()), timeout).await?;
    Ok(Changed { fingerprint, previous, step: Step::Use, members })
}

/// Has every member accept a key no more. If `force`, also when some that may be there seal with
/// it, or did not say: those are cut off.
pub(crate) async fn remove(
    shared: &Shared,
    fingerprint: &str,
    force: bool,
    timeout: Duration,
) -> Result<Changed, Refused> {
    let keys = shared.keys.as_ref().ok_or(Refused::Unkeyed)?;
    let Ok(_changing) = keys.changing.try_lock() else { return Err(Refused::Busy) };
    if keys.ring.lock().await.primary().fingerprint() == fingerprint {
        return Err(Refused::InUse);
    }
    let before = everywhere(shared, &Operation::List, timeout).await?;
    let may_use = |each: &&AtMember| {
        each.member.state.may_be_there() && (each.holding.is_none() || each.uses(fingerprint))
    };
    let using: Vec<String> =
        before.iter().filter(may_use).map(|each| each.member.name.to_string()).collect();
    if !using.is_empty() && !force {
        return Err(Refused::UsedBy(using));
    }
    if !before.iter().any(|each| each.has(fingerprint)) {
        return Err(Refused::Unknown("at any member that answered"));
    }
    let operation = Operation::Remove(fingerprint.to_owned());
    let members = everywhere(shared, &operation, timeout).await?;
    let fingerprint = fingerprint.to_owned();
    Ok(Changed { fingerprint, previous: None, step: Step::Remove, members })
}
