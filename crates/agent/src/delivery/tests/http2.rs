//! Consumers that speak HTTP/2.

use super::consumer::{Consumer, status};
use super::{Rig, delivered, event, invocation, quick, subscription, with, within};
use crate::delivery::{FailReason, Form, Health, HttpMode, Mode, Outcome, Policy, Subscription};
use bruit_model::meta;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Barrier, Notify, mpsc};
use tokio::task::JoinHandle;

/// A request as it came.
#[derive(Debug)]
struct Seen {
    connection: usize,
    method: String,
    uri: String,
    headers: HeaderMap,
    body: Bytes,
}

struct Server {
    url: String,
    seen: mpsc::UnboundedReceiver<Seen>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// How a consumer behaves.
#[derive(Clone)]
struct Manner {
    /// Requests are answered when so many are under way.
    together: usize,
    /// After so many requests a connection is ended, in good order.
    requests_max: usize,
    /// The answer's body.
    body: Bytes,
}

impl Default for Manner {
    fn default() -> Self {
        Self { together: 1, requests_max: usize::MAX, body: Bytes::new() }
    }
}

impl Server {
    async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, seen) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            let barrier = Arc::new(Barrier::new(manner.together));
            for connection in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let serve =
                    serve(connection, stream, manner.clone(), barrier.clone(), sender.clone());
                tokio::spawn(serve);
            }
        });
        Self { url, seen, task }
    }

    fn subscription(&self, policy: Policy) -> Subscription {
        let endpoint = format!("{}/v1", self.url).parse().unwrap();
        let mode = Mode::Http(HttpMode { endpoint, form: Form::Verbatim, http2: true });
        Subscription { mode, ..subscription("app", &self.url, policy) }
    }

    async fn next(&mut self) -> Seen {
        within(self.seen.recv()).await.unwrap()
    }
}

