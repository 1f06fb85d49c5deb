//! `bruit tail`.

use super::listen::{is_wanted, what};
use super::stream::{Names, say_break};
use crate::args::{TailArgs, TailType, is_like};
use crate::client::{Change, Delivery, Feed, Item, Told};
use crate::exit::{Exit, Failure};
use crate::out::{self, Out};
use serde::Deserialize as _;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// Prints what happens.
pub(crate) async fn run(args: TailArgs) -> Result<Exit, Failure> {
    let feed = Feed::open(&args.address, &types(&args)).await?;
    let out = Out::new(&args.output);
    let mut tail = Tail { args: &args, out, feed, names: Names::default(), came: 0 };
    let Some(timeout) = args.timeout else {
        return tail.follow().await;
    };
    match tokio::time::timeout(timeout, tail.follow()).await {
        Ok(end) => end,
        Err(_) => match args.count {
            None => Ok(Exit::Ok),
            Some(count) => {
                let text = format!("{} of {count} lines came within {timeout:?}", tail.came);
                Err(Failure::new(Exit::Incomplete, text))
            }
        },
    }
}

/// The types to ask for. Members are needed in any case, for their names.
fn types(args: &TailArgs) -> String {
    let all = [TailType::Item, TailType::Delivery, TailType::Member, TailType::Subscription];
    let is_asked = |each: &TailType| is_wanted_type(args, *each) || *each == TailType::Member;
    all.into_iter().filter(is_asked).map(TailType::word).collect::<Vec<_>>().join(",")
}

fn is_wanted_type(args: &TailArgs, one: TailType) -> bool {
    args.types.is_empty() || args.types.contains(&one)
}

struct Tail<'a> {
    args: &'a TailArgs,
    out: Out,
    feed: Feed,
    names: Names,
    came: u64,
}

impl Tail<'_> {
    async fn follow(&mut self) -> Result<Exit, Failure> {
        let mut is_told = false;
        while self.args.count.is_none_or(|count| self.came < count) {
            match self.feed.next().await? {
                Told::Snapshot(snapshot) => {
                    self.names.learn_all(&snapshot)?;
                    if !std::mem::replace(&mut is_told, true) {
                        out::tell(&format!("following {}", self.feed.addr()));
                    }
                }
                Told::Change(change) => self.on_change(&change)?,
                told @ (Told::Gap { .. } | Told::Lost(_) | Told::Back) => {
                    say_break(&told, "changes");
                    if let (Told::Gap { missed }, true) = (&told, self.out.is_json()) {
                        self.out.json(&json!({ "type": "gap", "missed": missed }))?;
                    }
                }
            }
        }
        Ok(Exit::Ok)
    }

    fn on_change(&mut self, value: &Value) -> Result<(), Failure> {
        let change = Change::deserialize(value).map_err(|error| Failure::not_understood(&error))?;
        let line = match change {
            Change::Member { change, named, was, member } => {
                let state = member.map(|member| (member.state, member.why));
                let line = member_line(&change, &named.name, was.as_deref(), state);
                let is_shown = self.is_wanted_member(TailType::Member, &named.name);
                self.names.learn(named);
                is_shown.then_some(line)
            }
            Change::Item { item } => self.item_line(&item),
            Change::Delivery { delivery } => self.delivery_line(&delivery),
            Change::Subscription { change, subscription } => {
                let is_shown = is_wanted_type(self.args, TailType::Subscription)
                    && self.args.node.is_none()
                    && self.args.path.is_none();
                let why = subscription.why.map(|why| format!(": {why}")).unwrap_or_default();
                is_shown.then(|| format!("subscription  {} {change}{why}", subscription.name))
            }
            Change::Other => None,
        };
        let Some(line) = line else { return Ok(()) };
        self.came += 1;
        if self.out.is_json() {
            return self.out.json(value);
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = out::time_of_day(u64::try_from(since.as_millis()).unwrap_or_default());
        self.out.line(&format!("{now}  {line}"))
    }

    /// Changes of members have no path, so one that is asked for leaves them out.
    fn is_wanted_member(&self, kind: TailType, name: &str) -> bool {
        let is_like = self.args.node.as_ref().is_none_or(|glob| is_like(glob, name));
        is_like
            && is_wanted_type(self.args, kind)
            && (kind != TailType::Member || self.args.path.is_none())
    }

    fn item_line(&self, item: &Item) -> Option<String> {
        let from = self.names.of(&item.origin).unwrap_or(&item.origin);
        let is_shown = self.is_wanted_member(TailType::Item, from)
            && is_wanted(self.args.path.as_ref(), &item.path);
        let size = out::bytes(item.payload_bytes);
        is_shown.then(|| format!("item          {}  {size}  from {from}  {}", what(item), item.id))
    }

    fn delivery_line(&self, delivery: &Delivery) -> Option<String> {
        let is_shown = is_wanted_type(self.args, TailType::Delivery)
            && self.args.node.is_none()
            && (!self.args.failed || delivery.outcome == "failed")
            && is_wanted(self.args.path.as_ref(), &delivery.path);
        is_shown.then(|| delivery_line(delivery))
    }
}

/// `delivery      app delivered 204 cache/a after 4.1 ms, 3 attempts  4T…`
fn delivery_line(delivery: &Delivery) -> String {
    let Delivery { item, path, subscription, outcome, attempts, .. } = delivery;
    let status = delivery.status.map(|status| format!(" {status}")).unwrap_or_default();
    let after = delivery.after_ms.map(|ms| format!(" after {}", out::millis(ms)));
    let after = after.unwrap_or_default();
    let attempts = if *attempts == 1 { String::new() } else { format!(", {attempts} attempts") };
    let reason = delivery.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!(
        "delivery      {subscription} {outcome}{status} {path}{after}{attempts}{reason}  {item}"
    )
}

/// `member        web-3 suspect, was alive: no answer`
fn member_line(
    change: &str,
    name: &str,
    was: Option<&str>,
    state: Option<(String, String)>,
) -> String {
    match (change, state) {
        ("changed", Some((state, why))) => {
            let was = was.map(|was| format!(", was {was}")).unwrap_or_default();
            let why = if why.is_empty() { why } else { format!(": {why}") };
            format!("member        {name} {state}{was}{why}")
        }
        (_, _) => format!("member        {name} {change}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_what_happened() {
        let state = |state: &str, why: &str| Some((state.to_owned(), why.to_owned()));
        assert_eq!(
            member_line("changed", "web-3", Some("alive"), state("suspect", "no answer")),
            "member        web-3 suspect, was alive: no answer"
        );
        assert_eq!(
            member_line("changed", "web-3", None, state("alive", "")),
            "member        web-3 alive"
        );
        assert_eq!(
            member_line("updated", "web-3", None, state("alive", "it answers")),
            "member        web-3 updated"
        );
        let mut delivery: Delivery = serde_json::from_value(json!({
            "item": "ID", "path": "cache/a", "subscription": "app", "outcome": "delivered",
            "reason": null, "status": 204, "attempts": 1, "after_ms": 4.14,
        }))
        .unwrap();
        assert_eq!(
            delivery_line(&delivery),
            "delivery      app delivered 204 cache/a after 4.1 ms  ID"
        );
        delivery.attempts = 3;
        delivery.outcome = "failed".to_owned();
        delivery.reason = Some("retries used up".to_owned());
        (delivery.status, delivery.after_ms) = (None, None);
        assert_eq!(
            delivery_line(&delivery),
            "delivery      app failed cache/a, 3 attempts: retries used up  ID"
        );
    }
}
