//! `bruit listen`: prints items as they come, and replays them elsewhere or runs a command for
//! each.

mod exec;
mod forward;

use super::stream::{Names, say_break};
use crate::args::ListenArgs;
use crate::client::{Ask, Change, Client, Feed, Item, Told, encode_segment};
use crate::exit::{Exit, Failure};
use crate::out::{self, Out};
use bruit_model::{Path, Pattern};
use bytes::Bytes;
use forward::Forward;
use serde::Deserialize as _;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::Duration;

/// How long the agent may take to give a body. Guess.
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
    feed: Feed,
    /// For bodies: a connection of its own.
    bodies: Client,
    forward: Option<Forward>,
    names: Names,
    came: u64,
    /// How many items did not go where they were to go.
    missed: u64,
}

/// What became of an item.
struct Done {
    /// For people, after the item's line.
    text: String,
    /// For programs, and under which name.
    value: (&'static str, Value),
    is_good: bool,
}

impl<'a> Listener<'a> {
    async fn open(args: &'a ListenArgs) -> Result<Self, Failure> {
        let feed = Feed::open(&args.address, "item,member").await?;
        let bodies = Client::new(&args.address, ANSWER_TIMEOUT)?;
        let forward = args.forward_to.clone().map(Forward::new);
        let out = Out::new(&args.output);
        let names = Names::default();
        Ok(Self { args, out, feed, bodies, forward, names, came: 0, missed: 0 })
    }

    async fn listen(&mut self) -> Result<Exit, Failure> {
        let mut is_told = false;
        while self.args.count.is_none_or(|count| self.came < count) {
            match self.feed.next().await? {
                Told::Snapshot(snapshot) => {
                    self.names.learn_all(&snapshot)?;
                    if !std::mem::replace(&mut is_told, true) {
                        let what = self.args.path.as_ref().map_or("all paths", Pattern::as_str);
                        out::tell(&format!("listening: {what} at {}", self.feed.addr()));
                    }
                }
                Told::Change(change) => {
                    match Change::deserialize(&change)
                        .map_err(|error| Failure::not_understood(&error))?
                    {
                        Change::Member { named, .. } => self.names.learn(named),
                        Change::Item { item } => self.on_item(item).await?,
                        Change::Delivery { .. } | Change::Subscription { .. } | Change::Other => {}
                    }
                }
                told @ (Told::Gap { .. } | Told::Lost(_) | Told::Back) => say_break(&told, "items"),
            }
        }
        Ok(if self.missed > 0 { Exit::Incomplete } else { Exit::Ok })
    }

    async fn on_item(&mut self, item: Item) -> Result<(), Failure> {
        if !is_wanted(self.args.path.as_ref(), &item.path) {
            return Ok(());
        }
        self.came += 1;
        let needs_body = self.args.body || self.forward.is_some() || !self.args.exec.is_empty();
        let body = if needs_body { Some(self.body(&item.id).await?) } else { None };
        let done = match &body {
            Some(body) => self.pass_on(&item, body).await?,
            None => Vec::new(),
        };
        self.missed += u64::from(done.iter().any(|done| !done.is_good));
        let body = body.filter(|_| self.args.body);
        let name = self.names.of(&item.origin);
        if self.out.is_json() {
            let mut value = as_json(&item, name, body.as_deref());
            for done in done {
                value[done.value.0] = done.value.1;
            }
            return self.out.json(&value);
        }
        let mut text = line(&item, name);
        for done in &done {
            text += &format!("  -> {}", done.text);
        }
        self.out.line(&text)?;
        for text in body.iter().flat_map(|body| body.split(|byte| *byte == b'\n')) {
            let text = String::from_utf8_lossy(text).replace('\t', "    ");
            self.out.line(&format!("    {text}"))?;
        }
        Ok(())
    }

    /// Replays the item, and runs the command for it.
    async fn pass_on(&mut self, item: &Item, body: &Bytes) -> Result<Vec<Done>, Failure> {
        let mut done = Vec::new();
        if self.forward.is_none() && self.args.exec.is_empty() {
            return Ok(done);
        }
        let headers = self.headers(&item.id).await?;
        if let Some(forward) = &mut self.forward {
            done.push(forward.send(item, &headers, body).await);
        }
        if let [program, arguments @ ..] = self.args.exec.as_slice() {
            let env = exec::environment(item, self.names.of(&item.origin), &headers);
            done.push(exec::run(program, arguments, env, body, self.out.is_json()).await);
        }
        Ok(done)
    }

    async fn body(&mut self, id: &str) -> Result<Bytes, Failure> {
        Ok(self.bodies.ask(Ask::get(format!("{}/body", target(id)))).await?.body)
    }

    /// The item's headers; secrets are hidden by the agent.
    async fn headers(&mut self, id: &str) -> Result<Vec<(String, String)>, Failure> {
        #[derive(serde::Deserialize)]
        struct Detail {
            headers: Vec<(String, String)>,
        }
        let detail: Detail = self.bodies.get(&target(id)).await?;
        Ok(detail.headers)
    }
}

fn target(id: &str) -> String {
    format!("/v1/items/{}", encode_segment(id))
}

/// Whether a path is among those that are asked for.
pub(super) fn is_wanted(pattern: Option<&Pattern>, path: &str) -> bool {
    pattern.is_none_or(|pattern| Path::parse(path).is_ok_and(|path| pattern.matches(&path)))
}

/// `DELETE /cache/users/42`, or the path of an event.
pub(super) fn what(item: &Item) -> String {
    match (&item.method, &item.target) {
        (Some(method), Some(target)) => format!("{method} {target}"),
        _ => item.path.clone(),
    }
}

/// `14:02:11.204  DELETE /cache/users/42  0 B  from web-1  4T…`
fn line(item: &Item, name: Option<&str>) -> String {
    let time = out::time_of_day(item.accepted_unix_ms);
    let (what, size) = (what(item), out::bytes(item.payload_bytes));
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
