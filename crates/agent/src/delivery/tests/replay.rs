//! What a consumer gets.

use super::consumer::{Consumer, status};
use super::{Rig, delivered, event, invocation, quick, subscription, with, within};
use crate::delivery::{LOOP_GUARD, Mode, Policy, Subscription, Unreplayable, replay};
use bruit_model::{Header, Item, meta};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

const URL: &str = "http://app:8080/base";

fn request(item: &Item, to: &Subscription) -> Result<Request<Full<Bytes>>, Unreplayable> {
    let Mode::Http(http) = &to.mode else { panic!("{:?}", to.mode) };
    replay::request(item, to, http)
}

fn headers(item: &Item) -> HeaderMap {
    request(item, &subscription("a", URL, Policy::default())).unwrap().headers().clone()
}

fn names(headers: &HeaderMap) -> Vec<&str> {
    headers.iter().map(|(name, _)| name.as_str()).collect()
}

fn refusal(item: &Item) -> Option<Unreplayable> {
    request(item, &subscription("a", URL, Policy::default())).err()
}

#[tokio::test]
async fn an_invocation_arrives_byte_for_byte() {
    let mut consumer = Consumer::start(|_, _| status(204)).await;
    let mut rig = Rig::with(&format!("{}/v1%2F/", consumer.url), quick());
    let target = "/cache//users/%34%32/..;v=1/%2e%2E/\"{é}?x=%20y&&z=a+b?/&q={é}|^`\\";
    let mut item = with(
        invocation(42, "PURGE", target),
        &[
            (meta::HOST, "www.example.test"),
            ("x-b", "1"),
            ("authorization", "Bearer  s3cret=="),
            ("x-empty", ""),
            ("host", "agent.example.test"),
            ("x-b", " 2,  3"),
            ("cookie", "a=\"b\"; c"),
            ("content-length", "999"),
        ],
    );
    let latin = Header { name: "x-latin".into(), value: Bytes::from_static(b"caf\xe9\tx") };
    item.headers.push(latin);
    item.payload = Bytes::from_static(b"\0\r\n\r\n\xff");
    let id = item.id.to_string();
    rig.offer(item);

    let seen = consumer.next().await;
    let latin: String = target.bytes().map(char::from).collect();
    assert_eq!(
        seen.lines,
        [
            &format!("PURGE /v1%2F{latin} HTTP/1.1"),
            "host: www.example.test",
            "x-b: 1",
            "x-b:  2,  3",
            "authorization: Bearer  s3cret==",
            "x-empty: ",
            "cookie: a=\"b\"; c",
            "x-latin: caf\u{e9}\tx",
            "content-length: 6",
            &format!("bruit-item: {id}"),
        ]
    );
    assert_eq!(seen.body, b"\0\r\n\r\n\xff");
    assert_eq!(delivered(rig.outcome().await), (204, 1));
}

#[tokio::test]
async fn a_body_of_a_mebibyte_reaches_a_hyper_server_whole() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, mut bodies) = mpsc::unbounded_channel();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let service = service_fn(move |request: Request<Incoming>| {
            let sender = sender.clone();
            async move {
                let body = request.into_body().collect().await.unwrap().to_bytes();
                sender.send(body).unwrap();
                Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
            }
        });
        let http = hyper::server::conn::http1::Builder::new();
        http.serve_connection(TokioIo::new(stream), service).await.ok();
    });
    let mut rig = Rig::with(&url, quick());
    let mut item = invocation(1, "POST", "/x");
    item.payload = (0..Item::PAYLOAD_BYTES_MAX).map(|at| at.to_le_bytes()[at % 3]).collect();
    let payload = item.payload.clone();
    rig.offer(item);
    assert!(within(bodies.recv()).await.unwrap() == payload);
    assert_eq!(delivered(rig.outcome().await), (200, 1));
    server.abort();
}

