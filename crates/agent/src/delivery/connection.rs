//! Connections to a consumer, and the few that are kept for the next request.
//!
//! A request is written to one connection and never again by this module, except where the
//! connection says that it wrote nothing of it: repetition is decided by the lane, which counts
//! it.

use super::Endpoint;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use std::io;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// What went wrong in an attempt that had no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum AttemptError {
    /// No connection came about.
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    /// It broke before the answer was whole, or the answer was not HTTP.
    #[error("no whole answer: {0}")]
    Broken(hyper::Error),
    /// The policy's timeout passed.
    #[error("no whole answer within {0:?}")]
    Timeout(Duration),
}

/// A task that ends with its owner.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One connection; dropping it closes it, also in the middle of an answer.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    endpoint: Endpoint,
    _driver: Driver,
}

impl Connection {
    /// The most that is read ahead of an answer, and so the largest head of one, in bytes.
    const BUFFER_BYTES_MAX: usize = 64 * 1024;

    /// Connects. A name is looked up each time, so that a consumer that moves is found.
    pub(super) async fn open(endpoint: &Endpoint) -> Result<Self, AttemptError> {
        let stream = TcpStream::connect((endpoint.host(), endpoint.port()))
            .await
            .map_err(AttemptError::Connect)?;
        stream.set_nodelay(true).map_err(AttemptError::Connect)?;
        let (sender, connection) = Builder::new()
            .max_buf_size(Self::BUFFER_BYTES_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(AttemptError::Broken)?;
        let driver = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::trace!(%error, "a connection to a consumer ended");
            }
        });
        Ok(Self { sender, endpoint: endpoint.clone(), _driver: Driver(driver) })
    }

    /// Whether another request may follow; waits until the last exchange has ended.
    pub(super) async fn is_usable(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    /// Sends a request and waits for the head of the answer. The request comes back if nothing
    /// of it was written, because the connection was closed before.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, (AttemptError, Option<Request<Full<Bytes>>>)> {
        self.sender.try_send_request(request).await.map_err(|mut error| {
            let unsent = error.take_message();
            (AttemptError::Broken(error.into_error()), unsent)
        })
    }
}

/// Connections that wait for a request.
#[derive(Default)]
pub(super) struct Pool {
    /// The one that came last is at the end, and is taken first.
    idle: Vec<(Connection, Instant)>,
}

impl Pool {
    /// How many are kept.
    const IDLE_MAX: usize = 2;
    /// How long. Below the 5 s after which Node.js closes them (`server.keepAliveTimeout`), the
    /// shortest default among common servers: a request that crosses such a close is lost and
    /// costs an attempt.
    const IDLE_FOR: Duration = Duration::from_secs(4);

    /// Keeps a connection; closes it if there are enough.
    pub(super) fn put(&mut self, connection: Connection, now: Instant) {
        if self.idle.len() < Self::IDLE_MAX {
            self.idle.push((connection, now + Self::IDLE_FOR));
        }
    }

    /// A connection to `endpoint`. Those to another, or closed by the consumer, are dropped.
    pub(super) fn take(&mut self, endpoint: &Endpoint) -> Option<Connection> {
        while let Some((connection, _)) = self.idle.pop() {
            if connection.endpoint == *endpoint && !connection.sender.is_closed() {
                return Some(connection);
            }
        }
        None
    }

    /// Closes those that have waited long enough.
    pub(super) fn expire(&mut self, now: Instant) {
        self.idle.retain(|(_, until)| *until > now);
    }

    /// When the next one is to be closed.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.idle.iter().map(|(_, until)| *until).min()
    }
}
