//! `/v1/subscriptions/{name}/stream`: items for whoever is connected.

use super::contract::CONTRACT;
use super::http::{Service, call, get};
use super::{LONG, config, config_with_app, toy, until};
use crate::Agent;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// An agent with a subscription `s` to everything, whose items are streamed.
async fn streaming(more: Value) -> Agent {
    let agent = toy(config("a")).await;
    let mut spec = json!({"pattern": "**", "mode": "stream"});
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let put = call(agent.ready().api, "PUT /v1/subscriptions/s", "", spec.to_string()).await;
    assert_eq!(put.status, 201, "{}", put.text());
    agent
}

async fn publish(api: SocketAddr, path: &str) -> String {
    let answer = call(api, &format!("PURGE /all/{path}"), "X-A: b\r\n", "hello").await;
    answer.json()["id"].as_str().unwrap().to_owned()
}

/// Waits until the subscription's number `field` is `value`.
async fn has(api: SocketAddr, field: &str, value: u64) {
    let what = format!("{field} is {value}");
    until(&what, async || {
        let status = get(api, "/v1/subscriptions/s").await.json();
        (status[field] == value).then_some(())
    })
    .await;
}

/// A reader of server-sent events.
struct Sse(BufReader<TcpStream>);

impl Sse {
    async fn open(api: SocketAddr, version: &str) -> Self {
        let mut stream = TcpStream::connect(api).await.unwrap();
        let request =
            format!("GET /v1/subscriptions/s/stream HTTP/{version}\r\nHost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut sse = Self(BufReader::new(stream));
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(sse.0.read_line(&mut head).await.unwrap(), 0, "{head}");
        }
        assert!(head.contains(" 200 "), "{head}");
        assert!(head.contains("content-type: text/event-stream"), "{head}");
        sse
    }

    /// The next item: the event's id, and its data.
    async fn next(&mut self) -> Option<(String, Value)> {
        let read = async {
            let (mut id, mut event) = (String::new(), String::new());
            loop {
                let mut line = String::new();
                if self.0.read_line(&mut line).await.unwrap_or(0) == 0 {
                    return None;
                }
                match line.trim_end().split_once(": ") {
                    Some(("event", name)) => event = name.to_owned(),
                    Some(("id", text)) => id = text.to_owned(),
                    Some(("data", data)) => {
                        let data: Value = serde_json::from_str(data).unwrap();
                        CONTRACT.check_event("/v1/subscriptions/s/stream", &event, &data);
                        return Some((id, data));
                    }
                    Some(_) | None => {}
                }
            }
        };
        tokio::time::timeout(LONG, read).await.expect("an item in time")
    }
}

impl Sse {
    /// Reads on to the end of the next item, without a look at it: as fast as it can.
    async fn skip(&mut self) {
        let read = async {
            let mut line = Vec::new();
            while !line.starts_with(b"data: ") {
                line.clear();
                assert_ne!(self.0.read_until(b'\n', &mut line).await.unwrap(), 0, "it was cut off");
            }
            assert_eq!(line.last(), Some(&b'\n'), "it was cut off");
        };
        tokio::time::timeout(LONG, read).await.expect("an item in time");
    }
}

/// A reader over WebSocket.
struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    async fn open(api: SocketAddr) -> Self {
        let stream = TcpStream::connect(api).await.unwrap();
        let uri = format!("ws://{api}/v1/subscriptions/s/stream");
        Self(client_async(uri, stream).await.unwrap().0)
    }

    async fn message(&mut self) -> Option<Message> {
        let next = tokio::time::timeout(LONG, self.0.next()).await.expect("a message in time");
        next.map(Result::unwrap)
    }

    async fn next(&mut self) -> Value {
        let Some(Message::Text(text)) = self.message().await else { panic!("no item") };
        let item = serde_json::from_str(&text).unwrap();
        let valid = CONTRACT.validate("/components/schemas/StreamItem", &item);
        assert_eq!(valid, Ok(()));
        item
    }

    async fn send(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    async fn ack(&mut self, item: &Value) {
        self.send(&json!({"ack": item["id"]}).to_string()).await;
    }

    /// The code and reason with which the agent ends it; items that come before are passed over.
    async fn closed(&mut self) -> (CloseCode, String) {
        loop {
            let message = self.message().await.expect("a close");
            if let Message::Close(Some(frame)) = message {
                return (frame.code, frame.reason.to_string());
            }
            assert!(message.is_text(), "{message:?}");
        }
    }
}

