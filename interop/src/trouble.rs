//! Why a suite cannot go on.

use std::fmt;

/// Why a suite cannot go on, in words for a person.
#[derive(Debug)]
pub(crate) struct Trouble(String);

impl Trouble {
    /// From a sentence.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Says what was tried when an error came.
pub(crate) trait During<T> {
    /// `what: error`.
    ///
    /// # Errors
    /// The error, with what was tried before it.
    fn during(self, what: &str) -> Result<T, Trouble>;
}

impl<T, E: fmt::Display> During<T> for Result<T, E> {
    fn during(self, what: &str) -> Result<T, Trouble> {
        self.map_err(|error| Trouble(format!("{what}: {error}")))
    }
}
