//! Paths that are odd, forbidden, or very many.

use super::http::{Service, call, get};
use super::{LONG, config, config_with_app, toy};
use crate::changes::{RING_MAX, Read};
use std::net::SocketAddr;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// The first line of the answer to a request line as it is, byte for byte.
async fn raw(api: SocketAddr, line: &[u8]) -> String {
    let mut request = line.to_vec();
    request.extend(b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let exchange = async {
        let mut stream = TcpStream::connect(api).await.unwrap();
        stream.write_all(&request).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
    };
    tokio::time::timeout(LONG, exchange).await.expect("an answer in time")
}

#[tokio::test]
async fn raw_control_characters_are_no_request() {
    let agent = toy(config("a")).await;
    let api = agent.ready().api;
    for line in [b"PURGE /all/a\0b".as_slice(), b"PURGE /all/a\x01b", b"PURGE /all/a\x7fb"] {
        let answer = raw(api, line).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{line:?}: {answer}");
    }
    assert_eq!(get(api, "/v1/items").await.json(), serde_json::json!([]));
}

#[tokio::test]
async fn what_is_percent_encoded_stays_so() {
    let service = Service::start(200).await;
    let agent = toy(config_with_app("a", &service, &["**"])).await;
    let api = agent.ready().api;
    for path in ["a%00b", "a%0d%0aX:%20y", "a/%2f/b", "a/.../b", "a/..b", "a/%2ea", "%c3%a9", "%"] {
        let answer = call(api, &format!("PURGE /all/{path}"), "Bruit-Wait: all\r\n", "").await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_eq!(answer.json()["path"], path);
        let got = service.got();
        assert_eq!(got.last().unwrap().line, format!("PURGE /{path} HTTP/1.1"));
    }
}

#[tokio::test]
async fn a_path_says_what_it_means() {
    let agent = toy(config("a")).await;
    let api = agent.ready().api;
    for path in
        ["a/../b", "..", "a/.", "./a", "a/%2e%2E/b", "a/.%2e", "%2e", "a/..;v=1/b", "a/%2e%2e;/b"]
    {
        for line in [format!("PURGE /all/{path}"), format!("POST /topics/{path}")] {
            let problem = call(api, &line, "", "").await.problem(400);
            assert!(problem["detail"].as_str().unwrap().contains("segment"), "{line}: {problem}");
        }
    }
    // What is not the path may have them.
    assert_eq!(call(api, "PURGE /all/a?b=/../c", "", "").await.status, 202);
    for line in
        [format!("PURGE /all/{}", "x".repeat(1025)), format!("POST /topics/{}", "x/".repeat(513))]
    {
        call(api, &line, "", "").await.problem(413);
    }
    assert_eq!(call(api, &format!("PURGE /all/{}", "x".repeat(1024)), "", "").await.status, 202);
}

/// Publishes to so many paths over one connection.
async fn publish(api: SocketAddr, paths: std::ops::Range<u32>) {
    let stream = TcpStream::connect(api).await.unwrap();
    let (read, mut write) = stream.into_split();
    let count = paths.len();
    let writing = tokio::spawn(async move {
        for number in paths {
            let request = format!(
                "PURGE /all/some/{number:x}/page HTTP/1.1\r\nHost: localhost\r\n\
                 Content-Length: 0\r\n\r\n"
            );
            write.write_all(request.as_bytes()).await.unwrap();
        }
        write
    });
    let mut lines = BufReader::with_capacity(1 << 16, read).lines();
    let mut accepted = 0;
    while accepted < count {
        let line = lines.next_line().await.unwrap().expect("the connection stays");
        // A body ends without a line's end, so that the next answer begins on its line.
        accepted += usize::from(line.contains("HTTP/1.1 202 "));
        assert!(!line.contains("HTTP/1.1 4") && !line.contains("HTTP/1.1 5"), "{line}");
    }
    drop(writing.await.unwrap());
}

#[tokio::test]
async fn nothing_is_kept_for_each_path() {
    const PATHS: u32 = 100_000;
    let service = Service::start(200).await;
    let agent = toy(config_with_app("a", &service, &["none/**"])).await;
    let (api, shared) = (agent.ready().api, &agent.shared);
    publish(api, 0..10).await;
    let families = |text: &str| text.lines().count();
    let _watch = shared.changes.watch();
    let before = families(get(api, "/metrics").await.text());
    publish(api, 10..PATHS).await;
    let published = format!("bruit_items_published_total {PATHS}");
    let text = get(api, "/metrics").await.text().to_owned();
    assert!(text.lines().any(|line| line == published), "{text}");
    assert_eq!(families(&text), before, "no number is kept for each path");
    shared.passage.passed().await;
    let next = shared.changes.next_id();
    let oldest = next - u64::try_from(RING_MAX).unwrap();
    assert!(matches!(shared.changes.read(oldest - 1, 1), Read::Gap(_)));
    let status = get(api, "/v1/status").await.json();
    assert_eq!(status["subscriptions"][0]["accepted"], 0);
    assert_eq!(status["subscriptions"][0]["queued_items"], 0);
    assert_eq!(shared.receipts.active(), 0);
}
