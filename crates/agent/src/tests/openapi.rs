//! The OpenAPI document: it names every route, and it is exact.

use super::contract::{CONTRACT, METHODS, was_seen};
use super::http::{Service, call, get};
use super::toy::start_with_failed;
use super::{config, config_with_app, toy};
use crate::api::ROUTES;
use crate::{Agent, AgentConfig, new_cluster_key};
use serde_json::Value;
use std::collections::BTreeSet;

/// Every (method, template) of the router.
fn routes() -> BTreeSet<(String, String)> {
    let mut routes = BTreeSet::new();
    for (method, path, ..) in ROUTES {
        let template = path.split('?').next().unwrap().replace("{*", "{");
        let methods: &[&str] = if *method == "ANY" { &METHODS } else { &[method] };
        for method in methods {
            let is_new = routes.insert((method.to_ascii_uppercase(), template.clone()));
            assert!(is_new, "{method} {path} is there twice");
        }
    }
    routes
}

#[test]
fn the_document_names_exactly_the_routes() {
    let (documented, routes) = (CONTRACT.operations(), routes());
    let only = |a: &BTreeSet<_>, b: &BTreeSet<_>| a.difference(b).cloned().collect::<Vec<_>>();
    assert_eq!(only(&routes, &documented), [], "routes that are not documented");
    assert_eq!(only(&documented, &routes), [], "what is documented and no route");
}

#[tokio::test]
async fn the_document_is_served() {
    let agent = toy(config("a")).await;
    let answer = get(agent.ready().api, "/openapi.json").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json(), CONTRACT.document);
}

