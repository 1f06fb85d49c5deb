//! What `bruit agent` takes.

use bruit_agent::{Overlay, Tags};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// `bruit agent`.
#[derive(Debug, Args)]
#[command(after_help = "\
The agent prints one line of JSON with its real addresses when it is ready. SIGTERM and SIGINT let
it say goodbye and end with exit code 0; a second one ends it at once.

With --config, a TOML file says the same under the same names (without dashes in front); a flag
overrides it.")]
pub(crate) struct AgentArgs {
    /// A name for people [default: the host's].
    #[arg(long)]
    name: Option<String>,
    /// Where to gossip, by UDP and TCP. Port 0 is any free one [default: 127.0.0.1:7071].
    #[arg(long, value_name = "ADDR[:PORT]")]
    bind: Option<String>,
    /// What other agents are told instead of the address that is bound.
    #[arg(long, value_name = "ADDR[:PORT]")]
    advertise: Option<String>,
    /// Where the HTTP API listens. Port 0 is any free one [default: 127.0.0.1:7070].
    #[arg(long, value_name = "ADDR[:PORT]")]
    api: Option<String>,
    /// The directory for what outlives a run [default: nothing does].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Agents to contact at start: addresses or names, with or without port. May be repeated.
    #[arg(long, value_name = "ADDR", num_args = 1..)]
    join: Vec<String>,
    /// The service beside the agent, such as http://127.0.0.1:8080. A path is a prefix.
    #[arg(long, value_name = "URL")]
    pub(crate) app: Option<String>,
    /// The Host that the service sees, unless a call says another [default: that of --app].
    #[arg(long, visible_alias = "host", value_name = "HOST")]
    app_host: Option<String>,
    /// Which paths the service gets, such as cache/**. May be repeated.
    #[arg(long, value_name = "GLOB", num_args = 1..)]
    subscribe: Vec<String>,
    /// Metadata that every member sees. May be repeated.
    #[arg(long, value_name = "K=V", num_args = 1..)]
    tag: Vec<String>,
    /// The file with the cluster key (bruit keys new). Needed beyond this machine.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The file with the token that the API asks for. Needed beyond this machine.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Timing: local for one machine, lan for one site, wan for several [default: lan].
    #[arg(long, value_name = "local|lan|wan")]
    profile: Option<String>,
    /// A TOML file with settings.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Log more; twice for everything.
    #[arg(short, long, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    pub(crate) verbose: u8,
    /// Log warnings and errors only.
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// How logs are written.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) log_format: LogFormat,
    /// End as on SIGTERM when standard input ends: for programs that run agents.
    #[arg(long)]
    pub(crate) until_stdin_closes: bool,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// A JSON object on each line.
    Json,
}

impl AgentArgs {
    /// What the flags say.
    pub(crate) fn overlay(self) -> Overlay {
        let list = |list: Vec<String>| (!list.is_empty()).then_some(list);
        Overlay {
            name: self.name,
            bind: self.bind,
            advertise: self.advertise,
            api: self.api,
            data: self.data,
            join: list(self.join),
            app: self.app,
            app_host: self.app_host,
            subscribe: list(self.subscribe),
            tag: list(self.tag).map(Tags::List),
            key_file: self.key_file,
            token_file: self.token_file,
            profile: self.profile,
        }
    }
}
