//! Receipts over whole groups: answers to the items that they are about.

use super::group::{joining, knows_subscriptions};
use super::http::{Service, call, get};
use super::{config, config_with_app, until};
use crate::Agent;
use serde_json::json;
use std::net::SocketAddr;

/// Ten agents, of which the last has no service.
async fn ten(service: &Service) -> Vec<Agent> {
    let (mut agents, mut seed) = (Vec::new(), None);
    for number in 1..=10 {
        let name = format!("n{number:02}");
        let config = match number {
            10 => config(&name),
            _ => config_with_app(&name, service, &["**"]),
        };
        let agent = Agent::start(joining(config, seed)).await.unwrap();
        seed = seed.or(Some(agent.ready().gossip));
        agents.push(agent);
    }
    for agent in &agents {
        knows_subscriptions(agent.ready().api, 9).await;
    }
    agents
}

/// Waits until no agent remembers a question.
async fn are_free(agents: &[Agent]) {
    for agent in agents {
        until("no question is open", async || {
            let status = get(agent.ready().api, "/v1/status").await.json();
            (status["counters"]["bruit_questions"].as_u64()? == 0).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn nine_of_ten_tell_and_no_question_stays_open() {
    let service = Service::start(200).await;
    let agents = ten(&service).await;
    for agent in &agents {
        let headers = "Bruit-Wait: all\r\nBruit-Timeout: 30s\r\n";
        let answer = call(agent.ready().api, "POST /topics/a/b", headers, "x").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let summary = answer.json();
        assert_eq!((&summary["expected"], &summary["delivered"]), (&json!(9), &json!(9)));
    }
    assert_eq!(service.got().len(), 90);
    are_free(&agents).await;
    let none = call(agents[0].ready().api, "POST /topics/a", "Bruit-Wait: 1\r\n", "x").await;
    assert_eq!(none.status, 200, "{}", none.text());
    are_free(&agents).await;
}

#[tokio::test]
async fn an_end_that_comes_late_still_counts() {
    let service = Service::start(200).await;
    let first = joining(config_with_app("n1", &service, &["**"]), None);
    let first = Agent::start(first).await.unwrap();
    let seed = Some(first.ready().gossip);
    let second = joining(config_with_app("n2", &service, &["**"]), seed);
    let second = Agent::start(second).await.unwrap();
    let api: SocketAddr = first.ready().api;
    knows_subscriptions(api, 2).await;
    let paused = call(second.ready().api, "POST /v1/subscriptions/app/pause", "", "").await;
    assert_eq!(paused.status, 200, "{}", paused.text());
    let headers = "Bruit-Wait: all\r\nBruit-Timeout: 20ms\r\n";
    let answer = call(api, "POST /topics/a", headers, "x").await;
    assert_eq!(answer.status, 504, "{}", answer.text());
    let missing = answer.json()["nodes"][1].clone();
    assert_eq!((&missing["name"], &missing["outcome"]), (&json!("n2"), &json!("missing")));
    let location = answer.header("location").unwrap().to_owned();
    call(second.ready().api, "POST /v1/subscriptions/app/resume", "", "").await;
    until("the late end is there", async || {
        let receipts = get(api, &location).await.json()["receipts"].clone();
        (receipts["delivered"] == 2 && receipts["met"] == true).then_some(())
    })
    .await;
    are_free(&[first, second]).await;
}

#[tokio::test]
async fn more_callers_wait_than_questions_may_be_open() {
    let service = Service::start(200).await;
    let first = Agent::start(joining(config("n1"), None)).await.unwrap();
    let config = joining(config_with_app("n2", &service, &["**"]), Some(first.ready().gossip));
    let second = Agent::start(config).await.unwrap();
    let api = first.ready().api;
    knows_subscriptions(api, 1).await;
    for _ in 0..700 {
        let answer = call(api, "POST /topics/a", "Bruit-Wait: all\r\n", "x").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    are_free(&[first, second]).await;
}
