//! `/v1/subscriptions/{name}`: made, shown, changed, tried and removed while the agent runs.

use super::http::{Service, call, get};
use super::{config, config_with_app, toy, until};
use serde_json::{Value, json};

fn put(name: &str) -> String {
    format!("PUT /v1/subscriptions/{name}")
}

fn spec(service: &Service, pattern: &str) -> Value {
    json!({"pattern": pattern, "endpoint": format!("http://{}", service.addr)})
}

#[tokio::test]
async fn one_is_made_changed_and_removed() {
    let service = Service::start(200).await;
    let agent = toy(config("a")).await;
    let api = agent.ready().api;
    let mut wanted = spec(&service, "a/**");
    wanted["filter"] = json!(["method=PURGE"]);
    wanted["order"] = "fifo".into();
    let made = call(api, &put("x"), "", wanted.to_string()).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    assert_eq!(made["spec"], wanted);
    for (field, value) in [
        ("name", json!("x")),
        ("pattern", json!("a/**")),
        ("mode", json!("http")),
        ("state", json!("active")),
        ("source", json!("api")),
        ("order", json!("fifo")),
        ("from", json!("now")),
        ("filter", json!(["method=PURGE"])),
        ("health", Value::Null),
    ] {
        assert_eq!(made[field], value, "{field}");
    }
    assert_eq!(get(api, "/v1/subscriptions/x").await.json(), made);
    let listed = get(api, "/v1/subscriptions").await.json();
    assert_eq!((&listed[0]["name"], &listed[0]["local"]["order"]), (&"x".into(), &"fifo".into()));
    call(api, "POST /all/a/1", "", "").await;
    call(api, "PURGE /all/a/2", "Bruit-Wait: 1\r\n", "").await;
    assert_eq!(service.got()[0].line, "PURGE /a/2 HTTP/1.1", "the other is filtered");
    for (pattern, status) in [("b/**", 200), ("b/**", 200)] {
        let changed = call(api, &put("x"), "", spec(&service, pattern).to_string()).await;
        assert_eq!((changed.status, &changed.json()["filter"]), (status, &json!([])));
    }
    call(api, "POST /v1/subscriptions/x/pause", "", "").await;
    for _ in 0..3 {
        call(api, "POST /topics/b/1", "", "").await;
    }
    until("three wait", async || {
        let one = get(api, "/v1/subscriptions/x").await.json();
        (one["queued_items"] == 3).then_some(())
    })
    .await;
    let removed = call(api, "DELETE /v1/subscriptions/x", "", "").await;
    assert_eq!((removed.status, removed.json()), (200, json!({"name": "x", "dropped_items": 3})));
    call(api, "DELETE /v1/subscriptions/x", "", "").await.problem(404);
    get(api, "/v1/subscriptions/x").await.problem(404);
    assert_eq!(get(api, "/v1/subscriptions").await.json(), json!([]));
}

#[tokio::test]
async fn what_settings_made_is_not_the_apis_to_change() {
    let service = Service::start(200).await;
    let agent = toy(config_with_app("a", &service, &["**"])).await;
    let api = agent.ready().api;
    let body = spec(&service, "x").to_string();
    let problem = call(api, &put("app"), "", body).await.problem(409);
    assert!(problem["detail"].as_str().unwrap().contains("settings"), "{problem}");
    call(api, "DELETE /v1/subscriptions/app", "", "").await.problem(409);
    let shown = get(api, "/v1/subscriptions/app").await.json();
    assert_eq!((&shown["source"], &shown["pattern"]), (&"settings".into(), &"**".into()));
}

#[tokio::test]
async fn the_api_sends_items_only_where_the_settings_allow() {
    let spec = |host: &str| json!({"pattern": "x", "endpoint": format!("http://{host}")});
    let body = |host: &str| spec(host).to_string();
    let agent = toy(config("a")).await;
    let api = agent.ready().api;
    for host in ["192.0.2.7:80", "service.example", "[2001:db8::1]:8080", "127.0.0.1.example"] {
        let problem = call(api, &put("x"), "", body(host)).await.problem(403);
        let hint = problem["hint"].as_str().unwrap();
        assert!(hint.contains(&format!("--allow-endpoints {host}")), "{problem}");
    }
    assert_eq!(get(api, "/v1/subscriptions").await.json(), json!([]));
    for host in ["127.0.0.1:9", "127.9.9.9:9", "[::1]:9", "localhost:9"] {
        assert_eq!(call(api, &put("x"), "", body(host)).await.status, 201, "{host}");
        call(api, "DELETE /v1/subscriptions/x", "", "").await;
    }
    let mut allowing = config("a");
    allowing.app = Some("http://app.example:80".parse().unwrap());
    let allowed = ["192.0.2.7:8080", "Service.example", "2001:db8::1"];
    allowing.allow_endpoints = allowed.map(Into::into).to_vec();
    let agent = toy(allowing).await;
    let api = agent.ready().api;
    for (host, status) in [
        ("app.example:81", 201),
        ("192.0.2.7:8080", 201),
        ("192.0.2.7:8081", 403),
        ("service.example:5", 201),
        ("other.example", 403),
        ("[2001:db8::1]:4", 201),
    ] {
        assert_eq!(call(api, &put("x"), "", body(host)).await.status, status, "{host}");
        call(api, "DELETE /v1/subscriptions/x", "", "").await;
    }
}

