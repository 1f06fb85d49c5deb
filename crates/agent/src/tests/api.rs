//! Everything under `/v1`, health, metrics, errors.

use super::http::{Service, call, get};
use super::{LONG, config, config_with_app, toy, until};
use crate::api::Server;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

#[tokio::test]
async fn members_show_tags_and_subscriptions() {
    let service = Service::start(200).await;
    let mut config = config_with_app("web-1", &service, &["cache/**", "flags/*"]);
    config.tags = BTreeMap::from([("role".into(), "web".into())]);
    let agent = toy(config).await;
    let api = agent.ready().api;
    let members = get(api, "/v1/members").await.json();
    let ready = agent.ready();
    let expected = json!([{
        "id": ready.id,
        "name": "web-1",
        "address": ready.gossip.to_string(),
        "state": "alive",
        "why": "it is this node",
        "conflict": false,
        "metadata": {"role": "web"},
        "subscriptions": [
            {"name": "app", "pattern": "cache/**"},
            {"name": "app-2", "pattern": "flags/*"},
        ],
        "incarnation": 3,
        "generation": members[0]["generation"],
        "since_seconds": 2.0,
        "rtt_ms": null,
        "self": true,
    }]);
    assert_eq!(members, expected);
    assert_eq!(get(api, "/v1/members/web-1").await.json(), expected[0]);
    assert_eq!(get(api, &format!("/v1/members/{}", ready.id)).await.json(), expected[0]);
    get(api, "/v1/members/web-2").await.problem(404);
    get(api, &format!("/v1/members/{}", "0".repeat(32))).await.problem(404);
}

