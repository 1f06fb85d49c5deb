//! A sweep: which points it has, the file of its results, and how such files become one.
//!
//! A file has a line of JSON for what the sweep is, and one for each point that is done, in any
//! order. A line that was cut short, as by a kill, counts as not written.

use super::vary::{draw, point, size};
use super::{SearchError, Shard, Vary};
use crate::measure::{METRICS, Summary, VERSION};
use crate::scenario::Scenario;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most points of one sweep. Guess.
const POINTS_MAX: usize = 1_000_000;

/// A sweep.
#[derive(Clone, Debug)]
pub struct Sweep {
    text: String,
    name: String,
    set: Vec<(String, String)>,
    header: Header,
    /// The points of this part, by their number in the whole grid.
    points: Vec<u64>,
}

/// What a sweep is: equal for all its parts, but for the part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version that runs it.
    pub version: String,
    /// The scenario, with what is laid over it: its text's fingerprint.
    pub scenario: String,
    /// What is varied.
    pub vary: Vec<Vary>,
    /// How many points are drawn of the grid; `None` is all.
    pub random: Option<usize>,
    /// The first seed of each point.
    pub seed: u64,
    /// How many seeds each point has.
    pub seeds: u32,
    /// Which part this is.
    pub shard: Shard,
}

/// What one point came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Its number in the grid.
    pub point: u64,
    /// What was set.
    pub set: Vec<(String, String)>,
    /// The metrics over its seeds; `None` if it could not be run.
    pub summary: Option<Summary>,
    /// Why it could not be run.
    pub error: Option<String>,
    /// The trace hashes, by seed.
    pub hashes: Vec<String>,
}

impl Sweep {
    /// A sweep over a scenario's text. Every one of its points must be a scenario.
    ///
    /// # Errors
    /// [`SearchError`].
    pub fn new(
        (text, name): (&str, &str),
        set: &[(String, String)],
        vary: Vec<Vary>,
        random: Option<usize>,
        shard: Shard,
    ) -> Result<Self, SearchError> {
        let scenario = Scenario::parse(text, name, set)?;
        let given = random.map_or(size(&vary), |count| size(&vary).min(count as u128));
        if given > POINTS_MAX as u128 {
            return Err(SearchError::TooMany { given, limit: POINTS_MAX });
        }
        let count = usize::try_from(given).expect("at most the limit");
        let all = draw(&vary, random.unwrap_or(count), scenario.seed);
        let fits = |point: u128| u64::try_from(point).expect("drawn below 2⁶⁴");
        let points = all.into_iter().enumerate().filter(|(place, _)| shard.has(*place));
        let points = points.map(|(_, point)| fits(point)).collect();
        let header = Header {
            version: VERSION.to_owned(),
            scenario: fingerprint(text, set),
            vary,
            random,
            seed: scenario.seed,
            seeds: scenario.seeds,
            shard,
        };
        let (text, name) = (text.to_owned(), name.to_owned());
        let sweep = Self { text, name, set: set.to_vec(), header, points };
        sweep.points.iter().try_for_each(|point| sweep.scenario(*point).map(drop))?;
        Ok(sweep)
    }

    /// What it is.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The points of this part, in order.
    pub fn points(&self) -> &[u64] {
        &self.points
    }

    /// What is set at a point.
    pub fn set(&self, number: u64) -> Vec<(String, String)> {
        point(&self.header.vary, number.into())
    }

    /// The scenario at a point.
    ///
    /// # Errors
    /// A value cannot be used there.
    pub fn scenario(&self, number: u64) -> Result<Scenario, SearchError> {
        let mut set = self.set.clone();
        set.extend(self.set(number));
        Ok(Scenario::parse(&self.text, &self.name, &set)?)
    }

    /// What an earlier run of this very sweep has done, from the text of its file.
    ///
    /// # Errors
    /// The file is of something else.
    pub fn resume(&self, text: &str) -> Result<SweepFile, SearchError> {
        let file = SweepFile::parse(text)?;
        file.is_of(&self.header)?;
        Ok(file)
    }
}

