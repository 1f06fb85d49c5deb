//! The stream of server-sent events of an agent.

use super::http::Client;
use crate::failure::{Doing as _, Failure};
use crate::peer::{Interest, Sight};
use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde::Deserialize;
use std::net::SocketAddr;
use std::time::Instant;

/// The most bytes of an event.
const EVENT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// An open stream that has told its snapshot.
#[derive(Debug)]
pub(super) struct Stream {
    body: Incoming,
    unread: Vec<u8>,
    /// When the last bytes came.
    pub(super) read_at: Instant,
    _connection: crate::peer::Task,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Change {
    Item {
        item: Item,
    },
    Member {
        member: Option<Member>,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Item {
    path: String,
}

#[derive(Deserialize)]
struct Member {
    name: String,
    state: String,
}

impl Stream {
    /// Opens the stream and waits for its snapshot: every later change will be told.
    pub(super) async fn open(addr: SocketAddr, interest: Interest) -> Result<Self, Failure> {
        let mut client = Client::connect(addr).await?;
        let path = match interest {
            Interest::Items => "/v1/stream?types=item",
            Interest::Failures => "/v1/stream?types=member",
        };
        let response = client.send(Method::GET, path, Bytes::new()).await?;
        let mut stream = Self {
            body: response.into_body(),
            unread: Vec::new(),
            read_at: Instant::now(),
            _connection: client.into_connection(),
        };
        loop {
            let event = stream.event().await?;
            if field(&event, "event:") == Some("snapshot") {
                return Ok(stream);
            }
        }
    }

    /// What the next change is about; `None` if that is of no interest.
    pub(super) async fn sight(&mut self) -> Result<Option<Sight>, Failure> {
        let event = self.event().await?;
        sight(&event)
    }

    /// The text of the next event.
    async fn event(&mut self) -> Result<String, Failure> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|pair| pair == b"\n\n") {
                let event: Vec<u8> = self.unread.drain(..end + 2).collect();
                return String::from_utf8(event).doing("reading an event");
            }
            if self.unread.len() > EVENT_BYTES_MAX {
                return Err(Failure::new("an event of the stream is too large"));
            }
            let frame = self.body.frame().await;
            self.read_at = Instant::now();
            let frame = frame.ok_or_else(|| Failure::new("the stream ended"))?;
            if let Ok(data) = frame.doing("reading the stream")?.into_data() {
                self.unread.extend_from_slice(&data);
            }
        }
    }
}

fn field<'a>(event: &'a str, name: &str) -> Option<&'a str> {
    event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

fn sight(event: &str) -> Result<Option<Sight>, Failure> {
    match field(event, "event:") {
        Some("change") => {}
        Some("gap") => return Err(Failure::new("the stream has a gap")),
        _ => return Ok(None),
    }
    let data = field(event, "data:").unwrap_or_default();
    let change: Change = serde_json::from_str(data).doing("reading a change")?;
    Ok(match change {
        Change::Item { item } => {
            let token = item.path.rsplit('/').next().unwrap_or_default();
            Some(Sight::Item(token.to_owned()))
        }
        Change::Member { member: Some(member) } if member.state == "failed" => {
            Some(Sight::Failed(member.name))
        }
        Change::Member { .. } | Change::Other => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_told_by_what_they_carry() {
        let item = "event: change\nid: 7\ndata: {\"type\":\"item\",\"item\":{\"path\":\"a/b-1\"}}";
        assert_eq!(sight(item).unwrap(), Some(Sight::Item("b-1".to_owned())));
        let member = |state| {
            format!(
                "event: change\ndata: {{\"type\":\"member\",\"member\":{{\"name\":\"n1\",\
                 \"state\":\"{state}\"}}}}"
            )
        };
        assert_eq!(sight(&member("failed")).unwrap(), Some(Sight::Failed("n1".to_owned())));
        assert_eq!(sight(&member("suspect")).unwrap(), None);
        assert_eq!(sight(": still here").unwrap(), None);
        assert!(sight("event: gap\ndata: {}").is_err());
        assert!(sight("event: change\ndata: ?").is_err());
    }
}
