//! `bruit topics`.

use super::watch;
use crate::args::{TopicRmArgs, TopicSetArgs, TopicsArgs, TopicsCommand};
use crate::client::{Ask, Client, Subscription, encode_path};
use crate::exit::{Exit, Failure};
use crate::out::{Out, Table, duration, object};
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Lists and changes topics.
pub(crate) async fn run(args: TopicsArgs) -> Result<Exit, Failure> {
    match args.command {
        None => watch::read(&args.read, list).await,
        Some(TopicsCommand::Ls(read)) => watch::read(&read, list).await,
        Some(TopicsCommand::Set(args)) => set(&args).await,
        Some(TopicsCommand::Rm(args)) => remove(&args).await,
    }
}

/// A topic's parameters.
#[derive(Deserialize)]
struct Topic {
    pattern: String,
    style: String,
    fanout: u8,
    stop: String,
    period_ms: u64,
    repair: bool,
    retain_items: u64,
    retain_ms: u64,
    order: String,
    expiry_ms: Option<u64>,
}

async fn list(client: &mut Client, out: &Out) -> Result<Exit, Failure> {
    let value: Value = client.get("/v1/topics").await?;
    if out.is_json() {
        out.value(&value)?;
        return Ok(Exit::Ok);
    }
    let topics: Vec<Topic> =
        serde_json::from_value(value).map_err(|error| Failure::not_understood(&error))?;
    let subscriptions: Vec<Subscription> = client.get("/v1/subscriptions").await?;
    out.table(&table(&topics, &subscriptions))?;
    Ok(Exit::Ok)
}

fn table(topics: &[Topic], subscriptions: &[Subscription]) -> Table {
    let time = |millis| duration(Duration::from_millis(millis));
    let mut table = Table::new(&[
        "PATTERN",
        "SUBSCRIBERS",
        "STYLE",
        "FANOUT",
        "STOP",
        "PERIOD",
        "REPAIR",
        "RETAINED",
        "ORDER",
        "EXPIRY",
    ]);
    for topic in topics {
        let subscribers = subscriptions.iter().filter(|each| {
            let is_there = matches!(each.node_state.as_str(), "alive" | "suspect");
            is_there && overlap(&topic.pattern, &each.pattern)
        });
        table.row([
            topic.pattern.as_str().into(),
            subscribers.count().to_string().into(),
            topic.style.as_str().into(),
            topic.fanout.to_string().into(),
            topic.stop.as_str().into(),
            time(topic.period_ms).into(),
            (if topic.repair { "on" } else { "off" }).into(),
            format!("{} items, {}", topic.retain_items, time(topic.retain_ms)).into(),
            topic.order.as_str().into(),
            topic.expiry_ms.map_or_else(|| "none".to_owned(), time).into(),
        ]);
    }
    table
}

/// Whether some path is selected by both patterns.
fn overlap(one: &str, other: &str) -> bool {
    let one: Vec<&str> = one.split('/').collect();
    let other: Vec<&str> = other.split('/').collect();
    // can[b]: the rest of `one` and the rest of `other` from `b` on can select the same.
    let mut can: Vec<bool> = vec![false; other.len() + 1];
    for a in (0..=one.len()).rev() {
        let below = can.clone();
        for b in (0..=other.len()).rev() {
            can[b] = match (one.get(a), other.get(b)) {
                (None, None) => true,
                (Some(&"**"), _) if below[b] => true,
                (Some(&"**"), Some(_)) | (_, Some(&"**")) if can[b + 1] => true,
                (Some(_), Some(&"**")) => below[b],
                (Some(x), Some(y)) => {
                    (x == y || *x == "*" || *y == "*") && *x != "**" && below[b + 1]
                }
                (None, Some(_)) | (Some(_), None) => false,
            };
        }
    }
    can[0]
}

fn target(pattern: &str) -> String {
    format!("/v1/topics/{}", encode_path(pattern.trim_start_matches('/')))
}

async fn set(args: &TopicSetArgs) -> Result<Exit, Failure> {
    let out = Out::new(&args.ask.output);
    let mut client = Client::of(&args.ask.connection)?;
    let parameters: Map<String, Value> = args
        .parameters
        .iter()
        .map(|(name, value)| parameter(&name.replace('-', "_"), value))
        .collect();
    let ask = Ask::new(Method::PUT, target(&args.pattern)).json(&Value::Object(parameters));
    let value: Value = client.ask(ask).await?.json()?;
    match value.as_object().filter(|_| !out.is_json()) {
        Some(fields) => out.table(&object(["PARAMETER", "VALUE"], fields))?,
        None => out.value(&value)?,
    }
    Ok(Exit::Ok)
}

/// A parameter as JSON has it; no expiry is `null`.
fn parameter(name: &str, text: &str) -> (String, Value) {
    let value = match (text, text.parse::<u64>()) {
        ("none", _) if name == "expiry_ms" => Value::Null,
        ("on" | "true", _) => Value::Bool(true),
        ("off" | "false", _) => Value::Bool(false),
        (_, Ok(number)) => json!(number),
        (_, Err(_)) => Value::String(text.to_owned()),
    };
    (name.to_owned(), value)
}

async fn remove(args: &TopicRmArgs) -> Result<Exit, Failure> {
    let out = Out::new(&args.ask.output);
    let mut client = Client::of(&args.ask.connection)?;
    client.ask(Ask::new(Method::DELETE, target(&args.pattern))).await?;
    if out.is_json() {
        out.json(&json!({ "removed": args.pattern }))?;
    } else {
        out.line(&format!("removed {}", args.pattern))?;
    }
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bruit_model::{Path, Pattern};

    /// Every path of at most four segments over a small alphabet.
    fn paths() -> Vec<Path> {
        let mut texts = vec![String::new()];
        let mut all = Vec::new();
        for _ in 0..4 {
            let longer = |text: &String| ["a", "b", "c"].map(|segment| format!("{text}/{segment}"));
            texts = texts.iter().flat_map(longer).collect();
            all.extend(texts.iter().map(|text| Path::parse(text).unwrap()));
        }
        all
    }

    #[test]
    fn patterns_overlap_where_a_path_fits_both() {
        let patterns = [
            "**",
            "*",
            "a",
            "b",
            "a/**",
            "a/*",
            "**/b",
            "a/**/b",
            "*/b/**",
            "**/a/**/b",
            "a/b/c",
            "**/c/*",
            "b/**/a",
            "*/*",
            "a/a/**",
        ];
        let paths = paths();
        for one in patterns {
            for other in patterns {
                let (p, q) = (Pattern::parse(one).unwrap(), Pattern::parse(other).unwrap());
                let expected = paths.iter().any(|path| p.matches(path) && q.matches(path));
                assert_eq!(overlap(one, other), expected, "{one} {other}");
            }
        }
    }

    #[test]
    fn parameters_are_numbers_switches_or_words() {
        for (name, text, expected) in [
            ("fanout", "4", json!(4)),
            ("repair", "off", json!(false)),
            ("style", "push_pull", json!("push_pull")),
            ("order", "none", json!("none")),
            ("expiry_ms", "none", json!(null)),
        ] {
            assert_eq!(parameter(name, text).1, expected, "{name}");
        }
    }
}
