//! The network between the nodes: one link for all, and zones with links of their own.

use super::error::Bad;
use super::reader::Reader;
use super::{Scale, ScenarioError, values};
use crate::{Latency, Link, LinkError, Loss, Quantiles};
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
            let nodes = reader.count("nodes", 1..=u64::from(Scale::Nodes.nodes_max()))?;
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
        let most = u64::from(Scale::Nodes.nodes_max());
        if !self.zones.is_empty() && nodes > most {
            let why = format!("there are {nodes} nodes in all zones");
            return Err(reader.impossible(why, format!("use at most {most}")));
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
    if let Some(latency) = reader.text("latency", latency)? {
        link.latency = latency;
    }
    if let Some(bytes) = reader.text("bandwidth", values::bandwidth)? {
        link.bandwidth = Some(bytes);
    }
    if let Some(bytes) = reader.text("queue", values::bytes)? {
        let why = || Bad::new("it is too long a queue", "write at most 4095MiB");
        link.queue_bytes_max = u32::try_from(bytes).map_err(|_| reader.bad("queue", why()))?;
    }
    if let Some(loss) = reader.text("loss", loss)? {
        link.loss = loss;
    }
    for (key, share) in [("duplicate", &mut link.duplicate_ppm), ("reorder", &mut link.reorder_ppm)]
    {
        if let Some(ppm) = reader.share(key)? {
            *share = ppm;
        }
    }
    if let Some(time) = reader.duration("reorder-by")? {
        link.reorder_max = time;
    }
    let refused = |error: LinkError| reader.impossible(error.to_string(), "write another value");
    link.validate().map_err(refused)?;
    Ok(link)
}

const LATENCY: &str = "write 1ms, 0.5ms..2ms, `lognormal MEDIAN P99`, `exponential MIN MEAN`, or \
                       `quantiles 0%:1ms 50%:2ms 100%:9ms`";

/// `1ms`; `0.5ms..2ms`, all between equally probable; `lognormal 20ms 80ms`, median and 99 %;
/// `exponential 1ms 5ms`, least and mean; `quantiles 0%:1ms 50%:2ms 100%:9ms`, measured.
fn latency(text: &str) -> Result<Latency, Bad> {
    let no = |bad: Bad| Bad::new(bad.why, LATENCY);
    let words: Vec<&str> = text.split_whitespace().collect();
    let time = |text: &str| values::duration(text).map_err(no);
    let found = match words.as_slice() {
        ["lognormal", median, p99] => Latency::LogNormal { median: time(median)?, p99: time(p99)? },
        ["exponential", min, mean] => Latency::Exponential { min: time(min)?, mean: time(mean)? },
        ["quantiles", points @ ..] => {
            let point = |text: &&str| {
                let (share, delay) = text
                    .split_once(':')
                    .ok_or_else(|| Bad::new(format!("`{text}` is no point"), LATENCY))?;
                Ok((values::share(share).map_err(no)?, time(delay)?))
            };
            let points: Vec<(u32, Duration)> =
                points.iter().map(point).collect::<Result<_, _>>()?;
            let bad = |error: LinkError| Bad::new(error.to_string(), LATENCY);
            Latency::Quantiles(Quantiles::new(&points).map_err(bad)?)
        }
        [range] => match range.split_once("..") {
            None => Latency::Constant(time(range)?),
            Some((min, max)) => Latency::Uniform { min: time(min)?, max: time(max)? },
        },
        _ => return Err(Bad::new(format!("`{text}` is no latency"), LATENCY)),
    };
    found.validate().map_err(|error| Bad::new(error.to_string(), LATENCY))?;
    Ok(found)
}

/// `1%`, each datagram by itself; `1% in bursts of 10`, so many in a row on average.
fn loss(text: &str) -> Result<Loss, Bad> {
    const REMEDY: &str = "write 1%, or `1% in bursts of 10`";
    let found = match text.split_once(" in bursts of ") {
        None => Loss::Random { ppm: values::share(text)? },
        Some((share, mean)) => {
            let burst_mean = mean.trim().parse();
            let burst_mean =
                burst_mean.map_err(|_| Bad::new(format!("`{mean}` is no number"), REMEDY))?;
            Loss::Bursty { ppm: values::share(share)?, burst_mean }
        }
    };
    found.validate().map_err(|error| Bad::new(error.to_string(), REMEDY))?;
    Ok(found)
}
