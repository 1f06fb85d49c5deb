//! Host, Origin, token.

use super::http::{call, get};
use super::{config, toy};
use crate::AgentConfig;

#[tokio::test]
async fn only_names_of_this_machine_may_stand_in_host() {
    let agent = toy(config("a")).await;
    let api = agent.ready().api;
    for host in ["127.0.0.1", "127.8.9.1:7", "localhost:1", "LOCALHOST", "[::1]:7070"] {
        let answer = call(api, "GET /v1/members", &format!("Host: {host}\r\n"), "").await;
        assert_eq!(answer.status, 200, "{host}: {}", answer.text());
    }
    for host in ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", "[::2]"] {
        for line in ["GET /v1/members", "PURGE /all/x", "GET /metrics", "GET /"] {
            let answer = call(api, line, &format!("Host: {host}\r\n"), "").await;
            answer.problem(421);
        }
    }
    call(api, "GET /", "Host: a\r\nHost: b\r\n", "").await.problem(400);
    let allowed = "Bruit-Host: www.example.test\r\n";
    assert_eq!(call(api, "PURGE /all/x", allowed, "").await.status, 202);
}

#[tokio::test]
async fn other_sites_may_not_change_anything() {
    let agent = toy(config("a")).await;
    let api = agent.ready().api;
    let foreign = [
        "Origin: http://evil.example\r\n".to_owned(),
        "Origin: null\r\n".to_owned(),
        "Origin: http://127.0.0.1:1\r\n".to_owned(),
        "Sec-Fetch-Site: cross-site\r\n".to_owned(),
    ];
    for headers in &foreign {
        for line in [
            "POST /topics/x",
            "GET /all/x",
            "PURGE /all/x",
            "PATCH /v1/self/tags",
            "POST /v1/leave",
            "DELETE /v1/topics/x",
        ] {
            let answer = call(api, line, headers, "{}").await;
            answer.problem(403);
        }
        assert_eq!(call(api, "GET /v1/members", headers, "").await.status, 200);
    }
    let own = format!("Origin: http://{api}\r\nSec-Fetch-Site: same-origin\r\n");
    assert_eq!(call(api, "POST /topics/x", &own, "").await.status, 202);
    assert_eq!(get(api, "/v1/items").await.json().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_token_is_asked_for_where_one_is_set() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("token");
    std::fs::write(&file, "0123456789abcdef\n").unwrap();
    let config =
        AgentConfig { api: "0.0.0.0:0".parse().unwrap(), token_file: Some(file), ..config("a") };
    let agent = toy(config).await;
    let api = std::net::SocketAddr::new("127.0.0.1".parse().unwrap(), agent.ready().api.port());
    get(api, "/v1/members").await.problem(401);
    call(api, "GET /v1/members", "Bruit-Token: 0123456789abcdeX\r\n", "").await.problem(401);
    let right = "Bruit-Token: 0123456789abcdef\r\nHost: agent.example\r\n";
    assert_eq!(call(api, "GET /v1/members", right, "").await.status, 200);
    assert_eq!(get(api, "/livez").await.status, 200);
    assert_eq!(get(api, "/readyz").await.status, 200);
}
