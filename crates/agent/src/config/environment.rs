//! Settings in the environment: `BRUIT_BIND`, `BRUIT_TAG__ROLE`.

use super::file::parse_subscription;
use super::setting::{Kind, SETTINGS, Setting};
use super::{ConfigError, Origin, Overlay, Subject, command, nearest};
use std::ffi::OsString;

/// What all our variables begin with.
const PREFIX: &str = "BRUIT_";

/// Variables that are for commands, handlers and tests, and say nothing to an agent.
const OTHERS: [&str; 12] = [
    "BRUIT_ADDR",
    "BRUIT_BIN",
    "BRUIT_COMMIT",
    "BRUIT_CONTEXT",
    "BRUIT_CTX",
    "BRUIT_FIRST_SEED",
    "BRUIT_LOG",
    "BRUIT_RUSTC",
    "BRUIT_SEED",
    "BRUIT_SEEDS",
    "BRUIT_TOKEN",
    "BRUIT_UPDATE",
];

impl Overlay {
    /// What the variables say; those that do not begin with `BRUIT_` are passed over. An empty
    /// one says nothing.
    ///
    /// # Errors
    /// Every variable that is no setting or cannot be understood.
    pub fn of_environment(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, Vec<ConfigError>> {
        let mut overlay = Self::default();
        let mut errors = Vec::new();
        for (name, value) in variables {
            let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
                continue;
            };
            if OTHERS.contains(&name) || is_service_link(name) || value.is_empty() {
                continue;
            }
            if let Err(error) = take(&mut overlay, name, value) {
                errors.push(error);
            }
        }
        if errors.is_empty() { Ok(overlay) } else { Err(errors) }
    }
}

/// Whether Kubernetes makes this variable for a Service called `bruit` or `bruit-…`: its name ends
/// in `_SERVICE_HOST`, `_SERVICE_PORT…`, `_PORT`, or `_PORT_7070_TCP…`.
fn is_service_link(name: &str) -> bool {
    let port = name.split_once("_PORT").map(|(_, rest)| rest);
    let is_number = |text: &str| text.starts_with(|letter: char| letter.is_ascii_digit());
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || port.is_some_and(|rest| rest.is_empty() || rest.strip_prefix('_').is_some_and(is_number))
}

fn take(overlay: &mut Overlay, name: &str, value: OsString) -> Result<(), ConfigError> {
    let (variable, below) = match name.split_once("__") {
        Some((variable, below)) => (variable, Some(below.to_ascii_lowercase())),
        None => (name, None),
    };
    let setting = SETTINGS.iter().find(|setting| setting.variable() == variable);
    let (Some(setting), true) = (setting, below.as_ref().is_none_or(|below| !below.is_empty()))
    else {
        let known: Vec<String> = SETTINGS.iter().map(Setting::variable).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let nearest = nearest(variable, &known).unwrap_or(PREFIX).to_owned();
        return Err(ConfigError::UnknownVariable { name: name.to_owned(), nearest });
    };
    let origin = Origin::Env(name.to_owned());
    let wrong = |given: String, remedy: String| {
        let subject = Subject { key: setting.key.to_owned(), origin: origin.clone() };
        ConfigError::Kind { subject, given, remedy }
    };
    let text = value
        .into_string()
        .map_err(|_| wrong("not UTF-8".to_owned(), "write it in UTF-8".to_owned()))?;
    let key = |name: &str| format!("{}.{name}", setting.key);
    match (setting.kind, below) {
        (Kind::Text, None) => overlay.set(setting.key, text, origin),
        (Kind::List, None) => overlay.set(setting.key, items(&text), origin),
        (Kind::Command, None) => match command(&text) {
            Some(list) => overlay.set(setting.key, list, origin),
            None => return Err(wrong("without a closing quote".into(), "close its quotes".into())),
        },
        (Kind::Texts, Some(name)) => overlay.set(key(&name), text, origin),
        (Kind::Texts, None) => {
            for item in items(&text) {
                let (name, value) = item.split_once('=').ok_or_else(|| {
                    let given = format!("`{}`, without =", item.escape_debug());
                    wrong(given, format!("write {}=K=V,K=V", setting.variable()))
                })?;
                overlay.set(key(name), value, origin.clone());
            }
        }
        (Kind::Tables, Some(name)) => {
            // The name is the variable's; the value is what a flag has after `NAME =`.
            let whole = parse_subscription(&format!("x = {text}"));
            let remedy = |why| format!("write {{ pattern = \"cache/**\", … }} ({why})");
            let (_, map) = whole.map_err(|why| wrong("no inline table".into(), remedy(why)))?;
            overlay.set(key(&name), map, origin);
        }
        (Kind::Tables, None) => {
            let remedy = format!("write {}__NAME={{ … }}", setting.variable());
            return Err(wrong("without a name".to_owned(), remedy));
        }
        (Kind::Text | Kind::List | Kind::Command, Some(_)) => {
            let nearest = setting.variable();
            return Err(ConfigError::UnknownVariable { name: name.to_owned(), nearest });
        }
    }
    Ok(())
}

/// The items of a list, between commas.
fn items(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}
