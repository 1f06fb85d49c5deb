//! The network between the nodes: one link for all, and zones with links of their own.

use super::error::Bad;
use super::reader::Reader;
use super::{Scenario, ScenarioError, values};
use crate::Link;
use std::time::Duration;

/// The network between the nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// What connects two nodes, unless their zones have a link of their own.
    pub link: Link,
    /// The zones, in order: the first holds the first nodes. None: there are no zones.
    pub zones: Vec<Zone>,
    /// Links between two zones, or within one.
    pub zone_links: Vec<ZoneLink>,
}

/// Some nodes that are near to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Its name.
    pub name: String,
    /// How many nodes it has.
    pub nodes: u32,
}

/// What connects the nodes of two zones, both ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneLink {
    /// The zones, by their place in [`Network::zones`]; the same twice is within it.
    pub between: (usize, usize),
    /// The link.
    pub link: Link,
}

impl Network {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, ScenarioError> {
        let link = reader.table("network", |reader| read_link(reader, Link::default()))?;
        let link = link.unwrap_or_default();
        let zones = reader.tables("zone", |reader| {
            let name = reader.text("name", |text| Ok(text.to_owned()))?;
            let name = name.ok_or_else(|| reader.missing("name", "name the zone"))?;
            let nodes = reader.count("nodes", 1..=u64::from(Scenario::NODES_MAX))?;
            let nodes = nodes.ok_or_else(|| reader.missing("nodes", "say how many it has"))?;
            Ok(Zone { name, nodes: u32::try_from(nodes).expect("it is in range") })
        })?;
        for (place, zone) in zones.iter().enumerate() {
            if zones[..place].iter().any(|other| other.name == zone.name) {
                let why = format!("there are two zones called `{}`", zone.name);
                return Err(reader.impossible(why, "name each otherwise"));
            }
        }
        let zone_links = reader.tables("zone-link", |reader| {
            let zone = |reader: &mut Reader<'_>, key: &'static str| {
                let found = reader.text(key, |name| zone_named(&zones, name))?;
                found.ok_or_else(|| reader.missing(key, "name one of the zones"))
            };
            let between = (zone(reader, "from")?, zone(reader, "to")?);
            Ok(ZoneLink { between, link: read_link(reader, link)? })
        })?;
        Ok(Self { link, zones, zone_links })
    }

    /// How many nodes there are: what the scenario says, and what its zones have.
    pub(crate) fn nodes(
        &self,
        reader: &Reader<'_>,
        given: Option<u64>,
    ) -> Result<u32, ScenarioError> {
        let sum: u64 = self.zones.iter().map(|zone| u64::from(zone.nodes)).sum();
        let nodes = match (given, sum) {
            (None, 0) => return Err(reader.missing("nodes", "say how many nodes there are")),
            (None, sum) => sum,
            (Some(given), 0) => given,
            (Some(given), sum) if given == sum => sum,
            (Some(given), sum) => {
                let why = format!("there are {given} nodes, and {sum} in all zones");
                return Err(reader.impossible(why, "make them equal, or leave `nodes` out"));
            }
        };
        if nodes > u64::from(Scenario::NODES_MAX) {
            let why = format!("there are {nodes} nodes in all zones");
            return Err(reader.impossible(why, format!("use at most {}", Scenario::NODES_MAX)));
        }
        Ok(u32::try_from(nodes).expect("it is in range"))
    }

    /// The link between two zones.
    pub fn between(&self, one: usize, other: usize) -> Link {
        let is_it = |link: &&ZoneLink| link.between == (one, other) || link.between == (other, one);
        self.zone_links.iter().rev().find(is_it).map_or(self.link, |each| each.link)
    }

    /// The zone of each node, by its place in [`Network::zones`]; none where there are no zones.
    pub fn zone_of_each(&self) -> Vec<usize> {
        let each = self.zones.iter().enumerate();
        each.flat_map(|(place, zone)| std::iter::repeat_n(place, zone.nodes as usize)).collect()
    }
}

/// The zone of that name.
pub(crate) fn zone_named(zones: &[Zone], name: &str) -> Result<usize, Bad> {
    let place = zones.iter().position(|zone| zone.name == name);
    place.ok_or_else(|| {
        let nearest = zones.iter().min_by_key(|zone| strsim::levenshtein(name, &zone.name));
        let remedy = match nearest {
            Some(nearest) => format!("did you mean `{}`?", nearest.name),
            None => "write [[zone]] first".to_owned(),
        };
        Bad::new(format!("there is no zone `{}`", name.escape_debug()), remedy)
    })
}

/// The keys of a link; what is not said is as in `base`.
pub(crate) fn read_link(reader: &mut Reader<'_>, base: Link) -> Result<Link, ScenarioError> {
    let mut link = base;
    if let Some((min, max)) = reader.text("latency", latency)? {
        (link.latency_min, link.latency_max) = (min, max);
    }
    for (key, share) in [
        ("loss", &mut link.loss_ppm),
        ("duplicate", &mut link.duplicate_ppm),
        ("reorder", &mut link.reorder_ppm),
    ] {
        if let Some(ppm) = reader.share(key)? {
            *share = ppm;
        }
    }
    if let Some(time) = reader.duration("reorder-by")? {
        link.reorder_max = time;
    }
    Ok(link)
}

/// `1ms`, or `0.5ms..2ms` for all between with equal probability.
fn latency(text: &str) -> Result<(Duration, Duration), Bad> {
    let (min, max) = text.split_once("..").unwrap_or((text, text));
    let (min, max) = (values::duration(min)?, values::duration(max)?);
    if min > max {
        let remedy = "write the shorter one first";
        return Err(Bad::new(format!("`{text}` ends before it begins"), remedy));
    }
    Ok((min, max))
}