/// Calls `visit` with every object of the document that is a schema of an object, and its place.
fn object_schemas(value: &Value, place: &str, visit: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(map) => {
            if map.get("properties").is_some_and(Value::is_object) {
                visit(place, value);
            }
            let inner =
                map.iter().filter(|(key, _)| !matches!(key.as_str(), "example" | "examples"));
            for (key, inner) in inner {
                object_schemas(inner, &format!("{place}/{key}"), visit);
            }
        }
        Value::Array(list) => {
            for (at, inner) in list.iter().enumerate() {
                object_schemas(inner, &format!("{place}/{at}"), visit);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn a_field_that_is_not_documented_fails() {
    let mut count = 0;
    object_schemas(&CONTRACT.document, "", &mut |place, schema| {
        count += 1;
        let is_closed = schema.get("additionalProperties") == Some(&Value::Bool(false))
            || schema.get("unevaluatedProperties") == Some(&Value::Bool(false));
        // What is named so is only ever a part of another.
        assert!(is_closed || place.ends_with("Fields"), "{place} takes any field");
    });
    assert!(count > 20, "{count} schemas of objects");
}

#[test]
fn examples_are_what_their_schemas_say() {
    let schemas = CONTRACT.document["components"]["schemas"].as_object().unwrap();
    let mut count = 0;
    for (name, schema) in schemas {
        for example in schema["examples"].as_array().into_iter().flatten() {
            let valid = CONTRACT.validate(&format!("/components/schemas/{name}"), example);
            assert_eq!(valid, Ok(()), "{name}");
            count += 1;
        }
    }
    assert!(count >= 5, "{count} examples");
}

#[test]
fn the_check_bites() {
    let exchange = |method, target, status, body| {
        let headers = [("content-type".to_owned(), "application/json".to_owned())];
        CONTRACT.check(&super::contract::Exchange {
            method,
            target,
            headers: "",
            body: b"",
            status,
            answer_headers: &headers,
            answer_body: body,
        })
    };
    let leaving = br#"{"leaving": true}"#;
    assert_eq!(exchange("POST", "/v1/leave", 202, leaving), Ok(()));
    for (method, target, status, body) in [
        ("POST", "/v1/leave", 202, br#"{"leaving": true, "soon": 1}"#.as_slice()),
        ("POST", "/v1/leave", 202, b"{}"),
        ("POST", "/v1/leave", 200, leaving),
        ("POST", "/v1/leaves", 202, leaving),
        ("PUT", "/v1/leave", 202, leaving),
        ("POST", "/v1/leave?now", 202, leaving),
        ("GET", "/v1/leave", 500, b"{}"),
    ] {
        assert!(exchange(method, target, status, body).is_err(), "{method} {target} {status}");
    }
}

/// A request for each success that the document promises: request line, headers, body.
const TOUR: &[(&str, &str, &str)] = &[
    ("PUT /v1/topics/tour/**", "", ""),
    ("PUT /v1/topics/tour/**", "", r#"{"fanout": 3}"#),
    ("GET /v1/topics/tour/**", "", ""),
    ("DELETE /v1/topics/tour/**", "", ""),
    ("POST /topics/tour", "", "x"),
    ("POST /topics/tour", "Bruit-Wait: all\r\n", "x"),
    ("GET /v1/members", "", ""),
    ("GET /v1/members/tour", "", ""),
    ("PATCH /v1/self/tags", "", r#"{"a": "b"}"#),
    ("POST /v1/join", "", r#"{"addresses": ["127.0.0.1:9"]}"#),
    ("GET /v1/subscriptions", "", ""),
    ("PUT /v1/subscriptions/bad", "", r#"{"pattern": "bad/*", "endpoint": "{bad}"}"#),
    ("PUT /v1/subscriptions/bad", "", r#"{"pattern": "bad/**", "endpoint": "{bad}"}"#),
    ("GET /v1/subscriptions/bad", "", ""),
    ("POST /v1/subscriptions/bad/test", "", ""),
    ("POST /v1/subscriptions/bad/pause", "", ""),
    ("POST /v1/subscriptions/bad/resume", "", ""),
    ("POST /topics/bad/1", "Bruit-Wait: 1\r\n", ""),
    ("POST /topics/bad/2", "Bruit-Wait: 1\r\n", ""),
    ("GET /v1/deliveries?state=failed&subscription=bad&limit=10", "", ""),
    ("GET /v1/deliveries/bad.1", "", ""),
    ("POST /v1/deliveries/bad.1/retry", "", ""),
    ("DELETE /v1/deliveries/bad.2", "", ""),
    ("POST /v1/deliveries/retry?subscription=bad", "", ""),
    ("DELETE /v1/deliveries?subscription=bad", "", ""),
    ("DELETE /v1/subscriptions/bad", "", ""),
    ("GET /v1/topics", "", ""),
    ("GET /v1/items?limit=5", "", ""),
    ("GET /v1/items/{item}", "", ""),
    ("GET /v1/items/{item}/body", "", ""),
    ("GET /v1/items/{item}/trace?timeout=1s", "", ""),
    ("POST /v1/evict", "", r#"{"member": "ghost"}"#),
    ("GET /v1/keys?timeout=1s", "", ""),
    ("POST /v1/keys/rotate", "", ""),
    ("DELETE /v1/keys/{key}?force=true", "", ""),
    ("GET /v1/status", "", ""),
    ("GET /v1/config", "", ""),
    ("GET /v1/config/diff", "", ""),
    ("POST /v1/reload", "", ""),
    ("GET /livez", "", ""),
    ("GET /readyz?verbose", "", ""),
    ("GET /metrics", "", ""),
    ("GET /openapi.json", "", ""),
    ("GET /", "", ""),
    ("GET /v1", "", ""),
    ("POST /v1/leave", "", ""),
];

#[tokio::test]
async fn every_operation_succeeds() {
    let (service, bad) = (Service::start(200).await, Service::start(404).await);
    let bad = format!("http://{}", bad.addr);
    let temp = tempfile::tempdir().unwrap();
    let (key, key_file) = (new_cluster_key(), temp.path().join("key"));
    std::fs::write(&key_file, key.to_text()).unwrap();
    let config = config_with_app("tour", &service, &["**"]);
    let config = AgentConfig { key_file: Some(key_file), ..config };
    let agent = Agent::start_with(config, start_with_failed).await.unwrap();
    let api = agent.ready().api;
    let item = call(api, "POST /topics/tour", "Bruit-Wait: all\r\n", "x").await.json();
    let item = item["id"].as_str().unwrap();
    for method in METHODS {
        let line = format!("{} /all/tour", method.to_ascii_uppercase());
        call(api, &line, "", "").await;
        call(api, &line, "Bruit-Wait: all\r\n", "").await;
    }
    for (line, headers, body) in TOUR {
        let line = line.replace("{item}", item).replace("{key}", &key.fingerprint());
        let answer = call(api, &line, headers, body.replace("{bad}", &bad)).await;
        assert!(answer.status < 300, "{line}: {} {}", answer.status, answer.text());
    }
    for (method, template) in CONTRACT.operations() {
        let path = template.replace(['{', '}'], "");
        let operation = CONTRACT.operation(&method, &path).unwrap();
        for status in operation.successes() {
            assert!(was_seen(&method, &template, status), "{method} {template} {status}");
        }
    }
}
