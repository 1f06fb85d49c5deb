//! The example file and the documentation, which are made from the table of settings.

use super::super::setting::{KEYS, Kind, SETTINGS};
use super::super::{docs_table, example};
use super::resolved;
use crate::config::{AgentConfig, Overlay, Shown};
use std::path::{Path, PathBuf};

fn of_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// Compares with a file; `BRUIT_UPDATE=1` writes it anew.
fn assert_golden(path: &str, text: &str) {
    let path = of_repository(path);
    if std::env::var_os("BRUIT_UPDATE").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == text, "BRUIT_UPDATE=1 writes {} anew", path.display());
}

#[test]
fn the_example_file_is_the_golden_one_and_says_nothing() {
    assert_golden("deploy/bruit.toml", &example());
    assert_eq!(resolved(&example()).unwrap(), AgentConfig::default());
    assert!(example().lines().all(|line| line.len() <= 100));
}

#[test]
fn every_setting_is_in_the_example_file_with_its_default_and_a_value_that_can_be_used() {
    let text = example();
    let shown = Shown::list(&AgentConfig::default(), &Overlay::default());
    for setting in SETTINGS {
        let commented = |value: &str| format!("\n# {} = {value}\n", setting.key);
        if setting.kind == Kind::Tables {
            let from = text.find("# [[subscription]]").unwrap();
            let lines = text[from..].lines().map(|line| line.strip_prefix("# ").unwrap());
            let lines: Vec<&str> = lines.filter(|line| !line.starts_with('#')).collect();
            let config = resolved(&lines.join("\n")).unwrap();
            assert_eq!(config.subscription["cache"].rate, Some(100));
            continue;
        }
        let help =
            format!("key-file = 'k'\ntoken-file = 't'\n{} = {}", setting.key, setting.example);
        let help = match setting.key {
            "key-file" | "token-file" => format!("{} = {}", setting.key, setting.example),
            "app" | "exec" => format!("{help}\nsubscribe = ['**']"),
            "subscribe" => format!("{help}\napp = 'http://127.0.0.1:1'"),
            _ => help,
        };
        resolved(&help).unwrap_or_else(|error| panic!("{error}"));
        match setting.default {
            None => assert!(text.contains(&commented(setting.example)), "{}", setting.key),
            Some(default) => {
                assert!(text.contains(&commented(default)), "{}", setting.key);
                let config = resolved(&format!("{} = {default}", setting.key)).unwrap();
                assert_eq!(config, AgentConfig::default(), "{}", setting.key);
            }
        }
        let is_shown = shown.iter().any(|shown| shown.key == setting.key);
        assert!(is_shown || setting.kind == Kind::Texts, "{}", setting.key);
    }
}

#[test]
fn the_documentation_has_the_table() {
    const BEGIN: &str = "<!-- made from crates/agent/src/config/setting.rs: BRUIT_UPDATE=1 -->\n";
    const END: &str = "<!-- end -->\n";
    let path = "docs/configuration.md";
    let text = std::fs::read_to_string(of_repository(path)).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the table's beginning is marked");
    let (_, after) = rest.split_once(END).expect("the table's end is marked");
    assert_golden(path, &format!("{before}{BEGIN}{}{END}{after}", docs_table()));
}

#[test]
fn names_are_unique_and_variables_too() {
    let mut keys = KEYS.to_vec();
    let mut variables: Vec<String> = SETTINGS.iter().map(|setting| setting.variable()).collect();
    keys.sort_unstable();
    keys.dedup();
    variables.sort();
    variables.dedup();
    assert_eq!((keys.len(), variables.len()), (SETTINGS.len(), SETTINGS.len()));
}
