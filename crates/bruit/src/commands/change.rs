//! `bruit tag`, `join` and `leave`: what changes the agent that is asked.

use crate::args::{JoinArgs, LeaveArgs, TagArgs};
use crate::client::{Ask, Client, Member};
use crate::exit::{Exit, Failure};
use crate::out::Out;
use http::Method;
use serde::Deserialize as _;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// How often to look whether the agent has ended.
const WAIT_PERIOD: Duration = Duration::from_millis(50);

/// Sets and removes metadata.
pub(crate) async fn tag(args: TagArgs) -> Result<Exit, Failure> {
    let out = Out::new(&args.output);
    let mut client = Client::of(&args.connection)?;
    let patch: serde_json::Map<String, Value> =
        args.changes.into_iter().map(|(key, value)| (key, Value::from(value))).collect();
    let body = Value::Object(patch).to_string();
    let value: Value =
        client.ask(Ask::new(Method::PATCH, "/v1/self/tags").body(body)).await?.json()?;
    if out.is_json() {
        out.json(&value)?;
        return Ok(Exit::Ok);
    }
    let member = Member::deserialize(&value).map_err(|error| {
        Failure::new(Exit::Failed, format!("the answer is not understood: {error}"))
    })?;
    let tags: Vec<String> =
        member.metadata.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let tags = if tags.is_empty() { "no metadata".to_owned() } else { tags.join(" ") };
    out.line(&format!("{}: {tags}", member.name))?;
    Ok(Exit::Ok)
}

/// Contacts other agents. That they are found is not waited for.
pub(crate) async fn join(args: JoinArgs) -> Result<Exit, Failure> {
    let out = Out::new(&args.output);
    let mut client = Client::of(&args.connection)?;
    let body = json!({ "addresses": args.addresses }).to_string();
    let answer = client.ask(Ask::new(Method::POST, "/v1/join").body(body)).await?;
    if out.is_json() {
        out.json(&answer.json::<Value>()?)?;
    } else {
        out.line(&format!("contacting {}", args.addresses.join(", ")))?;
    }
    Ok(Exit::Ok)
}

/// Lets the agent leave, and waits until it has ended.
pub(crate) async fn leave(args: LeaveArgs) -> Result<Exit, Failure> {
    let out = Out::new(&args.output);
    let deadline = Instant::now() + args.connection.timeout;
    let mut client = Client::of(&args.connection)?;
    client.ask(Ask::new(Method::POST, "/v1/leave")).await?;
    loop {
        // The connection that asked would keep the agent waiting.
        drop(client);
        client = Client::of(&args.connection)?;
        match client.ask(Ask::new(Method::GET, "/livez")).await {
            Err(failure) if failure.exit == Exit::Unreachable => break,
            Ok(_) | Err(_) if Instant::now() < deadline => {}
            Ok(_) | Err(_) => {
                let timeout = args.connection.timeout;
                let text = format!("the agent is leaving, and has not ended within {timeout:?}");
                return Err(Failure::new(Exit::Incomplete, text));
            }
        }
        tokio::time::sleep(WAIT_PERIOD).await;
    }
    if out.is_json() {
        out.json(&json!({ "left": true }))?;
    } else {
        out.line(&format!("the agent at {} has left and ended", client.addr()))?;
    }
    Ok(Exit::Ok)
}
