//! A consumer that shows the bytes it gets, and misbehaves as told.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio::task::{JoinHandle, JoinSet};

/// What the consumer does with a request.
pub(super) enum Answer {
    /// Sends these bytes and reads on.
    Bytes(Vec<u8>),
    /// Never answers.
    Hang,
    /// Closes the connection without an answer.
    Close,
    /// Sends these bytes, then closes the connection.
    BytesThenClose(Vec<u8>),
    /// Sends these bytes, then resets the connection.
    BytesThenReset(Vec<u8>),
    /// Sends these bytes when it is told to.
    When(Arc<Notify>, Vec<u8>),
    /// Sends a head and then one byte each 10 ms, for ever.
    Trickle,
    /// Sends a head without end, one byte each 10 ms.
    TrickleHead,
    /// Sends a head and then a body without end.
    Flood,
}

/// An answer with a status and further header lines, each ended by CR LF.
pub(super) fn status_with(status: u16, lines: &str) -> Answer {
    let text = format!("HTTP/1.1 {status} So\r\n{lines}content-length: 0\r\n\r\n");
    Answer::Bytes(text.into_bytes())
}

/// The bytes of an answer with a status.
pub(super) fn bytes(status: u16) -> Vec<u8> {
    format!("HTTP/1.1 {status} So\r\ncontent-length: 0\r\n\r\n").into_bytes()
}

pub(super) fn status(status: u16) -> Answer {
    status_with(status, "")
}

/// A request as it came.
#[derive(Debug)]
pub(super) struct Seen {
    /// Which connection it came over: 0, 1, …
    pub(super) connection: usize,
    /// The request line and the header lines, each byte one character.
    pub(super) lines: Vec<String>,
    /// The body.
    pub(super) body: Vec<u8>,
}

impl Seen {
    pub(super) fn target(&self) -> &str {
        self.lines[0].split(' ').nth(1).unwrap()
    }
}

type Respond = dyn Fn(usize, &Seen) -> Answer + Send + Sync;

pub(super) struct Consumer {
    pub(super) url: String,
    seen: mpsc::UnboundedReceiver<Seen>,
    task: JoinHandle<()>,
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Consumer {
    /// Listens; `respond` gets the number of the request (0, 1, … over all connections).
    pub(super) async fn start(
        respond: impl Fn(usize, &Seen) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), respond)
    }

    pub(super) fn on(
        listener: TcpListener,
        respond: impl Fn(usize, &Seen) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, seen) = mpsc::unbounded_channel();
        let task = tokio::spawn(accept(listener, Arc::new(respond), sender));
        Self { url, seen, task }
    }

    pub(super) async fn next(&mut self) -> Seen {
        super::within(self.seen.recv()).await.unwrap()
    }

    /// How many requests came that were not asked for by [`Consumer::next`].
    pub(super) fn unread(&self) -> usize {
        self.seen.len()
    }
}

async fn accept(listener: TcpListener, respond: Arc<Respond>, sender: mpsc::UnboundedSender<Seen>) {
    let mut connections = JoinSet::new();
    let requests = Arc::new(AtomicUsize::new(0));
    for connection in 0.. {
        let (stream, _) = listener.accept().await.unwrap();
        let (respond, requests, sender) =
            (Arc::clone(&respond), Arc::clone(&requests), sender.clone());
        connections.spawn(async move {
            serve(stream, connection, &*respond, &requests, &sender).await;
        });
    }
}

async fn serve(
    mut stream: TcpStream,
    connection: usize,
    respond: &Respond,
    requests: &AtomicUsize,
    sender: &mpsc::UnboundedSender<Seen>,
) {
    let mut buffer = Vec::new();
    while let Some(seen) = read(&mut stream, &mut buffer, connection).await {
        let answer = respond(requests.fetch_add(1, Ordering::Relaxed), &seen);
        sender.send(seen).ok();
        match answer {
            Answer::Bytes(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Answer::Hang => {
                let mut rest = [0; 16];
                while stream.read(&mut rest).await.is_ok_and(|count| count > 0) {}
                return;
            }
            Answer::Close => return,
            Answer::BytesThenClose(bytes) => {
                stream.write_all(&bytes).await.ok();
                return;
            }
            Answer::BytesThenReset(bytes) => {
                stream.write_all(&bytes).await.ok();
                stream.set_zero_linger().unwrap();
                return;
            }
            Answer::When(told, bytes) => {
                told.notified().await;
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Answer::Trickle => {
                stream.write_all(ENDLESS).await.ok();
                return endless(stream, 1, Duration::from_millis(10)).await;
            }
            Answer::TrickleHead => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nx-long: ").await.ok();
                return endless(stream, 1, Duration::from_millis(10)).await;
            }
            Answer::Flood => {
                stream.write_all(ENDLESS).await.ok();
                return endless(stream, 65_536, Duration::ZERO).await;
            }
        }
    }
}

/// The head of an answer whose body does not end.
const ENDLESS: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 1152921504606846976\r\n\r\n";

async fn endless(mut stream: TcpStream, bytes: usize, pause: Duration) {
    let piece = vec![b'x'; bytes];
    while stream.write_all(&piece).await.is_ok() {
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }
}

/// Reads one request with a `Content-Length` or without a body. `None` at the end.
async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>, connection: usize) -> Option<Seen> {
    let head = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let text: String = buffer[..head].iter().map(|&byte| char::from(byte)).collect();
    let lines: Vec<String> = text.split("\r\n").map(str::to_owned).collect();
    let length = lines.iter().find_map(|line| line.strip_prefix("content-length: "));
    let length = length.map_or(0, |length| length.parse::<usize>().unwrap());
    while buffer.len() < head + 4 + length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let body = buffer[head + 4..head + 4 + length].to_vec();
    buffer.drain(..head + 4 + length);
    Some(Seen { connection, lines, body })
}
