//! Flags that many commands share.

use clap::{Args, ValueEnum};
use std::time::Duration;

/// Which agent to ask.
#[derive(Clone, Debug, Args)]
pub(crate) struct Address {
    /// The agent's API.
    #[arg(long, env = "BRUIT_ADDR", value_name = "ADDR:PORT", default_value = "127.0.0.1:7070")]
    pub(crate) addr: String,
    /// The token that the agent's API asks for.
    #[arg(long, env = "BRUIT_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// Print the equal curl command, and do nothing else.
    #[arg(long)]
    pub(crate) curl: bool,
}

/// Which agent to ask, and how long to wait.
#[derive(Clone, Debug, Args)]
pub(crate) struct Connection {
    #[command(flatten)]
    pub(crate) address: Address,
    /// How long to wait: 500ms, 2s, 1m.
    #[arg(long, value_name = "TIME", default_value = "10s")]
    #[arg(value_parser = super::parse_duration)]
    pub(crate) timeout: Duration,
}

/// How to print.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Output {
    /// For people or for programs.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The same as --format json.
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

impl Output {
    /// Which format is wanted.
    pub(crate) const fn format(&self) -> Format {
        if self.json { Format::Json } else { self.format }
    }
}

/// What every command takes that asks an agent once and prints the answer.
#[derive(Clone, Debug, Args)]
pub(crate) struct AskArgs {
    #[command(flatten)]
    pub(crate) connection: Connection,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// What every command takes that only reads.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReadArgs {
    /// Look again and again, every 2s unless it is said, until Ctrl-C.
    #[arg(long, value_name = "PERIOD", num_args = 0..=1, default_missing_value = "2s")]
    #[arg(value_parser = super::values::parse_period)]
    pub(crate) watch: Option<Duration>,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

/// A format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs; a line for each thing where things keep coming.
    Json,
    /// For programs: JSON, a line for each row of a list.
    Jsonl,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set; elsewhere if CLICOLOR_FORCE or FORCE_COLOR is.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}
