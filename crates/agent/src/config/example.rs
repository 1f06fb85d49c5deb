//! The example file and the table of the documentation, made from the table of settings.

use super::setting::{Kind, SETTINGS, Setting};
use std::fmt::Write as _;

/// The widest line of the example file.
const WIDTH: usize = 90;

/// What a subscription may look like.
const SUBSCRIPTION: &str = r#"[[subscription]]
name = "cache"
pattern = "cache/**"
endpoint = "http://127.0.0.1:8080"
# The rest may be left out.
mode = "http"               # cloudevents, cloudevents-structured, stream or exec
# command = ["/bin/handler"]  # exec: program and arguments, instead of endpoint
host = "www.example.org"    # the Host that the consumer sees
http2 = false
from = "now"                # or "retained": also what the agent holds of earlier items
order = "none"              # or "fifo": the items of one origin one after the other
# filter = ["method=PURGE"] # all must hold: method=, kind=, origin=, header:NAME=, ce:ATTR=
timeout = "10s"             # of one attempt
attempts = 5                # default: no limit
retry-for = "5m"            # after the first attempt
backoff = "100ms"           # the largest wait before the second attempt; then it doubles
backoff-max = "30s"
retry-after-max = "60s"     # the longest Retry-After that is obeyed
concurrency = 8             # requests at once
rate = 100                  # attempts in a second; default: no limit
queue-items = 10000         # what waits at most; the oldest is dropped
queue-bytes = 33554432
breaker = 10                # failures in a row that open the circuit; 0: never
health = "/healthz"         # asked for while the agent runs; default: nothing is
health-period = "2s"
"#;

/// A commented TOML file with every setting, its default and what it is for. It says nothing:
/// an agent started with it has the defaults.
pub fn example() -> String {
    let mut text = String::from(
        "# Settings of a bruit agent. What is commented out is the default, or an example where\n\
         # the default is nothing. `bruit config check` checks this file.\n",
    );
    for setting in &SETTINGS {
        text.push('\n');
        for line in wrapped(setting.about, WIDTH - 2) {
            line_of(&mut text, format_args!("# {line}"));
        }
        if !setting.is_live {
            line_of(&mut text, format_args!("# A change needs a restart."));
        }
        match (setting.kind, setting.default) {
            (Kind::Tables, _) => {
                for line in SUBSCRIPTION.lines() {
                    line_of(&mut text, format_args!("# {line}"));
                }
            }
            (_, Some(default)) => {
                line_of(&mut text, format_args!("# {} = {default}", setting.key));
                if setting.example != default && !default.starts_with('"') {
                    line_of(&mut text, format_args!("# {} = {}", setting.key, setting.example));
                }
            }
            (_, None) => {
                line_of(&mut text, format_args!("# {} = {}", setting.key, setting.example))
            }
        }
    }
    text
}

/// A Markdown table of every setting.
pub fn docs_table() -> String {
    let mut text = String::from(
        "| setting | takes | environment | default | reload | what it is for |\n\
         |---|---|---|---|---|---|\n",
    );
    for setting in &SETTINGS {
        let default = setting.default.map_or("—".to_owned(), |default| format!("`{default}`"));
        let reload = if setting.is_live { "yes" } else { "restart" };
        let (key, about) = (setting.key, setting.about);
        let takes = setting.takes.replace('|', "\\|");
        let variable = variable(setting);
        line_of(
            &mut text,
            format_args!("| `{key}` | `{takes}` | `{variable}` | {default} | {reload} | {about} |"),
        );
    }
    text
}

fn variable(setting: &Setting) -> String {
    let variable = setting.variable();
    match setting.kind {
        Kind::Tables => format!("{variable}__NAME"),
        Kind::Texts => format!("{variable}__KEY"),
        Kind::Text | Kind::List | Kind::Command => variable,
    }
}

fn line_of(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("writing to a String cannot fail");
}

/// The words of `text` in lines of at most `width` letters.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is one from the start");
        if !line.is_empty() && line.len() + 1 + word.len() > width {
            lines.push(word.to_owned());
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines
}
