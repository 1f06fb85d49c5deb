//! A file of settings: TOML, each value with the line in which it stands.

use super::setting::{Kind, Setting};
use super::{ConfigError, Origin, Overlay, Subject, command};
use serde_json::{Map, Value as Json};
use std::io::Read as _;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// The largest file of settings, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// How deep lists and tables of a subscription may be nested.
const DEPTH_MAX: usize = 8;

impl Overlay {
    /// Reads a file of settings. Blocks.
    ///
    /// # Errors
    /// It cannot be read, or [`Overlay::parse`].
    pub fn load(path: &Path) -> Result<Self, Vec<ConfigError>> {
        let unreadable = |source| vec![ConfigError::Unreadable { path: path.to_owned(), source }];
        let mut text = String::new();
        let file = std::fs::File::open(path).map_err(unreadable)?;
        let read = file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text);
        if read.map_err(unreadable)? as u64 > FILE_BYTES_MAX {
            let what = format!("more than {FILE_BYTES_MAX} bytes");
            return Err(vec![ConfigError::TooMuch { path: path.to_owned(), what }]);
        }
        Self::parse(&text, path)
    }

    /// Takes the text of a file of settings; `path` is for errors and origins.
    ///
    /// # Errors
    /// Everything that is wrong: it is not TOML, names a setting that does not exist, or has a
    /// value of a wrong kind. By line.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Vec<ConfigError>> {
        let mut file = File { text, path, overlay: Self::default(), errors: Vec::new() };
        let (table, syntax) = DeTable::parse_recoverable(text);
        for error in syntax {
            let line = file.line(&error.span().unwrap_or_default());
            let message = error.message().to_owned();
            file.fail(line, ConfigError::Syntax { path: path.to_owned(), line, message });
        }
        for (key, value) in table.into_inner() {
            file.take(&key, &value);
        }
        if file.errors.is_empty() {
            return Ok(file.overlay);
        }
        file.errors.sort_by_key(|(line, _)| *line);
        Err(file.errors.into_iter().map(|(_, error)| error).collect())
    }
}

/// A file that is being taken apart.
struct File<'a> {
    text: &'a str,
    path: &'a Path,
    overlay: Overlay,
    /// With their lines.
    errors: Vec<(usize, ConfigError)>,
}

type Entry<'a, 'i> = (&'a Spanned<std::borrow::Cow<'i, str>>, &'a Spanned<DeValue<'i>>);

