//! What is published.

use super::ScenarioError;
use super::error::Bad;
use super::reader::Reader;
use super::tree::Value;
use super::values::{self, duration_word};
use bruit_model::Item;
use std::time::Duration;

/// What is published: items at a steady rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// How many, 0 to [`Workload::ITEMS_MAX`]. Default 10.
    pub items: u32,
    /// When the first is, after the group has formed. Default at once.
    pub at: Duration,
    /// The time between two. Default 1 s.
    pub every: Duration,
    /// How many bytes each carries. Default 128.
    pub payload_bytes: usize,
    /// Who publishes.
    pub origins: Origins,
    /// By when a node should have an item; a later copy is late. Default: there is no such time.
    pub within: Option<Duration>,
}

/// Who publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origins {
    /// A node drawn at random for each item, among those that run.
    Random,
    /// So many nodes drawn at random, by turns; one that does not run is passed over.
    Count(u32),
}

impl Workload {
    /// The most items of a run. Guess: a node holds 10,000 at once by default.
    pub const ITEMS_MAX: u32 = 100_000;

    pub(crate) fn read(
        reader: &mut Reader<'_>,
        duration: Duration,
        nodes: u32,
    ) -> Result<Self, ScenarioError> {
        let workload = reader.table("workload", |reader| {
            let default = Self::default();
            let items = reader.count("items", 0..=u64::from(Self::ITEMS_MAX))?;
            let items = items.map(|items| u32::try_from(items).expect("it is in range"));
            let at = reader.duration("at")?.unwrap_or(default.at);
            let every = reader.text("rate", values::rate)?.unwrap_or(default.every);
            let payload_bytes = reader.get("payload", payload)?.unwrap_or(default.payload_bytes);
            let origins = reader.get("origins", |value| origins(value, nodes))?;
            let origins = origins.unwrap_or(default.origins);
            let items = items.unwrap_or(default.items);
            let within = reader.duration("within")?;
            Ok(Self { items, at, every, payload_bytes, origins, within })
        })?;
        let workload = workload.unwrap_or_default();
        let steps = workload.items.saturating_sub(1);
        let last = workload.every.checked_mul(steps).and_then(|time| time.checked_add(workload.at));
        if workload.items > 0 && last.is_none_or(|last| last >= duration) {
            let why = format!(
                "{} items, one each {}, do not fit into {}",
                workload.items,
                duration_word(workload.every),
                duration_word(duration)
            );
            return Err(reader.impossible(why, "publish fewer or faster, or run for longer"));
        }
        Ok(workload)
    }
}

impl Default for Workload {
    fn default() -> Self {
        Self {
            items: 10,
            at: Duration::ZERO,
            every: Duration::from_secs(1),
            payload_bytes: 128,
            origins: Origins::Random,
            within: None,
        }
    }
}

fn payload(value: &Value) -> Result<usize, Bad> {
    let bytes = match (value.as_number(), value.as_text()) {
        (Some(number), _) => u64::try_from(number).unwrap_or(u64::MAX),
        (None, Some(text)) => values::bytes(text)?,
        (None, None) => return Err(value.wrong_kind("write 128 or \"4KiB\"")),
    };
    let fits = usize::try_from(bytes).ok().filter(|bytes| *bytes <= Item::PAYLOAD_BYTES_MAX);
    let remedy = format!("write at most {} bytes", Item::PAYLOAD_BYTES_MAX);
    fits.ok_or_else(|| Bad::new("an item cannot carry that", remedy))
}

fn origins(value: &Value, nodes: u32) -> Result<Origins, Bad> {
    let remedy = format!("write \"random\" or a number of 1 to {nodes}");
    if value.as_text() == Some("random") {
        return Ok(Origins::Random);
    }
    let Some(number) = value.as_number() else { return Err(value.wrong_kind(remedy)) };
    let count = u32::try_from(number).ok().filter(|count| (1..=nodes).contains(count));
    let why = || Bad::new(format!("there are {nodes} nodes, not {number}"), remedy);
    count.map(Origins::Count).ok_or_else(why)
}
