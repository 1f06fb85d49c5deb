//! The five steps.

use super::group::Group;
use super::narrator::Narrator;
use crate::client::{Ask, Client, Member, Summary};
use crate::exit::{Exit, Failure};
use crate::out;
use http::{HeaderName, HeaderValue, Method};
use std::time::Duration;

/// How many requests a killed agent misses.
const MISSED: usize = 3;

/// All steps, in order. Says which one did not happen.
pub(super) async fn all(group: &mut Group, narrator: &Narrator) -> Result<(), Failure> {
    let count = group.nodes.len();
    let version = bruit_agent::VERSION;
    narrator.say(&format!(
        "bruit {version} demo: {count} agents, {count} plain HTTP services, all on this machine"
    ))?;
    // In the middle of the list; not the first, which is asked.
    let victim = count * 2 / 3;
    let did_not = |number: usize| {
        move |failure: Failure| {
            if failure.exit == Exit::Ok {
                return failure; // nobody reads on
            }
            let text = format!("step {number} of the demo did not happen");
            Failure::new(Exit::Failed, text).detail(failure.text().unwrap_or_default())
        }
    };
    found(group, narrator).await.map_err(did_not(1))?;
    reached(group, narrator).await.map_err(did_not(2))?;
    tagged(group, narrator).await.map_err(did_not(3))?;
    killed(group, narrator, victim).await.map_err(did_not(4))?;
    came_back(group, narrator, victim).await.map_err(did_not(5))?;
    narrator.say("")?;
    narrator.say("Done. Next: `bruit agent --help`, and \"Use it with your services\" in README.md")
}

fn is_alive(member: &Member) -> bool {
    member.state == "alive"
}

async fn found(group: &mut Group, narrator: &Narrator) -> Result<(), Failure> {
    let count = group.nodes.len();
    let is_whole = |members: &[Member]| {
        let is_known = |member: &&Member| is_alive(member) && !member.subscriptions.is_empty();
        members.iter().filter(is_known).count() == count
    };
    let what = format!("{count} agents are alive and subscribed");
    group.wait_until(&what, is_whole).await?;
    narrator.step(1, &format!("{count} agents found each other")).await?;
    narrator.command(&format!("bruit members --addr {}", group.nodes[0].at.api))?;
    narrator.detail(&group.bruit(0, &["members", "--color", "never"]).await?)
}

/// Sends a request to all services; gives who got it.
async fn delete(client: &mut Client, target: &str) -> Result<Summary, Failure> {
    let ask = Ask::new(Method::DELETE, format!("/all{target}"))
        .header(HeaderName::from_static("bruit-wait"), HeaderValue::from_static("all"))
        .header(HeaderName::from_static("bruit-timeout"), HeaderValue::from_static("15s"));
    client.ask(ask).await?.json()
}

/// Whether `expected` services got a request, as its receipts and as the services themselves say.
fn check(group: &Group, target: &str, summary: &Summary, expected: usize) -> Result<(), Failure> {
    let got = group.nodes.iter().filter(|node| node.service.count("DELETE", target) > 0).count();
    if summary.met && summary.delivered == expected && got == expected {
        return Ok(());
    }
    let told = summary.delivered;
    let text = format!("{expected} services were to get it; {got} did, and {told} are confirmed");
    Err(Failure::new(Exit::Failed, text))
}

async fn reached(group: &mut Group, narrator: &Narrator) -> Result<(), Failure> {
    let count = group.nodes.len();
    narrator.step(2, "one request reaches all of the services").await?;
    let target = "/cache/users/42";
    let api = &group.nodes[0].at.api;
    narrator.command(&format!("curl -X DELETE -H 'Bruit-Wait: all' http://{api}/all{target}"))?;
    let summary = delete(&mut group.nodes[0].client, target).await?;
    check(group, target, &summary, count)?;
    let (median, max) = summary.median_and_max_ms().unwrap_or_default();
    narrator.detail(&format!(
        "item {}: {} of {count} delivered in {} (p50 {})",
        summary.id,
        summary.delivered,
        out::millis(max),
        out::millis(median),
    ))?;
    narrator.detail(&format!("each of the {count} services says that it got DELETE {target}"))
}

async fn tagged(group: &mut Group, narrator: &Narrator) -> Result<(), Failure> {
    narrator.step(3, "what one agent says of itself, all know").await?;
    let index = 1;
    let (name, api) = (group.nodes[index].name.clone(), group.nodes[index].at.api.clone());
    narrator.command(&format!("bruit tag color=green --addr {api}"))?;
    narrator.detail(&group.bruit(index, &["tag", "color=green", "--color", "never"]).await?)?;
    let is_known = |members: &[Member]| {
        let mut of_it = members.iter().filter(|member| member.name == name);
        of_it.any(|member| member.metadata.get("color").is_some_and(|color| color == "green"))
    };
    let what = format!("{name} has color=green");
    let took = group.wait_until(&what, is_known).await?;
    let count = group.nodes.len();
    narrator.detail(&format!("all {count} agents know it after {}", out::millis(ms(took))))
}

async fn killed(group: &mut Group, narrator: &Narrator, victim: usize) -> Result<(), Failure> {
    let name = group.nodes[victim].name.clone();
    narrator.step(4, &format!("killing {name} (SIGKILL)")).await?;
    group.kill(victim).await?;
    let is_it = |member: &&Member| member.name == name;
    let is_failed =
        |members: &[Member]| members.iter().filter(is_it).any(|member| member.state == "failed");
    let took = group.wait_until(&format!("{name} has failed"), is_failed).await?;
    let others = group.nodes.len() - 1;
    narrator.detail(&format!("all {others} others noticed after {}", out::millis(ms(took))))?;
    // Most were told; whoever found out has the most to say.
    let mut most = (String::new(), String::new());
    for index in (0..group.nodes.len()).filter(|index| *index != victim) {
        let members: Vec<Member> = group.nodes[index].client.get("/v1/members").await?;
        let why = members.into_iter().find(|member| is_it(&member)).map(|member| member.why);
        let why = why.unwrap_or_default();
        if why.len() > most.1.len() {
            most = (group.nodes[index].name.clone(), why);
        }
    }
    narrator.detail(&format!("{} says why: \"{}\"", most.0, most.1))
}

async fn came_back(group: &mut Group, narrator: &Narrator, victim: usize) -> Result<(), Failure> {
    let name = group.nodes[victim].name.clone();
    narrator
        .step(5, &format!("{MISSED} requests while {name} is away; then it comes back"))
        .await?;
    let others = group.nodes.len() - 1;
    let missed: Vec<String> =
        (0..MISSED).map(|number| format!("/cache/users/{}", 43 + number)).collect();
    for target in &missed {
        let summary = delete(&mut group.nodes[0].client, target).await?;
        check(group, target, &summary, others)?;
    }
    narrator
        .detail(&format!("{MISSED} requests delivered to {others} of {others} that are alive"))?;
    group.restart(victim).await?;
    let late = group.wait_for_service(victim, "DELETE", &missed).await?;
    let is_back = |members: &[Member]| members.iter().all(is_alive);
    group.wait_until(&format!("{name} is alive again"), is_back).await?;
    narrator.detail(&format!(
        "{name} is back with its state; its service got the {MISSED} that it had missed, {} later",
        out::millis(ms(late)),
    ))
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
