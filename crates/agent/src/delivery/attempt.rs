//! One request to a consumer and its answer.

use super::Endpoint;
use super::backoff;
use super::connection::{AttemptError, Connection};
use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use std::time::{Duration, SystemTime};
use tokio::time::timeout;

/// How much of an answer's body is read, in bytes. What is longer is judged by its status, and
/// the connection is closed.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// How long a connection may take to end an exchange whose answer is whole, before it is closed
/// instead of kept: a consumer may answer and leave the rest of the request unread. A guess.
const SETTLE: Duration = Duration::from_millis(50);

/// What is needed for one attempt.
pub(super) struct Attempt {
    /// What to send.
    pub(super) request: Request<Full<Bytes>>,
    /// To whom.
    pub(super) endpoint: Endpoint,
    /// A connection left by an attempt before.
    pub(super) idle: Option<Connection>,
    /// How long it may take in all.
    pub(super) timeout: Duration,
}

/// What the consumer answered.
pub(super) struct Answer {
    /// Its status.
    pub(super) status: StatusCode,
    /// How long it asks to be left alone.
    pub(super) retry_after: Option<Duration>,
    /// The connection, if another request may follow on it.
    pub(super) connection: Option<Connection>,
}

/// What follows from a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Done.
    Delivered,
    /// To be tried again.
    Retry,
    /// The consumer is gone: the subscription pauses.
    Gone,
    /// A dead letter.
    Refused,
}

impl Verdict {
    /// 2xx is done; 408, 425, 429 and 5xx are tried again; 410 pauses; all else is refused, a
    /// redirect too, since it is not followed.
    pub(super) fn of(status: StatusCode) -> Self {
        match status.as_u16() {
            200..=299 => Self::Delivered,
            408 | 425 | 429 | 500..=599 => Self::Retry,
            410 => Self::Gone,
            _ => Self::Refused,
        }
    }
}

impl Attempt {
    /// Makes the attempt. Dropping the future closes the connection.
    pub(super) async fn run(self) -> Result<Answer, AttemptError> {
        let limit = self.timeout;
        match timeout(limit, self.exchange()).await {
            Ok(result) => result,
            Err(_elapsed) => Err(AttemptError::Timeout(limit)),
        }
    }

    async fn exchange(self) -> Result<Answer, AttemptError> {
        let Self { mut request, endpoint, idle, .. } = self;
        if let Some(mut connection) = idle
            && connection.is_usable().await
        {
            match connection.send(request).await {
                Ok(response) => return finish(connection, response).await,
                Err((_, Some(unsent))) => request = unsent,
                Err((error, None)) => return Err(error),
            }
        }
        let mut connection = Connection::open(&endpoint).await?;
        match connection.send(request).await {
            Ok(response) => finish(connection, response).await,
            Err((error, _)) => Err(error),
        }
    }
}

/// Reads the rest of an answer.
async fn finish(
    mut connection: Connection,
    response: http::Response<Incoming>,
) -> Result<Answer, AttemptError> {
    let (head, mut body) = response.into_parts();
    let mut bytes = 0_usize;
    let mut whole = true;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(AttemptError::Broken)?;
        bytes += frame.data_ref().map_or(0, Bytes::len);
        if bytes > ANSWER_BYTES_MAX {
            whole = false;
            break;
        }
    }
    let keep = whole && matches!(timeout(SETTLE, connection.is_usable()).await, Ok(true));
    Ok(Answer {
        status: head.status,
        retry_after: retry_after(&head.headers),
        connection: keep.then_some(connection),
    })
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?;
    backoff::retry_after(value, SystemTime::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_verdict() {
        for status in 100..1000 {
            let expected = match status {
                200..=299 => Verdict::Delivered,
                408 | 425 | 429 => Verdict::Retry,
                410 => Verdict::Gone,
                500..=599 => Verdict::Retry,
                _ => Verdict::Refused,
            };
            assert_eq!(Verdict::of(StatusCode::from_u16(status).unwrap()), expected, "{status}");
        }
    }
}
