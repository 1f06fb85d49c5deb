//! Which settings: a grid, or some points of it, and the parts into which they are divided.

use super::SearchError;
use bruit_engine::Rng;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::str::FromStr;

/// One key and the values that it takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vary {
    /// The key, such as `topic.fanout`.
    pub key: String,
    /// Its values, as text.
    pub values: Vec<String>,
}

impl FromStr for Vary {
    type Err = SearchError;

    /// `KEY=VALUE,VALUE,…`; `KEY=1..4` stands for 1,2,3,4.
    fn from_str(text: &str) -> Result<Self, SearchError> {
        let bad = |why| SearchError::Vary { given: text.to_owned(), why };
        let (key, values) = text.split_once('=').ok_or_else(|| bad("it has no `=`"))?;
        let (key, values) = (key.trim(), values.trim());
        if key.is_empty() || values.is_empty() {
            return Err(bad("a key or its values are missing"));
        }
        let range = values.split_once("..").and_then(|(first, last)| {
            Some((first.parse::<u32>().ok()?, last.parse::<u32>().ok()?))
        });
        let values: Vec<String> = match range {
            Some((first, last)) if first > last => return Err(bad("it ends before it begins")),
            Some((first, last)) if last - first >= 10_000 => return Err(bad("it is too long")),
            Some((first, last)) => (first..=last).map(|value| value.to_string()).collect(),
            None => values.split(',').map(|value| value.trim().to_owned()).collect(),
        };
        if values.iter().any(String::is_empty) {
            return Err(bad("a value is missing"));
        }
        Ok(Self { key: key.to_owned(), values })
    }
}

/// How many points the grid has.
pub(super) fn size(vary: &[Vary]) -> u128 {
    vary.iter().map(|vary| vary.values.len() as u128).fold(1, u128::saturating_mul)
}

/// The values at one point of the grid; the last key varies fastest.
pub(super) fn point(vary: &[Vary], number: u128) -> Vec<(String, String)> {
    let mut rest = number;
    let mut set: Vec<(String, String)> = Vec::with_capacity(vary.len());
    for vary in vary.iter().rev() {
        let len = vary.values.len() as u128;
        let place = usize::try_from(rest % len).expect("below a length");
        rest /= len;
        set.push((vary.key.clone(), vary.values[place].clone()));
    }
    set.reverse();
    set
}

/// So many different points, drawn with `seed`, in order; all if there are no more.
pub(super) fn draw(vary: &[Vary], count: usize, seed: u64) -> Vec<u128> {
    let size = size(vary);
    if size <= count as u128 {
        return (0..size).collect();
    }
    let mut rng = Rng::from_seed(seed).fork("sweep");
    let bound = u64::try_from(size).unwrap_or(u64::MAX);
    let mut drawn = BTreeSet::new();
    while drawn.len() < count {
        drawn.insert(u128::from(rng.below(bound)));
    }
    drawn.into_iter().collect()
}

/// A part of the points, so that several machines can share them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Which part, from 1.
    pub index: u32,
    /// Of how many.
    pub count: u32,
}

impl Default for Shard {
    fn default() -> Self {
        Self { index: 1, count: 1 }
    }
}

impl Shard {
    /// Whether the point at this place is in it: every count-th.
    pub(super) fn has(self, place: usize) -> bool {
        place % self.count as usize + 1 == self.index as usize
    }
}

impl FromStr for Shard {
    type Err = SearchError;

    fn from_str(text: &str) -> Result<Self, SearchError> {
        let parts = text.split_once('/').and_then(|(index, count)| {
            Some(Self { index: index.parse().ok()?, count: count.parse().ok()? })
        });
        let is_part = |shard: &Self| (1..=shard.count).contains(&shard.index);
        parts.filter(is_part).ok_or_else(|| SearchError::Shard { given: text.to_owned() })
    }
}
