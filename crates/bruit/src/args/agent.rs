//! What `bruit agent` takes.

use bruit_agent::config::{command, parse_subscription};
use bruit_agent::{Origin, Overlay};
use clap::Args;
use serde_json::{Map, Value};
use std::path::PathBuf;

/// `bruit agent`.
#[derive(Debug, Args)]
#[command(after_help = "\
The agent prints one line of JSON with its real addresses when it is ready. SIGTERM and SIGINT let
it end what is under way, say goodbye and end with exit code 0; a second one ends it at once. After
SIGTERM it also waits, up to --drain-timeout, until the service of --app has closed, so that the
service can publish to its end. SIGHUP reloads the settings, SIGUSR1 writes the agent's state to
the log.

Every flag is also a setting of the same name in a file or the environment (BRUIT_KEY_FILE for
--key-file). Files are /etc/bruit/bruit.toml, /etc/bruit/conf.d/*.toml and
~/.config/bruit/config.toml, or only the one that --config names; the environment overrides files,
a flag overrides both. `bruit config example` prints a file with all settings, `bruit config show
--origin` what holds and why.")]
pub(crate) struct AgentArgs {
    #[command(flatten)]
    pub(crate) settings: SettingArgs,
    /// End as on SIGTERM when standard input ends: for programs that run agents.
    #[arg(long)]
    pub(crate) until_stdin_closes: bool,
}

/// The settings of an agent.
#[derive(Debug, Args)]
pub(crate) struct SettingArgs {
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
    data: Option<String>,
    /// When something counts as kept in --data: commit, once it is on disk; batch, at once
    /// [default: commit].
    #[arg(long, value_name = "commit|batch")]
    sync: Option<String>,
    /// Agents to contact at start: addresses or names, with or without port. May be repeated.
    #[arg(long, value_name = "ADDR", num_args = 1..)]
    join: Vec<String>,
    /// Where subscriptions that the API makes may deliver to, beside this machine and the host of
    /// --app; * is anywhere. May be repeated.
    #[arg(long, value_name = "HOST[:PORT]", num_args = 1..)]
    allow_endpoints: Vec<String>,
    /// The service beside the agent, such as http://127.0.0.1:8080. A path is a prefix.
    #[arg(long, value_name = "URL")]
    pub(crate) app: Option<String>,
    /// The Host that the service sees, unless a call says another [default: that of --app].
    #[arg(long, visible_alias = "host", value_name = "HOST")]
    app_host: Option<String>,
    /// A program to start for each item, with the item on its standard input. Its arguments are
    /// taken apart as a shell would; no shell runs.
    #[arg(long, value_name = "CMD ARG...", value_parser = parse_command)]
    exec: Option<Words>,
    /// Which paths the service or program gets, such as cache/**. May be repeated.
    #[arg(long, value_name = "GLOB", num_args = 1..)]
    subscribe: Vec<String>,
    /// A further subscription, such as 'x = { pattern = "cache/**", mode = "stream" }'. May be
    /// repeated.
    #[arg(long, value_name = "NAME = {...}", value_parser = parse_subscription)]
    subscription: Vec<(String, Map<String, Value>)>,
    /// Metadata that every member sees. May be repeated.
    #[arg(long, value_name = "K=V", num_args = 1.., value_parser = super::values::parse_tag)]
    tag: Vec<(String, String)>,
    /// The file with the cluster key (bruit keys new). Needed beyond this machine.
    #[arg(long, value_name = "FILE")]
    key_file: Option<String>,
    /// The file with the token that the API asks for. Needed beyond this machine.
    #[arg(long, value_name = "FILE")]
    token_file: Option<String>,
    /// Timing: local for one machine, lan for one site, wan for several [default: lan].
    #[arg(long, value_name = "local|lan|wan")]
    profile: Option<String>,
    /// How long the end may wait for requests under way and for the service to close [default:
    /// 30s].
    #[arg(long, value_name = "TIME")]
    drain_timeout: Option<String>,
    /// How much is logged: error, warn, info, debug or trace [default: info].
    #[arg(long, value_name = "LEVEL", conflicts_with_all = ["verbose", "quiet"])]
    log_level: Option<String>,
    /// How logs are written: text for people, json for programs [default: text].
    #[arg(long, value_name = "text|json")]
    log_format: Option<String>,
    /// A TOML file with settings, to be read instead of those in /etc/bruit and ~/.config/bruit.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Log more; twice for everything.
    #[arg(short, long, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    verbose: u8,
    /// Log warnings and errors only.
    #[arg(short, long)]
    quiet: bool,
}

/// The words of one argument.
#[derive(Clone, Debug)]
struct Words(Vec<String>);

fn parse_command(text: &str) -> Result<Words, String> {
    command(text).map(Words).ok_or_else(|| "a quote is not closed".to_owned())
}

impl SettingArgs {
    /// What the flags say.
    pub(crate) fn overlay(&self) -> Overlay {
        let mut overlay = Overlay::default();
        for (key, flag, text) in [
            ("name", "--name", &self.name),
            ("bind", "--bind", &self.bind),
            ("advertise", "--advertise", &self.advertise),
            ("api", "--api", &self.api),
            ("data", "--data", &self.data),
            ("sync", "--sync", &self.sync),
            ("app", "--app", &self.app),
            ("app-host", "--app-host", &self.app_host),
            ("key-file", "--key-file", &self.key_file),
            ("token-file", "--token-file", &self.token_file),
            ("profile", "--profile", &self.profile),
            ("drain-timeout", "--drain-timeout", &self.drain_timeout),
            ("log-level", "--log-level", &self.log_level),
            ("log-format", "--log-format", &self.log_format),
        ] {
            if let Some(text) = text {
                overlay.set(key, text.as_str(), Origin::Flag(flag));
            }
        }
        for (key, flag, list) in [
            ("join", "--join", &self.join),
            ("subscribe", "--subscribe", &self.subscribe),
            ("allow-endpoints", "--allow-endpoints", &self.allow_endpoints),
        ] {
            if !list.is_empty() {
                overlay.set(key, list.clone(), Origin::Flag(flag));
            }
        }
        if let Some(Words(words)) = &self.exec {
            overlay.set("exec", words.clone(), Origin::Flag("--exec"));
        }
        for (key, value) in &self.tag {
            overlay.set(format!("tag.{key}"), value.as_str(), Origin::Flag("--tag"));
        }
        for (name, spec) in &self.subscription {
            let key = format!("subscription.{name}");
            overlay.set(key, spec.clone(), Origin::Flag("--subscription"));
        }
        match (self.quiet, self.verbose) {
            (true, _) => overlay.set("log-level", "warn", Origin::Flag("--quiet")),
            (false, 0) => {}
            (false, 1) => overlay.set("log-level", "debug", Origin::Flag("--verbose")),
            (false, _) => overlay.set("log-level", "trace", Origin::Flag("--verbose")),
        }
        overlay
    }
}
