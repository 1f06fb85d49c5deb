//! Traces over whole groups, and evicting.

use super::group::{joining, knows_members, knows_subscriptions};
use super::http::{Service, call, get};
use super::{config, config_with_app, toy, until};
use crate::Agent;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn by_name(trace: &Value) -> BTreeMap<String, Value> {
    let nodes = trace["nodes"].as_array().unwrap();
    let named = |node: &Value| (node["name"].as_str().unwrap().to_owned(), node.clone());
    nodes.iter().map(named).collect()
}

#[tokio::test]
async fn a_trace_tells_who_got_an_item_and_who_did_not() {
    let good = Service::start(204).await;
    let flaky = Service::start_with(&[503, 503], 204).await;
    let mut agents = Vec::new();
    let mut seed = None;
    for name in ["n1", "n2", "n3", "n4", "n5"] {
        let config = match name {
            "n2" => config_with_app(name, &flaky, &["cache/**"]),
            "n4" => config(name),
            _ => config_with_app(name, &good, &["cache/**"]),
        };
        let agent = Agent::start(joining(config, seed)).await.unwrap();
        seed = seed.or(Some(agent.ready().gossip));
        agents.push(agent);
    }
    for agent in &agents {
        knows_members(agent.ready().api, 5).await;
        knows_subscriptions(agent.ready().api, 4).await;
    }
    let n5 = agents.pop().unwrap();
    n5.shutdown(false).await;
    let api = agents[0].ready().api;
    until("n5 is known to have failed", async || {
        let member = get(api, "/v1/members/n5").await.json();
        (member["state"] == "failed").then_some(())
    })
    .await;
    let headers = "Bruit-Wait: all\r\nBruit-Timeout: 30s\r\n";
    let sent = call(api, "PURGE /all/cache/1", headers, "12345").await;
    assert_eq!(sent.status, 200, "{}", sent.text());
    let id = sent.json()["id"].as_str().unwrap().to_owned();

    let trace = get(api, &format!("/v1/items/{id}/trace?timeout=30s")).await.json();
    assert_eq!((&trace["id"], &trace["path"]), (&json!(id), &json!("cache/1")));
    assert_eq!(
        (&trace["origin"], &trace["origin_name"]),
        (&json!(agents[0].ready().id), &json!("n1"))
    );
    assert_eq!(trace["payload_bytes"], 5);
    assert_eq!(
        (&trace["members"], &trace["reached"], &trace["answered"]),
        (&json!(5), &json!(4), &json!(4))
    );
    let nodes = by_name(&trace);
    let n1 = &nodes["n1"];
    assert_eq!((&n1["via"], &n1["hops"], &n1["from"]), (&json!("local"), &json!(0), &json!(null)));
    assert_eq!((&n1["received_after_ms"], &n1["clock_offset_ms"]), (&json!(0.0), &json!(0.0)));
    for name in ["n2", "n3", "n4"] {
        let node = &nodes[name];
        assert_eq!((&node["via"], &node["hops"]), (&json!("direct"), &json!(1)), "{node}");
        assert_eq!((&node["from_name"], &node["seen"]), (&json!("n1"), &json!(true)), "{node}");
        assert!(node["copies"].as_u64().unwrap() >= 1, "{node}");
        let after = node["received_after_ms"].as_f64().unwrap();
        assert!((0.0..30_000.0).contains(&after), "{node}");
        // All clocks here are one, so what is measured must be within what is claimed.
        let offset = node["clock_offset_ms"].as_f64().unwrap().abs();
        assert!(offset <= node["clock_error_ms"].as_f64().unwrap(), "{node}");
    }
    let n2 = &nodes["n2"]["deliveries"][0];
    assert_eq!((&n2["subscription"], &n2["outcome"]), (&json!("app"), &json!("delivered")));
    assert_eq!((&n2["status"], &n2["attempts"]), (&json!(204), &json!(3)), "{n2}");
    assert_eq!(n2["statuses"], json!([503, 503, 204]), "{n2}");
    let began: Vec<f64> = n2["tries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| each["at_ms"].as_f64().unwrap())
        .collect();
    assert!(began.is_sorted() && began[0] < began[2], "{n2}");
    assert!(n2["after_ms"].as_f64() >= nodes["n2"]["received_after_ms"].as_f64());
    let n3 = &nodes["n3"]["deliveries"][0];
    assert_eq!(
        (&n3["outcome"], &n3["attempts"], &n3["statuses"]),
        (&json!("delivered"), &json!(1), &json!([204]))
    );
    assert_eq!((&nodes["n4"]["deliveries"], &nodes["n4"]["matching"]), (&json!([]), &json!(0)));
    assert_eq!(nodes["n4"]["why"], "no subscription matches");
    let n5 = &nodes["n5"];
    assert_eq!((&n5["state"], &n5["seen"]), (&json!("failed"), &json!(false)));
    assert!(n5["why"].as_str().unwrap().starts_with("no answer: failed "), "{n5}");

    // Whoever is asked, even in small letters, gives the same way.
    let other = agents[2].ready().api;
    let line = format!("/v1/items/{}/trace?timeout=30s", id.to_lowercase());
    let elsewhere = get(other, &line).await.json();
    assert_eq!((&elsewhere["reached"], &elsewhere["origin_name"]), (&json!(4), &json!("n1")));
    assert_eq!(by_name(&elsewhere)["n2"]["deliveries"][0]["attempts"], 3);

    let evicted = call(api, "POST /v1/evict", "", r#"{"member": "n5"}"#).await;
    assert_eq!((evicted.status, &evicted.json()["state"]), (200, &json!("left")));
    until("all know that it has left", async || {
        let member = get(other, "/v1/members/n5").await.json();
        (member["state"] == "left").then_some(())
    })
    .await;
    let trace = get(api, &format!("/v1/items/{id}/trace?timeout=30s")).await.json();
    assert_eq!(trace["members"], 4);
    assert!(by_name(&trace)["n5"]["why"].as_str().unwrap().starts_with("left "));
}

#[tokio::test]
async fn an_agent_that_never_saw_the_item_asks_those_who_did() {
    let first = Agent::start(joining(config("n1"), None)).await.unwrap();
    let mut topic = json!({"repair": false}).to_string();
    let made = call(first.ready().api, "PUT /v1/topics/gone/**", "", &topic).await;
    assert_eq!(made.status, 201);
    topic.clear();
    let id = call(first.ready().api, "POST /topics/gone/x", "", "abc").await.json();
    let id = id["id"].as_str().unwrap();
    let second = Agent::start(joining(config("n2"), Some(first.ready().gossip))).await.unwrap();
    knows_members(second.ready().api, 2).await;
    knows_members(first.ready().api, 2).await;
    let trace = get(second.ready().api, &format!("/v1/items/{id}/trace?timeout=30s")).await;
    assert_eq!(trace.status, 200, "{}", trace.text());
    let trace = trace.json();
    assert_eq!((&trace["path"], &trace["payload_bytes"]), (&json!("gone/x"), &json!(3)));
    assert_eq!((&trace["reached"], &trace["members"]), (&json!(1), &json!(2)));
    let nodes = by_name(&trace);
    let why = nodes["n2"]["why"].as_str().unwrap();
    assert!(why.starts_with("not seen, or forgotten: it remembers the last "), "{why}");
    assert_eq!(nodes["n1"]["via"], "local");
}

#[tokio::test]
async fn a_delivery_that_has_not_ended_tells_how_far_it_is() {
    let service = Service::start(503).await;
    let agent = toy(config_with_app("a", &service, &["**"])).await;
    let api = agent.ready().api;
    let id = call(api, "POST /topics/x", "", "").await.json()["id"].clone();
    let line = format!("/v1/items/{}/trace?timeout=50ms", id.as_str().unwrap());
    let delivery = until("an attempt was made", async || {
        let trace = get(api, &line).await.json();
        let delivery = trace["nodes"][0]["deliveries"][0].clone();
        (delivery["attempts"].as_u64()? > 0 && delivery["outcome"] == "queued").then_some(delivery)
    })
    .await;
    assert_eq!((&delivery["status"], &delivery["after_ms"]), (&json!(503), &json!(null)));
    assert!(delivery["reason"].as_str().unwrap().contains("503"), "{delivery}");
}

#[tokio::test]
async fn what_nobody_knows_is_not_found_and_room_is_bounded() {
    let agent = Agent::start_with(config("a"), toy::start_with_ghost).await.unwrap();
    let api = agent.ready().api;
    let problem = get(api, "/v1/items/9M4K2TQ7-12/trace?timeout=50ms").await.problem(404);
    assert!(problem["detail"].as_str().unwrap().contains("1 of 2 members answered"), "{problem}");
    for bad in ["9M4K2TQ7", "x-1", "9M4K2TQ7-1x"] {
        get(api, &format!("/v1/items/{bad}/trace")).await.problem(404);
    }
    get(api, "/v1/items/9M4K2TQ7-12/trace?timeout=2").await.problem(400);
    get(api, "/v1/items/9M4K2TQ7-12/trace?timeout=61s").await.problem(400);

    let taken = agent.shared.traces.gathered.try_acquire_many(16).unwrap();
    get(api, "/v1/items/9M4K2TQ7-12/trace?timeout=50ms").await.problem(503);
    drop(taken);
    let id = call(api, "POST /topics/x", "", "").await.json()["id"].clone();
    let id = id.as_str().unwrap();
    let trace = get(api, &format!("/v1/items/{id}/trace?timeout=50ms")).await.json();
    assert_eq!((&trace["reached"], &trace["answered"]), (&json!(1), &json!(1)));
    assert_eq!(by_name(&trace)["ghost"]["why"], "no answer within 50 ms");
    assert_eq!(agent.shared.traces.refused.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[tokio::test]
async fn only_a_member_that_is_not_there_is_evicted() {
    let agent = Agent::start_with(config("a"), toy::start_with_failed).await.unwrap();
    let api = agent.ready().api;
    for (body, status) in [
        ("", 400),
        (r#"{"name": "ghost"}"#, 400),
        (r#"{"member": "nobody"}"#, 404),
        (r#"{"member": "a"}"#, 409),
    ] {
        call(api, "POST /v1/evict", "", body).await.problem(status);
    }
    let ghost = json!({"member": toy::GHOST.to_string()}).to_string();
    for _ in 0..2 {
        let answer = call(api, "POST /v1/evict", "", &ghost).await;
        assert_eq!((answer.status, &answer.json()["state"]), (200, &json!("left")));
    }
    let alive = Agent::start_with(config("b"), toy::start_with_ghost).await.unwrap();
    call(alive.ready().api, "POST /v1/evict", "", &ghost).await.problem(409);
}
