//! Conditions on what an item says of itself.

use bruit_model::Item;
use std::fmt;

/// Conditions that must all hold for an item to be delivered. None hold for every item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    texts: Vec<String>,
}

/// The text is not a condition. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// It is not understood.
    #[error("{0:?} is not a condition; write method=PURGE, header:x-zone=eu-* or ce:type=a.b")]
    Condition(String),
}

impl Filter {
    /// Takes conditions.
    ///
    /// # Errors
    /// See [`FilterError`].
    pub fn parse(texts: &[String]) -> Result<Self, FilterError> {
        match texts.first() {
            None => Ok(Self::default()),
            Some(text) => Err(FilterError::Condition(text.clone())),
        }
    }

    /// Whether all conditions hold for `item`.
    pub fn selects(&self, _item: &Item) -> bool {
        self.texts.is_empty()
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.texts.join(" and "))
    }
}
