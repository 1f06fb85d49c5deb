//! `bruit keys`.

use super::watch;
use crate::args::{AskArgs, KeyRmArgs, KeyRotateArgs, KeysArgs, KeysCommand, ReadArgs};
use crate::client::{Ask, Client, encode_segment};
use crate::exit::{Exit, Failure};
use crate::out::{Out, Table};
use bruit_agent::new_cluster_key;
use http::Method;
use serde::Deserialize;
use serde_json::Value;
use std::io::{self, Write as _};
use std::time::Duration;

/// How many steps a change of keys has at most.
const STEPS: u32 = 3;
/// How much longer to wait for the agent's answer. Guess.
const ANSWER_MARGIN: Duration = Duration::from_secs(5);

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
    primary_members: u64,
    #[serde(default)]
    missing: Vec<String>,
    #[serde(default)]
    silent: Vec<String>,
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
        let mut table = Table::new(&["FINGERPRINT", "IN USE", "USED BY", "KNOWN TO", "NOT TO", ""]);
        for key in &keys {
            let silent = if key.silent.is_empty() {
                String::new()
            } else {
                format!("did not say: {}", key.silent.join(" "))
            };
            table.row([
                key.fingerprint.as_str().into(),
                (if key.primary { "yes" } else { "no" }).into(),
                key.primary_members.to_string().into(),
                key.members.to_string().into(),
                key.missing.join(" ").into(),
                silent.into(),
            ]);
        }
        out.table(&table)?;
        Ok(Exit::Ok)
    };
    watch::read(args, show).await
}

/// What became of a change of keys.
#[derive(Deserialize)]
struct Changed {
    fingerprint: String,
    /// `installed`, `used` or `removed`.
    step: String,
    nodes: Vec<ChangedNode>,
    hint: Option<String>,
}

#[derive(Deserialize)]
struct ChangedNode {
    name: String,
    done: bool,
    error: Option<String>,
    note: Option<String>,
}

async fn rotate(args: &KeyRotateArgs) -> Result<Exit, Failure> {
    let key = args.key.as_deref().map(|key| format!("&key={}", encode_segment(key)));
    let key = key.unwrap_or_default();
    change(&args.ask, Method::POST, "/v1/keys/rotate".to_owned(), &key, args.force).await
}

async fn remove(args: &KeyRmArgs) -> Result<Exit, Failure> {
    let target = format!("/v1/keys/{}", encode_segment(&args.fingerprint));
    change(&args.ask, Method::DELETE, target, "", args.force).await
}

/// A change takes several steps, and each may take `--timeout`.
async fn change(
    args: &AskArgs,
    method: Method,
    target: String,
    more: &str,
    force: bool,
) -> Result<Exit, Failure> {
    let out = Out::new(&args.output);
    let timeout = args.connection.timeout;
    let mut client = Client::new(&args.connection.address, timeout * STEPS + ANSWER_MARGIN)?;
    let force = if force { "&force=true" } else { "" };
    let target = format!("{target}?timeout={}ms{more}{force}", timeout.as_millis());
    let answer = client.ask(Ask::new(method, target)).await?;
    let value: Value = answer.json()?;
    let changed = Changed::deserialize(&value).map_err(|error| Failure::not_understood(&error))?;
    if out.is_json() {
        out.value_with(&value, "nodes")?;
    } else {
        print(&out, &changed)?;
    }
    let hint = changed.hint.as_deref().map(as_commands);
    if !answer.is_late {
        if let Some(hint) = hint.filter(|_| !out.is_json()) {
            out.note(&format!("next: {hint}"))?;
        }
        return Ok(Exit::Ok);
    }
    let late = changed.nodes.iter().filter(|node| !node.done).count();
    let failure = Failure::new(Exit::Incomplete, format!("{late} members are missing"));
    Err(hint.into_iter().fold(failure, Failure::hint))
}

/// What the API says of its routes, said of commands.
fn as_commands(hint: &str) -> String {
    [
        ("POST /v1/keys/rotate?key=", "bruit keys rotate --key "),
        ("DELETE /v1/keys/", "bruit keys rm "),
        ("&force=true", "--force"),
    ]
    .iter()
    .fold(hint.to_owned(), |hint, (route, command)| hint.replace(route, command))
}

fn print(out: &Out, changed: &Changed) -> Result<(), Failure> {
    let done = changed.nodes.iter().filter(|node| node.done).count();
    let (key, step, all) = (&changed.fingerprint, &changed.step, changed.nodes.len());
    out.line(&format!("key {key}: {step} by {done} of {all} members"))?;
    let mut table = Table::new(&["NODE", "DONE", ""]);
    let mut is_worth_it = false;
    for node in &changed.nodes {
        let text = [&node.error, &node.note];
        let text: Vec<&str> = text.into_iter().filter_map(Option::as_deref).collect();
        if node.done && text.is_empty() {
            continue;
        }
        is_worth_it = true;
        let done = if node.done { "yes" } else { "no" };
        table.row([node.name.as_str().into(), done.into(), text.join("; ").into()]);
    }
    if is_worth_it {
        out.table(&table)?;
    }
    Ok(())
}
