//! `bruit reload`.

use crate::args::AskArgs;
use crate::client::{Ask, Client};
use crate::exit::{Exit, Failure};
use crate::out::Out;
use http::Method;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Reloaded {
    applied: Vec<String>,
    needs_restart: Vec<String>,
    unchanged: usize,
}

/// Lets the agent read its settings again.
pub(crate) async fn run(args: AskArgs) -> Result<Exit, Failure> {
    let out = Out::new(&args.output);
    let mut client = Client::of(&args.connection)?;
    let value: Value = client.ask(Ask::new(Method::POST, "/v1/reload")).await?.json()?;
    if out.is_json() {
        out.value(&value)?;
        return Ok(Exit::Ok);
    }
    let Reloaded { applied, needs_restart, unchanged } =
        serde_json::from_value(value).map_err(|error| Failure::not_understood(&error))?;
    for (what, keys) in [("applied", applied), ("needs a restart", needs_restart)] {
        let list = if keys.is_empty() { String::new() } else { format!(": {}", keys.join(" ")) };
        out.line(&format!("{what} {}{list}", keys.len()))?;
    }
    out.line(&format!("unchanged {unchanged}"))?;
    Ok(Exit::Ok)
}
