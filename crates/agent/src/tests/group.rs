//! Native nodes: agents that find each other and deliver to each other's services.

use super::http::{Service, call, get};
use super::{config, config_with_app, until};
use crate::{Agent, AgentConfig, Profile};
use bruit_model::Target;
use serde_json::json;
use std::net::SocketAddr;

pub(super) fn joining(config: AgentConfig, seed: Option<SocketAddr>) -> AgentConfig {
    let join = seed.into_iter().map(Target::Addr).collect();
    AgentConfig { join, profile: Profile::Local, ..config }
}

/// Waits until `api` knows so many subscriptions of members that are alive.
pub(super) async fn knows_subscriptions(api: SocketAddr, count: usize) {
    until("all subscriptions are known", async || {
        let known = get(api, "/v1/subscriptions").await.json();
        let alive = known.as_array()?.iter().filter(|each| each["node_state"] == "alive");
        (alive.count() == count).then_some(())
    })
    .await;
}

/// Waits until `api` knows so many members that are alive.
pub(super) async fn knows_members(api: SocketAddr, count: usize) {
    until("all members are known", async || {
        let known = get(api, "/v1/members").await.json();
        let alive = known.as_array()?.iter().filter(|each| each["state"] == "alive");
        (alive.count() == count).then_some(())
    })
    .await;
}

#[tokio::test]
async fn one_purge_reaches_the_services_of_all() {
    let (mut agents, mut services) = (Vec::new(), Vec::new());
    let mut seed = None;
    for name in ["n1", "n2", "n3"] {
        let service = Service::start(200).await;
        let config = joining(config_with_app(name, &service, &["cache/**"]), seed);
        let agent = Agent::start(config).await.unwrap();
        seed = seed.or(Some(agent.ready().gossip));
        agents.push(agent);
        services.push(service);
    }
    for agent in &agents {
        knows_subscriptions(agent.ready().api, 3).await;
    }
    let api = agents[2].ready().api;
    let headers = "Bruit-Wait: all\r\nBruit-Timeout: 20s\r\nBruit-Host: www.example.test\r\n";
    let answer = call(api, "PURGE /all/cache/1?x=y", headers, "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let summary = answer.json();
    assert_eq!((&summary["expected"], &summary["delivered"]), (&3.into(), &3.into()));
    let names: Vec<_> =
        summary["nodes"].as_array().unwrap().iter().map(|node| &node["name"]).collect();
    assert_eq!(names, ["n1", "n2", "n3"]);
    for service in &services {
        let got = service.got();
        assert_eq!(got.len(), 1);
        assert_eq!(got[0].line, "PURGE /cache/1?x=y HTTP/1.1");
        assert_eq!(got[0].header("host"), Some("www.example.test"));
    }
    let other = agents[0].ready().api;
    let item = get(other, answer.header("location").unwrap()).await.json();
    assert_eq!(item["origin"], agents[2].ready().id, "every agent holds it");
    let metrics = get(other, "/metrics").await;
    let line = "bruit_item_propagation_seconds_count{via=\"spread\"} 1";
    assert!(metrics.text().lines().any(|each| each == line), "{}", metrics.text());
    agents.pop().unwrap().shutdown(true).await;
    until("n3 is known to have left", async || {
        let member = get(other, "/v1/members/n3").await;
        (member.json()["state"] == "left").then_some(())
    })
    .await;
}

#[tokio::test]
async fn tags_and_topics_reach_the_others() {
    let first = Agent::start(joining(config("n1"), None)).await.unwrap();
    let seed = Some(first.ready().gossip);
    let second = Agent::start(joining(config("n2"), seed)).await.unwrap();
    let (here, there) = (first.ready().api, second.ready().api);
    call(here, "PATCH /v1/self/tags", "", r#"{"role": "web"}"#).await;
    assert_eq!(call(there, "PUT /v1/topics/bulk/**", "", r#"{"fanout": 9}"#).await.status, 201);
    until("the tag is known there", async || {
        let member = get(there, "/v1/members/n1").await.json();
        (member["metadata"] == json!({"role": "web"})).then_some(())
    })
    .await;
    until("the topic is known here", async || {
        let topic = get(here, "/v1/topics/bulk/**").await;
        (topic.status == 200 && topic.json()["fanout"] == 9).then_some(())
    })
    .await;
    let items = get(here, "/v1/items").await.json();
    assert_eq!(items, json!([]), "the group's own items are not shown");
}

#[tokio::test]
async fn a_failure_elsewhere_is_told_to_the_origin() {
    let service = Service::start(403).await;
    let first = Agent::start(joining(config("n1"), None)).await.unwrap();
    let seed = Some(first.ready().gossip);
    let config = joining(config_with_app("n2", &service, &["**"]), seed);
    let second = Agent::start(config).await.unwrap();
    knows_subscriptions(first.ready().api, 1).await;
    let headers = "Bruit-Wait: all\r\nBruit-Timeout: 20s\r\n";
    let answer = call(first.ready().api, "POST /topics/x", headers, "").await;
    assert_eq!(answer.status, 504, "{}", answer.text());
    let summary = answer.json();
    assert_eq!((&summary["failed"], &summary["missing"]), (&1.into(), &0.into()));
    assert_eq!(summary["nodes"][0]["name"], "n2");
    assert_eq!(summary["nodes"][0]["status"], 403);
    drop(second);
}