impl File<'_> {
    fn line(&self, span: &Range<usize>) -> usize {
        let before = self.text.as_bytes().get(..span.start).unwrap_or_default();
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }

    fn fail(&mut self, line: usize, error: ConfigError) {
        self.errors.push((line, error));
    }

    fn origin(&self, line: usize) -> Origin {
        Origin::File { path: self.path.to_owned(), line }
    }

    /// A value of another kind than the setting takes.
    fn wrong_kind(&mut self, key: &str, value: &Spanned<DeValue<'_>>, remedy: String) {
        let line = self.line(&value.span());
        let subject = Subject { key: key.to_owned(), origin: self.origin(line) };
        let given = article(value.get_ref()).to_owned();
        self.fail(line, ConfigError::Kind { subject, given, remedy });
    }

    fn take(&mut self, key: &Spanned<std::borrow::Cow<'_, str>>, value: &Spanned<DeValue<'_>>) {
        let line = self.line(&key.span());
        let name = key.get_ref();
        let Some(setting) = Setting::of(name) else {
            let (path, key) = (self.path.to_owned(), name.escape_debug().to_string());
            let nearest = Setting::nearest(name);
            return self.fail(line, ConfigError::UnknownKey { path, line, key, nearest });
        };
        let origin = self.origin(line);
        match (setting.kind, value.get_ref()) {
            (Kind::Text, DeValue::String(text)) => {
                self.overlay.set(setting.key, text.as_ref(), origin);
            }
            (Kind::List, DeValue::Array(array)) => {
                if let Some(list) = self.texts(setting, array) {
                    self.overlay.set(setting.key, list, origin);
                }
            }
            (Kind::Command, DeValue::Array(array)) => {
                if let Some(list) = self.texts(setting, array) {
                    self.overlay.set(setting.key, list, origin);
                }
            }
            (Kind::Command, DeValue::String(text)) => match command(text) {
                Some(list) => self.overlay.set(setting.key, list, origin),
                None => self.wrong_kind(setting.key, value, "close its quotes".to_owned()),
            },
            (Kind::Texts, DeValue::Table(table)) => {
                table.iter().for_each(|entry| self.tag(setting, entry));
            }
            (Kind::Texts, DeValue::Array(array)) => self.tags(setting, array),
            (Kind::Tables, DeValue::Array(array)) => {
                array.iter().for_each(|table| self.subscription(setting, table));
            }
            (Kind::Text, _) => {
                let remedy = format!("write a text: {} = {}", setting.key, setting.example);
                self.wrong_kind(setting.key, value, remedy);
            }
            (Kind::List | Kind::Command | Kind::Texts, _) => {
                let remedy = format!("write {} = {}", setting.key, setting.example);
                self.wrong_kind(setting.key, value, remedy);
            }
            (Kind::Tables, _) => {
                let remedy = format!("write [[{0}]], and name = \"…\" below it", setting.key);
                self.wrong_kind(setting.key, value, remedy);
            }
        }
    }

    fn texts(&mut self, setting: &Setting, array: &DeArray<'_>) -> Option<Vec<String>> {
        let mut texts = Vec::with_capacity(array.len());
        for value in array {
            let DeValue::String(text) = value.get_ref() else {
                let remedy = format!("write texts: {} = {}", setting.key, setting.example);
                self.wrong_kind(&format!("an element of {}", setting.key), value, remedy);
                return None;
            };
            texts.push(text.clone().into_owned());
        }
        Some(texts)
    }

    fn tag(&mut self, setting: &Setting, (name, value): Entry<'_, '_>) {
        let key = format!("{}.{}", setting.key, name.get_ref());
        match value.get_ref() {
            DeValue::String(text) => {
                let origin = self.origin(self.line(&name.span()));
                self.overlay.set(key, text.as_ref(), origin);
            }
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => {
                self.wrong_kind(&key, value, "write a text, in quotes".to_owned());
            }
        }
    }

    /// `K=V` texts.
    fn tags(&mut self, setting: &Setting, array: &DeArray<'_>) {
        let Some(texts) = self.texts(setting, array) else { return };
        for (text, value) in texts.iter().zip(array) {
            let line = self.line(&value.span());
            match text.split_once('=') {
                Some((name, text)) => {
                    self.overlay.set(format!("{}.{name}", setting.key), text, self.origin(line));
                }
                None => {
                    let remedy = "write KEY=VALUE, such as role=web".to_owned();
                    let subject =
                        Subject { key: setting.key.to_owned(), origin: self.origin(line) };
                    let given = format!("`{}`, without =", text.escape_debug());
                    self.fail(line, ConfigError::Kind { subject, given, remedy });
                }
            }
        }
    }

    fn subscription(&mut self, setting: &Setting, value: &Spanned<DeValue<'_>>) {
        let line = self.line(&value.span());
        let DeValue::Table(table) = value.get_ref() else {
            let remedy = format!("write [[{0}]], and name = \"…\" below it", setting.key);
            return self.wrong_kind(setting.key, value, remedy);
        };
        let name = table.get("name").map(|name| (name, name.get_ref()));
        let Some((name, DeValue::String(text))) = name else {
            let subject = Subject { key: setting.key.to_owned(), origin: self.origin(line) };
            let (given, remedy) = ("without a name", "write name = \"…\" below it".to_owned());
            let given = given.to_owned();
            return self.fail(line, ConfigError::Kind { subject, given, remedy });
        };
        let key = format!("{}.{text}", setting.key);
        let origin = self.origin(self.line(&name.span()));
        if self.overlay.has(&key) {
            let other = self.overlay.origin(&key).to_string();
            let (line, subject) = (self.line(&name.span()), Subject { key, origin });
            return self.fail(line, ConfigError::Duplicate { subject, other });
        }
        let mut map = Map::new();
        for (name, value) in table.iter().filter(|(name, _)| name.get_ref() != "name") {
            match json(value.get_ref(), DEPTH_MAX) {
                Some(json) => {
                    map.insert(name.get_ref().clone().into_owned(), json);
                }
                None => {
                    let key = format!("{key}: {}", name.get_ref().escape_debug());
                    let remedy = "no key of a subscription takes that".to_owned();
                    self.wrong_kind(&key, value, remedy);
                }
            }
        }
        self.overlay.set(key, map, origin);
    }
}

/// What a value is, with its article.
fn article(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The value as JSON; `None` for what JSON lacks or what is nested too deep.
fn json(value: &DeValue<'_>, depth: usize) -> Option<Json> {
    let below = depth.checked_sub(1)?;
    Some(match value {
        DeValue::String(text) => Json::from(text.as_ref()),
        DeValue::Integer(number) => {
            Json::from(i64::from_str_radix(number.as_str(), number.radix()).ok()?)
        }
        DeValue::Float(number) => Json::from(number.as_str().parse::<f64>().ok()?),
        DeValue::Boolean(is) => Json::from(*is),
        DeValue::Datetime(_) => return None,
        DeValue::Array(array) => {
            array.iter().map(|value| json(value.get_ref(), below)).collect::<Option<_>>()?
        }
        DeValue::Table(table) => Json::Object(object(table, below)?),
    })
}

fn object(table: &DeTable<'_>, depth: usize) -> Option<Map<String, Json>> {
    let pair = |(key, value): Entry<'_, '_>| {
        Some((key.get_ref().clone().into_owned(), json(value.get_ref(), depth)?))
    };
    table.iter().map(pair).collect()
}

/// `NAME = { KEY = VALUE, … }`: one subscription in one text.
pub fn parse_subscription(text: &str) -> Result<(String, Map<String, Json>), String> {
    const REMEDY: &str = "write NAME = { pattern = \"cache/**\", … }";
    let table = DeTable::parse(text).map_err(|error| error.message().to_owned())?;
    let mut entries = table.get_ref().iter();
    match (entries.next(), entries.next()) {
        (Some((name, value)), None) => {
            let DeValue::Table(table) = value.get_ref() else { return Err(REMEDY.to_owned()) };
            let map = object(table, DEPTH_MAX).ok_or(REMEDY)?;
            Ok((name.get_ref().clone().into_owned(), map))
        }
        _ => Err(REMEDY.to_owned()),
    }
}
