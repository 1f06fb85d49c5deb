//! Server-sent events: snapshot, changes, resumption, gap.

use super::contract::CONTRACT;
use super::http::{Service, call, get};
use super::{LONG, config, config_with_app, toy};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

struct Watcher(BufReader<TcpStream>);

#[derive(Debug)]
struct Sse {
    event: String,
    id: Option<u64>,
    data: Value,
}

impl Watcher {
    async fn open(api: SocketAddr, types: &str, last: Option<u64>) -> Self {
        let mut stream = TcpStream::connect(api).await.unwrap();
        let last = last.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
        // HTTP/1.0, so that the stream is not in chunks.
        let request = format!("GET /v1/stream{types} HTTP/1.0\r\nHost: localhost\r\n{last}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut watcher = Self(BufReader::new(stream));
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(watcher.0.read_line(&mut head).await.unwrap(), 0, "{head}");
        }
        assert!(head.starts_with("HTTP/1.0 200") || head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(head.to_ascii_lowercase().contains("content-type: text/event-stream"), "{head}");
        watcher
    }

    async fn next(&mut self) -> Option<Sse> {
        let read = async {
            let mut sse = Sse { event: String::new(), id: None, data: Value::Null };
            loop {
                let mut line = String::new();
                if self.0.read_line(&mut line).await.unwrap_or(0) == 0 {
                    return None;
                }
                match line.trim_end().split_once(": ") {
                    Some(("event", event)) => sse.event = event.to_owned(),
                    Some(("id", id)) => sse.id = Some(id.parse().unwrap()),
                    Some(("data", data)) => sse.data = serde_json::from_str(data).unwrap(),
                    Some(_) => {}
                    None if sse.event.is_empty() => {}
                    None => {
                        CONTRACT.check_event("/v1/stream", &sse.event, &sse.data);
                        return Some(sse);
                    }
                }
            }
        };
        tokio::time::timeout(LONG, read).await.expect("an event in time")
    }
}

#[tokio::test]
async fn a_snapshot_comes_first_then_changes_with_growing_ids() {
    let service = Service::start(200).await;
    let agent = toy(config_with_app("a", &service, &["**"])).await;
    let api = agent.ready().api;
    let mut watcher = Watcher::open(api, "?types=item,delivery", None).await;
    let snapshot = watcher.next().await.unwrap();
    assert_eq!(snapshot.event, "snapshot");
    assert_eq!(snapshot.data, json!({"items": [], "dead_letters": []}));
    let item = call(api, "PURGE /all/x", "", "").await.json();
    let seen = watcher.next().await.unwrap();
    assert_eq!((seen.event.as_str(), &seen.data["type"]), ("change", &"item".into()));
    assert!(seen.id > snapshot.id);
    assert_eq!(seen.data["item"]["id"], item["id"]);
    assert_eq!(seen.data["subscriptions"], json!(["app"]));
    assert_eq!(seen.data["repaired"], false);
    let delivered = watcher.next().await.unwrap();
    assert!(delivered.id > seen.id);
    assert_eq!(delivered.data["type"], "delivery");
    assert_eq!(delivered.data["delivery"]["outcome"], "delivered");
    assert_eq!(delivered.data["delivery"]["item"], item["id"]);
}

#[tokio::test]
async fn deliveries_are_told_with_their_attempts_and_pauses_at_once() {
    let service = Service::start_with(&[503, 404, 204], 200).await;
    let agent = toy(config_with_app("a", &service, &["**"])).await;
    let api = agent.ready().api;
    let mut watcher = Watcher::open(api, "?types=delivery,subscription", None).await;
    watcher.next().await.unwrap();
    call(api, "POST /topics/1", "", "").await;
    let failed = watcher.next().await.unwrap().data["delivery"].clone();
    assert_eq!((&failed["outcome"], &failed["status"]), (&"failed".into(), &404.into()));
    assert_eq!((&failed["attempts"], &failed["statuses"]), (&2.into(), &json!([503, 404])));
    call(api, "POST /v1/deliveries/app.1/retry", "", "").await;
    let delivered = watcher.next().await.unwrap().data["delivery"].clone();
    assert_eq!(
        (&delivered["outcome"], &delivered["statuses"]),
        (&"delivered".into(), &json!([204]))
    );
    for (step, expected) in [("pause", "paused"), ("resume", "resumed")] {
        call(api, &format!("POST /v1/subscriptions/app/{step}"), "", "").await;
        let told = watcher.next().await.unwrap().data;
        assert_eq!(
            (&told["change"], &told["subscription"]["name"]),
            (&expected.into(), &"app".into())
        );
    }
}

#[tokio::test]
async fn all_types_are_there_unless_some_are_asked_for() {
    let agent = toy(config("a")).await;
    let api = agent.ready().api;
    let snapshot = Watcher::open(api, "", None).await.next().await.unwrap().data;
    let keys: Vec<&String> = snapshot.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["dead_letters", "items", "members", "subscriptions"]);
    assert_eq!(snapshot["members"][0]["name"], "a");
    get(api, "/v1/stream?types=weather").await.problem(400);
    let mut watcher = Watcher::open(api, "?types=member", None).await;
    watcher.next().await.unwrap();
    call(api, "POST /topics/x", "", "").await;
    call(api, "PATCH /v1/self/tags", "", r#"{"a": "b"}"#).await;
    // The set of tags at the start may be told after the snapshot that has it.
    loop {
        let change = watcher.next().await.unwrap().data;
        assert_eq!((&change["type"], &change["change"]), (&"member".into(), &"updated".into()));
        if change["member"]["metadata"]["a"] == "b" {
            break;
        }
    }
}

#[tokio::test]
async fn a_watcher_resumes_and_a_late_one_is_told_of_the_gap() {
    let agent = toy(config("a")).await;
    let api = agent.ready().api;
    let mut watcher = Watcher::open(api, "?types=item", None).await;
    watcher.next().await.unwrap();
    call(api, "POST /topics/1", "", "").await;
    let first = watcher.next().await.unwrap();
    drop(watcher);
    call(api, "POST /topics/2", "", "").await;
    let mut resumed = Watcher::open(api, "?types=item", first.id).await;
    let second = resumed.next().await.unwrap();
    assert_eq!(second.event, "change");
    assert_eq!(second.data["item"]["path"], "2");
    for id in [Some(7), Some(u64::MAX)] {
        let mut late = Watcher::open(api, "?types=item", id).await;
        assert_eq!(late.next().await.unwrap().event, "gap");
        let snapshot = late.next().await.unwrap();
        assert_eq!(snapshot.event, "snapshot");
        assert_eq!(snapshot.data["items"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn the_stream_ends_with_the_agent() {
    let agent = toy(config("a")).await;
    let mut watcher = Watcher::open(agent.ready().api, "?types=item", None).await;
    watcher.next().await.unwrap();
    agent.shutdown(true).await;
    assert!(watcher.next().await.is_none());
}
