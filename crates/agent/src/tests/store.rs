//! What an agent with a state directory finds again, and what it tells of its store.

use super::http::{Service, call, get};
use super::{config, config_with_app, toy, until};
use crate::delivery::{DeliveryRecord, DeliveryState, Source, SubscriptionSpec, Wanted};
use crate::start::Files;
use crate::subscriptions::{Entry, Subscriptions};
use crate::{Agent, AgentConfig, StartError, StoreError, SyncLevel};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::Ordering;

/// An agent that keeps its state in `dir`, beside a service that gets everything.
fn kept(dir: &Path, service: &Service) -> AgentConfig {
    AgentConfig { data: Some(dir.to_owned()), ..config_with_app("a", service, &["**"]) }
}

async fn start(config: AgentConfig) -> (Agent, SocketAddr) {
    let agent = Agent::start(config).await.unwrap();
    let api = agent.ready().api;
    (agent, api)
}

/// The deliveries of an agent, in this state or in any.
fn deliveries(agent: &Agent, state: Option<DeliveryState>) -> Vec<DeliveryRecord> {
    agent.shared.delivery.deliveries(&Wanted { state, subscription: None, limit: usize::MAX })
}

/// Its dead letters, once there are so many.
async fn dead(agent: &Agent, count: usize) -> Vec<DeliveryRecord> {
    until("so many dead letters", async || {
        let dead = deliveries(agent, Some(DeliveryState::Failed));
        (dead.len() == count).then_some(dead)
    })
    .await
}

#[tokio::test]
async fn what_waits_is_delivered_by_the_next_run() {
    let temp = tempfile::tempdir().unwrap();
    let (down, up) = (Service::start(503).await, Service::start(200).await);
    let (agent, api) = start(kept(temp.path(), &down)).await;
    for number in 1..=3 {
        let answer = call(api, &format!("PURGE /all/cache/{number}?x"), "X-A: b\r\n", "body").await;
        assert_eq!((answer.status, &answer.json()["stored"]), (202, &json!(true)));
    }
    // Without a goodbye, and without waiting for what is under way.
    drop(agent);
    let (agent, api) = start(kept(temp.path(), &up)).await;
    until("all three are delivered", async || (up.got().len() == 3).then_some(())).await;
    let mut lines: Vec<String> = up.got().iter().map(|got| got.line.clone()).collect();
    lines.sort_unstable();
    let expected = [1, 2, 3].map(|number| format!("PURGE /cache/{number}?x HTTP/1.1"));
    assert_eq!(lines, expected);
    assert_eq!(up.got()[0].header("x-a"), Some("b"));
    assert_eq!(up.got()[0].body, b"body");
    let status = || async { get(api, "/v1/status").await.json()["store"].clone() };
    until("none is left", async || (status().await["pending"] == 0).then_some(())).await;
    agent.shutdown(true).await;
    let (agent, api) = start(kept(temp.path(), &up)).await;
    assert_eq!(deliveries(&agent, None), []);
    let items = get(api, "/v1/items").await.json();
    assert_eq!(items.as_array().unwrap().len(), 3, "held again, for those who missed them");
    assert_eq!(up.got().len(), 3);
}

#[tokio::test]
async fn dead_letters_and_pauses_are_found_again() {
    let temp = tempfile::tempdir().unwrap();
    let service = Service::start(404).await;
    let (agent, api) = start(kept(temp.path(), &service)).await;
    for number in 1..=2 {
        call(api, &format!("POST /topics/dead/{number}"), "", "").await;
    }
    let failed = dead(&agent, 2).await;
    assert_eq!(call(api, "POST /v1/subscriptions/app/pause", "", "").await.status, 200);
    assert_eq!(call(api, "POST /topics/waits", "", "").await.json()["stored"], true);
    agent.shutdown(true).await;
    let (agent, api) = start(kept(temp.path(), &service)).await;
    assert_eq!(dead(&agent, 2).await, failed, "with their numbers");
    let waiting = deliveries(&agent, Some(DeliveryState::Queued));
    assert_eq!((waiting.len(), &*waiting[0].path), (1, "waits"));
    let status = get(api, "/v1/status").await.json();
    assert_eq!(status["subscriptions"][0]["state"], "paused");
    assert_eq!((&status["store"]["dead"], &status["store"]["pending"]), (&json!(2), &json!(1)));
    // A new letter has a new number.
    call(api, "POST /v1/subscriptions/app/resume", "", "").await;
    let ids: BTreeSet<String> = dead(&agent, 3).await.into_iter().map(|each| each.id).collect();
    assert_eq!(ids.len(), 3, "{ids:?}");
    assert_eq!(agent.shared.delivery.drop_all_dead(None), 3);
    agent.shutdown(true).await;
    let (agent, _) = start(kept(temp.path(), &service)).await;
    assert_eq!(deliveries(&agent, None), []);
}

