//! Carries what the node tells to those who act on it.

use crate::api::views::{ChangeView, ItemView};
use crate::changes::Kind;
use crate::passage::Asked;
use crate::questions;
use crate::shared::{Shared, count};
use bruit_model::{Event, Item, Member, MemberState, NodeId};
use bruit_runtime::Events;
use std::sync::Arc;

/// After how many events others get a turn. Guess.
const BATCH: usize = 64;

/// Takes the node's events until it has stopped.
pub(crate) async fn run(shared: Arc<Shared>, mut events: Events, mut asked: Asked) {
    let mut shed_before = 0;
    let mut in_batch = 0;
    reload(&shared).await;
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            asking = asked.next() => {
                asked.begin(events.waiting(), asking);
                continue;
            }
        };
        let Some(event) = event else { break };
        let shed = shared.node.stats().events_shed;
        if shed != shed_before {
            tracing::warn!(count = shed - shed_before, "events were shed: taken too slowly");
            shed_before = shed;
            shared.changes.lose();
            reload(&shared).await;
        }
        take(&shared, event);
        asked.took(events.waiting());
        in_batch += 1;
        if in_batch == BATCH {
            in_batch = 0;
            tokio::task::yield_now().await;
        }
    }
    shared.left.notify_one();
}

/// Asks the node for what is otherwise learnt from its events. Those that are still to come may
/// say it again.
async fn reload(shared: &Shared) {
    let known = shared
        .node
        .with(|node, now| (node.members(now).iter().collect::<Vec<_>>(), node.records().topics()));
    if let Ok((members, topics)) = known.await {
        shared.announced.reload(&members);
        shared.orders.reload(&topics);
    }
}

fn take(shared: &Arc<Shared>, event: Event) {
    match event {
        Event::Item { item, from, repaired } => on_item(shared, &item, from, repaired),
        Event::MemberChanged { member, was } => on_member_changed(shared, &member, was),
        Event::MemberUpdated(member) => {
            shared.announced.set(&member);
            warn_of_conflict(&member);
            shared.changes.push(Kind::Member, || ChangeView::member("updated", &member, None));
        }
        Event::MemberReaped { id, name } => {
            tracing::info!(%name, %id, "member forgotten");
            shared.announced.remove(&id);
            shared.changes.push(Kind::Member, || ChangeView::reaped(&id, &name));
        }
        // No agent tells another anything but by answers.
        Event::Told { .. } | Event::TellFailed { .. } => {}
        Event::RecordChanged { key, value } => {
            tracing::info!(%key, removed = value.is_none(), "registry record changed");
            shared.orders.record_changed(&key, value.as_deref());
        }
        Event::Answer { to, from, part, .. } => {
            if !shared.questions.answered(to, from, &part) {
                shared.receipts.answered(to, from, &part);
            }
        }
        Event::Joined { addr } => tracing::info!(%addr, "joined"),
        Event::JoinFailed { target, error } => {
            tracing::warn!(%target, %error, "cannot join yet; trying again");
        }
        Event::Left => shared.left.notify_one(),
        Event::Extra(_) => {}
    }
}

fn on_item(shared: &Arc<Shared>, item: &Arc<Item>, from: Option<NodeId>, repaired: bool) {
    // Paths that start with `$` are the group's own.
    if item.path.as_str().starts_with('$') {
        shared.delivery.pass_over(item.id);
        if from.is_some() && item.ask().is_some() {
            questions::answer(shared, item);
        }
        return;
    }
    if from.is_some() {
        shared.propagation.take(item.time.unix_millis(), repaired);
    }
    // Only repair brings items from before this agent was there; what is pushed is new, whatever
    // the clocks of origin and agent say.
    let is_history = repaired && item.time.unix_millis() < shared.facts.since_unix_millis;
    let names = if is_history || was_offered(shared, item) {
        shared.delivery.pass_over(item.id);
        Vec::new()
    } else {
        let names = shared.delivery.offer(item, shared.orders.of(&item.path));
        shared.traces.log.offered(item, &names);
        names
    };
    if names.is_empty() && from.is_some() && item.ask().is_some() {
        // Nobody here has anything to answer.
        questions::finish(shared, item.id);
    }
    shared.changes.push(Kind::Item, || ChangeView::Item {
        item: ItemView::new(item),
        from: from.map(|id| id.to_string()),
        repaired,
        subscriptions: names.iter().map(ToString::to_string).collect(),
    });
}

/// Whether an earlier run offered it; this run's node did not know of that.
fn was_offered(shared: &Shared, item: &Item) -> bool {
    let was_offered = shared.handled.take(&item.id);
    if let Some(store) = shared.store.as_ref().filter(|_| was_offered) {
        store.seen_again(item.id);
    }
    was_offered
}

fn on_member_changed(shared: &Shared, member: &Member, was: Option<MemberState>) {
    let (name, id, addr, why) = (&member.name, &member.id, &member.addr, &member.why);
    let place = match member.state {
        MemberState::Alive => 0,
        MemberState::Suspect => 1,
        MemberState::Failed => 2,
        MemberState::Left => 3,
    };
    count(&shared.counters.transitions[place]);
    shared.announced.set(member);
    match (member.state, was) {
        (MemberState::Failed, _) => tracing::warn!(%name, %id, %addr, %why, "member failed"),
        (state, None) => tracing::info!(%name, %id, %addr, %state, %why, "member came"),
        (state, Some(was)) => {
            tracing::info!(%name, %id, %addr, %was, %state, %why, "member changed");
        }
    }
    warn_of_conflict(member);
    let was = was.map(MemberState::word);
    shared.changes.push(Kind::Member, || ChangeView::member("changed", member, was));
}

fn warn_of_conflict(member: &Member) {
    if member.conflict {
        let (name, id, addr) = (&member.name, &member.id, &member.addr);
        tracing::warn!(
            %name, %id, %addr,
            "two members have this name; give each agent a --name of its own"
        );
    }
}
