//! Why a scenario cannot be run.

/// The scenario cannot be run. Nothing was run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScenarioError {
    /// It is too long.
    #[error("{place}: a scenario has at most {limit} bytes; leave out what is not needed")]
    TooLong {
        /// Which file.
        place: String,
        /// The limit.
        limit: usize,
    },
    /// It is not TOML.
    #[error("{place}: not TOML: {message}")]
    Syntax {
        /// File and line.
        place: String,
        /// What is wrong.
        message: String,
    },
    /// There is no such key.
    #[error("{place}: there is no key `{key}`; did you mean `{nearest}`?")]
    UnknownKey {
        /// File and line, or the flag.
        place: String,
        /// The key, with its table.
        key: String,
        /// The key of that table that is closest to it.
        nearest: String,
    },
    /// A value cannot be used.
    #[error("{place}: `{key}`: {why}; {remedy}")]
    BadValue {
        /// File and line, or the flag.
        place: String,
        /// The key, with its table.
        key: String,
        /// What is wrong with it.
        why: String,
        /// What to write instead.
        remedy: String,
    },
    /// A key is needed and not there.
    #[error("{place}: `{key}` is missing; {remedy}")]
    Missing {
        /// File and line, or the file.
        place: String,
        /// The key, with its table.
        key: String,
        /// What to write.
        remedy: String,
    },
    /// Each value may be, but not all of them together.
    #[error("{place}: {why}; {remedy}")]
    Impossible {
        /// The file.
        place: String,
        /// What contradicts what.
        why: String,
        /// What to change.
        remedy: String,
    },
}

/// What is wrong with a value, without the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bad {
    pub(crate) why: String,
    pub(crate) remedy: String,
}

impl Bad {
    pub(crate) fn new(why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { why: why.into(), remedy: remedy.into() }
    }
}