async fn serve(
    connection: usize,
    stream: tokio::net::TcpStream,
    manner: Manner,
    barrier: Arc<Barrier>,
    sender: mpsc::UnboundedSender<Seen>,
) {
    let is_enough = Arc::<Notify>::default();
    let (count, enough, max) = (AtomicUsize::new(0), Arc::clone(&is_enough), manner.requests_max);
    let service = service_fn(move |request: Request<Incoming>| {
        let (sender, barrier, manner) = (sender.clone(), barrier.clone(), manner.clone());
        if count.fetch_add(1, Ordering::Relaxed) + 1 == max {
            enough.notify_one();
        }
        async move {
            assert_eq!(request.version(), Version::HTTP_2);
            let (head, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let (method, uri, headers) =
                (head.method.to_string(), head.uri.to_string(), head.headers);
            sender.send(Seen { connection, method, uri, headers, body }).unwrap();
            barrier.wait().await;
            Ok::<_, Infallible>(Response::new(Full::new(manner.body)))
        }
    });
    let http = http2::Builder::new(TokioExecutor::new());
    let mut open = pin!(http.serve_connection(TokioIo::new(stream), service));
    loop {
        tokio::select! {
            _ = &mut open => return,
            () = is_enough.notified() => open.as_mut().graceful_shutdown(),
        }
    }
}

#[tokio::test]
async fn one_connection_carries_as_many_requests_as_the_policy_allows() {
    let mut server = Server::start(Manner { together: 8, ..Manner::default() }).await;
    let mut rig = Rig::new();
    rig.delivery.subscribe(server.subscription(quick())).unwrap();
    rig.offer_events(16);
    for _ in 0..16 {
        assert_eq!(delivered(rig.outcome().await), (200, 1));
        assert_eq!(server.next().await.connection, 0);
    }
}

#[tokio::test]
async fn the_request_is_the_same_and_the_host_is_the_authority() {
    let mut server = Server::start(Manner::default()).await;
    let mut rig = Rig::new();
    rig.delivery.subscribe(server.subscription(quick())).unwrap();
    let target = "/cache//users/%34%32/..;v=1/%2e%2E/x?x=%20y&&z=a+b?/";
    let mut item = with(
        invocation(42, "PURGE", target),
        &[
            (meta::HOST, "www.example.test"),
            ("authorization", "Bearer  s3cret=="),
            ("content-encoding", "br"),
            ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            ("connection", "close, x-hop"),
            ("x-hop", "1"),
            ("te", "gzip"),
        ],
    );
    item.payload = Bytes::from_static(b"\0\r\n\r\n\xff");
    let id = item.id.to_string();
    rig.offer(item);
    let seen = server.next().await;
    assert_eq!(seen.method, "PURGE");
    assert_eq!(seen.uri, format!("http://www.example.test/v1{target}"));
    assert_eq!(seen.body, &b"\0\r\n\r\n\xff"[..]);
    let names: Vec<&str> = seen.headers.keys().map(http::HeaderName::as_str).collect();
    assert_eq!(
        names,
        ["authorization", "content-encoding", "traceparent", "content-length", "bruit-item"]
    );
    assert_eq!(seen.headers["bruit-item"], id);
    assert_eq!(delivered(rig.outcome().await), (200, 1));
    rig.offer(invocation(43, "GET", "/"));
    let seen = server.next().await;
    assert_eq!(seen.uri, format!("{}/v1/", server.url));
}

#[tokio::test]
async fn a_connection_that_is_ended_in_good_order_loses_nothing() {
    let mut server = Server::start(Manner { requests_max: 3, ..Manner::default() }).await;
    let mut rig = Rig::new();
    rig.delivery.subscribe(server.subscription(quick())).unwrap();
    rig.offer_events(200);
    for _ in 0..200 {
        assert_eq!(delivered(rig.outcome().await).0, 200);
    }
    rig.offer(event(201, "a"));
    assert_eq!(delivered(rig.outcome().await).0, 200);
    let mut last = 0;
    while let Ok(seen) = server.seen.try_recv() {
        last = last.max(seen.connection);
    }
    assert!(last >= 1, "no connection was ended");
}

#[tokio::test]
async fn a_long_answer_is_judged_by_its_status_and_spares_the_connection() {
    let body = Bytes::from(vec![b'x'; 10 * 1024 * 1024]);
    let mut server = Server::start(Manner { body, ..Manner::default() }).await;
    let mut rig = Rig::new();
    rig.delivery.subscribe(server.subscription(quick())).unwrap();
    for seq in 1..=5 {
        rig.offer(event(seq, "a"));
        assert_eq!(delivered(rig.outcome().await), (200, 1));
        assert_eq!(server.next().await.connection, 0);
    }
}

#[tokio::test]
async fn a_consumer_that_does_not_answer_in_time_is_asked_over_a_new_connection() {
    let mut server = Server::start(Manner { together: 2, ..Manner::default() }).await;
    let policy =
        Policy { timeout: Duration::from_millis(250), attempts_max: NonZeroU32::new(2), ..quick() };
    let mut rig = Rig::new();
    rig.delivery.subscribe(server.subscription(policy)).unwrap();
    rig.offer(event(1, "a"));
    // The first attempt waits for a second request; the second attempt is one.
    let (first, second) = (server.next().await, server.next().await);
    assert_eq!((first.connection, second.connection), (0, 1));
    assert_eq!(delivered(rig.outcome().await), (200, 2));
}

#[tokio::test]
async fn a_consumer_that_speaks_http_1_only_is_a_failure_that_says_so() {
    let consumer = Consumer::start(|_, _| status(200)).await;
    let policy = Policy { attempts_max: NonZeroU32::new(1), ..quick() };
    let endpoint = consumer.url.parse().unwrap();
    let mode = Mode::Http(HttpMode { endpoint, form: Form::Verbatim, http2: true });
    let mut rig = Rig::new();
    rig.delivery
        .subscribe(Subscription { mode, ..subscription("app", &consumer.url, policy) })
        .unwrap();
    rig.offer(event(1, "a"));
    let gave_up = Outcome::Failed { reason: FailReason::GaveUp, status: None, attempts: 1 };
    assert_eq!(rig.outcome().await, gave_up);
    let error = rig.status("app").last_error.unwrap();
    assert!(error.starts_with("no whole answer: http2 error"), "{error}");
}

#[tokio::test]
async fn it_is_asked_how_it_is_over_http_2_too() {
    let mut server = Server::start(Manner::default()).await;
    let health = Some(Health { path: "/healthz".to_owned(), period: Duration::from_secs(60) });
    let rig = Rig::new();
    rig.delivery.subscribe(Subscription { health, ..server.subscription(quick()) }).unwrap();
    assert_eq!(server.next().await.uri, format!("{}/healthz", server.url));
}
