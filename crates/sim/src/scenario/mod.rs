//! What is simulated: a scenario, read from TOML.
//!
//! ```toml
//! title = "A partition that heals"
//! nodes = 30
//! duration = "60s"
//!
//! [topic]
//! style = "push"
//! fanout = 4
//!
//! [network]
//! latency = "0.5ms..2ms"
//! loss = "1%"
//!
//! [workload]
//! items = 20
//! rate = "1/s"
//!
//! [[fault]]
//! kind = "partition"
//! at = "10s"
//! for = "20s"
//! nodes = "30%"
//! ```
//!
//! `docs/simulator.md` has every key. A key that does not exist is an error that names the nearest
//! one; so are values out of range, and values that contradict each other. Everything random in a
//! run follows from (scenario, seed).

mod engine;
mod error;
mod fault;
mod library;
mod network;
mod protocol;
mod reader;
mod select;
#[cfg(test)]
mod tests;
mod tree;
mod values;
mod workload;

pub use engine::Scale;
pub use error::ScenarioError;
pub use fault::{Fault, FaultKind, State};
pub use library::{LIBRARY, Story};
pub use network::{Network, Zone, ZoneLink};
pub use protocol::{Protocol, parse_profile};
pub use select::Select;
pub use values::{duration_word, parse_share, share_word};
pub use workload::{Origins, Workload};

use crate::Link;
use reader::Reader;
use std::time::Duration;

/// What is simulated. See the module's documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// What it is about, in a line.
    pub title: String,
    /// At which scale. Default: nodes.
    pub scale: Scale,
    /// How many nodes, 1 to [`Scale::nodes_max`].
    pub nodes: u32,
    /// How long the group may take to form, in virtual time. Default 5 minutes (guess). Until it
    /// has formed, links lose nothing and nothing else happens.
    pub settle: Duration,
    /// How long the run takes from then on, in virtual time, 1 ms to 720 h.
    pub duration: Duration,
    /// The first seed. Default 1.
    pub seed: u64,
    /// How many seeds, one after the other, 1 to [`Scenario::SEEDS_MAX`]. Default 1.
    pub seeds: u32,
    /// The settings of the protocol.
    pub protocol: Protocol,
    /// The network between the nodes.
    pub network: Network,
    /// What is published.
    pub workload: Workload,
    /// What goes wrong, in the order of the text.
    pub faults: Vec<Fault>,
}

impl Scenario {
    /// The most seeds of one run. Guess.
    pub const SEEDS_MAX: u32 = 100_000;
    /// The most faults, each perhaps repeated. Guess.
    pub const FAULTS_MAX: usize = 256;

    /// Takes a text apart. `name` is the file's, for errors; `set` lays values over it, by keys
    /// such as `network.loss` and `fault.0.at`, in this order.
    ///
    /// # Errors
    /// [`ScenarioError`], which names place, cause and remedy.
    pub fn parse(text: &str, name: &str, set: &[(String, String)]) -> Result<Self, ScenarioError> {
        let mut table = tree::parse(text, name)?;
        for (key, value) in set {
            tree::set(&mut table, key, value)?;
        }
        let mut reader = Reader::whole(&table, name);
        let scenario = Self::read(&mut reader, name)?;
        reader.finish()?;
        Ok(scenario)
    }

    fn read(reader: &mut Reader<'_>, name: &str) -> Result<Self, ScenarioError> {
        let title = reader.text("title", |text| Ok(text.to_owned()))?;
        let scale = Scale::read(reader)?;
        let nodes = scale.count(reader)?;
        let settle = reader.duration("settle")?.unwrap_or(Duration::from_secs(300));
        let duration = reader.duration("duration")?.unwrap_or(Duration::from_secs(60));
        if duration < Duration::from_millis(1) {
            let remedy = "write 1ms or more";
            return Err(reader.bad("duration", error::Bad::new("nothing can happen in it", remedy)));
        }
        // What TOML can write.
        let seed = reader.count("seed", 0..=i64::MAX.unsigned_abs())?.unwrap_or(1);
        let seeds = reader.count("seeds", 1..=u64::from(Self::SEEDS_MAX))?.unwrap_or(1);
        let protocol = Protocol::read(reader)?;
        let network = Network::read(reader)?;
        let nodes = network.nodes(reader, nodes)?;
        let workload = Workload::read(reader, duration, nodes)?;
        let zones = &network.zones;
        let faults =
            reader.tables("fault", |reader| Fault::read(reader, duration, nodes, zones))?;
        if faults.len() > Self::FAULTS_MAX {
            let why = format!("there are {} faults", faults.len());
            return Err(reader.impossible(why, format!("write at most {}", Self::FAULTS_MAX)));
        }
        let mut scenario = Self {
            title: title.unwrap_or_else(|| name.to_owned()),
            nodes,
            settle,
            duration,
            seed,
            seeds: u32::try_from(seeds).expect("it is in range"),
            protocol,
            network,
            workload,
            faults,
            scale,
        };
        if scale == Scale::Engine {
            engine::check(reader, &scenario)?;
            scenario.protocol.topic.repair = false;
        }
        Ok(scenario)
    }

    /// The link between two nodes of the same zone, or of any where there are none.
    pub fn link(&self) -> Link {
        self.network.link
    }
}
