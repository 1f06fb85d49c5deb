//! `bruit status`.

use super::watch;
use crate::args::ReadArgs;
use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::out::{Out, Table, bytes, duration};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Deserialize)]
struct Status {
    name: String,
    id: String,
    version: String,
    pid: u32,
    gossip: String,
    advertise: String,
    api: String,
    profile: String,
    keyed: bool,
    persistent: bool,
    uptime_seconds: f64,
    members: BTreeMap<String, u64>,
    items_held: u64,
    items_held_bytes: u64,
    warnings: Vec<String>,
}

/// Shows how the agent is doing.
pub(crate) async fn run(args: ReadArgs) -> Result<Exit, Failure> {
    watch::read(&args, show).await
}

async fn show(client: &mut Client, out: &Out) -> Result<Exit, Failure> {
    let value: Value = client.get("/v1/status").await?;
    if out.is_json() {
        out.value(&value)?;
        return Ok(Exit::Ok);
    }
    let status: Status =
        serde_json::from_value(value).map_err(|error| Failure::not_understood(&error))?;
    let uptime = Duration::try_from_secs_f64(status.uptime_seconds).unwrap_or_default();
    let members: Vec<String> =
        status.members.iter().map(|(state, count)| format!("{count} {state}")).collect();
    let yes = |is| if is { "yes" } else { "no" };
    let mut table = Table::new(&["NODE", &status.name]);
    for (name, value) in [
        ("id", status.id),
        ("version", status.version),
        ("pid", status.pid.to_string()),
        ("up", duration(uptime)),
        ("gossip", status.gossip),
        ("advertised", status.advertise),
        ("api", status.api),
        ("profile", status.profile),
        ("cluster key", yes(status.keyed).to_owned()),
        ("state kept", yes(status.persistent).to_owned()),
        ("members", members.join(", ")),
        ("items held", format!("{}, {}", status.items_held, bytes(status.items_held_bytes))),
    ] {
        table.row([name.into(), value.into()]);
    }
    for warning in status.warnings {
        table.row(["warning".into(), warning.into()]);
    }
    out.table(&table)?;
    Ok(Exit::Ok)
}
