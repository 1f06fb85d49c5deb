//! A list of what happens when.

use super::Act;
use std::time::Duration;

/// One line of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// How long after the start of the run.
    pub at: Duration,
    /// What.
    pub act: Act,
}

/// What happens when, in the order of time; of what happens at one moment, in the order given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    entries: Vec<Entry>,
}

impl Plan {
    /// The most entries. Guess: what a person, or a replay, can still look at.
    pub const ENTRIES_MAX: usize = 1_000_000;

    /// A plan of these entries, put into the order of time. Those beyond
    /// [`Plan::ENTRIES_MAX`] are left out.
    pub fn new(mut entries: Vec<Entry>) -> Self {
        entries.sort_by_key(|entry| entry.at);
        entries.truncate(Self::ENTRIES_MAX);
        Self { entries }
    }

    /// The entries, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// When the last entry happens.
    pub fn end(&self) -> Duration {
        self.entries.last().map_or(Duration::ZERO, |entry| entry.at)
    }

    /// Both plans in one.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.entries.extend(other.entries);
        Self::new(self.entries)
    }
}
