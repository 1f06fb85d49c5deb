//! The two scales, and what a scenario can ask of the larger one.

use super::error::Bad;
use super::reader::Reader;
use super::tree::Value;
use super::{FaultKind, Scenario, ScenarioError};
use crate::{Latency, Loss};
use serde::{Deserialize, Serialize};

/// At which scale a scenario is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Native nodes that speak bytes over a [`crate::Net`].
    #[default]
    Nodes,
    /// The rumor engine alone, with typed messages, in a [`crate::universe`]: for groups whose
    /// nodes cannot each know all others.
    Engine,
}

impl Scale {
    /// The most nodes. At node scale each knows each other one, so that memory grows with the
    /// square; at engine scale a node takes up to 2 KiB. Guess.
    pub const fn nodes_max(self) -> u32 {
        match self {
            Self::Nodes => 10_000,
            Self::Engine => 10_000_000,
        }
    }

    /// As a scenario has it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nodes => "nodes",
            Self::Engine => "engine",
        }
    }

    /// The scale of that word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Nodes, Self::Engine].into_iter().find(|scale| scale.word() == word)
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, ScenarioError> {
        let scale = reader.text("scale", |text| {
            let why = || format!("`{}` is no scale", text.escape_debug());
            Self::parse(text).ok_or_else(|| Bad::new(why(), "write nodes or engine"))
        })?;
        Ok(scale.unwrap_or_default())
    }

    /// How many nodes the scenario says there are.
    pub(super) fn count(self, reader: &mut Reader<'_>) -> Result<Option<u64>, ScenarioError> {
        let most = self.nodes_max();
        let remedy = match self {
            Self::Nodes => format!(
                "write a number of 1 to {most}, or scale = \"engine\" for up to {}",
                Self::Engine.nodes_max()
            ),
            Self::Engine => format!("write a number of 1 to {most}"),
        };
        reader.get("nodes", |value| {
            let Some(number) = value.as_number() else { return Err(value.wrong_kind(remedy)) };
            let found = u64::try_from(number).ok().filter(|n| (1..=u64::from(most)).contains(n));
            found.ok_or_else(|| Bad::new(format!("it is {number}"), remedy))
        })
    }
}

/// The most items of a run: each has its own coverage. Guess.
const ITEMS_MAX: u32 = 1_000;
/// The most pairs of an item and a node: each takes a byte. Guess: a gigabyte.
const PAIRS_MAX: u64 = 1_000_000_000;

/// Keys that mean nothing where there is an engine only, and why.
const FOREIGN: [(&str, &str); 12] = [
    ("settle", "nodes know each other from the beginning"),
    ("node", "there are no probes, and no datagrams"),
    ("zone", "all nodes are equally far from each other"),
    ("zone-link", "all nodes are equally far from each other"),
    ("network.bandwidth", "messages have no bytes"),
    ("network.queue", "messages have no bytes"),
    ("network.duplicate", "no message comes twice"),
    ("network.reorder", "messages overtake each other as their latencies have it"),
    ("network.reorder-by", "messages overtake each other as their latencies have it"),
    ("topic.retain-items", "nothing is kept for repair"),
    ("topic.retain-ms", "nothing is kept for repair"),
    ("workload.payload", "messages have no bytes"),
];

/// Refuses what engine scale cannot do.
pub(super) fn check(reader: &Reader<'_>, scenario: &Scenario) -> Result<(), ScenarioError> {
    for (key, why) in FOREIGN {
        refuse_if_given(reader, key, why)?;
    }
    if reader.at("topic.repair").is_some_and(|entry| matches!(entry.value, Value::Switch(true))) {
        refuse_if_given(reader, "topic.repair", "there is no anti-entropy")?;
    }
    if !matches!(scenario.network.link.latency, Latency::Constant(_) | Latency::Uniform { .. }) {
        let why = "latencies are constant, or equally probable between two";
        refuse_if_given(reader, "network.latency", why)?;
    }
    if !matches!(scenario.network.link.loss, Loss::Random { .. }) {
        refuse_if_given(reader, "network.loss", "each message is lost by itself")?;
    }
    for (place, fault) in scenario.faults.iter().enumerate() {
        if !matches!(fault.kind, FaultKind::Crash { .. }) {
            let key = format!("fault.{place}.kind");
            refuse_if_given(reader, &key, "the only fault is `crash`")?;
        }
        for key in ["for", "state"] {
            let key = format!("fault.{place}.{key}");
            refuse_if_given(reader, &key, "a node that crashes stays down")?;
        }
    }
    let items = scenario.workload.items;
    let pairs = u64::from(items) * u64::from(scenario.nodes);
    if items > ITEMS_MAX || pairs > PAIRS_MAX {
        let why = format!("{items} items at {} nodes are too many to follow", scenario.nodes);
        let remedy =
            format!("publish at most {ITEMS_MAX}, and {PAIRS_MAX} divided by the number of nodes");
        return Err(reader.impossible(why, remedy));
    }
    Ok(())
}

fn refuse_if_given(reader: &Reader<'_>, key: &str, why: &str) -> Result<(), ScenarioError> {
    let Some(entry) = reader.at(key) else { return Ok(()) };
    Err(ScenarioError::BadValue {
        place: entry.place.clone(),
        key: key.to_owned(),
        why: format!("at engine scale {why}"),
        remedy: "leave it out, or use scale = \"nodes\"".to_owned(),
    })
}
