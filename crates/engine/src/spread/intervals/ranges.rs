//! A set of sequence numbers.

use std::slice;

/// A set of sequence numbers from 1 up, as inclusive ranges: ascending, disjoint, not adjacent.
///
/// The usual set is one range and takes no heap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranges(Repr);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Repr {
    One((u64, u64)),
    /// None, or two and more.
    Many(Vec<(u64, u64)>),
}

impl Default for Ranges {
    fn default() -> Self {
        Self(Repr::Many(Vec::new()))
    }
}

impl Ranges {
    /// The set of any ranges: those that are reversed are left out, zero is cut off, overlaps
    /// and neighbours are joined.
    pub fn from_unordered(ranges: &[(u64, u64)]) -> Self {
        let ranges = ranges.iter().map(|&(low, high)| (low.max(1), high));
        let mut sorted: Vec<_> = ranges.filter(|(low, high)| low <= high).collect();
        if !sorted.is_sorted() {
            sorted.sort_unstable();
        }
        Self::from_vec(joined(sorted.into_iter()))
    }

    /// The ranges.
    pub fn as_slice(&self) -> &[(u64, u64)] {
        match &self.0 {
            Repr::One(range) => slice::from_ref(range),
            Repr::Many(ranges) => ranges,
        }
    }

    /// True when no number is in it.
    pub fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }

    /// Whether `seq` is in it.
    pub fn contains(&self, seq: u64) -> bool {
        let next = self.as_slice().partition_point(|range| range.1 < seq);
        self.as_slice().get(next).is_some_and(|range| range.0 <= seq)
    }

    /// Adds one number; false if it was there, or is 0.
    pub fn insert(&mut self, seq: u64) -> bool {
        if seq == 0 || self.contains(seq) {
            return false;
        }
        if let Repr::One(range) = &mut self.0 {
            if seq - 1 == range.1 {
                range.1 = seq;
                return true;
            }
            if seq + 1 == range.0 {
                range.0 = seq;
                return true;
            }
        }
        let mut ranges = self.take_vec();
        let next = ranges.partition_point(|range| range.1 < seq);
        let joins_lower = next > 0 && ranges[next - 1].1 == seq - 1;
        let joins_upper = ranges.get(next).is_some_and(|range| range.0 - 1 == seq);
        match (joins_lower, joins_upper) {
            (true, true) => {
                ranges[next - 1].1 = ranges[next].1;
                ranges.remove(next);
            }
            (true, false) => ranges[next - 1].1 = seq,
            (false, true) => ranges[next].0 = seq,
            (false, false) => ranges.insert(next, (seq, seq)),
        }
        *self = Self::from_vec(ranges);
        true
    }

    /// Adds another set; false if nothing of it was new.
    pub fn insert_all(&mut self, other: &Self) -> bool {
        if self.missing(other, 1).is_empty() {
            return false;
        }
        let union = joined(merged(self.as_slice(), other.as_slice()));
        *self = Self::from_vec(union);
        true
    }

    /// What is in `theirs` and not here: the lowest `max` ranges of it, ascending.
    pub fn missing(&self, theirs: &Self, max: usize) -> Vec<(u64, u64)> {
        let ours = self.as_slice();
        let mut found = Vec::new();
        for &(low, high) in theirs.as_slice() {
            let first = ours.partition_point(|range| range.1 < low);
            let end = ours.partition_point(|range| range.0 <= high);
            let overlapping = &ours[first..end];
            let mut from = low;
            for range in overlapping {
                if from < range.0 {
                    found.push((from, range.0 - 1));
                }
                from = range.1.saturating_add(1);
            }
            if overlapping.last().is_none_or(|last| last.1 < high) {
                found.push((from, high));
            }
            if found.len() >= max {
                found.truncate(max);
                break;
            }
        }
        found
    }

    /// Closes the lowest gaps until at most `max` (at least 1) ranges are left: all below the end
    /// of the first range counts as in the set. Returns how many gaps were closed.
    pub fn close_lowest_gaps(&mut self, max: usize) -> usize {
        let excess = self.as_slice().len().saturating_sub(max.max(1));
        if excess == 0 {
            return 0;
        }
        let mut ranges = self.take_vec();
        let leading = usize::from(ranges[0].0 > 1);
        ranges[excess].0 = 1;
        ranges.drain(..excess);
        *self = Self::from_vec(ranges);
        excess + leading
    }

    fn take_vec(&mut self) -> Vec<(u64, u64)> {
        match std::mem::take(self).0 {
            Repr::One(range) => vec![range],
            Repr::Many(ranges) => ranges,
        }
    }

    fn from_vec(ranges: Vec<(u64, u64)>) -> Self {
        match ranges[..] {
            [range] => Self(Repr::One(range)),
            _ => Self(Repr::Many(ranges)),
        }
    }
}

/// Joins overlapping and adjacent ranges of an ascending sequence.
fn joined(sorted: impl Iterator<Item = (u64, u64)>) -> Vec<(u64, u64)> {
    let mut joined: Vec<(u64, u64)> = Vec::new();
    for (low, high) in sorted {
        match joined.last_mut() {
            Some(last) if low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
            _ => joined.push((low, high)),
        }
    }
    joined
}

/// Two ascending sequences as one.
fn merged<'a>(
    mut a: &'a [(u64, u64)],
    mut b: &'a [(u64, u64)],
) -> impl Iterator<Item = (u64, u64)> + 'a {
    std::iter::from_fn(move || {
        let from_a = match (a.first(), b.first()) {
            (Some(in_a), Some(in_b)) => in_a <= in_b,
            (first, _) => first.is_some(),
        };
        let source = if from_a { &mut a } else { &mut b };
        let (&first, rest) = source.split_first()?;
        *source = rest;
        Some(first)
    })
}
