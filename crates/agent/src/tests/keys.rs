//! The keys of a group are changed while it works.

use super::group::{joining, knows_members};
use super::http::{Service, call, get};
use super::{config, config_with_app, toy, until};
use crate::{Agent, AgentConfig, ClusterKey, StartError, new_cluster_key};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

fn write_key(dir: &Path, name: &str, key: &ClusterKey) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, key.to_text()).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

fn keyed(config: AgentConfig, key_file: &Path, seed: Option<SocketAddr>) -> AgentConfig {
    joining(AgentConfig { key_file: Some(key_file.to_owned()), ..config }, seed)
}

/// The fingerprints of a list, the one in use first.
fn fingerprints(keys: &Value) -> Vec<String> {
    let list = keys.as_array().unwrap();
    list.iter().map(|key| key["fingerprint"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_group_changes_its_key_under_load() {
    let temp = tempfile::tempdir().unwrap();
    let old = new_cluster_key();
    let key_file = write_key(temp.path(), "cluster.key", &old);
    let service = Service::start(204).await;
    let (mut agents, mut seed) = (Vec::new(), None);
    for name in ["n1", "n2", "n3", "n4", "n5"] {
        let mut config = keyed(config_with_app(name, &service, &["**"]), &key_file, seed);
        // One of them keeps nothing.
        config.data = (name != "n5").then(|| temp.path().join(name));
        let agent = Agent::start(config).await.unwrap();
        seed = seed.or(Some(agent.ready().gossip));
        agents.push(agent);
    }
    let apis: Vec<SocketAddr> = agents.iter().map(|agent| agent.ready().api).collect();
    for api in &apis {
        knows_members(*api, 5).await;
    }
    let load = tokio::spawn(publish_until_told(apis.clone()));
    has_got(&service, 25).await;

    let rotated = call(apis[1], "POST /v1/keys/rotate", "", "").await;
    assert_eq!(rotated.status, 200, "{}", rotated.text());
    let change = rotated.json();
    let new = change["fingerprint"].as_str().unwrap();
    assert_eq!((&change["step"], &change["previous"]), (&json!("used"), &json!(old.fingerprint())));
    let nodes = change["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 5);
    for node in nodes {
        assert_eq!((&node["done"], &node["error"]), (&json!(true), &json!(null)), "{node}");
        let is_kept = node["name"] != "n5";
        assert_eq!(node["kept"], is_kept, "{node}");
        let note = "in memory only: put the new key into its --key-file";
        assert_eq!(node["note"], if is_kept { json!(null) } else { json!(note) }, "{node}");
    }
    for api in &apis {
        let keys = get(*api, "/v1/keys?timeout=30s").await.json();
        assert_eq!(fingerprints(&keys), [new, &old.fingerprint()]);
        for (key, primary) in [(&keys[0], true), (&keys[1], false)] {
            assert_eq!((&key["members"], &key["primary"]), (&json!(5), &json!(primary)));
            assert_eq!(key["primary_members"], if primary { 5 } else { 0 });
            assert_eq!((&key["missing"], &key["silent"]), (&json!([]), &json!([])));
        }
    }

    let removed = call(apis[2], &format!("DELETE /v1/keys/{}", old.fingerprint()), "", "").await;
    assert_eq!(removed.status, 200, "{}", removed.text());
    assert_eq!(removed.json()["step"], "removed");
    let keys = get(apis[0], "/v1/keys?timeout=30s").await.json();
    assert_eq!(fingerprints(&keys), [new]);

    has_got(&service, service.got().len() + 50).await;
    load.abort();
    assert!(load.await.unwrap_err().is_cancelled(), "every item was delivered by all");
    for api in &apis {
        let status = get(*api, "/v1/status").await.json();
        let failed = &status["counters"]["bruit_member_transitions_total{to=\"failed\"}"];
        assert_eq!(failed, 0, "no member was lost");
    }

    keeps_its_keys(temp.path(), &key_file, new, &old, agents).await;
}

/// Waits until the service, which is that of all agents, has got so much.
async fn has_got(service: &Service, count: usize) {
    until("items are delivered", async || (service.got().len() >= count).then_some(())).await;
}

/// Publishes by every agent in turn, and waits for each item to be delivered by all five.
async fn publish_until_told(apis: Vec<SocketAddr>) {
    for number in 0.. {
        let api = apis[number % apis.len()];
        let headers = "Bruit-Wait: all\r\nBruit-Timeout: 30s\r\n";
        let answer = call(api, &format!("POST /topics/load/{number}"), headers, "x").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["delivered"], 5, "{}", answer.text());
    }
}

/// An agent that has kept its keys comes back with the old key file; one with nothing but that
/// does not.
async fn keeps_its_keys(
    temp: &Path,
    key_file: &Path,
    new: &str,
    old: &ClusterKey,
    mut agents: Vec<Agent>,
) {
    let ring = std::fs::read_to_string(temp.join("n2/keyring")).unwrap();
    assert!(ring.contains(&format!("removed {}", old.fingerprint())), "no key: {}", ring.len());
    assert!(!ring.contains(&old.to_text()));
    let mode = std::fs::metadata(temp.join("n2/keyring")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let seed = Some(agents[0].ready().gossip);
    let api = agents[0].ready().api;
    agents.remove(1).shutdown(true).await;
    let again = AgentConfig { data: Some(temp.join("n2")), ..config("n2") };
    let again = Agent::start(keyed(again, key_file, seed)).await.unwrap();
    knows_members(again.ready().api, 5).await;
    let keys = get(again.ready().api, "/v1/keys?timeout=30s").await.json();
    assert_eq!(fingerprints(&keys), [new]);

    let before = stream_errors(api).await;
    let stranger = Agent::start(keyed(config("stranger"), key_file, seed)).await.unwrap();
    until("the group has refused the old key twice", async || {
        (stream_errors(api).await >= before + 2).then_some(())
    })
    .await;
    let members = get(stranger.ready().api, "/v1/members").await.json();
    assert_eq!(members.as_array().unwrap().len(), 1, "it knows nobody");
    get(api, "/v1/members/stranger").await.problem(404);
}

async fn stream_errors(api: SocketAddr) -> u64 {
    let status = get(api, "/v1/status").await.json();
    status["counters"]["bruit_stream_errors_total"].as_u64().unwrap()
}

#[tokio::test]
async fn a_silent_member_stops_a_change_unless_it_is_forced() {
    let temp = tempfile::tempdir().unwrap();
    let old = new_cluster_key();
    let key_file = write_key(temp.path(), "cluster.key", &old);
    let config = AgentConfig { key_file: Some(key_file), ..config("a") };
    let agent = Agent::start_with(config, toy::start_with_ghost).await.unwrap();
    let api = agent.ready().api;
    let given = new_cluster_key();
    let body = json!({"key": given.to_text()}).to_string();
    let stopped = call(api, "POST /v1/keys/rotate?timeout=50ms", "", &body).await;
    assert_eq!(stopped.status, 504, "{}", stopped.text());
    let change = stopped.json();
    assert_eq!(
        (&change["step"], &change["fingerprint"]),
        (&json!("installed"), &json!(given.fingerprint()))
    );
    let ghost = &change["nodes"][1];
    assert_eq!((&ghost["name"], &ghost["done"]), (&json!("ghost"), &json!(false)));
    assert_eq!(ghost["error"], "no answer within 50 ms");
    assert!(!stopped.text().contains(&given.to_text()));
    let keys = get(api, "/v1/keys?timeout=50ms").await.json();
    assert_eq!(fingerprints(&keys), [old.fingerprint(), given.fingerprint()]);
    assert_eq!((&keys[0]["primary"], &keys[0]["silent"]), (&json!(true), &json!(["ghost"])));

    let line = format!("DELETE /v1/keys/{}?timeout=50ms", given.fingerprint());
    let problem = call(api, &line, "", "").await.problem(409);
    assert!(problem["detail"].as_str().unwrap().contains("ghost"), "{problem}");
    let in_use = format!("DELETE /v1/keys/{}", old.fingerprint());
    call(api, &in_use, "", "").await.problem(409);

    let line = format!("POST /v1/keys/rotate?timeout=50ms&key={}&force=true", given.fingerprint());
    let forced = call(api, &line, "", "").await;
    assert_eq!((forced.status, &forced.json()["step"]), (504, &json!("used")));
    let keys = get(api, "/v1/keys?timeout=50ms").await.json();
    assert_eq!(fingerprints(&keys), [given.fingerprint(), old.fingerprint()]);
    let line = format!("DELETE /v1/keys/{}?timeout=50ms&force", old.fingerprint());
    let removed = call(api, &line, "", "").await;
    assert_eq!((removed.status, &removed.json()["step"]), (504, &json!("removed")));
    assert_eq!(
        fingerprints(&get(api, "/v1/keys?timeout=50ms").await.json()),
        [given.fingerprint()]
    );
}

#[tokio::test]
async fn requests_that_make_no_sense_are_refused() {
    let unkeyed = toy(config("a")).await;
    let api = unkeyed.ready().api;
    for line in ["GET /v1/keys", "POST /v1/keys/rotate", "DELETE /v1/keys/0123456789abcdef"] {
        let problem = call(api, line, "", "").await.problem(409);
        assert!(problem["hint"].as_str().unwrap().contains("--key-file"), "{problem}");
    }
    let temp = tempfile::tempdir().unwrap();
    let key_file = write_key(temp.path(), "key", &new_cluster_key());
    let keyed = toy(AgentConfig { key_file: Some(key_file), ..config("b") }).await;
    let api = keyed.ready().api;
    for (line, body, status) in [
        ("GET /v1/keys?timeout=2", "", 400),
        ("GET /v1/keys?timeout=0s", "", 400),
        ("GET /v1/keys?timeout=2m", "", 400),
        ("POST /v1/keys/rotate?force=yes", "", 400),
        ("POST /v1/keys/rotate?key=XYZ", "", 400),
        ("POST /v1/keys/rotate?key=0123456789abcdef", "", 404),
        ("POST /v1/keys/rotate", r#"{"key": "bruit-key-1:00"}"#, 400),
        ("POST /v1/keys/rotate", r#"{"secret": "x"}"#, 400),
        ("DELETE /v1/keys/0123456789ABCDEF", "", 400),
        ("DELETE /v1/keys/0123456789abcdef", "", 404),
    ] {
        let problem = call(api, line, "", body).await.problem(status);
        assert!(!problem.to_string().contains("bruit-key-1:00"), "{problem}");
    }
}

#[tokio::test]
async fn questions_and_their_keys_are_not_shown() {
    let temp = tempfile::tempdir().unwrap();
    let key_file = write_key(temp.path(), "key", &new_cluster_key());
    let config = AgentConfig { key_file: Some(key_file), ..config("a") };
    let agent = Agent::start_with(config, toy::start_with_ghost).await.unwrap();
    let api = agent.ready().api;
    call(api, "POST /v1/keys/rotate?timeout=50ms", "", "").await;
    let held = agent.shared.node.with(|node, _| {
        let asked = node.items().iter().find(|item| item.path.as_str() == "$ask/keys");
        asked.map(|item| item.id.to_string())
    });
    let id = held.await.unwrap().expect("the toy keeps its question");
    get(api, &format!("/v1/items/{id}")).await.problem(404);
    get(api, &format!("/v1/items/{id}/body")).await.problem(404);
    get(api, &format!("/v1/items/{id}/trace?timeout=50ms")).await.problem(404);
    assert_eq!(get(api, "/v1/items").await.json(), json!([]));
    assert_eq!(agent.shared.traces.log.counts(), (0, 0));
}

#[tokio::test]
async fn a_keyring_is_followed_until_the_operator_changes_the_key_file() {
    let temp = tempfile::tempdir().unwrap();
    let (one, two) = (new_cluster_key(), new_cluster_key());
    let data = temp.path().join("data");
    let start = |key: &ClusterKey| {
        let key_file = write_key(temp.path(), "key", key);
        toy(AgentConfig { key_file: Some(key_file), data: Some(data.clone()), ..config("a") })
    };
    let agent = start(&one).await;
    let change = call(agent.ready().api, "POST /v1/keys/rotate", "", "").await.json();
    let rotated = change["fingerprint"].as_str().unwrap().to_owned();
    agent.shutdown(true).await;

    let agent = start(&one).await;
    let keys = get(agent.ready().api, "/v1/keys").await.json();
    assert_eq!(fingerprints(&keys), [rotated.clone(), one.fingerprint()]);
    agent.shutdown(true).await;

    let agent = start(&two).await;
    let keys = get(agent.ready().api, "/v1/keys").await.json();
    assert_eq!(fingerprints(&keys)[0], two.fingerprint());
    assert_eq!(keys.as_array().unwrap().len(), 3);
    agent.shutdown(true).await;

    std::fs::write(data.join("keyring"), "garbage").unwrap();
    let key_file = write_key(temp.path(), "key", &two);
    let config = AgentConfig { key_file: Some(key_file), data: Some(data), ..config("a") };
    let error = Agent::start(config).await.unwrap_err();
    assert!(matches!(error, StartError::State(_)), "{error}");
    assert!(error.to_string().contains("keyring is damaged"), "{error}");
}

#[tokio::test]
async fn one_change_at_a_time() {
    let temp = tempfile::tempdir().unwrap();
    let key_file = write_key(temp.path(), "key", &new_cluster_key());
    let config = AgentConfig { key_file: Some(key_file), ..config("a") };
    let agent = Agent::start_with(config, toy::start_with_ghost).await.unwrap();
    let api = agent.ready().api;
    let first = tokio::spawn(call(api, "POST /v1/keys/rotate?timeout=1s", "", ""));
    until("the first has begun", async || {
        let keys = get(api, "/v1/keys?timeout=1ms").await.json();
        (keys.as_array().unwrap().len() == 2).then_some(())
    })
    .await;
    call(api, "POST /v1/keys/rotate", "", "").await.problem(503);
    assert_eq!(first.await.unwrap().status, 504);
}
