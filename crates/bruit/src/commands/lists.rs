//! `bruit subs` and `bruit topics`.

use crate::args::ReadArgs;
use crate::client::{Client, Subscription};
use crate::exit::{Exit, Failure};
use crate::out::{Cell, Out, Table, duration};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// Takes a list as it came, for JSON, and understood, for people.
async fn list<T: for<'a> Deserialize<'a>>(
    client: &mut Client,
    out: &Out,
    target: &str,
) -> Result<Option<Vec<T>>, Failure> {
    let value: Value = client.get(target).await?;
    if out.is_json() {
        out.json(&value)?;
        return Ok(None);
    }
    let list = serde_json::from_value(value).map_err(|error| {
        Failure::new(Exit::Failed, format!("the answer is not understood: {error}"))
    })?;
    Ok(Some(list))
}

/// Lists the subscriptions of the group; counts are known of those of the agent that is asked.
pub(crate) async fn subscriptions(args: ReadArgs) -> Result<Exit, Failure> {
    let out = Out::new(&args.output);
    let mut client = Client::of(&args.connection)?;
    let Some(list) = list::<Subscription>(&mut client, &out, "/v1/subscriptions").await? else {
        return Ok(Exit::Ok);
    };
    let mut table = Table::new(&[
        "NODE",
        "MEMBER",
        "NAME",
        "PATTERN",
        "STATE",
        "DELIVERED",
        "QUEUED",
        "FAILED",
        "SERVICE",
    ]);
    for each in &list {
        let local = each.local.as_ref();
        let count =
            |count: Option<u64>| Cell::from(count.map(|n| n.to_string()).unwrap_or_default());
        let mut service = local.map(|local| local.endpoint.clone()).unwrap_or_default();
        if let Some(why) = local.and_then(|local| local.why.as_ref().or(local.last_error.as_ref()))
        {
            service += &format!("   {why}");
        }
        table.row([
            each.node_name.as_str().into(),
            Cell::state(&each.node_state),
            each.name.as_str().into(),
            each.pattern.as_str().into(),
            local.map(|local| Cell::state(&local.state)).unwrap_or_default(),
            count(local.map(|local| local.delivered)),
            count(local.map(|local| local.queued_items)),
            count(local.map(|local| local.failed + local.shed)),
            service.into(),
        ]);
    }
    out.table(&table)?;
    Ok(Exit::Ok)
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

/// Lists the topics.
pub(crate) async fn topics(args: ReadArgs) -> Result<Exit, Failure> {
    let out = Out::new(&args.output);
    let mut client = Client::of(&args.connection)?;
    let Some(list) = list::<Topic>(&mut client, &out, "/v1/topics").await? else {
        return Ok(Exit::Ok);
    };
    let time = |millis| duration(Duration::from_millis(millis));
    let mut table = Table::new(&[
        "PATTERN", "STYLE", "FANOUT", "STOP", "PERIOD", "REPAIR", "RETAINED", "ORDER", "EXPIRY",
    ]);
    for topic in &list {
        table.row([
            topic.pattern.as_str().into(),
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
    out.table(&table)?;
    Ok(Exit::Ok)
}
