//! `bruit tag`, `join`, `leave` and `evict`: what changes the agent that is asked, or its group.

use crate::args::{EvictArgs, JoinArgs, LeaveArgs, TagArgs};
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
    let out = Out::new(&args.ask.output);
    let mut client = Client::of(&args.ask.connection)?;
    let patch: serde_json::Map<String, Value> =
        args.changes.into_iter().map(|(key, value)| (key, Value::from(value))).collect();
    let ask = Ask::new(Method::PATCH, "/v1/self/tags").json(&Value::Object(patch));
    let value: Value = client.ask(ask).await?.json()?;
    if out.is_json() {
        out.value(&value)?;
        return Ok(Exit::Ok);
    }
    let member = Member::deserialize(&value).map_err(|error| Failure::not_understood(&error))?;
    let tags: Vec<String> =
        member.metadata.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let tags = if tags.is_empty() { "no metadata".to_owned() } else { tags.join(" ") };
    out.line(&format!("{}: {tags}", member.name))?;
    Ok(Exit::Ok)
}

/// Contacts other agents. That they are found is not waited for.
pub(crate) async fn join(args: JoinArgs) -> Result<Exit, Failure> {
    let out = Out::new(&args.ask.output);
    let mut client = Client::of(&args.ask.connection)?;
    let body = json!({ "addresses": args.addresses });
    let answer = client.ask(Ask::new(Method::POST, "/v1/join").json(&body)).await?;
    if out.is_json() {
        out.value(&answer.json()?)?;
    } else {
        out.line(&format!("contacting {}", args.addresses.join(", ")))?;
    }
    Ok(Exit::Ok)
}

/// Lets the agent leave, and waits until it has ended.
pub(crate) async fn leave(args: LeaveArgs) -> Result<Exit, Failure> {
    let out = Out::new(&args.ask.output);
    let deadline = Instant::now() + args.ask.connection.timeout;
    let mut client = Client::of(&args.ask.connection)?;
    client.ask(Ask::new(Method::POST, "/v1/leave")).await?;
    loop {
        // The connection that asked would keep the agent waiting.
        drop(client);
        client = Client::of(&args.ask.connection)?;
        match client.ask(Ask::new(Method::GET, "/livez")).await {
            Err(failure) if failure.exit == Exit::Unreachable => break,
            Ok(_) | Err(_) if Instant::now() < deadline => {}
            Ok(_) | Err(_) => {
                let timeout = args.ask.connection.timeout;
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

/// Declares a member that has failed to be gone for good.
pub(crate) async fn evict(args: EvictArgs) -> Result<Exit, Failure> {
    let out = Out::new(&args.ask.output);
    let mut client = Client::of(&args.ask.connection)?;
    if !args.yes && !client.is_curl() {
        let node = &args.node;
        return Err(Failure::usage(format!("{node} would be evicted; nothing was done"))
            .hint("say --yes to do it; `bruit member` shows what is known of it"));
    }
    let ask = Ask::new(Method::POST, "/v1/evict").json(&json!({ "member": args.node }));
    let answer = client.ask(ask).await?;
    if out.is_json() {
        out.value(&answer.json()?)?;
    } else {
        out.line(&format!("evicted {}", args.node))?;
    }
    Ok(Exit::Ok)
}
