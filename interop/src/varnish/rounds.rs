//! The steps of the suite.

use super::cache::Counters;
use super::objects::{
    DOUBLE_SLASH, ELSEWHERE, ENCODED, ENCODED_SLASH, OBJECTS, PLAIN, QUERY, SECOND, SITE,
};
use super::purge::{Purge, Summary};
use super::scene::{CACHES, Scene};
use crate::process::{send, until};
use crate::report::Report;
use crate::trouble::{During as _, Trouble};
use std::time::Duration;

/// The places of all caches.
const ALL: [usize; CACHES] = [0, 1, 2, 3, 4];
/// The cache that things happen to.
const VICTIM: usize = 2;
/// All but the [`VICTIM`].
const OTHERS: [usize; CACHES - 1] = [0, 1, 3, 4];
/// How long a copy may take to be one second old.
const AGE_PATIENCE: Duration = Duration::from_secs(10);
/// How long an agent may take to deliver what a cache could not take before.
const LATE_PATIENCE: Duration = Duration::from_secs(30);
/// One PURGE that drops one object.
const ONE: Counters = Counters { purges: 1, objects_purged: 1 };

/// Everybody is there and knows the others.
pub(super) async fn meet(scene: &Scene, report: &mut Report) -> Result<(), Trouble> {
    let mut rows = vec![["cache", "serves at", "agent", "gossip", "API"].map(str::to_owned).into()];
    for (place, agent) in scene.agents.iter().enumerate() {
        let cache = scene.cache(place)?;
        rows.push(vec![
            cache.name.clone(),
            cache.addr.to_string(),
            agent.name.clone(),
            agent.gossip.to_string(),
            agent.api.to_string(),
        ]);
    }
    report.table(&rows);
    report.tell(&format!("origin at {}", scene.origin.addr()));
    scene.meet().await?;
    report.check(true, "each agent sees 5 members alive and 5 subscriptions");
    Ok(())
}

/// Every cache gets every object.
pub(super) async fn fill(scene: &mut Scene, report: &mut Report) -> Result<(), Trouble> {
    report.step("fill the caches");
    let copies = CACHES * OBJECTS.len();
    let filled = scene.look(ALL).await?;
    let missed = filled.0.iter().filter(|sight| !sight.copy.is_hit && sight.asked == 1).count();
    let claim = format!("{missed} of {copies} first requests went through to the origin");
    report.check(missed == copies, &claim);
    // The object that came last to each cache: when it is old enough, all are.
    for cache in ALL {
        until("copies grow old", AGE_PATIENCE, async || {
            let sight = scene.look_at(cache, OBJECTS.len() - 1).await?;
            Ok((sight.copy.age >= 1).then_some(()))
        })
        .await?;
    }
    let sweep = scene.look(ALL).await?;
    let old = sweep.0.iter().filter(|sight| sight.copy.age >= 1).count();
    sweep.judge(report, &Scene::names(), None, true);
    report.check(old == copies, &format!("{old} of {copies} copies show an Age of 1 or more"));
    Ok(())
}

/// The main job: one command, told in full.
pub(super) async fn plain(scene: &mut Scene, report: &mut Report) -> Result<(), Trouble> {
    report.step("one curl -X PURGE to one agent");
    let object = &OBJECTS[PLAIN];
    let mut rows = vec![["cache", "before", "after"].map(str::to_owned).to_vec()];
    for cache in ALL {
        let copy = scene.look_at(cache, PLAIN).await?.copy;
        let shown = format!("X-Varnish: {}  Age: {}", copy.ids, copy.age);
        rows.push(vec![scene.cache(cache)?.name.clone(), shown]);
    }
    let before = scene.counters(&ALL).await?;
    let answers = scene.origin.answers();
    let purge = Purge { host: Some(SITE), target: object.target, wait: "all" };
    let summary = scene.purge(report, 0, purge).await?;
    all_took_it(report, &summary);
    let sweep = scene.look(ALL).await?;
    for (row, sight) in
        rows[1..].iter_mut().zip(sweep.0.iter().filter(|sight| sight.object == PLAIN))
    {
        row.push(format!("X-Varnish: {}  Age: {}", sight.copy.ids, sight.copy.age));
    }
    report.tell(&format!("{}{}:", object.host, object.target));
    report.table(&rows);
    sweep.judge(report, &Scene::names(), Some(PLAIN), true);
    let more = scene.origin.answers() - answers;
    let claim = format!("the origin was asked {more} times: once by each cache, by none for more");
    report.check(more == CACHES as u64, &claim);
    scene.count(report, &ALL, &before, ONE).await
}

/// Each object by its exact name, through every agent in turn.
pub(super) async fn exact(scene: &mut Scene, report: &mut Report) -> Result<(), Trouble> {
    for (agent, object, title) in [
        (1, QUERY, "a query string belongs to the name"),
        (2, ENCODED, "percent-encoding travels as it is written"),
        (3, ENCODED_SLASH, "an encoded slash stays encoded"),
        (4, DOUBLE_SLASH, "slashes are not folded"),
        (0, ELSEWHERE, "the same path at another site is another object"),
    ] {
        report.step(title);
        let before = scene.counters(&ALL).await?;
        let wanted = &OBJECTS[object];
        let purge = Purge { host: Some(wanted.host), target: wanted.target, wait: "all" };
        let summary = scene.purge(report, agent, purge).await?;
        all_took_it(report, &summary);
        let sweep = scene.look(ALL).await?;
        sweep.judge(report, &Scene::names(), Some(object), false);
        scene.count(report, &ALL, &before, ONE).await?;
    }
    Ok(())
}

