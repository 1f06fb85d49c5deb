//! `bruit subs`.

use super::watch;
use crate::args::{AddArgs, NameArgs, NameReadArgs, ReadArgs, SubsArgs, SubsCommand, TestArgs};
use crate::client::{Ask, Client, Subscription, encode_segment};
use crate::exit::{Exit, Failure};
use crate::out::{Cell, Out, Table, bytes, millis, object};
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Lists, shows and changes subscriptions.
pub(crate) async fn run(args: SubsArgs) -> Result<Exit, Failure> {
    match args.command {
        None => watch::read(&args.read, list).await,
        Some(SubsCommand::Ls(read)) => ls(&read).await,
        Some(SubsCommand::Show(args)) => show(&args).await,
        Some(SubsCommand::Add(args)) => add(&args).await,
        Some(SubsCommand::Rm(args)) => remove(&args).await,
        Some(SubsCommand::Pause(args)) => post(&args, "pause", "items wait").await,
        Some(SubsCommand::Resume(args)) => post(&args, "resume", "it is served again").await,
        Some(SubsCommand::Test(args)) => test(args).await,
    }
}

async fn ls(read: &ReadArgs) -> Result<Exit, Failure> {
    watch::read(read, list).await
}

/// Lists the subscriptions of the group; counts are known of those of the agent that is asked.
async fn list(client: &mut Client, out: &Out) -> Result<Exit, Failure> {
    let value: Value = client.get("/v1/subscriptions").await?;
    if out.is_json() {
        out.value(&value)?;
        return Ok(Exit::Ok);
    }
    let list: Vec<Subscription> =
        serde_json::from_value(value).map_err(|error| Failure::not_understood(&error))?;
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

fn target(name: &str) -> String {
    format!("/v1/subscriptions/{}", encode_segment(name))
}

async fn show(args: &NameReadArgs) -> Result<Exit, Failure> {
    let target = target(&args.name);
    let show = async |client: &mut Client, out: &Out| {
        let value: Value = client.get(&target).await?;
        print(out, &value)
    };
    watch::read(&args.read, show).await
}

/// A subscription's status, with its settings.
fn print(out: &Out, value: &Value) -> Result<Exit, Failure> {
    if out.is_json() {
        out.value(value)?;
        return Ok(Exit::Ok);
    }
    let nothing = Map::new();
    let mut fields = value.as_object().unwrap_or(&nothing).clone();
    for name in ["queued_bytes", "queue_bytes"] {
        if let Some(count) = fields.get(name).and_then(Value::as_u64) {
            fields.insert(name.to_owned(), bytes(count).into());
        }
    }
    out.table(&object(["FIELD", "VALUE"], &fields))?;
    Ok(Exit::Ok)
}

async fn add(args: &AddArgs) -> Result<Exit, Failure> {
    let out = Out::new(&args.ask.output);
    let mut client = Client::of(&args.ask.connection)?;
    let ask = Ask::new(Method::PUT, target(&args.name)).json(&args.spec());
    let value: Value = client.ask(ask).await?.json()?;
    if out.is_json() {
        out.value(&value)?;
    } else {
        out.line(&format!("{}: {} is subscribed", args.name, args.pattern))?;
    }
    Ok(Exit::Ok)
}

async fn remove(args: &NameArgs) -> Result<Exit, Failure> {
    let out = Out::new(&args.ask.output);
    let mut client = Client::of(&args.ask.connection)?;
    let answer = client.ask(Ask::new(Method::DELETE, target(&args.name))).await?;
    let value: Value = answer.json()?;
    if out.is_json() {
        out.value(&value)?;
        return Ok(Exit::Ok);
    }
    let dropped = value["dropped_items"].as_u64().unwrap_or_default();
    out.line(&format!("{}: removed, with {dropped} items that waited", args.name))?;
    Ok(Exit::Ok)
}

async fn post(args: &NameArgs, what: &str, said: &str) -> Result<Exit, Failure> {
    let out = Out::new(&args.ask.output);
    let mut client = Client::of(&args.ask.connection)?;
    let ask = Ask::new(Method::POST, format!("{}/{what}", target(&args.name)));
    let value: Value = client.ask(ask).await?.json()?;
    if out.is_json() {
        out.value(&value)?;
    } else {
        out.line(&format!("{}: {said}", args.name))?;
    }
    Ok(Exit::Ok)
}

/// How an attempt outside the queue ended.
#[derive(Deserialize)]
struct Tested {
    status: Option<u16>,
    error: Option<String>,
    after_ms: f64,
}

async fn test(args: TestArgs) -> Result<Exit, Failure> {
    let out = Out::new(&args.ask.output);
    let mut client = Client::of(&args.ask.connection)?;
    let ask = Ask::new(Method::POST, format!("{}/test", target(&args.name)));
    let value: Value = client.ask(ask.json(&made_up(&args, &client).await?)).await?.json()?;
    let tested: Tested =
        Tested::deserialize(&value).map_err(|error| Failure::not_understood(&error))?;
    if out.is_json() {
        out.value(&value)?;
    } else {
        let answer = match (tested.status, &tested.error) {
            (Some(status), None) => status.to_string(),
            (Some(status), Some(error)) => format!("{status}, {error}"),
            (None, error) => error.clone().unwrap_or_else(|| "no answer".to_owned()),
        };
        out.line(&format!("{}: {answer} after {}", args.name, millis(tested.after_ms)))?;
    }
    let is_good = tested.error.is_none() && tested.status.is_none_or(|code| code / 100 == 2);
    Ok(if is_good { Exit::Ok } else { Exit::Failed })
}

/// The item to test with; what is not said is the agent's choice.
async fn made_up(args: &TestArgs, client: &Client) -> Result<Value, Failure> {
    let mut item = Map::new();
    for (name, text) in [("method", &args.method), ("path", &args.path)] {
        if let Some(text) = text {
            item.insert(name.to_owned(), text.as_str().into());
        }
    }
    if !args.headers.is_empty() {
        let mut headers = Map::new();
        for (name, value) in &args.headers {
            let value = value.to_str().map_err(|_| {
                Failure::usage(format!("the value of {name} has letters that JSON cannot carry"))
            })?;
            headers.insert(name.to_string(), value.into());
        }
        item.insert("headers".to_owned(), Value::Object(headers));
    }
    if let Some(data) = &args.data {
        let body = client.read(data.clone()).await?;
        let body = String::from_utf8(body.to_vec())
            .map_err(|_| Failure::usage("the body of a test must be text"))?;
        item.insert("body".to_owned(), json!(body));
    }
    Ok(Value::Object(item))
}