/// The text and what is laid over it, as one number: FNV-1a (Fowler, Noll, Vo), 64 bits.
fn fingerprint(text: &str, set: &[(String, String)]) -> String {
    let over = set.iter().flat_map(|(key, value)| [key.as_str(), "\0", value.as_str(), "\0"]);
    let bytes = std::iter::once(text).chain(over).flat_map(str::bytes);
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

/// A file of results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepFile {
    /// What it is of.
    pub header: Header,
    /// What is done, by point.
    pub rows: BTreeMap<u64, Row>,
    /// How many bytes of the text are whole lines; what is behind was cut short.
    pub whole_bytes: usize,
}

impl SweepFile {
    /// Takes a file's text apart.
    ///
    /// # Errors
    /// A whole line is not what it should be.
    pub fn parse(text: &str) -> Result<Self, SearchError> {
        let whole_bytes = text.rfind('\n').map_or(0, |end| end + 1);
        let mut lines = text[..whole_bytes].lines().enumerate();
        let bad = |line: usize, why: String| SearchError::NotResults { line: line + 1, why };
        let (_, first) = lines.next().ok_or_else(|| bad(0, "it is empty".to_owned()))?;
        let header: Header =
            serde_json::from_str(first).map_err(|error| bad(0, error.to_string()))?;
        if header.version != VERSION {
            return Err(SearchError::Version { theirs: header.version, ours: VERSION });
        }
        let mut rows = BTreeMap::new();
        for (number, line) in lines {
            let row: Row =
                serde_json::from_str(line).map_err(|error| bad(number, error.to_string()))?;
            rows.insert(row.point, row);
        }
        Ok(Self { header, rows, whole_bytes })
    }

    fn is_of(&self, header: &Header) -> Result<(), SearchError> {
        let ours = &self.header;
        let differs = |what| Err(SearchError::Another { what });
        if ours.scenario != header.scenario {
            return differs("the scenario");
        }
        if ours.vary != header.vary || ours.random != header.random {
            return differs("what is varied");
        }
        if (ours.seed, ours.seeds) != (header.seed, header.seeds) {
            return differs("the seeds");
        }
        if ours.shard != header.shard {
            return differs("the part");
        }
        Ok(())
    }
}

/// All rows of several files of one sweep, and how many points of the whole are missing.
///
/// # Errors
/// A file is of another sweep.
pub fn merge(files: &[SweepFile]) -> Result<(Vec<Row>, u64), SearchError> {
    let mut rows = BTreeMap::new();
    let mut missing = 0;
    let Some(first) = files.first() else { return Ok((Vec::new(), 0)) };
    for file in files {
        let shard = file.header.shard;
        file.is_of(&Header { shard, ..first.header.clone() })?;
        rows.extend(file.rows.iter().map(|(point, row)| (*point, row.clone())));
    }
    let whole = size(&first.header.vary);
    let whole = first.header.random.map_or(whole, |count| whole.min(count as u128));
    missing += u64::try_from(whole).unwrap_or(u64::MAX).saturating_sub(rows.len() as u64);
    Ok((rows.into_values().collect(), missing))
}

impl Row {
    /// The head of a table of rows, for CSV: what is set, and the metrics.
    pub fn head(vary: &[Vary]) -> Vec<String> {
        let keys = vary.iter().map(|vary| vary.key.clone());
        let metrics = METRICS.iter().map(|metric| metric.name.to_owned());
        let rest = ["runs", "error"].map(str::to_owned);
        std::iter::once("point".to_owned()).chain(keys).chain(metrics).chain(rest).collect()
    }

    /// The row under [`Row::head`].
    pub fn cells(&self) -> Vec<String> {
        let empty = Summary::default();
        let summary = self.summary.as_ref().unwrap_or(&empty);
        let number = |value: Option<i64>| value.map(|value| value.to_string()).unwrap_or_default();
        let values = METRICS.iter().map(|metric| number(summary.get(metric.name)));
        let set = self.set.iter().map(|(_, value)| value.clone());
        let rest = [summary.runs.to_string(), self.error.clone().unwrap_or_default()];
        std::iter::once(self.point.to_string()).chain(set).chain(values).chain(rest).collect()
    }
}
