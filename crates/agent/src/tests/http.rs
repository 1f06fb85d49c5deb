//! A client that writes requests byte for byte, and a service that keeps what it gets.

use super::LONG;
use super::contract::{self, Exchange};
use serde_json::Value;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// Holds the answer to a request against the OpenAPI document.
    fn check(&self, line: &str, headers: &str, body: &[u8]) {
        let (method, target) = line.split_once(' ').unwrap();
        let pairs = self.head.lines().filter_map(|line| line.split_once(':'));
        let text = |(name, value): (&str, &str)| (name.to_owned(), value.trim().to_owned());
        contract::check(&Exchange {
            method,
            target,
            headers,
            body,
            status: self.status,
            answer_headers: &pairs.map(text).collect::<Vec<_>>(),
            answer_body: &self.body,
        });
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    /// Checks that this is a problem of that status, and gives it.
    pub(super) fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert!(problem["type"].as_str().unwrap().starts_with("urn:bruit:problem:"));
        assert!(!problem["title"].as_str().unwrap().is_empty());
        assert!(!problem["detail"].as_str().unwrap().is_empty());
        problem
    }
}

/// Sends a request to the API on a connection of its own, and holds the answer against the
/// OpenAPI document. `headers` are lines that end with `\r\n`; Host
/// is added unless it is among them, Content-Length and Connection always.
pub(super) async fn call(
    addr: SocketAddr,
    line: &str,
    headers: &str,
    body: impl AsRef<[u8]>,
) -> Answer {
    let body = body.as_ref();
    let has_host = headers.lines().any(|line| line.starts_with("Host:"));
    let host = if has_host {
        String::new()
    } else {
        format!(
            "Host: {addr}
"
        )
    };
    let length = body.len();
    let head = format!(
        "{line} HTTP/1.1\r\n{host}{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    let work = async {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        parse(&bytes)
    };
    let answer = tokio::time::timeout(LONG, work).await.expect("an answer in time");
    answer.check(line, headers, body);
    answer
}

pub(super) async fn get(addr: SocketAddr, path: &str) -> Answer {
    call(addr, &format!("GET {path}"), "", "").await
}

fn parse(bytes: &[u8]) -> Answer {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a whole head");
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head, body: bytes[end + 4..].to_vec() }
}

/// A request as a service got it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Got {
    pub(super) line: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Got {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A service that knows nothing of Bruit and answers each request with a status.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) addr: SocketAddr,
    got: Arc<Mutex<Vec<Got>>>,
}

impl Service {
    /// Always the same one.
    pub(super) async fn start(status: u16) -> Self {
        Self::start_with(&[], status).await
    }

    /// These to the first requests, and one to all others.
    pub(super) async fn start_with(first: &[u16], status: u16) -> Self {
        let first = Arc::new(Mutex::new(first.iter().copied().collect::<VecDeque<_>>()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let got = Arc::<Mutex<Vec<Got>>>::default();
        let kept = Arc::clone(&got);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let first = Arc::clone(&first);
                let next = move || first.lock().unwrap().pop_front().unwrap_or(status);
                tokio::spawn(serve(stream, next, Arc::clone(&kept)));
            }
        });
        Self { addr, got }
    }

    pub(super) fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }
}

async fn serve(stream: TcpStream, status: impl Fn() -> u16, kept: Arc<Mutex<Vec<Got>>>) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        let mut headers = Vec::new();
        loop {
            let mut header = String::new();
            stream.read_line(&mut header).await.unwrap();
            let Some((name, value)) = header.trim_end().split_once(':') else { break };
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let mut got = Got { line: line.trim_end().to_owned(), headers, body: Vec::new() };
        let length = got.header("content-length").map_or(0, |length| length.parse().unwrap());
        got.body.resize(length, 0);
        stream.read_exact(&mut got.body).await.unwrap();
        kept.lock().unwrap().push(got);
        let answer = format!("HTTP/1.1 {} X\r\nContent-Length: 0\r\n\r\n", status());
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}
