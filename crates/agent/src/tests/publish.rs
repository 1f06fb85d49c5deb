//! `/all` and `/topics`, receipts, limits.

use super::http::{Service, call, get};
use super::toy::{GHOST, start_with_ghost};
use super::{LONG, config, config_with_app, toy, until};
use crate::Agent;
use crate::delivery::LOOP_GUARD;
use serde_json::Value;
use std::time::Instant;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[tokio::test]
async fn a_purge_is_replayed_verbatim() {
    let service = Service::start(200).await;
    let agent = toy(config_with_app("a", &service, &["cache/**"])).await;
    let headers = "Bruit-Host: www.example.test\r\nBruit-Wait: all\r\nAuthorization: Basic x\r\n\
                   X-Custom: a  b\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\n\
                   Connection: X-Hop\r\nBruit-Token: secret\r\n";
    let line = "PURGE /all/cache//%7Eusers/42?q=%20a&all=/all/x";
    let answer = call(agent.ready().api, line, headers, "the body").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let got = service.got();
    assert_eq!(got.len(), 1);
    assert_eq!(got[0].line, "PURGE /cache//%7Eusers/42?q=%20a&all=/all/x HTTP/1.1");
    assert_eq!(got[0].body, b"the body");
    assert_eq!(got[0].header("host"), Some("www.example.test"));
    assert_eq!(got[0].header("authorization"), Some("Basic x"));
    assert_eq!(got[0].header("x-custom"), Some("a  b"));
    for gone in ["x-hop", "keep-alive", "te", "connection", "bruit-token", "bruit-host"] {
        assert_eq!(got[0].header(gone), None, "{gone}");
    }
    let id = answer.header("bruit-item-id").unwrap();
    assert_eq!(got[0].header(LOOP_GUARD), Some(id));
    assert_eq!(answer.header("location"), Some(format!("/v1/items/{id}").as_str()));
    let summary = answer.json();
    let me = &agent.ready().id;
    assert_eq!(summary["id"], id);
    assert_eq!(summary["path"], "cache/%7Eusers/42");
    assert_eq!((&summary["met"], &summary["expected"]), (&true.into(), &1.into()));
    assert_eq!(summary["nodes"][0]["node"], me.as_str());
    assert_eq!(summary["nodes"][0]["name"], "a");
    assert_eq!(summary["nodes"][0]["subscription"], "app");
    assert_eq!(summary["nodes"][0]["outcome"], "delivered");
    assert_eq!(summary["nodes"][0]["status"], 200);
    assert_eq!(summary["nodes"][0]["attempts"], 1);
    assert!(summary["nodes"][0]["after_ms"].as_f64().unwrap() > 0.0);
}

#[tokio::test]
async fn any_method_is_taken_and_without_a_wait_the_answer_is_202() {
    let service = Service::start(204).await;
    let agent = toy(config_with_app("a", &service, &["**"])).await;
    let api = agent.ready().api;
    for method in ["GET", "DELETE", "PATCH", "OPTIONS", "TRACE", "BAN", "M-SEARCH"] {
        let answer = call(api, &format!("{method} /all/x/{method}"), "", "").await;
        assert_eq!(answer.status, 202, "{method}: {}", answer.text());
        assert_eq!(answer.json()["path"], format!("x/{method}"));
        assert_eq!(answer.json()["id"], answer.header("bruit-item-id").unwrap());
    }
    until("7 requests", async || (service.got().len() == 7).then_some(())).await;
    let head = call(api, "HEAD /all/x", "", "").await;
    assert_eq!((head.status, head.body.len()), (202, 0));
    assert!(head.header("bruit-item-id").is_some());
}

#[tokio::test]
async fn an_event_keeps_its_headers() {
    let service = Service::start(200).await;
    let agent = toy(config_with_app("a", &service, &["flags/*"])).await;
    let headers = "Content-Type: text/plain\r\nce-type: flip\r\nBruit-Wait: 1\r\n";
    let answer = call(agent.ready().api, "POST /topics/flags/dark", headers, "on").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let got = &service.got()[0];
    assert_eq!(got.line, "POST /flags/dark HTTP/1.1");
    assert_eq!(got.header("content-type"), Some("text/plain"));
    assert_eq!(got.header("ce-type"), Some("flip"));
    assert_eq!(got.header("host"), Some(service.addr.to_string().as_str()));
    assert_eq!(got.body, b"on");
}

#[tokio::test]
async fn what_a_service_refuses_is_failed_and_a_dead_letter() {
    let service = Service::start(404).await;
    let agent = toy(config_with_app("a", &service, &["**"])).await;
    let api = agent.ready().api;
    let began = Instant::now();
    let headers = "Bruit-Wait: all\r\nBruit-Timeout: 60s\r\n";
    let answer = call(api, "POST /topics/x", headers, "").await;
    assert!(began.elapsed() < LONG, "all have ended, so it does not wait for the time to be up");
    assert_eq!(answer.status, 504);
    let summary = answer.json();
    assert_eq!((&summary["failed"], &summary["missing"]), (&1.into(), &0.into()));
    assert_eq!(summary["nodes"][0]["outcome"], "failed");
    assert_eq!(summary["nodes"][0]["status"], 404);
    let dead = get(api, "/v1/deliveries?state=failed").await.json();
    assert_eq!(dead[0]["item"], summary["id"]);
    assert_eq!(dead[0]["status"], 404);
    get(api, "/v1/deliveries?state=done").await.problem(400);
}

