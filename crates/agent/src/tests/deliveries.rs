//! `/v1/deliveries`: listed, shown, retried and dropped.

use super::http::{Service, call, get};
use super::{config, config_with_app, toy, until};
use serde_json::{Value, json};
use std::net::SocketAddr;

/// Publishes, and waits until the item is a dead letter.
async fn bury(api: SocketAddr, path: &str, headers: &str, body: &[u8]) {
    let headers = format!("Bruit-Wait: all\r\n{headers}");
    assert_eq!(call(api, &format!("PURGE /all/{path}"), &headers, body).await.status, 504);
}

async fn ids(api: SocketAddr, query: &str) -> Vec<String> {
    let listed = get(api, &format!("/v1/deliveries{query}")).await.json();
    let listed = listed.as_array().unwrap();
    listed.iter().map(|each| each["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_dead_letter_is_shown_with_its_item() {
    let service = Service::start(404).await;
    let agent = toy(config_with_app("a", &service, &["**"])).await;
    let api = agent.ready().api;
    let headers = "Authorization: secret\r\nX-A: b\r\nContent-Type: text/plain\r\n";
    bury(api, "x?y=z", headers, "é".as_bytes()).await;
    bury(api, "y", "", b"\xff").await;
    let listed = get(api, "/v1/deliveries?state=failed").await.json();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    let shown = get(api, "/v1/deliveries/app.1").await.json();
    for (field, value) in listed[0].as_object().unwrap() {
        assert_eq!(&shown[field], value, "{field}");
    }
    for (field, value) in [
        ("id", json!("app.1")),
        ("state", json!("failed")),
        ("status", json!(404)),
        ("attempts", json!(1)),
        ("path", json!("x")),
        ("kind", json!("invocation")),
        ("method", json!("PURGE")),
        ("target", json!("/x?y=z")),
        ("content_type", json!("text/plain")),
        ("origin", json!(agent.ready().id)),
        ("payload_bytes", json!(2)),
        ("body", json!("é")),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }
    assert_eq!(shown.get("body_base64"), None);
    let headers = shown["headers"].as_array().unwrap();
    assert!(headers.contains(&json!(["authorization", "(hidden)"])), "{shown}");
    assert!(headers.contains(&json!(["x-a", "b"])), "{shown}");
    let binary = get(api, "/v1/deliveries/app.2").await.json();
    assert_eq!((&binary["body_base64"], binary.get("body")), (&"/w==".into(), None));
    for id in ["app.3", "app.01", "app", "none.1", "%FF", "app.1.1"] {
        let answer = get(api, &format!("/v1/deliveries/{id}")).await;
        assert!(matches!(answer.status, 400 | 404), "{id}: {}", answer.status);
    }
}

#[tokio::test]
async fn dead_letters_are_retried() {
    let service = Service::start_with(&[404, 404, 404], 200).await;
    let agent = toy(config_with_app("a", &service, &["**"])).await;
    let api = agent.ready().api;
    for path in ["1", "2", "3"] {
        bury(api, path, "", b"x").await;
    }
    let answer = call(api, "POST /v1/deliveries/app.2/retry", "", "").await;
    assert_eq!((answer.status, answer.json()), (200, json!({"retried": 1})));
    until("it is delivered", async || (service.got().len() == 4).then_some(())).await;
    assert_eq!(service.got()[3].line, "PURGE /2 HTTP/1.1");
    assert_eq!(service.got()[3].body, b"x");
    call(api, "POST /v1/deliveries/app.2/retry", "", "").await.problem(404);
    let answer = call(api, "POST /v1/deliveries/retry?subscription=app", "", "").await;
    assert_eq!(answer.json(), json!({"retried": 2}));
    until("all are delivered", async || (service.got().len() == 6).then_some(())).await;
    until("none is left", async || ids(api, "").await.is_empty().then_some(())).await;
    let answer = call(api, "POST /v1/deliveries/retry", "", "").await;
    assert_eq!(answer.json(), json!({"retried": 0}));
}

#[tokio::test]
async fn dead_letters_are_dropped() {
    let service = Service::start(404).await;
    let agent = toy(config_with_app("a", &service, &["x/*", "y/*"])).await;
    let api = agent.ready().api;
    for path in ["x/1", "x/2", "y/1", "y/2"] {
        bury(api, path, "", b"").await;
    }
    assert_eq!(ids(api, "").await, ["app.1", "app.2", "app-2.1", "app-2.2"]);
    let answer = call(api, "DELETE /v1/deliveries/app.1", "", "").await;
    assert_eq!((answer.status, answer.json()), (200, json!({"dropped": 1})));
    call(api, "DELETE /v1/deliveries/app.1", "", "").await.problem(404);
    call(api, "DELETE /v1/deliveries?subscription=none", "", "").await.problem(404);
    call(api, "POST /v1/deliveries/retry?subscription=none", "", "").await.problem(404);
    let answer = call(api, "DELETE /v1/deliveries?subscription=app-2", "", "").await;
    assert_eq!(answer.json(), json!({"dropped": 2}));
    assert_eq!(ids(api, "").await, ["app.2"]);
    assert_eq!(call(api, "DELETE /v1/deliveries", "", "").await.json(), json!({"dropped": 1}));
    assert_eq!(ids(api, "").await, [""; 0]);
}

#[tokio::test]
async fn what_waits_is_listed_by_state_subscription_and_limit() {
    let service = Service::start(200).await;
    let agent = toy(config_with_app("a", &service, &["x/*", "y/*"])).await;
    let api = agent.ready().api;
    for name in ["app", "app-2"] {
        call(api, &format!("POST /v1/subscriptions/{name}/pause"), "", "").await;
    }
    for path in ["x/1", "x/2", "y/1"] {
        call(api, &format!("POST /topics/{path}"), "", "").await;
    }
    until("all wait", async || (ids(api, "?state=queued").await.len() == 3).then_some(())).await;
    assert_eq!(ids(api, "?subscription=app").await.len(), 2);
    assert_eq!(ids(api, "?limit=1").await.len(), 1);
    assert_eq!(ids(api, "?limit=0").await.len(), 0);
    assert_eq!(ids(api, "?state=failed").await.len(), 0);
    assert_eq!(ids(api, "?state=in_flight").await.len(), 0);
    let one = &get(api, "/v1/deliveries?subscription=app-2").await.json()[0];
    assert_eq!((&one["state"], &one["path"]), (&"queued".into(), &"y/1".into()));
    assert_eq!((&one["attempts"], &one["reason"]), (&0.into(), &Value::Null));
    for bad in ["?state=done", "?limit=x", "?limit=10001"] {
        get(api, &format!("/v1/deliveries{bad}")).await.problem(400);
    }
}

#[tokio::test]
async fn an_agent_without_subscriptions_has_none() {
    let agent = toy(config("a")).await;
    let api = agent.ready().api;
    assert_eq!(get(api, "/v1/deliveries").await.json(), json!([]));
    assert_eq!(call(api, "DELETE /v1/deliveries", "", "").await.json(), json!({"dropped": 0}));
}