#[tokio::test]
async fn events_carry_items_whole_and_are_done_when_written() {
    let agent = streaming(json!({})).await;
    let api = agent.ready().api;
    assert_eq!(get(api, "/v1/subscriptions/s").await.json()["state"], "waiting");
    for version in ["1.0", "1.1"] {
        let mut reader = Sse::open(api, version).await;
        let id = publish(api, "x?y=z").await;
        let (event_id, item) = reader.next().await.unwrap();
        assert_eq!((&event_id, item["id"].as_str().unwrap()), (&id, id.as_str()));
        assert_eq!((&item["method"], &item["target"]), (&"PURGE".into(), &"/x?y=z".into()));
        assert_eq!((&item["body"], item.get("body_base64")), (&"hello".into(), None));
        assert!(item["headers"].as_array().unwrap().contains(&json!(["x-a", "b"])));
        has(api, "delivered", if version == "1.0" { 1 } else { 2 }).await;
        drop(reader);
        has(api, "in_flight", 0).await;
    }
    let mut reader = Sse::open(api, "1.1").await;
    call(api, "POST /topics/x", "Authorization: secret\r\n", b"\xff").await;
    let (_, item) = reader.next().await.unwrap();
    assert_eq!((&item["body_base64"], item.get("body")), (&"/w==".into(), None));
    let headers = item["headers"].as_array().unwrap();
    assert!(headers.contains(&json!(["authorization", "secret"])), "verbatim");
}

