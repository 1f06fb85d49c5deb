//! Requests to a consumer.
//!
//! A request is written to one connection and never again by this module, except where the
//! connection says that it wrote nothing of it: repetition is decided by the subscription, which
//! counts it.

mod connection;
mod http2;

pub(super) use http2::Http2Cell;

use super::backoff;
use super::{Endpoint, HttpMode};
use bytes::Bytes;
use connection::Connection;
use http::header::{HOST, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, Sleep, sleep_until};

/// How much of an answer's body is read, in bytes. What is longer is judged by its status, and
/// the connection is closed.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// What went wrong in an attempt that had no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum AttemptError {
    /// No connection came about.
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    /// It broke before the answer was whole, or the answer was not HTTP.
    #[error("no whole answer: {}", cause(.0))]
    Broken(hyper::Error),
    /// The policy's timeout passed.
    #[error("no whole answer within {0:?}")]
    Timeout(Duration),
}

/// The error with what caused it, since hyper keeps that apart.
fn cause(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        None => error.to_string(),
        Some(source) => format!("{error}: {source}"),
    }
}

/// What the consumer answered.
#[derive(Debug)]
pub(super) struct Answer {
    /// Its status.
    pub(super) status: StatusCode,
    /// How long it asks to be left alone.
    pub(super) retry_after: Option<Duration>,
}

/// One at a time, over a connection that is kept between requests where the consumer allows it.
#[derive(Default)]
pub(super) struct Client {
    idle: Option<Connection>,
    /// Kept, since a timer whose time is put off costs less than a new one.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Client {
    /// [`Client::exchange`], for at most `limit`.
    pub(super) async fn exchange_within(
        &mut self,
        limit: Duration,
        request: Request<Full<Bytes>>,
        endpoint: &Endpoint,
    ) -> Result<Answer, AttemptError> {
        let until = Instant::now() + limit;
        let mut timer = match self.timer.take() {
            None => Box::pin(sleep_until(until)),
            Some(mut timer) => {
                timer.as_mut().reset(until);
                timer
            }
        };
        let answer = {
            let mut exchange = pin!(self.exchange(request, endpoint));
            poll_fn(|context| match exchange.as_mut().poll(context) {
                Poll::Ready(answer) => Poll::Ready(answer),
                Poll::Pending => {
                    timer.as_mut().poll(context).map(|()| Err(AttemptError::Timeout(limit)))
                }
            })
            .await
        };
        self.timer = Some(timer);
        answer
    }

    /// Sends a request and reads the answer. Dropping the future closes the connection.
    pub(super) async fn exchange(
        &mut self,
        mut request: Request<Full<Bytes>>,
        endpoint: &Endpoint,
    ) -> Result<Answer, AttemptError> {
        if let Some(mut connection) = self.idle.take()
            && connection.is_to(endpoint)
        {
            match connection.send(request).await {
                Ok(response) => return self.finish(connection, response).await,
                Err((_, Some(unsent))) => request = *unsent,
                Err((error, None)) => return Err(error),
            }
        }
        let mut connection = Connection::open(endpoint).await?;
        match connection.send(request).await {
            Ok(response) => self.finish(connection, response).await,
            Err((error, _)) => Err(error),
        }
    }

    /// Reads the rest of an answer, and keeps the connection if another request may follow.
    async fn finish(
        &mut self,
        mut connection: Connection,
        response: Response<Incoming>,
    ) -> Result<Answer, AttemptError> {
        let (head, body) = response.into_parts();
        let is_whole = body.is_end_stream()
            || connection.drive(drain(body)).await.map_err(AttemptError::Broken)?;
        if is_whole && connection.settle().await {
            self.idle = Some(connection);
        }
        Ok(Answer { status: head.status, retry_after: retry_after(&head.headers) })
    }

    /// Whether a connection is kept.
    pub(super) const fn is_connected(&self) -> bool {
        self.idle.is_some()
    }

    /// Ends when the consumer closes the connection that is kept; then it is not kept any longer.
    pub(super) async fn closed(&mut self) {
        match &mut self.idle {
            Some(connection) => connection.closed().await,
            None => std::future::pending().await,
        }
        self.idle = None;
    }
}

/// Reads a body to its end, or to the limit; whether it was the end.
async fn drain(mut body: Incoming) -> Result<bool, hyper::Error> {
    let mut bytes = 0_usize;
    while let Some(frame) = body.frame().await {
        bytes += frame?.data_ref().map_or(0, Bytes::len);
        if bytes > ANSWER_BYTES_MAX {
            return Ok(false);
        }
    }
    Ok(true)
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?;
    backoff::retry_after(value, SystemTime::now())
}

/// Asks for `path`, which the endpoint's prefix does not go before, over a connection of its own.
pub(super) async fn get(
    mode: &HttpMode,
    host: Option<&str>,
    path: &str,
) -> Result<StatusCode, AttemptError> {
    let bad = |error| AttemptError::Connect(io::Error::new(io::ErrorKind::InvalidInput, error));
    let host = host.unwrap_or_else(|| mode.endpoint.authority());
    let host = HeaderValue::from_str(host).map_err(|_| bad("the host cannot stand in a header"))?;
    let mut request = Request::new(Full::default());
    *request.uri_mut() = path.parse::<Uri>().map_err(|_| bad("the path is not one"))?;
    request.headers_mut().insert(HOST, host);
    let answer = if mode.http2 {
        Http2Cell::default().exchange(request, &mode.endpoint).await?
    } else {
        Client::default().exchange(request, &mode.endpoint).await?
    };
    Ok(answer.status)
}
