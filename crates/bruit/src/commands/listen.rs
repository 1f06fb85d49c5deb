//! `bruit listen`.

use crate::args::ListenArgs;
use crate::client::{Ask, Change, Changes, Client, Item, Told};
use crate::exit::{Exit, Failure};
use crate::out::{self, Out};
use bruit_model::{Path, Pattern};
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// How long the agent may take to open the stream, and to give a body. Guess.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Prints items as they come.
pub(crate) async fn run(args: ListenArgs) -> Result<Exit, Failure> {
    let mut listener = Listener::open(&args).await?;
    let Some(timeout) = args.timeout else {
        return listener.listen().await;
    };
    match tokio::time::timeout(timeout, listener.listen()).await {
        Ok(end) => end,
        Err(_) => match args.count {
            None => Ok(Exit::Ok),
            Some(count) => {
                let text = format!("{} of {count} items came within {timeout:?}", listener.came);
                Err(Failure::new(Exit::Incomplete, text))
            }
        },
    }
}

struct Listener<'a> {
    args: &'a ListenArgs,
    out: Out,
    changes: Changes,
    /// For bodies: a connection of its own.
    bodies: Client,
    names: BTreeMap<String, String>,
    came: u64,
}

impl<'a> Listener<'a> {
    async fn open(args: &'a ListenArgs) -> Result<Self, Failure> {
        let mut client = Client::new(&args.address, ANSWER_TIMEOUT)?;
        let opening = Changes::open(&mut client, "item,member");
        let changes = tokio::time::timeout(ANSWER_TIMEOUT, opening).await.unwrap_or_else(|_| {
            Err(Failure::new(Exit::Incomplete, "the agent did not open the stream of changes"))
        })?;
        let bodies = Client::new(&args.address, ANSWER_TIMEOUT)?;
        let (out, names) = (Out::new(&args.output), BTreeMap::new());
        Ok(Self { args, out, changes, bodies, names, came: 0 })
    }

    async fn listen(&mut self) -> Result<Exit, Failure> {
        let mut is_told = false;
        while self.args.count.is_none_or(|count| self.came < count) {
            match self.changes.next().await? {
                Told::Snapshot(snapshot) => {
                    for member in snapshot.members {
                        self.names.insert(member.id, member.name);
                    }
                    if !std::mem::replace(&mut is_told, true) {
                        let what = self.args.path.as_ref().map_or("all paths", Pattern::as_str);
                        out::tell(&format!("listening: {what} at {}", self.bodies.addr()));
                    }
                }
                Told::Gap => out::tell("warning: items came too fast, and some are not shown"),
                Told::Change(change) => match *change {
                    Change::Member(member) => {
                        self.names.insert(member.id, member.name);
                    }
                    Change::Item { item } => self.on_item(item).await?,
                    Change::Other => {}
                },
            }
        }
        Ok(Exit::Ok)
    }

    async fn on_item(&mut self, item: Item) -> Result<(), Failure> {
        let is_wanted =
            self.args.path.as_ref().is_none_or(|pattern| {
                Path::parse(&item.path).is_ok_and(|path| pattern.matches(&path))
            });
        if !is_wanted {
            return Ok(());
        }
        self.came += 1;
        let body = if self.args.body { Some(self.body(&item.id).await?) } else { None };
        let name = self.names.get(&item.origin).map(String::as_str);
        if self.out.is_json() {
            self.out.json(&as_json(&item, name, body.as_deref()))
        } else {
            self.out.line(&line(&item, name))?;
            for text in body.iter().flat_map(|body| body.split(|byte| *byte == b'\n')) {
                self.out.line(&format!("    {}", String::from_utf8_lossy(text)))?;
            }
            Ok(())
        }
    }

    async fn body(&mut self, id: &str) -> Result<Bytes, Failure> {
        let target = format!("/v1/items/{id}/body");
        Ok(self.bodies.ask(Ask::new(Method::GET, target)).await?.body)
    }
}

/// `14:02:11.204  DELETE /cache/users/42  0 B  from web-1  4T…`
fn line(item: &Item, name: Option<&str>) -> String {
    let time = out::time_of_day(item.accepted_unix_ms);
    let what = match (&item.method, &item.target) {
        (Some(method), Some(target)) => format!("{method} {target}"),
        _ => item.path.clone(),
    };
    let size = out::bytes(item.payload_bytes);
    let from = name.unwrap_or(&item.origin);
    format!("{time}  {what}  {size}  from {from}  {}", item.id)
}

/// The item as the agent tells it, with its origin's name and, if asked for, its body: as text,
/// or, if it is none, in hexadecimal.
fn as_json(item: &Item, name: Option<&str>, body: Option<&[u8]>) -> Value {
    let mut value = json!(item);
    value["origin_name"] = json!(name);
    match body.map(|body| (std::str::from_utf8(body), body)) {
        None => {}
        Some((Ok(text), _)) => value["body"] = json!(text),
        Some((Err(_), bytes)) => {
            let mut hex = String::with_capacity(bytes.len() * 2);
            for byte in bytes {
                write!(hex, "{byte:02x}").expect("writing to a String cannot fail");
            }
            value["body_hex"] = json!(hex);
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item() -> Item {
        serde_json::from_value(json!({
            "id": "ID", "origin": "00", "path": "cache/a", "kind": "invocation",
            "method": "PURGE", "target": "/cache/a?b", "payload_bytes": 3,
            "accepted_unix_ms": 1_700_000_000_204_u64, "style": "push",
        }))
        .unwrap()
    }

    #[test]
    fn a_line_has_request_size_and_origin() {
        let expected = "22:13:20.204  PURGE /cache/a?b  3 B  from web-1  ID";
        assert_eq!(line(&item(), Some("web-1")), expected);
        let event = Item { method: None, ..item() };
        assert_eq!(line(&event, None), "22:13:20.204  cache/a  3 B  from 00  ID");
    }

    #[test]
    fn json_keeps_what_the_agent_said() {
        let value = as_json(&item(), Some("web-1"), Some(b"abc"));
        assert_eq!(value["style"], "push");
        assert_eq!((&value["origin_name"], &value["body"]), (&json!("web-1"), &json!("abc")));
        let value = as_json(&item(), None, Some(b"\xff\x00"));
        assert_eq!((&value["body_hex"], value.get("body")), (&json!("ff00"), None));
        assert_eq!(value["origin_name"], Value::Null);
        assert!(as_json(&item(), None, None).get("body").is_none());
    }
}