#[test]
fn the_host_is_the_calls_then_the_subscriptions_then_the_endpoints() {
    let mut subscription = subscription("a", URL, Policy::default());
    let plain = with(invocation(1, "GET", "/"), &[("host", "agent")]);
    let named = with(invocation(1, "GET", "/"), &[(meta::HOST, "www.example.test:81")]);
    assert_eq!(request(&plain, &subscription).unwrap().headers()["host"], "app:8080");
    subscription.host = Some("site".to_owned());
    assert_eq!(request(&plain, &subscription).unwrap().headers()["host"], "site");
    assert_eq!(request(&named, &subscription).unwrap().headers()["host"], "www.example.test:81");
}

#[test]
fn what_was_between_the_caller_and_the_agent_is_left_out() {
    let item = with(
        invocation(1, "GET", "/"),
        &[
            ("connection", "close, X-Hop ,x-other"),
            ("x-hop", "1"),
            ("connection", "x-third"),
            ("x-third", "1"),
            ("x-other", "1"),
            ("keep-alive", "timeout=5"),
            ("proxy-authorization", "Basic x"),
            ("proxy-connection", "keep-alive"),
            ("te", "trailers"),
            ("trailer", "x-sum"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("expect", "100-continue"),
            ("bruit-wait", "all"),
            ("bruit-token", "secret"),
            ("bruit-item", "an older one"),
            (meta::ASK, "1"),
            ("traceparent", "00-1-2-01"),
            ("brui", "t"),
        ],
    );
    let headers = headers(&item);
    assert_eq!(names(&headers), ["host", "traceparent", "brui", LOOP_GUARD]);
    assert_eq!(headers[LOOP_GUARD], item.id.to_string());
}

#[test]
fn a_length_is_written_for_a_body_or_where_the_call_had_one() {
    let bare = invocation(1, "GET", "/");
    assert_eq!(names(&headers(&bare)), ["host", LOOP_GUARD]);
    let empty = with(invocation(1, "POST", "/"), &[("content-length", "0")]);
    assert_eq!(headers(&empty)["content-length"], "0");
    let mut chunked = with(bare, &[("transfer-encoding", "chunked")]);
    chunked.payload = Bytes::from_static(b"abc");
    assert_eq!(headers(&chunked)["content-length"], "3");
}

#[test]
fn an_event_is_posted_to_its_path() {
    let item = with(event(1, "a b/é%20/?#[x]:@"), &[("content-type", "text/plain")]);
    let subscription = subscription("a", URL, Policy::default());
    let request = request(&item, &subscription).unwrap();
    assert_eq!(request.method(), "POST");
    assert_eq!(request.uri(), "/base/a%20b/%C3%A9%20/%3F%23%5Bx%5D:@");
    assert_eq!(names(request.headers()), ["host", "content-type", LOOP_GUARD]);
}

#[test]
fn what_is_not_http_is_refused() {
    for target in ["", "x", "?x", "*", "/a b", "/a#b", "/a\r\nx: y", "/\0", "http://h/"] {
        let item = invocation(1, "GET", target);
        assert_eq!(refusal(&item), Some(Unreplayable::Target), "{target:?}");
    }
    let long = format!("/{}", "a".repeat(65_535));
    assert_eq!(refusal(&invocation(1, "GET", &long)), Some(Unreplayable::Target));
    assert_eq!(refusal(&with(event(1, "a"), &[(meta::METHOD, "GET")])), Some(Unreplayable::Target));
    for method in ["", "CONNECT", "GE T", "GET\r\n"] {
        let item = invocation(1, method, "/");
        assert_eq!(refusal(&item), Some(Unreplayable::Method), "{method:?}");
    }
    for (name, value) in [("a b", "1"), ("", "1"), ("a", "1\r\nb: 2"), ("a", "\0"), ("é", "1")] {
        let item = with(invocation(1, "GET", "/"), &[(name, value)]);
        assert_eq!(refusal(&item), Some(Unreplayable::Header), "{name:?} {value:?}");
    }
    let host = with(invocation(1, "GET", "/"), &[(meta::HOST, "a\r\nb: c")]);
    assert_eq!(refusal(&host), Some(Unreplayable::Header));
}
