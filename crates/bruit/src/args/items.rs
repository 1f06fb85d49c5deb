//! What the commands about items take.

use super::values::{self, Data};
use super::{Address, Output, ReadArgs, parse_duration, parse_header};
use bruit_model::Pattern;
use clap::{Args, ValueEnum};
use http::{HeaderName, HeaderValue};
use std::time::Duration;

/// What can be said of an item that is given away.
#[derive(Debug, Args)]
pub(crate) struct ItemArgs {
    /// The body: text, @FILE, or - for standard input.
    #[arg(short, long, value_name = "DATA|@FILE|-", allow_hyphen_values = true)]
    #[arg(value_parser = Data::parse)]
    pub(crate) data: Option<Data>,
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
    /// At most so many a second, with --count [default: as fast as the agent takes them].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate: Option<u32>,
    #[command(flatten)]
    pub(crate) item: ItemArgs,
    #[command(flatten)]
    pub(crate) address: Address,
    #[command(flatten)]
    pub(crate) output: Output,
    // The last one: its heading is for all that follow.
    #[command(flatten)]
    pub(crate) event: CloudEventArgs,
}

/// The attributes of a `CloudEvent`, as headers (binary content mode).
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "CloudEvents (ce-* headers, binary content mode)")]
pub(crate) struct CloudEventArgs {
    /// The event's type, such as com.example.flag.changed.
    #[arg(long, value_name = "TYPE")]
    pub(crate) ce_type: Option<String>,
    /// Where it comes from, a URI reference [default: /bruit, if there is a --ce-type].
    #[arg(long, value_name = "URI", requires = "ce_type")]
    pub(crate) ce_source: Option<String>,
    /// Its id [default: a new one for each, if there is a --ce-type].
    #[arg(long, value_name = "ID", requires = "ce_type")]
    pub(crate) ce_id: Option<String>,
    /// What it is about.
    #[arg(long, value_name = "TEXT", requires = "ce_type")]
    pub(crate) ce_subject: Option<String>,
    /// When it happened, such as 2026-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME", requires = "ce_type")]
    pub(crate) ce_time: Option<String>,
    /// Which schema its data has, a URI.
    #[arg(long, value_name = "URI", requires = "ce_type")]
    pub(crate) ce_dataschema: Option<String>,
    /// Another attribute. May be repeated.
    #[arg(long = "ce", value_name = "NAME=VALUE", requires = "ce_type")]
    #[arg(value_parser = values::parse_attribute)]
    pub(crate) ce_others: Vec<(String, String)>,
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
    /// Replay each item to this address, such as http://127.0.0.1:8080, and show its answer.
    #[arg(long, value_name = "URL", value_parser = values::parse_endpoint)]
    pub(crate) forward_to: Option<bruit_agent::delivery::Endpoint>,
    /// Run this command for each item, one at a time: the body on its standard input, the rest
    /// in BRUIT_* variables. Takes all that follows.
    #[arg(long, value_name = "CMD", num_args = 1.., allow_hyphen_values = true)]
    pub(crate) exec: Vec<String>,
    /// End after this time; with --count, with exit code 4 [default: no end].
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) timeout: Option<Duration>,
    #[command(flatten)]
    pub(crate) address: Address,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// `bruit tail`.
#[derive(Debug, Args)]
pub(crate) struct TailArgs {
    /// Print only items and deliveries of these paths, such as cache/** [default: all].
    #[arg(value_parser = values::parse_pattern)]
    pub(crate) path: Option<Pattern>,
    /// What to print [default: all of it].
    #[arg(long = "type", value_enum, value_name = "TYPE", value_delimiter = ',')]
    pub(crate) types: Vec<TailType>,
    /// Print only what concerns members with such a name, by their changes and as the origin of
    /// items: * is any text, ? any one letter.
    #[arg(long, value_name = "GLOB")]
    pub(crate) node: Option<String>,
    /// Of deliveries, print only those that failed.
    #[arg(long)]
    pub(crate) failed: bool,
    /// End after so many lines.
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<u64>,
    /// End after this time; with --count, with exit code 4 [default: no end].
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) timeout: Option<Duration>,
    #[command(flatten)]
    pub(crate) address: Address,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// What an agent tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TailType {
    /// Items, when they are first seen.
    Item,
    /// Deliveries, when they end.
    Delivery,
    /// Members that come, change or go.
    Member,
    /// Subscriptions of the agent that pause or go on.
    Subscription,
}

impl TailType {
    /// The word for it, in the API.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Item => "item",
            Self::Delivery => "delivery",
            Self::Member => "member",
            Self::Subscription => "subscription",
        }
    }
}

/// `bruit trace`.
#[derive(Debug, Args)]
pub(crate) struct TraceArgs {
    /// The item's id.
    pub(crate) id: String,
    /// How long members may take to answer.
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = parse_duration)]
    pub(crate) patience: Duration,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}