#[tokio::test]
async fn what_waited_comes_when_a_reader_comes() {
    let agent = streaming(json!({})).await;
    let api = agent.ready().api;
    for number in 0..20 {
        publish(api, &number.to_string()).await;
    }
    has(api, "queued_items", 20).await;
    let mut reader = Sse::open(api, "1.1").await;
    for number in 0..20 {
        assert_eq!(reader.next().await.unwrap().1["path"], number.to_string());
    }
    has(api, "delivered", 20).await;
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_cut_off_and_its_items_go_to_others() {
    let agent = streaming(json!({"timeout": "1s", "concurrency": 24})).await;
    let api = agent.ready().api;
    // Far more than the sockets of both ends hold.
    let idle = Sse::open(api, "1.1").await;
    for _ in 0..24 {
        call(api, "POST /topics/x", "", vec![b'x'; 1024 * 1024]).await;
    }
    until("the idle one is cut off", async || {
        let status = get(api, "/v1/subscriptions/s").await.json();
        (status["state"] == "waiting" && status["in_flight"] == 0).then_some(())
    })
    .await;
    let status = get(api, "/v1/subscriptions/s").await.json();
    let (delivered, queued) = (status["delivered"].as_u64(), status["queued_items"].as_u64());
    assert_eq!(delivered.unwrap() + queued.unwrap(), 24);
    assert!(queued.unwrap() > 0, "not all can have been written");
    let mut reader = Sse::open(api, "1.1").await;
    for _ in 0..queued.unwrap() {
        reader.skip().await;
    }
    has(api, "delivered", 24).await;
    drop(idle);
}

#[tokio::test]
async fn over_a_socket_an_item_is_done_when_it_is_acknowledged() {
    let agent = streaming(json!({"concurrency": 2})).await;
    let api = agent.ready().api;
    let mut first = Socket::open(api).await;
    for path in ["1", "2", "3"] {
        publish(api, path).await;
    }
    let one = first.next().await;
    let two = first.next().await;
    assert_eq!((&one["path"], &two["path"]), (&"1".into(), &"2".into()));
    has(api, "in_flight", 2).await;
    has(api, "queued_items", 1).await;
    first.ack(&two).await;
    let three = first.next().await;
    assert_eq!(three["path"], "3", "there is room again");
    has(api, "delivered", 1).await;
    drop(first);
    has(api, "queued_items", 2).await;
    let mut second = Socket::open(api).await;
    for _ in 0..2 {
        let item = second.next().await;
        assert!(item == one || item == three, "what was not acknowledged comes again: {item}");
        second.ack(&item).await;
    }
    has(api, "delivered", 3).await;
    has(api, "queued_items", 0).await;
}

#[tokio::test]
async fn readers_share_the_items() {
    let agent = streaming(json!({"concurrency": 2})).await;
    let api = agent.ready().api;
    let (mut left, mut right) = (Socket::open(api).await, Socket::open(api).await);
    publish(api, "1").await;
    publish(api, "2").await;
    // Neither acknowledges, so that whoever has one item does not hinder the other.
    let mut paths = Vec::new();
    while paths.len() < 2 {
        let item = tokio::select! { item = left.next() => item, item = right.next() => item };
        paths.push(item["path"].as_str().unwrap().to_owned());
    }
    paths.sort();
    assert_eq!(paths, ["1", "2"], "each went to one of them");
}

#[tokio::test]
async fn what_is_no_acknowledgement_ends_a_socket() {
    let agent = streaming(json!({})).await;
    let api = agent.ready().api;
    for text in ["hello", "{}", r#"{"ack": 1}"#, r#"{"ack": "A-1", "more": 1}"#, ""] {
        let mut socket = Socket::open(api).await;
        socket.send(text).await;
        let (code, reason) = socket.closed().await;
        assert_eq!(code, CloseCode::Unsupported, "{text}");
        assert!(reason.contains("ack"), "{reason}");
    }
    let mut socket = Socket::open(api).await;
    socket.0.send(Message::binary(vec![1])).await.unwrap();
    assert_eq!(socket.closed().await.0, CloseCode::Unsupported);
    let mut socket = Socket::open(api).await;
    socket.send(r#"{"ack": "ABC-1"}"#).await;
    let expected = (CloseCode::Policy, "the item ABC-1 is not out".to_owned());
    assert_eq!(socket.closed().await, expected);
    let mut socket = Socket::open(api).await;
    publish(api, "x").await;
    let item = socket.next().await;
    socket.ack(&item).await;
    socket.ack(&item).await;
    assert_eq!(socket.closed().await.0, CloseCode::Policy, "once is enough");
    let mut socket = Socket::open(api).await;
    socket.send(&"x".repeat(5000)).await;
    let end = tokio::time::timeout(LONG, socket.0.next()).await.unwrap();
    assert!(matches!(
        end,
        None | Some(Err(Error::Protocol(_) | Error::Io(_)) | Ok(Message::Close(_)))
    ));
    has(api, "in_flight", 0).await;
}

#[tokio::test]
async fn an_item_is_not_out_for_ever() {
    let agent = streaming(json!({"timeout": "200ms"})).await;
    let api = agent.ready().api;
    let mut slow = Socket::open(api).await;
    publish(api, "x").await;
    let item = slow.next().await;
    let (code, reason) = slow.closed().await;
    assert_eq!((code, reason.contains("200ms")), (CloseCode::Again, true), "{reason}");
    let mut other = Socket::open(api).await;
    assert_eq!(other.next().await, item);
    other.ack(&item).await;
    has(api, "delivered", 1).await;
}

#[tokio::test]
async fn streams_end_with_the_subscription_and_with_the_agent() {
    let agent = streaming(json!({})).await;
    let api = agent.ready().api;
    let (mut socket, mut sse) = (Socket::open(api).await, Sse::open(api, "1.0").await);
    call(api, "DELETE /v1/subscriptions/s", "", "").await;
    assert_eq!(socket.closed().await, (CloseCode::Away, "no more items".to_owned()));
    assert_eq!(sse.next().await, None);
    let agent = streaming(json!({})).await;
    let api = agent.ready().api;
    let (mut socket, mut sse) = (Socket::open(api).await, Sse::open(api, "1.0").await);
    let began = std::time::Instant::now();
    let (closed, ended, ()) = tokio::join!(socket.closed(), sse.next(), agent.shutdown(true));
    assert_eq!((closed.0, ended), (CloseCode::Away, None));
    assert!(began.elapsed() < Duration::from_secs(5), "it did not wait for them to be cut off");
}

#[tokio::test]
async fn a_socket_has_its_place_among_the_connections() {
    let agent = streaming(json!({})).await;
    let api = agent.ready().api;
    let open = async || {
        let status = get(api, "/v1/status").await.json();
        status["counters"]["bruit_api_connections"].as_u64().unwrap()
    };
    let before = until("only the one that asks", async || (open().await == 1).then_some(1)).await;
    let socket = Socket::open(api).await;
    until("one more", async || (open().await == before + 1).then_some(())).await;
    drop(socket);
    until("it is free again", async || (open().await == before).then_some(())).await;
}

#[tokio::test]
async fn only_streams_are_read_and_not_by_other_sites() {
    let service = Service::start(200).await;
    let agent = toy(config_with_app("a", &service, &["**"])).await;
    let api = agent.ready().api;
    let problem = get(api, "/v1/subscriptions/app/stream").await.problem(409);
    assert!(problem["detail"].as_str().unwrap().contains("its mode is http"), "{problem}");
    get(api, "/v1/subscriptions/none/stream").await.problem(404);
    let agent = streaming(json!({})).await;
    let api = agent.ready().api;
    for header in ["Origin: http://evil.example\r\n", "Sec-Fetch-Site: cross-site\r\n"] {
        call(api, "GET /v1/subscriptions/s/stream", header, "").await.problem(403);
    }
    let mut request =
        format!("ws://{api}/v1/subscriptions/s/stream").into_client_request().unwrap();
    request.headers_mut().insert("origin", "http://evil.example".parse().unwrap());
    let stream = TcpStream::connect(api).await.unwrap();
    let Err(Error::Http(refused)) = client_async(request, stream).await else { panic!("taken") };
    assert_eq!(refused.status(), 403);
    let half = "Upgrade: websocket\r\n";
    call(api, "GET /v1/subscriptions/s/stream", half, "").await.problem(400);
    assert_eq!(get(api, "/v1/subscriptions/s").await.json()["state"], "waiting");
}
