//! What the commands share that follow the agent's stream of changes.

use crate::client::{Named, Snapshot, Told};
use crate::exit::Failure;
use crate::out;
use serde::Deserialize as _;
use serde_json::Value;
use std::collections::BTreeMap;

/// Members' names by their ids.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<String, String>);

impl Names {
    /// Takes those of a snapshot.
    pub(super) fn learn_all(&mut self, snapshot: &Value) -> Result<(), Failure> {
        let snapshot =
            Snapshot::deserialize(snapshot).map_err(|error| Failure::not_understood(&error))?;
        snapshot.members.into_iter().for_each(|named| self.learn(named));
        Ok(())
    }

    /// Takes one.
    pub(super) fn learn(&mut self, named: Named) {
        self.0.insert(named.id, named.name);
    }

    /// The name of the member with this id.
    pub(super) fn of(&self, id: &str) -> Option<&str> {
        self.0.get(id).map(String::as_str)
    }
}

/// Says that the stream broke, went on, or has a gap; `what` are the things that it tells of.
pub(super) fn say_break(told: &Told, what: &str) {
    match told {
        Told::Gap { missed: Some(missed) } => {
            out::tell(&format!("warning: changes came too fast, and {missed} are not shown"));
        }
        Told::Gap { missed: None } => out::tell(&format!(
            "warning: {what} of while there was no connection are not shown: the agent no longer \
             has them in order"
        )),
        Told::Lost(why) => out::tell(&format!("warning: {why}; trying again")),
        Told::Back => out::tell("connected again"),
        Told::Snapshot(_) | Told::Change(_) => {}
    }
}