#[tokio::test]
async fn what_is_no_subscription_is_refused_with_the_reason() {
    let agent = toy(config("a")).await;
    let api = agent.ready().api;
    let h = r#""endpoint": "http://localhost""#;
    for (name, body, expected) in [
        ("x", format!(r#"{{"patern": "a", {h}}}"#), "did you mean \\\"pattern\\\"?"),
        ("x", format!("{{{h}}}"), "pattern: "),
        ("x", r#"{"pattern": "a"}"#.to_owned(), "needs endpoint"),
        ("x", r#"{"pattern": "a", "endpoint": "h:80"}"#.to_owned(), "endpoint: "),
        ("x", format!(r#"{{"pattern": "a*", {h}}}"#), "pattern: "),
        ("x", format!(r#"{{"pattern": "a", "timeout": "10", {h}}}"#), "write 500ms"),
        ("x", format!(r#"{{"pattern": "a", "filter": ["x"], {h}}}"#), "filter: "),
        ("x", format!(r#"{{"pattern": "a", "concurrency": "8", {h}}}"#), "expected u16"),
        (
            "x",
            r#"{"pattern": "a", "mode": "exec", "command": ["rm"]}"#.to_owned(),
            "programs are started only where the agent's own settings say so",
        ),
        ("X", format!(r#"{{"pattern": "a", {h}}}"#), "a subscription's name"),
        ("x", "[]".to_owned(), "the body: "),
        ("x", String::new(), "the body: "),
    ] {
        let problem = call(api, &put(name), "", body.clone()).await.problem(400).to_string();
        assert!(problem.contains(expected), "{body}: {problem}");
    }
    assert_eq!(get(api, "/v1/subscriptions").await.json(), json!([]));
}

#[tokio::test]
async fn one_is_tried_with_a_made_up_item() {
    let service = Service::start_with(&[204, 204, 404], 200).await;
    let agent = toy(config_with_app("a", &service, &["cache/**/x"])).await;
    let api = agent.ready().api;
    let test = |body: &'static str| call(api, "POST /v1/subscriptions/app/test", "", body);
    call(api, "POST /v1/subscriptions/app/pause", "", "").await;
    let tested = test("").await.json();
    assert_eq!((&tested["status"], &tested["error"]), (&204.into(), &Value::Null));
    assert!(tested["after_ms"].as_f64().unwrap() > 0.0);
    let body = r#"{"method": "PURGE", "path": "/cache/users/42", "headers": {"X-A": "b"},
                   "body": "é"}"#;
    assert_eq!(test(body).await.json()["status"], 204);
    assert_eq!(test("{}").await.json()["status"], 404);
    let got = service.got();
    assert_eq!(got[0].line, "POST /cache/test/x HTTP/1.1");
    assert_eq!(got[1].line, "PURGE /cache/users/42 HTTP/1.1");
    assert_eq!(got[1].header("x-a"), Some("b"));
    assert_eq!(got[1].body, "é".as_bytes());
    assert_ne!(got[0].header("bruit-item"), got[1].header("bruit-item"));
    for bad in [
        r#"{"method": "A B"}"#,
        r#"{"path": ""}"#,
        r#"{"headers": {"a b": "c"}}"#,
        r#"{"headers": {"a": "b\r\nc: d"}}"#,
        r#"{"boddy": "x"}"#,
        "[]",
    ] {
        test(bad).await.problem(400);
    }
    let status = get(api, "/v1/subscriptions/app").await.json();
    assert_eq!((&status["accepted"], &status["failed"]), (&0.into(), &0.into()), "none counts");
    assert_eq!(get(api, "/v1/items").await.json(), json!([]), "none is spread");
    call(api, "POST /v1/subscriptions/none/test", "", "").await.problem(404);
}

#[tokio::test]
async fn a_try_that_gets_no_answer_says_why() {
    let agent = toy(config("a")).await;
    let api = agent.ready().api;
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let body =
        json!({"pattern": "**", "endpoint": format!("http://{}", free.local_addr().unwrap())});
    drop(free);
    assert_eq!(call(api, &put("x"), "", body.to_string()).await.status, 201);
    let tested = call(api, "POST /v1/subscriptions/x/test", "", "").await.json();
    assert_eq!(tested["status"], Value::Null);
    assert!(tested["error"].as_str().unwrap().contains("connect"), "{tested}");
}

#[tokio::test]
async fn a_topics_order_is_kept_in_delivery() {
    // The first attempt fails; only where there is an order do the others wait for it.
    let service = Service::start_with(&[503], 200).await;
    let agent = toy(config_with_app("a", &service, &["jobs/**"])).await;
    let api = agent.ready().api;
    call(api, "PUT /v1/topics/jobs/**", "", r#"{"order": "fifo"}"#).await;
    call(api, "POST /v1/subscriptions/app/pause", "", "").await;
    for number in 1..=5 {
        call(api, &format!("POST /topics/jobs/{number}"), "", "").await;
    }
    call(api, "POST /v1/subscriptions/app/resume", "", "").await;
    until("all came", async || (service.got().len() == 6).then_some(())).await;
    let lines: Vec<String> = service.got().into_iter().map(|got| got.line).collect();
    let expected: Vec<String> =
        [1, 1, 2, 3, 4, 5].iter().map(|number| format!("POST /jobs/{number} HTTP/1.1")).collect();
    assert_eq!(lines, expected);
}
