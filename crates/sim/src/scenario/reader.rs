//! Reads the keys of one table, and refuses those that nobody asked for.

use super::ScenarioError;
use super::error::Bad;
use super::tree::{Entry, Table, Value};
use super::values;
use std::ops::RangeInclusive;
use std::time::Duration;

/// One table being read. Every key that is asked for is one that the table may have.
pub(crate) struct Reader<'a> {
    table: &'a Table,
    /// The table's own key, with a dot; empty for the whole.
    prefix: String,
    /// Where the table stands.
    place: String,
    asked: Vec<&'static str>,
}

impl<'a> Reader<'a> {
    /// The whole of a scenario.
    pub(crate) fn whole(table: &'a Table, name: &str) -> Self {
        Self { table, prefix: String::new(), place: name.to_owned(), asked: Vec::new() }
    }

    fn of(entry: &'a Entry, key: String) -> Result<Self, ScenarioError> {
        let Value::Table(table) = &entry.value else {
            let Bad { why, remedy } =
                entry.value.wrong_kind(format!("write [{key}], and its keys below it"));
            return Err(ScenarioError::BadValue { place: entry.place.clone(), key, why, remedy });
        };
        let place = entry.place.clone();
        Ok(Self { table, prefix: format!("{key}."), place, asked: Vec::new() })
    }

    fn name(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    fn entry(&mut self, key: &'static str) -> Option<&'a Entry> {
        self.asked.push(key);
        self.table.get(key)
    }

    /// A fault of the table as a whole.
    pub(crate) fn impossible(
        &self,
        why: impl Into<String>,
        remedy: impl Into<String>,
    ) -> ScenarioError {
        let (place, why, remedy) = (self.place.clone(), why.into(), remedy.into());
        ScenarioError::Impossible { place, why, remedy }
    }

    /// A fault of a key that may be there or not.
    pub(crate) fn bad(&self, key: &str, bad: Bad) -> ScenarioError {
        let place = self.table.get(key).map_or(&self.place, |entry| &entry.place).clone();
        ScenarioError::BadValue { place, key: self.name(key), why: bad.why, remedy: bad.remedy }
    }

    /// A key that is needed and not there.
    pub(crate) fn missing(&self, key: &str, remedy: &str) -> ScenarioError {
        let (place, remedy) = (self.place.clone(), remedy.to_owned());
        ScenarioError::Missing { place, key: self.name(key), remedy }
    }

    /// What stands at a path of keys from here, such as `fault.0.at`, be it asked for or not.
    pub(crate) fn at(&self, path: &str) -> Option<&'a Entry> {
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        let mut entry = self.table.get(first)?;
        for part in rest.split('.').filter(|part| !part.is_empty()) {
            entry = match &entry.value {
                Value::Table(table) => table.get(part)?,
                Value::List(list) => list.get(part.parse::<usize>().ok()?)?,
                Value::Text(_)
                | Value::Number(_)
                | Value::Fraction
                | Value::Switch(_)
                | Value::Other => return None,
            };
        }
        Some(entry)
    }

    /// A value, as `parse` takes it.
    pub(crate) fn get<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&'a Value) -> Result<T, Bad>,
    ) -> Result<Option<T>, ScenarioError> {
        let Some(entry) = self.entry(key) else { return Ok(None) };
        parse(&entry.value).map(Some).map_err(|bad| self.bad(key, bad))
    }

    /// A text that `parse` takes.
    pub(crate) fn text<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Bad>,
    ) -> Result<Option<T>, ScenarioError> {
        self.get(key, |value| match value.as_text() {
            Some(text) => parse(text),
            None => Err(value.wrong_kind("write it in quotes")),
        })
    }

    /// A time.
    pub(crate) fn duration(
        &mut self,
        key: &'static str,
    ) -> Result<Option<Duration>, ScenarioError> {
        self.text(key, values::duration)
    }

    /// A share, as parts in a million.
    pub(crate) fn share(&mut self, key: &'static str) -> Result<Option<u32>, ScenarioError> {
        self.text(key, values::share)
    }

    /// `true` or `false`.
    pub(crate) fn switch(&mut self, key: &'static str) -> Result<Option<bool>, ScenarioError> {
        self.get(key, |value| {
            let Value::Switch(is) = value else {
                return Err(value.wrong_kind("write true or false"));
            };
            Ok(*is)
        })
    }

    /// A number in `range`.
    pub(crate) fn count(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, ScenarioError> {
        let remedy = format!("write a number of {} to {}", range.start(), range.end());
        self.get(key, |value| {
            let Some(number) = value.as_number() else { return Err(value.wrong_kind(remedy)) };
            let found = u64::try_from(number).ok().filter(|number| range.contains(number));
            found.ok_or_else(|| Bad::new(format!("it is {number}"), remedy))
        })
    }

    /// The table called `key`.
    pub(crate) fn table<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T, ScenarioError>,
    ) -> Result<Option<T>, ScenarioError> {
        let Some(entry) = self.entry(key) else { return Ok(None) };
        let mut below = Self::of(entry, self.name(key))?;
        let found = read(&mut below)?;
        below.finish()?;
        Ok(Some(found))
    }

    /// The tables `[[key]]`.
    pub(crate) fn tables<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&mut Self) -> Result<T, ScenarioError>,
    ) -> Result<Vec<T>, ScenarioError> {
        let Some(entry) = self.entry(key) else { return Ok(Vec::new()) };
        let Some(list) = entry.value.as_list() else {
            let remedy = format!("write [[{key}]], and its keys below it");
            return Err(self.bad(key, entry.value.wrong_kind(remedy)));
        };
        let mut found = Vec::with_capacity(list.len());
        for (place, entry) in list.iter().enumerate() {
            let mut below = Self::of(entry, format!("{}.{place}", self.name(key)))?;
            found.push(read(&mut below)?);
            below.finish()?;
        }
        Ok(found)
    }

    /// Refuses a key that was not asked for.
    pub(crate) fn finish(&self) -> Result<(), ScenarioError> {
        let unknown = self.table.iter().find(|(key, _)| !self.asked.contains(&key.as_str()));
        let Some((key, entry)) = unknown else { return Ok(()) };
        let nearest = self.asked.iter().min_by_key(|asked| strsim::levenshtein(key, asked));
        Err(ScenarioError::UnknownKey {
            place: entry.place.clone(),
            key: self.name(&key.escape_debug().to_string()),
            nearest: self.name(nearest.copied().unwrap_or_default()),
        })
    }
}
