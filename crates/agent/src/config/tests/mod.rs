//! Rules of settings: what each takes, where it comes from, what is said of mistakes.

mod example;
mod layers;
mod values;

use super::{AgentConfig, ConfigError, Origin, Overlay};
use std::path::Path;

fn parsed(text: &str) -> Overlay {
    Overlay::parse(text, Path::new("bruit.toml")).unwrap()
}

fn resolved(text: &str) -> Result<AgentConfig, ConfigError> {
    AgentConfig::resolve(&parsed(text))
}

/// What is said of a file, line by line.
fn complaints(text: &str) -> Vec<String> {
    texts(Overlay::parse(text, Path::new("bruit.toml")).map(drop))
}

fn texts(result: Result<(), Vec<ConfigError>>) -> Vec<String> {
    result.err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

fn in_file(line: usize) -> Origin {
    Origin::File { path: "bruit.toml".into(), line }
}
