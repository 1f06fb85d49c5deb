//! The agent's stream of changes.

use super::sse::Parser;
use super::views::{Change, Snapshot};
use super::{Ask, Client, broken, problem};
use crate::exit::{Exit, Failure};
use http::Method;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

/// What the stream tells.
#[derive(Debug)]
pub(crate) enum Told {
    /// How things are.
    Snapshot(Snapshot),
    /// Something changed.
    Change(Box<Change>),
    /// Changes were missed; a snapshot follows.
    Gap,
}

/// An open stream.
#[derive(Debug)]
pub(crate) struct Changes {
    addr: String,
    body: Incoming,
    parser: Parser,
}

impl Changes {
    /// Opens the stream of the given types, such as `item,member`.
    pub(crate) async fn open(client: &mut Client, types: &str) -> Result<Self, Failure> {
        let ask = Ask::new(Method::GET, format!("/v1/stream?types={types}"));
        let response = client.start(ask).await?;
        let status = response.status();
        if !status.is_success() {
            let body = response.into_body().collect().await.map(|body| body.to_bytes());
            return Err(problem::failure(status, &body.unwrap_or_default()));
        }
        let addr = client.addr().to_owned();
        Ok(Self { addr, body: response.into_body(), parser: Parser::default() })
    }

    /// Waits for the next thing that is told. Nothing is lost if the wait is cancelled.
    pub(crate) async fn next(&mut self) -> Result<Told, Failure> {
        loop {
            while let Some(event) = self.parser.next() {
                let bad = |error: serde_json::Error| {
                    let text = format!("the stream of changes is not understood: {error}");
                    Failure::new(Exit::Failed, text)
                };
                match event.kind.as_str() {
                    "snapshot" => {
                        return Ok(Told::Snapshot(serde_json::from_str(&event.data).map_err(bad)?));
                    }
                    "change" => {
                        return Ok(Told::Change(serde_json::from_str(&event.data).map_err(bad)?));
                    }
                    "gap" => return Ok(Told::Gap),
                    _ => {}
                }
            }
            let frame = match self.body.frame().await {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => return Err(broken(&self.addr, &error)),
                None => {
                    let text = format!("the agent at {} has ended", self.addr);
                    return Err(Failure::new(Exit::Unreachable, text));
                }
            };
            if let Some(data) = frame.data_ref() {
                self.parser.push(data).map_err(|_| {
                    Failure::new(Exit::Failed, "an event of the stream is over the limit")
                })?;
            }
        }
    }
}
