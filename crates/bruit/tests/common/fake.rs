//! An API that answers what a test says, and keeps what it was asked.

use super::{Request, read};
use std::io::{BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What the fake answers: by method and target, as the request line has them.
type Answer = dyn Fn(&Request) -> Reply + Send + Sync;

/// One answer.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// A status with its reason, a content type and a body.
    Whole(&'static str, &'static str, Vec<u8>),
    /// Server-sent events; then the connection ends, or stays open.
    Stream(String, After),
}

/// What happens after the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// The connection is closed.
    End,
    /// Nothing more comes.
    Stay,
}

impl Reply {
    /// 200 with JSON.
    pub(crate) fn json(value: &serde_json::Value) -> Self {
        Self::Whole("200 OK", "application/json", value.to_string().into_bytes())
    }

    /// A problem.
    pub(crate) fn problem(status: &'static str, detail: &str, hint: &str) -> Self {
        let body = serde_json::json!({ "title": "T", "detail": detail, "hint": hint });
        Self::Whole(status, "application/problem+json", body.to_string().into_bytes())
    }
}

/// A running fake.
pub(crate) struct Fake {
    pub(crate) addr: SocketAddr,
    got: Arc<Mutex<Vec<Request>>>,
}

impl Fake {
    pub(crate) fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), answer)
    }

    /// At an address of an earlier one that has ended.
    pub(crate) fn start_at(
        addr: SocketAddr,
        answer: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(addr).unwrap();
        let addr = listener.local_addr().unwrap();
        let got = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&got);
        let answer: Arc<Answer> = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, got) = (stream.unwrap(), Arc::clone(&shared));
                let answer = Arc::clone(&answer);
                std::thread::spawn(move || serve(&stream, &*answer, &got));
            }
        });
        Self { addr, got }
    }

    /// Its address, as --addr takes it.
    pub(crate) fn api(&self) -> String {
        self.addr.to_string()
    }

    /// Runs a command against this fake.
    pub(crate) fn run(&self, args: &[&str]) -> super::Ran {
        super::ran(super::bruit().args(args).env("BRUIT_ADDR", self.api()))
    }

    /// All requests so far.
    pub(crate) fn got(&self) -> Vec<Request> {
        self.got.lock().unwrap().clone()
    }

    /// The request lines so far, and forgets them.
    pub(crate) fn take_lines(&self) -> Vec<String> {
        std::mem::take(&mut *self.got.lock().unwrap()).into_iter().map(|got| got.line).collect()
    }
}

fn serve(stream: &TcpStream, answer: &Answer, got: &Mutex<Vec<Request>>) {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    while let Some(request) = read(&mut reader) {
        let reply = answer(&request);
        got.lock().unwrap().push(request);
        let is_done = match reply {
            Reply::Whole(status, kind, body) => {
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
                );
                writer.write_all(head.as_bytes()).and_then(|()| writer.write_all(&body)).is_err()
            }
            Reply::Stream(events, after) => {
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
                            Connection: close\r\n\r\n";
                let is_broken = writer.write_all(format!("{head}{events}").as_bytes()).is_err();
                if after == After::Stay && !is_broken {
                    // Until the other end closes.
                    drop(std::io::copy(&mut reader, &mut std::io::sink()));
                }
                true
            }
        };
        if is_done {
            return;
        }
    }
}
