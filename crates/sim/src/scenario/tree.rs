//! A TOML text as a tree of values that know where they stand, and values laid over it.

use super::ScenarioError;
use super::error::Bad;
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The largest scenario, in bytes.
const TEXT_BYTES_MAX: usize = 1024 * 1024;
/// How deep lists and tables may be nested; deeper ones are refused by their key. Guess.
const DEPTH_MAX: usize = 8;

pub(crate) type Table = BTreeMap<String, Entry>;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) place: String,
    pub(crate) value: Value,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(String),
    Number(i64),
    /// A number with a point.
    Fraction,
    Switch(bool),
    List(Vec<Entry>),
    Table(Table),
    /// What no key takes: dates, numbers out of range, what is nested too deep.
    Other,
}

impl Value {
    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(crate) fn as_number(&self) -> Option<i64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    pub(crate) fn as_list(&self) -> Option<&[Entry]> {
        if let Self::List(list) = self { Some(list) } else { None }
    }

    /// That it is of another kind than the key takes.
    pub(crate) fn wrong_kind(&self, remedy: impl Into<String>) -> Bad {
        Bad::new(format!("it is {}", self.article()), remedy)
    }

    /// What it is, with its article.
    fn article(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Number(_) | Self::Fraction => "a number",
            Self::Switch(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other => "a value of another kind",
        }
    }
}

/// Takes a text apart; `name` is for errors.
pub(crate) fn parse(text: &str, name: &str) -> Result<Table, ScenarioError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(ScenarioError::TooLong { place: name.to_owned(), limit: TEXT_BYTES_MAX });
    }
    let lines = Lines { text, name };
    let table = DeTable::parse(text).map_err(|error| {
        let place = lines.place(error.span().map_or(0, |span| span.start));
        ScenarioError::Syntax { place, message: error.message().to_owned() }
    })?;
    Ok(lines.table(table.get_ref(), DEPTH_MAX))
}

/// The value that a text on the command line stands for: TOML where it is some, else the text.
fn value_of(text: &str) -> Value {
    let line = format!("v = {text}");
    let parsed = DeTable::parse(&line).ok();
    let value = parsed.and_then(|table| {
        let lines = Lines { text: "", name: "" };
        let (_, value) = table.get_ref().iter().next()?;
        Some(lines.value(value.get_ref(), DEPTH_MAX))
    });
    match value {
        None | Some(Value::Other) => Value::Text(text.to_owned()),
        Some(value) => value,
    }
}

/// Lays `text` over the value of `key`, a path such as `network.loss` or `fault.0.at`. Tables
/// that are not there are made; an element of a list must be there.
pub(crate) fn set(table: &mut Table, key: &str, text: &str) -> Result<(), ScenarioError> {
    let place = format!("--set {key}={text}");
    let no_such = |part: &str| ScenarioError::BadValue {
        place: place.clone(),
        key: key.to_owned(),
        why: format!("`{part}` is no table, and no element of a list that is there"),
        remedy: "write a key of the scenario, such as network.loss or fault.0.at".to_owned(),
    };
    let (parts, last) = match key.rsplit_once('.') {
        Some((parts, last)) => (Some(parts), last),
        None => (None, key),
    };
    let mut at: &mut Table = table;
    let mut parts = parts.into_iter().flat_map(|parts| parts.split('.'));
    while let Some(part) = parts.next() {
        let new = || Entry { place: place.clone(), value: Value::Table(Table::new()) };
        let entry = at.entry(part.to_owned()).or_insert_with(new);
        at = match &mut entry.value {
            Value::Table(below) => below,
            Value::List(list) => {
                let index = parts.next().ok_or_else(|| no_such(last))?;
                let found = index.parse().ok().and_then(|index: usize| list.get_mut(index));
                match found.map(|entry| &mut entry.value) {
                    Some(Value::Table(below)) => below,
                    Some(_) | None => return Err(no_such(index)),
                }
            }
            Value::Text(_)
            | Value::Number(_)
            | Value::Fraction
            | Value::Switch(_)
            | Value::Other => return Err(no_such(part)),
        };
    }
    at.insert(last.to_owned(), Entry { place, value: value_of(text) });
    Ok(())
}

struct Lines<'a> {
    text: &'a str,
    name: &'a str,
}

impl Lines<'_> {
    fn place(&self, start: usize) -> String {
        let before = self.text.as_bytes().get(..start).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("{}:{line}", self.name)
    }

    fn table(&self, table: &DeTable<'_>, depth: usize) -> Table {
        let entry = |(key, value): (&Spanned<std::borrow::Cow<'_, str>>, &Spanned<DeValue<'_>>)| {
            let value = self.value(value.get_ref(), depth);
            let place = self.place(key.span().start);
            (key.get_ref().clone().into_owned(), Entry { place, value })
        };
        table.iter().map(entry).collect()
    }

    fn value(&self, value: &DeValue<'_>, depth: usize) -> Value {
        let Some(below) = depth.checked_sub(1) else { return Value::Other };
        match value {
            DeValue::String(text) => Value::Text(text.as_ref().to_owned()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or(Value::Other, Value::Number),
            DeValue::Float(_) => Value::Fraction,
            DeValue::Boolean(is) => Value::Switch(*is),
            DeValue::Datetime(_) => Value::Other,
            DeValue::Array(array) => {
                let entry = |value: &Spanned<DeValue<'_>>| Entry {
                    place: self.place(value.span().start),
                    value: self.value(value.get_ref(), below),
                };
                Value::List(array.iter().map(entry).collect())
            }
            DeValue::Table(table) => Value::Table(self.table(table, below)),
        }
    }
}