/// What matches nothing drops nothing: the caches would show it if it did.
pub(super) async fn nothing(scene: &mut Scene, report: &mut Report) -> Result<(), Trouble> {
    report.step("without Bruit-Host the name is that of no object");
    let before = scene.counters(&ALL).await?;
    let purge = Purge { host: None, target: OBJECTS[PLAIN].target, wait: "all" };
    let summary = scene.purge(report, 1, purge).await?;
    all_took_it(report, &summary);
    let sweep = scene.look(ALL).await?;
    sweep.judge(report, &Scene::names(), None, false);
    scene.count(report, &ALL, &before, Counters { purges: 1, objects_purged: 0 }).await
}

/// A cache that does not answer, but keeps what it holds.
pub(super) async fn frozen(scene: &mut Scene, report: &mut Report) -> Result<(), Trouble> {
    let name = scene.cache(VICTIM)?.name.clone();
    report.step(&format!("{name} hangs while a PURGE is sent, and goes on afterwards"));
    let before = scene.counters(&ALL).await?;
    let worker = scene.cache(VICTIM)?.worker().await?;
    report.tell(&format!("$ kill -STOP {worker}"));
    send("STOP", worker).during("kill -STOP")?;
    let wanted = &OBJECTS[PLAIN];
    let purge = Purge { host: Some(wanted.host), target: wanted.target, wait: "4" };
    let summary = scene.purge(report, 0, purge).await?;
    four_took_it(report, scene, &summary);
    let names = Scene::names();
    scene.look(OTHERS).await?.judge(report, &names, Some(PLAIN), false);
    report.tell(&format!("$ kill -CONT {worker}"));
    send("CONT", worker).during("kill -CONT")?;
    let summary = all_in_the_end(scene, &summary).await?;
    report.tell(&summary.shown());
    all_took_it(report, &summary);
    scene.look([VICTIM]).await?.judge(report, &names, Some(PLAIN), false);
    scene.count(report, &ALL, &before, ONE).await
}

/// A cache that is not there: its agent tries again until it is.
pub(super) async fn down(scene: &mut Scene, report: &mut Report) -> Result<(), Trouble> {
    let name = scene.cache(VICTIM)?.name.clone();
    report.step(&format!("{name} is down while a PURGE is sent, and is started again"));
    let port = scene.cache(VICTIM)?.addr.port();
    let before = scene.counters(&OTHERS).await?;
    scene.take_down(VICTIM).await?;
    let wanted = &OBJECTS[SECOND];
    let purge = Purge { host: Some(wanted.host), target: wanted.target, wait: "4" };
    let summary = scene.purge(report, 4, purge).await?;
    four_took_it(report, scene, &summary);
    scene.look(OTHERS).await?.judge(report, &Scene::names(), Some(SECOND), false);
    scene.count(report, &OTHERS, &before, ONE).await?;
    let agent = &scene.agents[VICTIM];
    let state = until("its agent tries again", LATE_PATIENCE, async || {
        let state = agent.own_subscription().await?;
        Ok((state["retried"].as_u64() >= Some(2)).then_some(state))
    })
    .await?;
    let (waiting, error) = (&state["queued_items"], &state["last_error"]);
    report.tell(&format!("{}: {waiting} item waits; last error: {error}", agent.name));
    let agent = agent.name.clone();
    scene.bring_back(VICTIM, port).await?;
    report.tell(&format!("{name} serves at port {port} again, empty"));
    let summary = all_in_the_end(scene, &summary).await?;
    report.tell(&summary.shown());
    all_took_it(report, &summary);
    let late = summary.nodes.iter().find(|node| node.name == agent);
    let attempts = late.and_then(|node| node.attempts).unwrap_or(0);
    report.check(attempts >= 2, &format!("{agent} delivered it at attempt {attempts}"));
    let none = Counters { purges: 0, objects_purged: 0 };
    let empty = Counters { purges: 1, objects_purged: 0 };
    scene.count(report, &[VICTIM], &[none], empty).await
}

/// The origin saw nothing of it, and everything ends well.
pub(super) async fn end(scene: Scene, report: &mut Report) -> Result<(), Trouble> {
    report.step("the end");
    let others = scene.origin.other_methods();
    report.check(others.is_empty(), "the origin saw GET requests only");
    scene.stop().await?;
    report.check(true, "5 agents and 5 caches ended with status 0 when asked to");
    Ok(())
}

fn all_took_it(report: &mut Report, summary: &Summary) {
    let takers = summary.takers().len();
    let holds = summary.met && takers == CACHES && summary.expected == CACHES;
    report.check(holds, &format!("{takers} of {} caches answered 200", summary.expected));
}

fn four_took_it(report: &mut Report, scene: &Scene, summary: &Summary) {
    let takers = summary.takers();
    let late = &scene.agents[VICTIM].name;
    let holds = summary.met
        && takers.len() == OTHERS.len()
        && summary.missing == 1
        && !takers.contains(&&**late);
    report.check(holds, &format!("{} caches answered 200, {late} is missing", takers.len()));
}

/// Waits until the agent that took the item knows that all have it.
async fn all_in_the_end(scene: &Scene, summary: &Summary) -> Result<Summary, Trouble> {
    // Only the agent that took the item has its receipts.
    until("the item is delivered to all", LATE_PATIENCE, async || {
        for agent in &scene.agents {
            if let Ok(later) = summary.later(agent.api).await {
                return Ok((later.delivered == CACHES).then_some(later));
            }
        }
        Err(Trouble::new("no agent knows the receipts of the item"))
    })
    .await
}
