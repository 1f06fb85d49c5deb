//! `bruit deliveries`.

use super::watch;
use crate::args::{DeliveriesArgs, DeliveriesCommand, DeliveriesLsArgs, DeliveryArgs, PickArgs};
use crate::client::{Ask, Client, encode_segment};
use crate::exit::{Exit, Failure};
use crate::out::{self, Cell, Out, Table, object};
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Lists, shows, retries and drops deliveries.
pub(crate) async fn run(args: DeliveriesArgs) -> Result<Exit, Failure> {
    match args.command {
        None => ls(&args.list).await,
        Some(DeliveriesCommand::Ls(args)) => ls(&args).await,
        Some(DeliveriesCommand::Show(args)) => show(&args).await,
        Some(DeliveriesCommand::Retry(args)) => change(&args, &RETRY).await,
        Some(DeliveriesCommand::Drop(args)) => change(&args, &DROP).await,
    }
}

/// A delivery in a list.
#[derive(Deserialize)]
struct Record {
    id: String,
    subscription: String,
    item: String,
    path: String,
    state: String,
    attempts: u32,
    status: Option<u16>,
    reason: Option<String>,
    unix_millis: u64,
    next_attempt_millis: Option<u64>,
}

async fn ls(args: &DeliveriesLsArgs) -> Result<Exit, Failure> {
    let target = list_target(args);
    if args.since.is_some() && args.read.ask.connection.address.curl {
        out::tell("note: --since is this command's own; curl gets the whole list");
    }
    let show = async |client: &mut Client, out: &Out| {
        let all: Vec<Value> = client.get(&target).await?;
        let mut shown = Vec::with_capacity(all.len());
        for value in all {
            let record = Record::deserialize(&value).map_err(|e| Failure::not_understood(&e))?;
            let age = age(record.unix_millis);
            if args.since.is_none_or(|since| age <= since) {
                shown.push((record, value));
            }
        }
        if out.is_json() {
            out.value(&shown.into_iter().map(|(_, value)| value).collect())?;
        } else {
            out.table(&table(shown.iter().map(|(record, _)| record)))?;
        }
        Ok(Exit::Ok)
    };
    watch::read(&args.read, show).await
}

fn list_target(args: &DeliveriesLsArgs) -> String {
    let pairs = [
        ("state", args.state_word().map(str::to_owned)),
        ("subscription", args.subscription.as_deref().map(encode_segment)),
        ("limit", args.limit.map(|limit| limit.to_string())),
    ];
    let pairs = pairs.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?)));
    let query = pairs.collect::<Vec<_>>().join("&");
    if query.is_empty() { "/v1/deliveries".to_owned() } else { format!("/v1/deliveries?{query}") }
}

/// How long ago it was, by this machine's clock.
fn age(unix_millis: u64) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.saturating_sub(Duration::from_millis(unix_millis))
}

fn table<'a>(records: impl Iterator<Item = &'a Record>) -> Table {
    let mut table = Table::new(&[
        "ID",
        "STATE",
        "AGE",
        "SUBSCRIPTION",
        "PATH",
        "ATTEMPTS",
        "STATUS",
        "ITEM",
        "",
    ]);
    for record in records {
        // 0: it waits for something else than time.
        let next = record.next_attempt_millis.filter(|ms| record.state == "queued" && *ms > 0);
        let note = match (&record.reason, next) {
            (Some(reason), _) => reason.clone(),
            (None, Some(millis)) => {
                format!("next attempt in {}", out::duration(Duration::from_millis(millis)))
            }
            (None, None) => String::new(),
        };
        table.row([
            record.id.as_str().into(),
            Cell::state(&record.state),
            out::duration(age(record.unix_millis)).into(),
            record.subscription.as_str().into(),
            record.path.as_str().into(),
            record.attempts.to_string().into(),
            record.status.map(|status| status.to_string()).unwrap_or_default().into(),
            record.item.as_str().into(),
            note.into(),
        ]);
    }
    table
}

fn target(id: &str) -> String {
    format!("/v1/deliveries/{}", encode_segment(id))
}

async fn show(args: &DeliveryArgs) -> Result<Exit, Failure> {
    let target = target(&args.id);
    let show = async |client: &mut Client, out: &Out| {
        let value: Value = client.get(&target).await?;
        match value.as_object().filter(|_| !out.is_json()) {
            Some(fields) => out.table(&object(["FIELD", "VALUE"], fields))?,
            None => out.value(&value)?,
        }
        Ok(Exit::Ok)
    };
    watch::read(&args.read, show).await
}

/// What is done with dead letters.
struct Change {
    one: Method,
    /// What follows the path for one, and for all.
    suffix: &'static str,
    all: Method,
    /// The field with the count.
    count: &'static str,
    done: &'static str,
}

const RETRY: Change = Change {
    one: Method::POST,
    suffix: "/retry",
    all: Method::POST,
    count: "retried",
    done: "queued again",
};
const DROP: Change = Change {
    one: Method::DELETE,
    suffix: "",
    all: Method::DELETE,
    count: "dropped",
    done: "dropped",
};

async fn change(args: &PickArgs, change: &Change) -> Result<Exit, Failure> {
    let out = Out::new(&args.ask.output);
    let mut client = Client::of(&args.ask.connection)?;
    if args.all {
        let query = args.subscription.as_deref().map(encode_segment);
        let query = query.map(|name| format!("?subscription={name}")).unwrap_or_default();
        let target = format!("/v1/deliveries{}{query}", change.suffix);
        let value: Value = client.ask(Ask::new(change.all.clone(), target)).await?.json()?;
        if out.is_json() {
            out.value(&value)?;
        } else {
            let count = value[change.count].as_u64().unwrap_or_default();
            out.line(&format!("{count} {}", change.done))?;
        }
        return Ok(Exit::Ok);
    }
    // One that is not there does not keep the others from it.
    let mut worst: Option<Failure> = None;
    let mut done = 0;
    for id in &args.ids {
        let ask = Ask::new(change.one.clone(), format!("{}{}", target(id), change.suffix));
        match client.ask(ask).await {
            Ok(_) => {
                done += 1;
                if !out.is_json() {
                    out.line(&format!("{id}: {}", change.done))?;
                }
            }
            Err(failure) if failure.is_done() => {}
            Err(failure) if failure.exit == Exit::NotFound => {
                if let Some(before) = worst.replace(failure) {
                    before.print();
                }
            }
            Err(failure) => return Err(failure),
        }
    }
    if out.is_json() && !client.is_curl() {
        let counts = [(change.count.to_owned(), json!(done))];
        out.value(&Value::Object(counts.into_iter().collect::<Map<_, _>>()))?;
    }
    worst.map_or(Ok(Exit::Ok), Err)
}