#[tokio::test]
async fn a_member_that_tells_nothing_is_missing() {
    let service = Service::start(200).await;
    let config = config_with_app("a", &service, &["**"]);
    let agent = Agent::start_with(config, start_with_ghost).await.unwrap();
    let api = agent.ready().api;
    let headers = "Bruit-Wait: all\r\nBruit-Timeout: 200ms\r\n";
    let answer = call(api, "PURGE /all/x", headers, "").await;
    assert_eq!(answer.status, 504, "{}", answer.text());
    let summary = answer.json();
    assert_eq!(summary["met"], false);
    assert_eq!((&summary["delivered"], &summary["missing"]), (&1.into(), &1.into()));
    assert_eq!(summary["nodes"][1]["node"], GHOST.to_string());
    assert_eq!(summary["nodes"][1]["outcome"], "missing");
    assert!(summary["nodes"][1]["after_ms"].is_null());
    let met = call(api, "PURGE /all/x", "Bruit-Wait: 50%\r\n", "").await;
    assert_eq!((met.status, &met.json()["met"]), (200, &true.into()));
    let kept = get(api, answer.header("location").unwrap()).await.json();
    assert_eq!(kept["receipts"]["missing"], 1);
}

#[tokio::test]
async fn nobody_subscribed_is_told_with_what_comes_close() {
    let service = Service::start(200).await;
    let agent = toy(config_with_app("a", &service, &["caches/**"])).await;
    let answer = call(agent.ready().api, "DELETE /all/cache/1", "Bruit-Wait: all\r\n", "").await;
    assert_eq!(answer.status, 200);
    let summary = answer.json();
    assert_eq!(summary["expected"], 0);
    let hint = summary["hint"].as_str().unwrap();
    assert!(hint.starts_with("nobody is subscribed to \"cache/1\""), "{hint}");
    assert!(hint.contains("\"caches/**\" (a)"), "{hint}");
}

#[tokio::test]
async fn without_a_wait_the_answer_says_how_many_are_subscribed() {
    let service = Service::start(200).await;
    let agent = toy(config_with_app("a", &service, &["caches/**", "caches/*", "x"])).await;
    let api = agent.ready().api;
    let some = call(api, "PURGE /all/caches/1", "", "").await.json();
    assert_eq!((&some["subscribers"], &some["hint"]), (&2.into(), &Value::Null));
    let none = call(api, "PURGE /all/cache/1", "", "").await.json();
    assert_eq!(none["subscribers"], 0);
    let hint = none["hint"].as_str().unwrap();
    assert!(hint.starts_with("nobody is subscribed to \"cache/1\""), "{hint}");
    assert!(hint.contains("\"caches/**\" (a)"), "{hint}");
    let ghostly = Agent::start_with(config("b"), start_with_ghost).await.unwrap();
    let answer = call(ghostly.ready().api, "POST /topics/y", "", "").await.json();
    assert_eq!(answer["subscribers"], 1, "those of other members count");
}

#[tokio::test]
async fn a_replay_that_comes_back_is_not_spread() {
    let agent = toy(config("a")).await;
    let api = agent.ready().api;
    let guard = format!("{LOOP_GUARD}: ABC-1\r\n");
    let problem = call(api, "PURGE /all/x", &guard, "").await.problem(508);
    assert!(problem["detail"].as_str().unwrap().contains("ABC-1"));
    call(api, "POST /topics/x", &guard, "").await.problem(508);
    let status = get(api, "/v1/status").await.json();
    assert_eq!(status["counters"]["bruit_loops_refused_total"], 2);
    assert_eq!(status["items_held"], 0);
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_with_the_limit() {
    let agent = toy(config("a")).await;
    let api = agent.ready().api;
    let limit = 1024 * 1024;
    let exact = call(api, "POST /topics/x", "", vec![b'x'; limit]).await;
    assert_eq!(exact.status, 202, "{}", exact.text());
    let over = call(api, "POST /topics/x", "", vec![b'x'; limit + 1]).await;
    let problem = over.problem(413);
    assert!(problem["detail"].as_str().unwrap().contains("1048576"), "{problem}");
    let mut chunked = b"POST /topics/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                        Transfer-Encoding: chunked\r\n\r\n"
        .to_vec();
    for _ in 0..17 {
        chunked.extend(b"10000\r\n");
        chunked.extend(vec![b'y'; 0x10000]);
        chunked.extend(b"\r\n");
    }
    chunked.extend(b"0\r\n\r\n");
    let mut stream = tokio::net::TcpStream::connect(api).await.unwrap();
    stream.write_all(&chunked).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("1048576"), "{answer}");
}

#[tokio::test]
async fn options_that_are_not_understood_are_refused() {
    let agent = toy(config("a")).await;
    let api = agent.ready().api;
    for header in [
        "Bruit-Wait: most",
        "Bruit-Wait: 101%",
        "Bruit-Timeout: 2",
        "Bruit-Timeout: 6m",
        "Bruit-Topic: a*",
        "Bruit-Topic: unknown/**",
        "Bruit-Host: a b",
    ] {
        let answer = call(api, "POST /topics/x", &format!("{header}\r\n"), "").await;
        answer.problem(400);
    }
    for path in ["/all", "/all/", "/all///", "/all/$registry"] {
        call(api, &format!("PURGE {path}"), "", "").await.problem(400);
    }
    call(api, &format!("PURGE /all/{}", "x".repeat(1025)), "", "").await.problem(413);
    assert_eq!(get(api, "/v1/items").await.json(), serde_json::json!([]));
}

#[tokio::test]
async fn a_topic_is_chosen_by_header() {
    let agent = toy(config("a")).await;
    let api = agent.ready().api;
    assert_eq!(call(api, "PUT /v1/topics/bulk/**", "", "").await.status, 201);
    let answer = call(api, "POST /topics/x", "Bruit-Topic: bulk/**\r\n", "").await;
    assert_eq!(answer.status, 202, "{}", answer.text());
}
