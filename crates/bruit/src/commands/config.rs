//! `bruit config`: settings before an agent has them, and those of a running one.

use super::watch;
use crate::agent;
use crate::args::{ConfigArgs, ConfigCheckArgs, ConfigCommand, ConfigShowArgs, ReadArgs};
use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::out::{Out, Table};
use bruit_agent::{Overlay, Settings, Sources};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::{self, Write as _};

/// Does what is asked.
pub(crate) fn run(args: ConfigArgs) -> Result<Exit, Failure> {
    match args.command {
        ConfigCommand::Show(args) => show(&args),
        ConfigCommand::Check(args) => check(args),
        ConfigCommand::Example => {
            io::stdout().write_all(bruit_agent::config::example().as_bytes())?;
            Ok(Exit::Ok)
        }
        ConfigCommand::Diff(args) => crate::until_signal(diff(args)),
    }
}

/// Shows what an agent with these flags would have.
fn show(args: &ConfigShowArgs) -> Result<Exit, Failure> {
    let out = Out::new(&args.output);
    let shown = agent::settings(&args.settings)?.shown();
    if out.is_json() {
        out.value_with(&json!({ "settings": shown }), "settings")?;
        return Ok(Exit::Ok);
    }
    let head: &[&str] = if args.origin { &["KEY", "VALUE", "ORIGIN"] } else { &["KEY", "VALUE"] };
    let mut table = Table::new(head);
    for each in shown {
        let mut row = vec![each.key.into(), text(&each.value).into()];
        if args.origin {
            row.push(each.origin.into());
        }
        table.row(row);
    }
    out.table(&table)?;
    Ok(Exit::Ok)
}

/// A value on one line, as TOML has it but for quotes.
fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(list) if list.is_empty() => "-".to_owned(),
        Value::Array(list) => list.iter().map(text).collect::<Vec<_>>().join(" "),
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| format!("{name}={}", text(value));
            fields.iter().map(field).collect::<Vec<_>>().join(" ")
        }
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// Says every mistake, or that there is none.
fn check(args: ConfigCheckArgs) -> Result<Exit, Failure> {
    let sources = Sources::of_process(args.file, Overlay::default());
    let files = sources.files().unwrap_or_default();
    match Settings::read(sources) {
        Ok(_) => {
            let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
            let files =
                if files.is_empty() { "no file; the defaults".to_owned() } else { files.join(" ") };
            writeln!(io::stdout(), "ok: {}", crate::out::clean(&files))?;
            Ok(Exit::Ok)
        }
        Err(errors) => {
            for error in &errors {
                Failure::from_error(Exit::Usage, error).print();
            }
            Ok(Exit::Usage)
        }
    }
}

#[derive(Deserialize)]
struct Change {
    key: String,
    running: Value,
    wanted: Value,
    origin: String,
    live: bool,
}

/// Shows in what the running agent differs from its sources.
async fn diff(args: ReadArgs) -> Result<Exit, Failure> {
    watch::read(&args, differences).await
}

async fn differences(client: &mut Client, out: &Out) -> Result<Exit, Failure> {
    let value: Value = client.get("/v1/config/diff").await?;
    if out.is_json() {
        out.value_with(&value, "changes")?;
        return Ok(Exit::Ok);
    }
    let changes = value.get("changes").cloned().unwrap_or_default();
    let changes: Vec<Change> =
        serde_json::from_value(changes).map_err(|error| Failure::not_understood(&error))?;
    if changes.is_empty() {
        out.note("nothing would change")?;
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["KEY", "RUNNING", "WANTED", "NEEDS", "ORIGIN"]);
    for Change { key, running, wanted, origin, live } in changes {
        let needs = if live { "reload" } else { "restart" };
        let row = [key, text(&running), text(&wanted), needs.to_owned(), origin];
        table.row(row.map(Into::into));
    }
    out.table(&table)?;
    Ok(Exit::Ok)
}
