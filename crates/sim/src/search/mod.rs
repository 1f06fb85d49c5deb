//! Many settings of one scenario: a sweep, and the choice of settings that meet a goal.
//!
//! Nothing here runs anything: whoever calls runs the jobs, on as many threads as there are, and
//! gives the outcomes back. So neither order nor number of threads can reach a result.

mod goal;
mod sweep;
#[cfg(test)]
mod tests;
mod vary;

pub use goal::{Candidate, Goal, Judged, SETTINGS_MAX};
pub use sweep::{Header, Row, Sweep, SweepFile, merge};
pub use vary::{Shard, Vary};

/// A search cannot be done. Nothing was run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// What is to be varied cannot be read.
    #[error("`{given}`: {why}; write KEY=VALUE,VALUE,… such as topic.fanout=2,3,4")]
    Vary {
        /// What was given.
        given: String,
        /// What is wrong.
        why: &'static str,
    },
    /// There is no such part.
    #[error("`{given}` is no part; write 1/4 for the first of four")]
    Shard {
        /// What was given.
        given: String,
    },
    /// More settings than make sense.
    #[error("these are {given} settings; use at most {limit}, or draw some with --random N")]
    TooMany {
        /// How many.
        given: u128,
        /// The limit.
        limit: usize,
    },
    /// One of the settings is no scenario.
    #[error(transparent)]
    Scenario(#[from] crate::scenario::ScenarioError),
    /// A file of results cannot be read.
    #[error("line {line} is not the result of a sweep: {why}; name another file, or remove it")]
    NotResults {
        /// In which line, from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// A file of results of another sweep.
    #[error("the results there are of another sweep: {what} differs; name another file")]
    Another {
        /// What differs.
        what: &'static str,
    },
    /// A file of results of another version.
    #[error("the results are of version {theirs}, and this is version {ours}; use that version")]
    Version {
        /// Theirs.
        theirs: String,
        /// Ours.
        ours: &'static str,
    },
}
