//! What sources of settings say, and how one lies over another.

use super::setting::{Kind, Setting};
use super::{Origin, Subject};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// What a source says of one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// Some texts.
    List(Vec<String>),
    /// A subscription's keys and values.
    Table(Map<String, Json>),
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Vec<String>> for Value {
    fn from(list: Vec<String>) -> Self {
        Self::List(list)
    }
}

impl From<Map<String, Json>> for Value {
    fn from(table: Map<String, Json>) -> Self {
        Self::Table(table)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Given {
    value: Value,
    origin: Origin,
}

/// What one source, or several of them merged, say: values by the names of settings. What is
/// named itself has its name after a dot: `tag.role`, `subscription.cache`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlay {
    given: BTreeMap<String, Given>,
}

impl Overlay {
    /// Says that the setting `key` is `value`, in place of what was said before.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<Value>, origin: Origin) {
        let (key, value) = (key.into(), value.into());
        debug_assert!(is_well_formed(&key, &value), "{key}: {value:?}");
        self.given.insert(key, Given { value, origin });
    }

    /// What `self` says, and where it says nothing, what `lower` says. A list replaces a list.
    #[must_use]
    pub fn over(self, mut lower: Self) -> Self {
        lower.given.extend(self.given);
        lower
    }

    /// Where the value of `key` comes from.
    pub fn origin(&self, key: &str) -> Origin {
        self.given.get(key).map(|given| given.origin.clone()).unwrap_or_default()
    }

    /// Whether anything is said of `key`.
    pub fn has(&self, key: &str) -> bool {
        self.given.contains_key(key)
    }

    /// The setting `key`, for errors.
    pub(super) fn subject(&self, key: &str) -> Subject {
        Subject { key: key.to_owned(), origin: self.origin(key) }
    }

    /// The text that `key` is.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match &self.given.get(key)?.value {
            Value::Text(text) => Some(text),
            Value::List(_) | Value::Table(_) => None,
        }
    }

    /// The texts that `key` is.
    pub(super) fn list(&self, key: &str) -> Option<&[String]> {
        match &self.given.get(key)?.value {
            Value::List(list) => Some(list),
            Value::Text(_) | Value::Table(_) => None,
        }
    }

    /// What is named within the setting `key`, by name.
    pub(super) fn named<'a>(
        &'a self,
        key: &'static str,
    ) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.given.iter().filter_map(move |(full, given)| match Setting::split(full) {
            (of, Some(name)) if of == key => Some((name, &given.value)),
            (_, Some(_) | None) => None,
        })
    }
}

/// Whether there is such a setting, and whether it takes such a value.
fn is_well_formed(key: &str, value: &Value) -> bool {
    let (key, name) = Setting::split(key);
    let Some(setting) = Setting::of(key) else { return false };
    match (setting.kind, name, value) {
        (Kind::Text, None, Value::Text(_))
        | (Kind::List | Kind::Command, None, Value::List(_))
        | (Kind::Texts, Some(_), Value::Text(_))
        | (Kind::Tables, Some(_), Value::Table(_)) => true,
        (Kind::Text | Kind::List | Kind::Command | Kind::Texts | Kind::Tables, _, _) => false,
    }
}
