//! `bruit keys`.

use super::watch;
use crate::args::{AskArgs, KeyRmArgs, KeysArgs, KeysCommand, ReadArgs};
use crate::client::{Ask, Client, encode_segment};
use crate::exit::{Exit, Failure};
use crate::out::{Out, Table};
use bruit_agent::new_cluster_key;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::{self, Write as _};

/// Makes, lists and changes keys.
pub(crate) async fn run(args: KeysArgs) -> Result<Exit, Failure> {
    match args.command {
        KeysCommand::New => {
            writeln!(io::stdout(), "{}", new_cluster_key().to_text())?;
            Ok(Exit::Ok)
        }
        KeysCommand::Ls(args) => list(&args).await,
        KeysCommand::Rotate(args) => rotate(&args).await,
        KeysCommand::Rm(args) => remove(&args).await,
    }
}

/// A key that members have.
#[derive(Deserialize)]
struct Key {
    fingerprint: String,
    primary: bool,
    members: u64,
    #[serde(default)]
    missing: Vec<String>,
}

async fn list(args: &ReadArgs) -> Result<Exit, Failure> {
    let show = async |client: &mut Client, out: &Out| {
        let value: Value = client.get("/v1/keys").await?;
        if out.is_json() {
            out.value(&value)?;
            return Ok(Exit::Ok);
        }
        let keys: Vec<Key> =
            serde_json::from_value(value).map_err(|error| Failure::not_understood(&error))?;
        let mut table = Table::new(&["FINGERPRINT", "USE", "MEMBERS", "MISSING AT"]);
        for key in &keys {
            table.row([
                key.fingerprint.as_str().into(),
                (if key.primary { "seals and opens" } else { "opens" }).into(),
                key.members.to_string().into(),
                key.missing.join(" ").into(),
            ]);
        }
        out.table(&table)?;
        Ok(Exit::Ok)
    };
    watch::read(args, show).await
}

/// The outcome of a rotation.
#[derive(Deserialize)]
struct Rotated {
    fingerprint: String,
    nodes: Vec<RotatedNode>,
}

#[derive(Deserialize)]
struct RotatedNode {
    name: String,
    done: bool,
    error: Option<String>,
}

async fn rotate(args: &AskArgs) -> Result<Exit, Failure> {
    let out = Out::new(&args.output);
    let mut client = Client::of(&args.connection)?;
    let value: Value = client.ask(Ask::new(Method::POST, "/v1/keys/rotate")).await?.json()?;
    let rotated = Rotated::deserialize(&value).map_err(|error| Failure::not_understood(&error))?;
    let late: Vec<&RotatedNode> = rotated.nodes.iter().filter(|node| !node.done).collect();
    let (all, done) = (rotated.nodes.len(), rotated.nodes.len() - late.len());
    if out.is_json() {
        out.value_with(&value, "nodes")?;
    } else {
        out.line(&format!("key {}: {done} of {all} members have it", rotated.fingerprint))?;
        if !late.is_empty() {
            let mut table = Table::new(&["NODE", "WHY NOT"]);
            for node in &late {
                let why = node.error.as_deref().unwrap_or("no answer");
                table.row([node.name.as_str().into(), why.into()]);
            }
            out.table(&table)?;
        }
    }
    if late.is_empty() {
        return Ok(Exit::Ok);
    }
    let text = format!("{} of {all} members did not confirm the new key", late.len());
    Err(Failure::new(Exit::Incomplete, text)
        .hint("the old key stays valid: look at `bruit keys ls` again before `bruit keys rm`"))
}

async fn remove(args: &KeyRmArgs) -> Result<Exit, Failure> {
    let out = Out::new(&args.ask.output);
    let mut client = Client::of(&args.ask.connection)?;
    let target = format!("/v1/keys/{}", encode_segment(&args.fingerprint));
    let answer = client.ask(Ask::new(Method::DELETE, target)).await?;
    if out.is_json() {
        let value = if answer.body.is_empty() {
            json!({ "removed": args.fingerprint })
        } else {
            answer.json()?
        };
        out.value(&value)?;
    } else {
        out.line(&format!("removed key {}", args.fingerprint))?;
    }
    Ok(Exit::Ok)
}
