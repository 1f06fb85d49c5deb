//! `CloudEvents` at `/topics`.

use super::http::{Service, call, get};
use super::{config, config_with_app, toy, until};
use serde_json::json;

const STRUCTURED: &str = "Content-Type: application/cloudevents+json\r\n";
const BATCH: &str = "Content-Type: application/cloudevents-batch+json\r\n";
const BINARY: &str = "ce-specversion: 1.0\r\nce-id: 7\r\nce-source: /shop\r\n\
                      ce-type: order.made\r\nContent-Type: application/json\r\n";

#[tokio::test]
async fn events_of_both_modes_are_taken_as_they_are() {
    let service = Service::start(200).await;
    let agent = toy(config_with_app("a", &service, &["orders/**"])).await;
    let api = agent.ready().api;
    let headers = format!("{BINARY}Bruit-Wait: all\r\n");
    let answer = call(api, "POST /topics/orders/eu", &headers, "{}").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let event = r#"{"specversion":"1.0","id":"8","source":"/shop","type":"order.made"}"#;
    let headers = format!("{STRUCTURED}Bruit-Wait: all\r\n");
    let answer = call(api, "POST /topics/orders/eu", &headers, event).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let got = service.got();
    assert_eq!(got[0].header("ce-type"), Some("order.made"));
    assert_eq!(got[0].body, b"{}");
    assert_eq!(got[1].header("content-type"), Some("application/cloudevents+json"));
    assert_eq!(got[1].body, event.as_bytes());
}

#[tokio::test]
async fn a_batch_becomes_items_in_its_order() {
    let service = Service::start(200).await;
    let agent = toy(config_with_app("a", &service, &["orders/**"])).await;
    let api = agent.ready().api;
    // More than are published at once.
    let event = |number: usize| {
        let id = number.to_string();
        json!({"specversion": "1.0", "id": id, "source": "/s", "type": "t"})
    };
    let events: Vec<_> = (0..150).map(event).collect();
    let body = serde_json::to_string(&events).unwrap();
    let answer = call(api, "POST /topics/orders/eu", BATCH, body).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(answer.header("bruit-item-id"), None);
    let answer = answer.json();
    assert_eq!((&answer["path"], &answer["subscribers"]), (&"orders/eu".into(), &1.into()));
    let ids = answer["ids"].as_array().unwrap();
    assert_eq!(ids.len(), 150);
    for place in [0, 63, 64, 149] {
        let body = get(api, &format!("/v1/items/{}/body", ids[place].as_str().unwrap())).await;
        assert_eq!(body.json(), events[place]);
    }
    until("all are delivered", async || (service.got().len() == 150).then_some(())).await;
    let kinds: Vec<_> = service.got();
    let is_event =
        |got: &super::http::Got| got.header("content-type") == Some("application/cloudevents+json");
    assert!(kinds.iter().all(is_event));
}

#[tokio::test]
async fn an_empty_batch_is_no_item() {
    let agent = toy(config("a")).await;
    let api = agent.ready().api;
    let answer = call(api, "POST /topics/x", BATCH, "[]").await;
    assert_eq!((answer.status, &answer.json()["ids"]), (202, &json!([])));
    assert_eq!(get(api, "/v1/items").await.json(), json!([]));
}

#[tokio::test]
async fn malformed_events_are_refused_whole() {
    let agent = toy(config("a")).await;
    let api = agent.ready().api;
    let good = r#"{"specversion":"1.0","id":"8","source":"/shop","type":"t"}"#;
    for (headers, body, expected) in [
        (STRUCTURED, "{", "the body is not a JSON object"),
        (STRUCTURED, r#"{"specversion":"1.0","id":"8","source":"/shop"}"#, "it has no type"),
        ("ce-specversion: 0.3\r\n", "", "specversion is not 1.0"),
        ("ce-specversion: 1.0\r\nce-id: 1\r\nce-type: t\r\n", "", "it has no source"),
        (BATCH, good, "the body is not a JSON array of events"),
        (BATCH, &format!("[{good},{{}}]"), "number 1 of the batch"),
        (&format!("{BATCH}Bruit-Wait: all\r\n"), "[]", "a batch cannot be waited for"),
    ] {
        let problem = call(api, "POST /topics/x", headers, body).await.problem(400);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(expected), "{expected} in {detail}");
        assert!(!problem["hint"].as_str().unwrap().is_empty());
    }
    assert_eq!(get(api, "/v1/items").await.json(), json!([]));
    // Replayed requests are not looked into.
    assert_eq!(call(api, "POST /all/x", STRUCTURED, "{").await.status, 202);
}

#[tokio::test]
async fn a_batch_that_is_refused_halfway_says_so() {
    let agent = toy(config("a")).await;
    let api = agent.ready().api;
    let headers = format!("{BATCH}Bruit-Topic: unknown/**\r\n");
    let event = r#"{"specversion":"1.0","id":"8","source":"/shop","type":"t"}"#;
    let refused = call(api, "POST /topics/x", &headers, format!("[{event}]")).await;
    let detail = refused.problem(400)["detail"].to_string();
    assert!(!detail.contains("were accepted"), "none was: {detail}");
}