#[tokio::test]
async fn subscriptions_of_the_api_are_made_again() {
    let temp = tempfile::tempdir().unwrap();
    let service = Service::start(200).await;
    let alone = || AgentConfig { data: Some(temp.path().to_owned()), ..config("a") };
    let spec = SubscriptionSpec {
        pattern: "x/**".to_owned(),
        endpoint: Some(format!("http://{}", service.addr)),
        timeout: Some("3s".to_owned()),
        ..SubscriptionSpec::default()
    };
    let entry = Entry { spec, source: Source::Api };
    let (agent, _) = start(alone()).await;
    for name in ["app", "other"] {
        Subscriptions::put(&agent.shared, name, entry.clone()).await.unwrap();
    }
    drop(agent);
    // Settings take a name over; the rest is as it was.
    let with_app = || kept(temp.path(), &service);
    let (agent, api) = start(with_app()).await;
    let specs = agent.shared.subscriptions.list_specs();
    let of = |name: &str| specs.iter().find(|(each, _)| each == name).unwrap().1.clone();
    assert_eq!((specs.len(), of("other")), (2, entry));
    assert_eq!(of("app").source, Source::Settings);
    let announced = get(api, "/v1/subscriptions").await.json();
    assert_eq!(announced.as_array().unwrap().len(), 2);
    call(api, "POST /topics/x/1", "", "").await;
    until("both deliver", async || (service.got().len() == 2).then_some(())).await;
    Subscriptions::remove(&agent.shared, "other", Source::Api).await.unwrap();
    agent.shutdown(true).await;
    let (agent, _) = start(with_app()).await;
    assert_eq!(agent.shared.subscriptions.list_specs().len(), 1);
}

#[tokio::test]
async fn deliveries_of_a_subscription_that_is_no_more_are_dropped_and_told() {
    let temp = tempfile::tempdir().unwrap();
    let service = Service::start(503).await;
    let (agent, api) = start(kept(temp.path(), &service)).await;
    for number in 1..=2 {
        call(api, &format!("POST /topics/{number}"), "", "").await;
    }
    agent.shutdown(false).await;
    let (agent, api) =
        start(AgentConfig { data: Some(temp.path().to_owned()), ..config("a") }).await;
    let status = get(api, "/v1/status").await.json();
    let warnings = status["warnings"].to_string();
    assert!(warnings.contains("2 deliveries of removed subscriptions were dropped"), "{warnings}");
    assert_eq!(status["counters"]["bruit_store_orphans_dropped_total"], 2);
    drop(agent);
    let (_agent, api) = start(kept(temp.path(), &service)).await;
    let status = get(api, "/v1/status").await.json();
    assert_eq!(
        (&status["store"]["pending"], &status["store"]["healthy"]),
        (&json!(0), &json!(true))
    );
}

#[tokio::test]
async fn without_a_directory_or_at_level_batch_nothing_is_said_to_be_stored() {
    let temp = tempfile::tempdir().unwrap();
    let service = Service::start(503).await;
    let agent = toy(config("a")).await;
    let api = agent.ready().api;
    assert_eq!(call(api, "POST /topics/x", "", "").await.json()["stored"], false);
    assert_eq!(get(api, "/v1/status").await.json()["store"], Value::Null);
    assert!(!get(api, "/readyz?verbose").await.text().contains("store"));
    let batch = || AgentConfig { sync: SyncLevel::Batch, ..kept(temp.path(), &service) };
    let (agent, api) = start(batch()).await;
    assert_eq!(call(api, "POST /topics/x", "", "").await.json()["stored"], false);
    assert_eq!(get(api, "/v1/status").await.json()["store"]["level"], "batch");
    assert!(get(api, "/readyz?verbose").await.text().contains("[+]store ok"));
    agent.shutdown(true).await;
    let (agent, _) = start(batch()).await;
    assert_eq!(deliveries(&agent, None).len(), 1);
}

