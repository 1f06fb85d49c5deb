//! What can go wrong at the start, and what outlives a run.

use super::http::get;
use super::{config, toy};
use crate::{Agent, AgentConfig, StartError, new_cluster_key};
use std::error::Error as _;

async fn failure(config: AgentConfig) -> StartError {
    Agent::start(config).await.unwrap_err()
}

#[tokio::test]
async fn ports_in_use_are_named_with_the_remedy() {
    let running = toy(config("a")).await;
    let api = AgentConfig { api: running.ready().api, ..config("b") };
    let error = failure(api).await;
    let port = running.ready().api.port();
    let remedy = "is in use by another process: stop it, or choose another with --api ADDR:PORT \
                  (0 lets the system choose)";
    assert_eq!(error.to_string(), format!("port {port} (API) {remedy}"));
    assert!(error.source().is_some());
    let gossip = AgentConfig { bind: running.ready().gossip, ..config("b") };
    let error = failure(gossip).await.to_string();
    let port = running.ready().gossip.port();
    assert!(error.contains(&format!("port {port}")) && error.contains("--bind"), "{error}");
}

#[tokio::test]
async fn a_state_directory_that_cannot_be_used_is_named() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("file");
    std::fs::write(&file, "").unwrap();
    let data = file.join("data");
    let error = failure(AgentConfig { data: Some(data.clone()), ..config("a") }).await;
    assert!(matches!(error, StartError::State(_)), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(data.to_str().unwrap()) && text.contains("--data"), "{text}");
}

#[tokio::test]
async fn key_and_token_files_are_checked() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("file");
    let with_key = || AgentConfig { key_file: Some(file.clone()), ..config("a") };
    let with_token = || AgentConfig { token_file: Some(file.clone()), ..config("a") };
    assert!(matches!(failure(with_key()).await, StartError::Unreadable { .. }));
    std::fs::write(&file, "short").unwrap();
    let error = failure(with_key()).await;
    assert!(matches!(error, StartError::Key { .. }), "{error:?}");
    assert!(error.to_string().contains("bruit keys new"), "{error}");
    assert!(matches!(failure(with_token()).await, StartError::Token { .. }));
    std::fs::write(&file, new_cluster_key().to_text()).unwrap();
    let agent = Agent::start(with_key()).await.unwrap();
    let status = get(agent.ready().api, "/v1/status").await.json();
    assert_eq!(status["keyed"], true);
}

#[tokio::test]
async fn identity_outlives_a_run_with_a_directory_only() {
    let temp = tempfile::tempdir().unwrap();
    let kept = || AgentConfig { data: Some(temp.path().join("d")), ..config("a") };
    let first = Agent::start(kept()).await.unwrap();
    let id = first.ready().id.clone();
    assert!(first.ready().persistent);
    let status = get(first.ready().api, "/v1/status").await.json();
    let generation = status["generation"].as_u64().unwrap();
    assert!(!status["warnings"].to_string().contains("no --data"));
    first.shutdown(true).await;
    let second = Agent::start(kept()).await.unwrap();
    assert_eq!(second.ready().id, id);
    let status = get(second.ready().api, "/v1/status").await.json();
    assert!(status["generation"].as_u64().unwrap() > generation);
    let in_memory = Agent::start(config("a")).await.unwrap();
    assert_ne!(in_memory.ready().id, id);
    assert!(!in_memory.ready().persistent);
}

#[tokio::test]
async fn the_ready_line_is_frozen() {
    let agent = toy(config("a")).await;
    let ready = agent.ready();
    let expected = serde_json::json!({
        "name": "a",
        "id": ready.id,
        "gossip": ready.gossip.to_string(),
        "api": ready.api.to_string(),
        "pid": std::process::id(),
        "version": crate::VERSION,
        "persistent": false,
    });
    assert_eq!(serde_json::to_value(ready).unwrap(), expected);
    assert_ne!(ready.gossip.port(), 0);
    assert_ne!(ready.api.port(), 0);
}
