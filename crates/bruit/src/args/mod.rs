//! What the command line takes. Each doc comment here is the help that users read.

mod agent;
mod output;
#[cfg(test)]
mod tests;
mod values;

pub(crate) use agent::{AgentArgs, SettingArgs};
pub(crate) use output::{Address, ColorChoice, Connection, Format, Output};
pub(crate) use values::{parse_duration, parse_header};

use bruit_model::Pattern;
use clap::{Args, Parser, Subcommand, ValueEnum};
use http::{HeaderName, HeaderValue};
use std::net::SocketAddr;
use std::time::Duration;

/// Send one HTTP request; every subscribed service gets it.
#[derive(Debug, Parser)]
#[command(name = "bruit", version, after_help = crate::exit::HELP, max_term_width = 100)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run an agent beside a service.
    Agent(Box<AgentArgs>),
    /// See it work: agents and plain HTTP services on this machine, and what they do.
    Demo(DemoArgs),
    /// List the members of the group.
    Members(MembersArgs),
    /// Send an HTTP request to every service subscribed to its path.
    Send(SendArgs),
    /// Publish an event to every service subscribed to its topic.
    Publish(PublishArgs),
    /// Print items as they come.
    Listen(ListenArgs),
    /// List the subscriptions of the group.
    Subs(ReadArgs),
    /// List the topics and their parameters.
    Topics(ReadArgs),
    /// Set or remove metadata of the agent.
    Tag(TagArgs),
    /// Let the agent contact other agents.
    Join(JoinArgs),
    /// Let the agent say goodbye and end.
    Leave(LeaveArgs),
    /// Show how the agent is doing.
    Status(ReadArgs),
    /// Make cluster keys.
    #[command(arg_required_else_help = true)]
    Keys(KeysArgs),
    /// Run a plain HTTP service that prints what it gets, to try things out.
    Echo(EchoArgs),
    /// Show the version of this program, and what built it.
    Version(VersionArgs),
}

/// What every command that only reads takes.
#[derive(Debug, Args)]
pub(crate) struct ReadArgs {
    #[command(flatten)]
    pub(crate) connection: Connection,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// `bruit members`.
#[derive(Debug, Args)]
pub(crate) struct MembersArgs {
    /// Show members that left, too.
    #[arg(long)]
    pub(crate) all: bool,
    /// Show only members in this state.
    #[arg(long, value_enum, value_name = "STATE")]
    pub(crate) state: Option<StateWord>,
    /// Show only members with this metadata. Several must all be there.
    #[arg(long = "tag", value_name = "K=V", value_parser = values::parse_tag)]
    pub(crate) tags: Vec<(String, String)>,
    /// First wait until so many members are alive, at most --timeout.
    #[arg(long, value_name = "N")]
    pub(crate) wait: Option<usize>,
    #[command(flatten)]
    pub(crate) connection: Connection,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// A member's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StateWord {
    /// It answers.
    Alive,
    /// It did not answer, and may still do so.
    Suspect,
    /// It is held to have stopped.
    Failed,
    /// It said goodbye.
    Left,
}

impl StateWord {
    /// The word for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Suspect => "suspect",
            Self::Failed => "failed",
            Self::Left => "left",
        }
    }
}

/// What can be said of an item that is given away.
#[derive(Debug, Args)]
pub(crate) struct ItemArgs {
    /// The body: text, @FILE, or - for standard input.
    #[arg(short, long, value_name = "DATA|@FILE|-")]
    pub(crate) data: Option<String>,
    /// A header. May be repeated.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = parse_header)]
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// The Host that services see [default: each subscription's].
    #[arg(long)]
    pub(crate) host: Option<String>,
    /// Wait until so many services have it: all, a number, or a share like 75%.
    #[arg(long, value_name = "all|N|N%")]
    pub(crate) wait: Option<String>,
    /// How long to wait: 500ms, 2s, 1m.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    pub(crate) timeout: Duration,
}

/// `bruit send`.
#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    /// The method, such as DELETE or PURGE.
    pub(crate) method: String,
    /// The path, with a query if there is one, such as /cache/users/42.
    pub(crate) path: String,
    #[command(flatten)]
    pub(crate) item: ItemArgs,
    #[command(flatten)]
    pub(crate) address: Address,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// `bruit publish`.
#[derive(Debug, Args)]
pub(crate) struct PublishArgs {
    /// The topic, such as config/changed.
    pub(crate) topic: String,
    /// Publish it so many times.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) count: u64,
    #[command(flatten)]
    pub(crate) item: ItemArgs,
    #[command(flatten)]
    pub(crate) address: Address,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// `bruit listen`.
#[derive(Debug, Args)]
pub(crate) struct ListenArgs {
    /// Print only items of these paths, such as cache/** [default: every item of every network].
    #[arg(value_parser = values::parse_pattern)]
    pub(crate) path: Option<Pattern>,
    /// End after so many items.
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<u64>,
    /// Print bodies, too.
    #[arg(long)]
    pub(crate) body: bool,
    /// End after this time; with --count, with exit code 4 [default: no end].
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) timeout: Option<Duration>,
    #[command(flatten)]
    pub(crate) address: Address,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// `bruit tag`.
#[derive(Debug, Args)]
pub(crate) struct TagArgs {
    /// Metadata to set (K=V) or to remove (K-).
    #[arg(required = true, value_name = "K=V|K-", value_parser = values::parse_tag_change)]
    pub(crate) changes: Vec<(String, Option<String>)>,
    #[command(flatten)]
    pub(crate) connection: Connection,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// `bruit join`.
#[derive(Debug, Args)]
pub(crate) struct JoinArgs {
    /// Addresses or names of agents, with or without port.
    #[arg(required = true, value_name = "ADDR")]
    pub(crate) addresses: Vec<String>,
    #[command(flatten)]
    pub(crate) connection: Connection,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// `bruit leave`.
#[derive(Debug, Args)]
pub(crate) struct LeaveArgs {
    #[command(flatten)]
    pub(crate) connection: Connection,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// `bruit keys`.
#[derive(Debug, Args)]
pub(crate) struct KeysArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: KeysCommand,
}

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Print a new cluster key, to keep in a file that only agents can read.
    New,
}

/// `bruit echo`.
#[derive(Debug, Args)]
pub(crate) struct EchoArgs {
    /// Where to listen. Port 0 is any free one.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// The status of every answer.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(200..600))]
    pub(crate) status: u16,
}

/// `bruit version`.
#[derive(Debug, Args)]
pub(crate) struct VersionArgs {
    #[command(flatten)]
    pub(crate) output: Output,
}

/// `bruit demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// How many agents, each beside a service of its own.
    #[arg(long, value_name = "N", default_value_t = 5)]
    #[arg(value_parser = clap::value_parser!(u16).range(3..=100))]
    pub(crate) nodes: u16,
    /// Do not pause between steps.
    #[arg(long)]
    pub(crate) fast: bool,
    /// Open nothing but this terminal. It is so in this version in any case.
    #[arg(long)]
    pub(crate) no_ui: bool,
    /// Keep everything running at the end, until Enter or Ctrl-C.
    #[arg(long)]
    pub(crate) keep: bool,
}
