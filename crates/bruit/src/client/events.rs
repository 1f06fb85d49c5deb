//! The agent's stream of changes.

use super::sse::{Event, Parser};
use super::{Ask, Client, broken, problem};
use crate::exit::{Exit, Failure};
use http::{HeaderName, HeaderValue};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

/// An open stream.
#[derive(Debug)]
pub(super) struct Changes {
    addr: String,
    body: Incoming,
    parser: Parser,
}

impl Changes {
    /// Opens the stream of the given types, such as `item,member`, after the event with the id
    /// `after`.
    pub(super) async fn open(
        client: &mut Client,
        types: &str,
        after: Option<&str>,
    ) -> Result<Self, Failure> {
        let mut ask = Ask::get(format!("/v1/stream?types={types}"));
        ask.is_stream = true;
        if let Some(after) = after.and_then(|id| HeaderValue::from_str(id).ok()) {
            ask = ask.header(HeaderName::from_static("last-event-id"), after);
        }
        let response = client.start(ask).await?;
        let status = response.status();
        if !status.is_success() {
            let body = response.into_body().collect().await.map(|body| body.to_bytes());
            return Err(problem::failure(status, &body.unwrap_or_default()));
        }
        let addr = client.addr().to_owned();
        Ok(Self { addr, body: response.into_body(), parser: Parser::default() })
    }

    /// Waits for the next event; `None` is a sign of life. Nothing is lost if the wait is
    /// cancelled.
    pub(super) async fn next(&mut self) -> Result<Option<Event>, Failure> {
        if let Some(event) = self.parser.next() {
            return Ok(Some(event));
        }
        let frame = match self.body.frame().await {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return Err(broken(&self.addr, &error)),
            None => {
                let text = format!("the agent at {} has ended the stream", self.addr);
                return Err(Failure::new(Exit::Unreachable, text));
            }
        };
        if let Some(data) = frame.data_ref() {
            self.parser.push(data).map_err(|_| {
                Failure::new(Exit::Failed, "an event of the stream is over the limit")
            })?;
        }
        Ok(self.parser.next())
    }
}
