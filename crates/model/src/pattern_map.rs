//! Finds, among many patterns, those that select a path.
//!
//! A trie over the segments of patterns. A match walks each branch at most once, with the *set*
//! of places in the path at which the pattern so far may end; that is the usual simulation of a
//! nondeterministic automaton, bit-parallel over places. So `**` costs no backtracking, and no
//! choice of patterns and path is exponential: time is linear in the branches that the path can
//! reach, times one operation on a set.
//!
//! ```text
//!   places reached by P        in a path of n segments s[0] .. s[n-1]; at the root P = {0}
//!   literal x                  { i + 1 : i in P, s[i] = x }
//!   *                          { i + 1 : i in P, i < n }
//!   **                         { j : some i in P, i <= j <= n }
//!   the pattern selects it     n in P at its last segment
//! ```

use crate::{Path, Pattern};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Values by pattern, to be found by path.
#[derive(Clone)]
pub struct PatternMap<T> {
    root: Branch<T>,
    len: usize,
}

/// What follows one beginning of patterns.
#[derive(Clone)]
struct Branch<T> {
    /// Values of the pattern that ends here, in the order in which they came.
    values: Vec<T>,
    any_number: Option<Box<Branch<T>>>,
    any_one: Option<Box<Branch<T>>>,
    literal: BTreeMap<Arc<str>, Branch<T>>,
}

impl<T> Default for PatternMap<T> {
    fn default() -> Self {
        Self { root: Branch::default(), len: 0 }
    }
}

impl<T> Default for Branch<T> {
    fn default() -> Self {
        Self { values: Vec::new(), any_number: None, any_one: None, literal: BTreeMap::new() }
    }
}

impl<T> PatternMap<T> {
    /// How many values are in it.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is in it.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds `value` under `pattern`. A value that is added twice is there twice.
    pub fn insert(&mut self, pattern: &Pattern, value: T) {
        let mut branch = &mut self.root;
        for segment in pattern.as_str().split('/') {
            branch = match segment {
                "**" => branch.any_number.get_or_insert_default(),
                "*" => branch.any_one.get_or_insert_default(),
                literal => branch.literal.entry(literal.into()).or_default(),
            };
        }
        branch.values.push(value);
        self.len += 1;
    }

    /// Gives every value whose pattern selects `path` to `visit`, once for each time it was
    /// added, however many ways the pattern matches. The order depends on the patterns only: as
    /// in a walk of the trie, with `**` before `*` before other segments; values of one pattern
    /// come in the order in which they were added.
    pub fn matches(&self, path: &Path, visit: &mut dyn FnMut(&T)) {
        if self.len > 0 {
            self.root.visit(&Segments::of(path), Places::START, visit);
        }
    }
}

impl<T: PartialEq> PatternMap<T> {
    /// Removes the first value under `pattern` that equals `value`; whether there was one.
    /// Branches that are left empty go too.
    pub fn remove(&mut self, pattern: &Pattern, value: &T) -> bool {
        let segments: Vec<&str> = pattern.as_str().split('/').collect();
        let removed = self.root.remove(&segments, value);
        self.len -= usize::from(removed);
        removed
    }
}

impl<T> fmt::Debug for PatternMap<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PatternMap").field("len", &self.len).finish_non_exhaustive()
    }
}

impl<T> Branch<T> {
    fn is_empty(&self) -> bool {
        self.values.is_empty()
            && self.any_number.is_none()
            && self.any_one.is_none()
            && self.literal.is_empty()
    }

    /// Recursion is as deep as a pattern has segments, at most [`Pattern::BYTES_MAX`] / 2.
    fn visit(&self, segments: &Segments<'_>, places: Places, visit: &mut dyn FnMut(&T)) {
        if places.has(segments.count) {
            self.values.iter().for_each(&mut *visit);
        }
        if let Some(branch) = &self.any_number {
            branch.visit(segments, places.and_later(segments.count), visit);
        }
        let Some(next) = places.next(segments.count) else { return };
        if let Some(branch) = &self.any_one {
            branch.visit(segments, next, visit);
        }
        if self.literal.is_empty() {
            return;
        }
        for (segment, ends) in &segments.ends {
            if let Some(reached) = next.common(ends)
                && let Some(branch) = self.literal.get(*segment)
            {
                branch.visit(segments, reached, visit);
            }
        }
    }
}

