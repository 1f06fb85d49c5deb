//! Which nodes something happens to.

use super::error::Bad;
use super::network::{Zone, zone_named};
use super::reader::Reader;
use super::tree::Value;
use super::{ScenarioError, values};
use bruit_engine::Rng;

/// Which nodes something happens to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Select {
    /// All.
    All,
    /// So many, drawn at random from the run's seed.
    Count(u32),
    /// These: 0 is the first.
    These(Vec<u32>),
    /// Those of the zone at this place in [`super::Network::zones`].
    Zone(usize),
}

const REMEDY: &str =
    "write a number, a share such as \"30%\", a list such as [0, 4], \"all\" or \"zone NAME\"";

impl Select {
    /// A number, a share, a list of nodes, `all`, or `zone NAME`.
    pub(crate) fn read(
        reader: &mut Reader<'_>,
        key: &'static str,
        (nodes, zones): (u32, &[Zone]),
    ) -> Result<Option<Self>, ScenarioError> {
        reader.get(key, |value| {
            if let Some(number) = value.as_number() {
                let count = u32::try_from(number).ok().filter(|count| (1..=nodes).contains(count));
                let why = || Bad::new(format!("there are {nodes} nodes, not {number}"), REMEDY);
                return count.map(Self::Count).ok_or_else(why);
            }
            if let Some(text) = value.as_text() {
                return Self::of_text(text, nodes, zones);
            }
            let list = value.as_list().ok_or_else(|| value.wrong_kind(REMEDY))?;
            let node = |value: &Value| {
                let node = value.as_number().and_then(|number| u32::try_from(number).ok());
                node.filter(|node| *node < nodes)
            };
            let these: Option<Vec<u32>> = list.iter().map(|each| node(&each.value)).collect();
            let why = || Bad::new(format!("nodes are numbers of 0 to {}", nodes - 1), REMEDY);
            these.filter(|these| !these.is_empty()).map(Self::These).ok_or_else(why)
        })
    }

    fn of_text(text: &str, nodes: u32, zones: &[Zone]) -> Result<Self, Bad> {
        if text == "all" {
            return Ok(Self::All);
        }
        if let Some(name) = text.strip_prefix("zone ") {
            return zone_named(zones, name.trim()).map(Self::Zone);
        }
        let ppm = values::share(text).map_err(|bad| Bad::new(bad.why, REMEDY))?;
        let count = u64::from(nodes) * u64::from(ppm) / 1_000_000;
        match u32::try_from(count).expect("at most all nodes") {
            0 => Err(Bad::new(format!("{text} of {nodes} nodes is none"), REMEDY)),
            count => Ok(Self::Count(count)),
        }
    }

    /// The nodes, in order; those that are drawn at random come from `rng`.
    pub fn pick(&self, rng: &mut Rng, nodes: u32, zone_of_each: &[usize]) -> Vec<u32> {
        let mut picked: Vec<u32> = match self {
            Self::All => (0..nodes).collect(),
            Self::Count(count) => {
                let mut all: Vec<u32> = (0..nodes).collect();
                rng.shuffle(&mut all);
                all.truncate(*count as usize);
                all
            }
            Self::These(these) => these.clone(),
            Self::Zone(zone) => {
                (0..nodes).filter(|node| zone_of_each[*node as usize] == *zone).collect()
            }
        };
        picked.sort_unstable();
        picked.dedup();
        picked
    }
}
