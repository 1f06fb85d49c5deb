//! `bruit sim ls` and `bruit sim show`: the scenarios that come with the program.

use crate::args::{SimLsArgs, SimShowArgs};
use crate::exit::{Exit, Failure};
use crate::out::{Out, Table};
use bruit_sim::scenario::{LIBRARY, Scenario, duration_word};
use serde_json::json;
use std::io::{self, Write as _};

/// Lists them.
pub(super) fn ls(args: &SimLsArgs) -> Result<Exit, Failure> {
    let out = Out::new(&args.output);
    let mut table = Table::new(&["NAME", "NODES", "DURATION", "ABOUT"]);
    let mut rows = Vec::new();
    for story in &LIBRARY {
        let scenario = Scenario::parse(story.text, story.name, &[])
            .map_err(|error| Failure::from_error(Exit::Failed, &error))?;
        let duration = duration_word(scenario.duration);
        rows.push(json!({
            "name": story.name, "nodes": scenario.nodes, "duration": duration,
            "title": scenario.title,
        }));
        let nodes = scenario.nodes.to_string();
        table.row([story.name.into(), nodes.into(), duration.into(), scenario.title.into()]);
    }
    if out.is_json() {
        out.value(&rows.into())?
    } else {
        out.table(&table)?
    }
    Ok(Exit::Ok)
}

/// Prints one.
pub(super) fn show(args: &SimShowArgs) -> Result<Exit, Failure> {
    let story = LIBRARY.iter().find(|story| story.name == args.name).ok_or_else(|| {
        Failure::new(Exit::NotFound, format!("no scenario `{}` comes with the program", args.name))
            .hint("`bruit sim ls` lists them")
    })?;
    io::stdout().write_all(story.text.as_bytes())?;
    Ok(Exit::Ok)
}