#[tokio::test]
async fn numbers_of_the_store_are_shown() {
    let temp = tempfile::tempdir().unwrap();
    let service = Service::start(503).await;
    let (_agent, api) = start(kept(temp.path(), &service)).await;
    call(api, "POST /topics/x", "", "0123456789").await;
    let store = get(api, "/v1/status").await.json()["store"].clone();
    assert_eq!((&store["level"], &store["pending"]), (&json!("commit"), &json!(1)));
    assert_eq!(store["path"], json!(temp.path().join("bruit.redb")));
    assert!(store["bytes"].as_u64().unwrap() > 10, "{store}");
    let metrics = get(api, "/metrics").await;
    for line in ["bruit_store_rows{table=\"pending\"} 1", "bruit_store_healthy 1"] {
        assert!(metrics.text().contains(line), "{}", metrics.text());
    }
}

#[tokio::test]
async fn an_agent_whose_disk_fails_goes_on_and_says_so() {
    let temp = tempfile::tempdir().unwrap();
    let service = Service::start(200).await;
    let (agent, api) = start(kept(temp.path(), &service)).await;
    let store = agent.shared.store.clone().unwrap();
    // Nothing is written by itself once the first snapshot is.
    until("the snapshot is kept", async || {
        let commits = store.counters().commits.load(Ordering::Relaxed);
        (commits > 0).then_some(())
    })
    .await;
    assert!(store.counters().failed("no space left on device".to_owned()));
    let ready = get(api, "/readyz?verbose").await;
    assert_eq!(ready.status, 200, "it goes on in memory");
    assert!(ready.text().contains("[-]store failed\n") && ready.text().ends_with("ok\n"));
    let status = get(api, "/v1/status").await.json();
    assert_eq!(status["store"]["healthy"], false);
    assert_eq!(status["store"]["last_error"], "no space left on device");
    let warnings = status["warnings"].to_string();
    assert!(warnings.contains("the store cannot be written"), "{warnings}");
    let answer = call(api, "POST /topics/x", "", "").await;
    assert_eq!((answer.status, &answer.json()["stored"]), (202, &json!(false)));
    until("it is delivered", async || (service.got().len() == 1).then_some(())).await;
    until("it is written again", async || store.counters().is_healthy().then_some(())).await;
    assert_eq!(call(api, "POST /topics/x", "", "").await.json()["stored"], true);
}

#[tokio::test]
async fn a_store_that_cannot_be_used_ends_the_start() {
    let temp = tempfile::tempdir().unwrap();
    let service = Service::start(200).await;
    drop(start(kept(temp.path(), &service)).await);
    std::fs::write(temp.path().join("bruit.redb"), "garbage").unwrap();
    let error = Agent::start(kept(temp.path(), &service)).await.unwrap_err();
    assert!(matches!(error, StartError::Store(StoreError::Damaged { .. })), "{error:?}");
    std::fs::remove_file(temp.path().join("bruit.redb")).unwrap();
    drop(start(kept(temp.path(), &service)).await);
}

#[tokio::test]
async fn what_was_kept_before_there_was_a_store_is_taken_over() {
    let temp = tempfile::tempdir().unwrap();
    let config = AgentConfig { data: Some(temp.path().to_owned()), ..config("a") };
    drop(Files::read(&config).await.unwrap());
    let old = temp.path().join("snapshot");
    std::fs::remove_file(temp.path().join("bruit.redb")).unwrap();
    std::fs::write(&old, "known").unwrap();
    let snapshot = || async {
        let files = Files::read(&config).await.unwrap();
        files.stored.unwrap().1.snapshot
    };
    assert_eq!(snapshot().await.as_deref(), Some(&b"known"[..]));
    assert!(!old.exists());
    assert_eq!(snapshot().await.as_deref(), Some(&b"known"[..]));
    // A start that was killed before it removed the file: what the store has is newer.
    std::fs::write(&old, "older").unwrap();
    assert_eq!(snapshot().await.as_deref(), Some(&b"known"[..]));
    assert!(!old.exists());
}