impl<T: PartialEq> Branch<T> {
    fn remove(&mut self, segments: &[&str], value: &T) -> bool {
        let Some((first, rest)) = segments.split_first() else {
            let found = self.values.iter().position(|held| held == value);
            return found.map(|index| self.values.remove(index)).is_some();
        };
        let star = match *first {
            "**" => &mut self.any_number,
            "*" => &mut self.any_one,
            literal => {
                let Some(branch) = self.literal.get_mut(literal) else { return false };
                let removed = branch.remove(rest, value);
                if branch.is_empty() {
                    self.literal.remove(literal);
                }
                return removed;
            }
        };
        let Some(branch) = star else { return false };
        let removed = branch.remove(rest, value);
        if branch.is_empty() {
            *star = None;
        }
        removed
    }
}

/// A path, with the places after each of its segments.
struct Segments<'a> {
    /// How many there are.
    count: usize,
    /// The different segments in order, each with the places that follow one of its occurrences.
    ends: Vec<(&'a str, Places)>,
}

impl<'a> Segments<'a> {
    fn of(path: &'a Path) -> Self {
        let mut found: Vec<(&str, usize)> = path.as_str().split('/').zip(1..).collect();
        found.sort_unstable();
        let ends = found.chunk_by(|(a, _), (b, _)| a == b).map(|same| {
            let mut ends = Places::default();
            same.iter().for_each(|&(_, end)| ends.add(end));
            (same[0].0, ends)
        });
        Self { count: found.len(), ends: ends.collect() }
    }
}

/// A set of places in a path: place `i` is after `i` segments.
#[derive(Clone, Copy, Default)]
struct Places([u64; Places::WORDS]);

impl Places {
    /// Segments are at least a letter and a slash, so that the longest path has 512, and 513
    /// places.
    const WORDS: usize = (Path::BYTES_MAX.div_ceil(2) + 1).div_ceil(64);

    /// Before the first segment.
    const START: Self = {
        let mut words = [0; Self::WORDS];
        words[0] = 1;
        Self(words)
    };

    fn has(&self, place: usize) -> bool {
        self.0[place / 64] & (1 << (place % 64)) != 0
    }

    fn add(&mut self, place: usize) {
        self.0[place / 64] |= 1 << (place % 64);
    }

    /// The places one further, up to `last`; none if there are none.
    fn next(&self, last: usize) -> Option<Self> {
        let mut next = [0; Self::WORDS];
        let mut carry = 0;
        for (word, held) in next.iter_mut().zip(self.0) {
            *word = held << 1 | carry;
            carry = held >> 63;
        }
        Self(next).common(&Self::up_to(last))
    }

    /// From the first of the places up to `last`, all.
    fn and_later(&self, last: usize) -> Self {
        let mut later = [0; Self::WORDS];
        let mut is_after = false;
        for (word, held) in later.iter_mut().zip(self.0) {
            *word = match (is_after, held) {
                (true, _) => u64::MAX,
                (false, 0) => 0,
                (false, held) => u64::MAX << held.trailing_zeros(),
            };
            is_after |= held != 0;
        }
        Self(later).common(&Self::up_to(last)).unwrap_or_default()
    }

    /// The places that are in both; none if there are none.
    fn common(&self, other: &Self) -> Option<Self> {
        let mut common = self.0;
        common.iter_mut().zip(other.0).for_each(|(word, other)| *word &= other);
        common.iter().any(|&word| word != 0).then_some(Self(common))
    }

    /// 0 up to `last`.
    fn up_to(last: usize) -> Self {
        let mut all = [0; Self::WORDS];
        let whole = last / 64;
        all[..whole].fill(u64::MAX);
        all[whole] = u64::MAX >> (63 - last % 64);
        Self(all)
    }
}

#[cfg(test)]
mod tests;