#[tokio::test]
async fn tags_are_set_and_removed_by_merge_patch() {
    let agent = toy(config("a")).await;
    let api = agent.ready().api;
    let patch = |body: &'static str| call(api, "PATCH /v1/self/tags", "", body);
    let answer = patch(r#"{"a": "1", "n": 2, "b": true}"#).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["metadata"], json!({"a": "1", "n": "2", "b": "true"}));
    let answer = patch(r#"{"a": null, "c": "é"}"#).await;
    assert_eq!(answer.json()["metadata"], json!({"n": "2", "b": "true", "c": "é"}));
    for bad in [r#"{"$sub/x": "**"}"#, r#"{"": "x"}"#, r#"{"a": []}"#, "[]", "{", ""] {
        patch(bad).await.problem(400);
    }
    let member = get(api, "/v1/members/a").await.json();
    assert_eq!(member["metadata"], json!({"n": "2", "b": "true", "c": "é"}));
}

#[tokio::test]
async fn subscriptions_are_shown_paused_and_resumed() {
    let service = Service::start(200).await;
    let agent = toy(config_with_app("a", &service, &["**"])).await;
    let api = agent.ready().api;
    let listed = get(api, "/v1/subscriptions").await.json();
    assert_eq!(listed[0]["node_name"], "a");
    assert_eq!(listed[0]["name"], "app");
    assert_eq!(listed[0]["pattern"], "**");
    assert_eq!(listed[0]["local"]["state"], "active");
    assert_eq!(listed[0]["local"]["endpoint"], format!("http://{}", service.addr));
    let paused = call(api, "POST /v1/subscriptions/app/pause", "", "").await;
    assert_eq!((paused.status, &paused.json()["state"]), (200, &"paused".into()));
    call(api, "POST /topics/x", "", "").await;
    until("one waits", async || {
        let listed = get(api, "/v1/subscriptions").await.json();
        (listed[0]["local"]["queued_items"] == 1).then_some(())
    })
    .await;
    assert_eq!(service.got().len(), 0);
    assert_eq!(call(api, "POST /v1/subscriptions/app/resume", "", "").await.status, 200);
    until("it is delivered", async || (service.got().len() == 1).then_some(())).await;
    call(api, "POST /v1/subscriptions/none/pause", "", "").await.problem(404);
}

#[tokio::test]
async fn topics_are_made_changed_and_removed() {
    let agent = toy(config("a")).await;
    let api = agent.ready().api;
    assert_eq!(get(api, "/v1/topics").await.json()[0]["pattern"], "**");
    let body = r#"{"style": "lazy_push", "fanout": 7, "repair": false, "expiry_ms": 5000}"#;
    let made = call(api, "PUT /v1/topics/cache/**", "", body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let expected = json!({
        "pattern": "cache/**", "style": "lazy_push", "fanout": 7, "stop": "rounds:8",
        "period_ms": 100, "repair": false, "retain_items": 10_000,
        "retain_bytes": 16_777_216, "retain_ms": 600_000, "order": "none", "expiry_ms": 5000,
    });
    assert_eq!(made.json(), expected);
    let changed = call(api, "PUT /v1/topics/cache/**", "", r#"{"fanout": 3}"#).await;
    assert_eq!(changed.status, 200);
    assert_eq!(changed.json()["fanout"], 3);
    assert_eq!(changed.json()["style"], "lazy_push", "what is not given stays");
    assert_eq!(get(api, "/v1/topics/cache/**").await.json(), changed.json());
    let near = call(api, "PUT /v1/topics/x", "", r#"{"fan_out": 3}"#).await.problem(400);
    assert_eq!(near["hint"], "did you mean fanout?");
    for (path, body) in
        [("x", r#"{"style": "shout"}"#), ("x", r#"{"fanout": [1]}"#), ("x", "3"), ("a*", "{}")]
    {
        call(api, &format!("PUT /v1/topics/{path}"), "", body).await.problem(400);
    }
    assert_eq!(call(api, "DELETE /v1/topics/cache/**", "", "").await.status, 204);
    call(api, "DELETE /v1/topics/cache/**", "", "").await.problem(404);
    get(api, "/v1/topics/cache/**").await.problem(404);
}

#[tokio::test]
async fn items_are_listed_newest_first_and_secrets_hidden() {
    let agent = toy(config("a")).await;
    let api = agent.ready().api;
    let headers = "Authorization: secret\r\nContent-Type: text/plain\r\n";
    let first = call(api, "PURGE /all/a?b=c", headers, "hello").await.json();
    let second = call(api, "POST /topics/e", "", "").await.json();
    let items = get(api, "/v1/items").await.json();
    assert_eq!((&items[0]["id"], &items[1]["id"]), (&second["id"], &first["id"]));
    assert_eq!((&items[0]["kind"], &items[1]["kind"]), (&"event".into(), &"invocation".into()));
    assert_eq!(get(api, "/v1/items?limit=1").await.json().as_array().unwrap().len(), 1);
    get(api, "/v1/items?limit=1001").await.problem(400);
    let id = first["id"].as_str().unwrap();
    let item = get(api, &format!("/v1/items/{}", id.to_ascii_lowercase())).await.json();
    assert_eq!(item["method"], "PURGE");
    assert_eq!(item["target"], "/a?b=c");
    assert_eq!(item["content_type"], "text/plain");
    assert_eq!(item["payload_bytes"], 5);
    assert_eq!(item["origin"], agent.ready().id);
    assert!(item["receipts"].is_null());
    let shown = item["headers"].as_array().unwrap();
    assert!(shown.contains(&json!(["authorization", "(hidden)"])), "{shown:?}");
    assert!(shown.contains(&json!(["content-type", "text/plain"])), "{shown:?}");
    let body = get(api, &format!("/v1/items/{id}/body")).await;
    assert_eq!(body.text(), "hello");
    assert_eq!(body.header("content-type"), Some("application/octet-stream"));
    get(api, "/v1/items/NONE-1").await.problem(404);
    get(api, "/v1/items/NONE-1/body").await.problem(404);
}

#[tokio::test]
async fn status_says_what_an_operator_should_know() {
    let agent = toy(config("a")).await;
    let status = get(agent.ready().api, "/v1/status").await.json();
    assert_eq!(status["name"], "a");
    assert_eq!(status["persistent"], false);
    assert_eq!(status["members"], json!({"alive": 1, "suspect": 0, "failed": 0, "left": 0}));
    assert_eq!(status["pid"], std::process::id());
    assert!(status["socket_buffer_bytes"]["receive"].as_u64().unwrap() > 0);
    assert_eq!(status["counters"]["bruit_members{state=\"alive\"}"], 1);
    let warnings = status["warnings"].to_string();
    assert!(warnings.contains("no --data"), "{warnings}");
    assert!(warnings.contains("no cluster key"), "{warnings}");
}

#[tokio::test]
async fn health_needs_no_peers() {
    let agent = toy(config("a")).await;
    let api = agent.ready().api;
    assert_eq!(get(api, "/livez").await.text(), "ok\n");
    assert_eq!(get(api, "/readyz").await.text(), "ok\n");
    let verbose = get(api, "/readyz?verbose").await;
    assert_eq!(verbose.text(), "[+]api ok\n[+]gossip ok\n[+]staying ok\nok\n");
    let asked = call(api, "POST /v1/leave", "", "").await;
    assert_eq!(asked.status, 202);
    let leaving = get(api, "/readyz").await;
    assert_eq!(leaving.status, 503);
    assert!(leaving.text().contains("[-]staying failed"), "{}", leaving.text());
    tokio::time::timeout(LONG, agent.leave_asked()).await.unwrap();
    agent.shutdown(true).await;
    assert!(TcpStream::connect(api).await.is_err());
}

#[tokio::test]
async fn metrics_are_openmetrics() {
    let service = Service::start(200).await;
    let agent = toy(config_with_app("a", &service, &["**"])).await;
    let api = agent.ready().api;
    call(api, "POST /topics/x", "Bruit-Wait: all\r\n", "").await;
    let answer = get(api, "/metrics").await;
    let kind = answer.header("content-type").unwrap();
    assert!(kind.starts_with("application/openmetrics-text; version=1.0.0"), "{kind}");
    let text = answer.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.last(), Some(&"# EOF"));
    let mut family = ("", "");
    let mut seen = BTreeSet::new();
    for line in &lines[..lines.len() - 1] {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            family = rest.split_once(' ').unwrap();
            assert!(seen.insert(family.0), "{} comes twice", family.0);
            continue;
        }
        let (name, value) = line.rsplit_once(' ').unwrap();
        value.parse::<f64>().unwrap_or_else(|_| panic!("{line}"));
        let name = name.split('{').next().unwrap();
        if family.1 == "histogram" {
            let suffix = name.strip_prefix(family.0);
            assert!(matches!(suffix, Some("_bucket" | "_count" | "_sum")), "{line}");
            continue;
        }
        let suffix = match family.1 {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        assert_eq!(name, format!("{}{suffix}", family.0), "{line}");
    }
    for sample in [
        "bruit_members{state=\"alive\"} 1",
        "bruit_items_published_total 1",
        "bruit_datagrams_rejected_total{reason=\"replayed\"} 0",
        "bruit_deliveries_total{subscription=\"app\",outcome=\"delivered\"} 1",
        "bruit_delivery_duration_seconds_count{subscription=\"app\"} 1",
        "bruit_delivery_queue_length{subscription=\"app\"} 0",
        "bruit_delivery_oldest_seconds{subscription=\"app\"} 0",
        "bruit_dead_letters{subscription=\"app\"} 0",
        "bruit_subscription_paused{subscription=\"app\"} 0",
        "bruit_item_propagation_seconds_count{via=\"spread\"} 0",
        "bruit_receipts_total{kind=\"received\"} 1",
        "bruit_waits 0",
    ] {
        assert!(lines.contains(&sample), "{sample} in\n{text}");
    }
}

#[tokio::test]
async fn errors_are_problems_everywhere_and_the_index_lists_all_routes() {
    let agent = toy(config("a")).await;
    let api = agent.ready().api;
    get(api, "/nowhere").await.problem(404);
    call(api, "PUT /v1/members", "", "").await.problem(405);
    call(api, "GET /topics/x", "", "").await.problem(405);
    get(api, "/v1/members/%FF").await.problem(400);
    let index = get(api, "/").await.json();
    assert_eq!(index["name"], "bruit");
    let routes = index["routes"].as_array().unwrap();
    for route in routes {
        let path = route["path"].as_str().unwrap();
        let path = path.split('?').next().unwrap().replace(['{', '}', ' '], "");
        let method = route["method"].as_str().unwrap().replace("ANY", "PURGE");
        if method == "POST" && path == "/v1/leave" || path == "/v1/stream" {
            continue;
        }
        let answer = call(api, &format!("{method} {path}"), "", "").await;
        assert_ne!(answer.status, 405, "{route}");
        assert!(!answer.text().contains("no route"), "{route}");
    }
}

#[tokio::test]
async fn joining_needs_addresses() {
    let agent = toy(config("a")).await;
    let api = agent.ready().api;
    let join = |body: &'static str| call(api, "POST /v1/join", "", body);
    let answer = join(r#"{"addresses": ["10.0.0.5", "seed.example:7"]}"#).await;
    assert_eq!(
        (answer.status, answer.json()),
        (202, json!({"joining": ["10.0.0.5", "seed.example:7"]}))
    );
    for bad in [r#"{"addresses": []}"#, r#"{"addresses": ["a b"]}"#, r#"{"addrs": []}"#, ""] {
        join(bad).await.problem(400);
    }
}

#[tokio::test]
async fn too_many_connections_are_closed_and_counted() {
    let agent = toy(config("a")).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let narrow = listener.local_addr().unwrap();
    let server = Server::start(listener, Arc::clone(&agent.shared), 2);
    // An answer shows that the connection has its place.
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(narrow).await.unwrap();
        stream.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        assert!(stream.read(&mut [0; 1000]).await.unwrap() > 0);
        open.push(stream);
    }
    let mut over = TcpStream::connect(narrow).await.unwrap();
    let mut byte = [0; 1];
    let closed = tokio::time::timeout(LONG, over.read(&mut byte)).await.unwrap();
    assert_eq!(closed.unwrap_or(0), 0);
    let status = get(agent.ready().api, "/v1/status").await.json();
    assert_eq!(status["counters"]["bruit_api_connections_shed_total"], 1);
    drop(open);
    until("a place is free", async || {
        let mut stream = TcpStream::connect(narrow).await.ok()?;
        let request = b"GET /livez HTTP/1.0\r\nHost: localhost\r\n\r\n";
        stream.write_all(request).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        answer.ends_with("ok\n").then_some(())
    })
    .await;
    server.stop(LONG).await;
    assert!(TcpStream::connect(narrow).await.is_err());
}
