//! What the commands about subscriptions, topics and deliveries take.

use super::values::{self, Data};
use super::{AskArgs, ReadArgs, parse_duration, parse_header};
use clap::{Args, Subcommand, ValueEnum};
use http::{HeaderName, HeaderValue};
use serde_json::{Map, Value};
use std::time::Duration;

/// `bruit subs`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct SubsArgs {
    /// What to do; without it, ls.
    #[command(subcommand)]
    pub(crate) command: Option<SubsCommand>,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

/// What can be done with subscriptions.
#[derive(Debug, Subcommand)]
pub(crate) enum SubsCommand {
    /// List the subscriptions of the group.
    Ls(ReadArgs),
    /// Show one subscription of the agent, with its settings.
    Show(NameReadArgs),
    /// Add a subscription to the agent, or give new settings to one that was added so.
    Add(Box<AddArgs>),
    /// Remove a subscription that was added; what waits there is dropped.
    Rm(NameArgs),
    /// Let a subscription's items wait.
    Pause(NameArgs),
    /// Serve a paused subscription again.
    Resume(NameArgs),
    /// Make one attempt with a made-up item, outside the queue.
    Test(TestArgs),
}

/// A subscription to look at.
#[derive(Debug, Args)]
pub(crate) struct NameReadArgs {
    /// The subscription's name.
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

/// A subscription to change.
#[derive(Debug, Args)]
pub(crate) struct NameArgs {
    /// The subscription's name.
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

/// `bruit subs add`.
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// A name for it, of this agent.
    pub(crate) name: String,
    /// Which paths, such as cache/**.
    pub(crate) pattern: String,
    /// The consumer's address, such as http://127.0.0.1:8080. A path is a prefix.
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    /// How items are delivered [default: http].
    #[arg(long, value_enum)]
    mode: Option<ModeWord>,
    /// The Host that the consumer sees [default: that of --to].
    #[arg(long)]
    host: Option<String>,
    /// Speak HTTP/2 with prior knowledge.
    #[arg(long)]
    http2: bool,
    /// Which items: those from now on, or first those that the agent still holds [default: now].
    #[arg(long, value_enum)]
    from: Option<FromWord>,
    /// In which order: any, or each origin's as published [default: none].
    #[arg(long, value_enum)]
    order: Option<OrderWord>,
    /// A condition on the item, such as method=PURGE, kind=event, header:x-team=web or
    /// ce:type=com.example.*. May be repeated; all must hold.
    #[arg(long, value_name = "CONDITION")]
    filter: Vec<String>,
    /// How many attempts are under way at once.
    #[arg(long, value_name = "N")]
    concurrency: Option<u16>,
    /// At most so many attempts a second.
    #[arg(long, value_name = "N")]
    rate: Option<u32>,
    /// How long the consumer may take to answer, such as 10s.
    #[arg(long, value_name = "TIME")]
    answer_timeout: Option<String>,
    /// How many attempts an item gets.
    #[arg(long, value_name = "N")]
    attempts: Option<u32>,
    /// How long an item is tried again, such as 5m.
    #[arg(long, value_name = "TIME")]
    retry_for: Option<String>,
    /// The pause after the first failed attempt, such as 200ms; it doubles.
    #[arg(long, value_name = "TIME")]
    backoff: Option<String>,
    /// The longest pause between attempts, such as 30s.
    #[arg(long, value_name = "TIME")]
    backoff_max: Option<String>,
    /// The longest Retry-After that is obeyed, such as 5m.
    #[arg(long, value_name = "TIME")]
    retry_after_max: Option<String>,
    /// How many items may wait; the oldest goes first.
    #[arg(long, value_name = "N")]
    queue_items: Option<usize>,
    /// How many bytes the waiting items may have.
    #[arg(long, value_name = "BYTES")]
    queue_bytes: Option<usize>,
    /// After how many failed attempts in a row to pause for a while; 0 is never.
    #[arg(long, value_name = "N")]
    breaker: Option<u32>,
    /// Pause while this path of the consumer does not answer 2xx, such as /healthz.
    #[arg(long, value_name = "PATH")]
    health: Option<String>,
    /// How often to ask for --health, such as 5s.
    #[arg(long, value_name = "TIME", requires = "health")]
    health_period: Option<String>,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

impl AddArgs {
    /// What the flags say, under the names of the API. What is not said is left out.
    pub(crate) fn spec(&self) -> Value {
        let text = |text: &Option<String>| text.clone().map(Value::from);
        let filter = (!self.filter.is_empty()).then(|| Value::from(self.filter.clone()));
        let said = [
            ("pattern", Some(Value::from(self.pattern.clone()))),
            ("endpoint", text(&self.to)),
            ("mode", self.mode.map(|mode| mode.word().into())),
            ("host", text(&self.host)),
            ("http2", self.http2.then_some(Value::Bool(true))),
            ("from", self.from.map(|from| from.word().into())),
            ("order", self.order.map(|order| order.word().into())),
            ("filter", filter),
            ("concurrency", self.concurrency.map(Value::from)),
            ("rate", self.rate.map(Value::from)),
            ("timeout", text(&self.answer_timeout)),
            ("attempts", self.attempts.map(Value::from)),
            ("retry_for", text(&self.retry_for)),
            ("backoff", text(&self.backoff)),
            ("backoff_max", text(&self.backoff_max)),
            ("retry_after_max", text(&self.retry_after_max)),
            ("queue_items", self.queue_items.map(Value::from)),
            ("queue_bytes", self.queue_bytes.map(Value::from)),
            ("breaker", self.breaker.map(Value::from)),
            ("health", text(&self.health)),
            ("health_period", text(&self.health_period)),
        ];
        let said = said.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
        Value::Object(said.collect::<Map<String, Value>>())
    }
}

/// How items are delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModeWord {
    /// The request as it was; an event as a POST.
    Http,
    /// As CloudEvents in binary content mode.
    Cloudevents,
    /// As CloudEvents in structured content mode.
    CloudeventsStructured,
    /// To whoever is connected to /v1/subscriptions/NAME/stream.
    Stream,
}

impl ModeWord {
    const fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Cloudevents => "cloudevents",
            Self::CloudeventsStructured => "cloudevents-structured",
            Self::Stream => "stream",
        }
    }
}

/// From when on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FromWord {
    /// What comes from now on.
    Now,
    /// First what the agent still holds.
    Retained,
}

impl FromWord {
    const fn word(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Retained => "retained",
        }
    }
}

/// In which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OrderWord {
    /// In none.
    None,
    /// Each origin's as it published them.
    Fifo,
}

impl OrderWord {
    const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Fifo => "fifo",
        }
    }
}

/// `bruit subs test`.
#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// The subscription's name.
    pub(crate) name: String,
    /// The method [default: the agent's choice].
    #[arg(long)]
    pub(crate) method: Option<String>,
    /// The path [default: one that the pattern selects].
    #[arg(long)]
    pub(crate) path: Option<String>,
    /// A header. May be repeated.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = parse_header)]
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// The body: text, @FILE, or - for standard input.
    #[arg(short, long, value_name = "DATA|@FILE|-", allow_hyphen_values = true)]
    #[arg(value_parser = Data::parse)]
    pub(crate) data: Option<Data>,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

/// `bruit topics`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct TopicsArgs {
    /// What to do; without it, ls.
    #[command(subcommand)]
    pub(crate) command: Option<TopicsCommand>,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

/// What can be done with topics.
#[derive(Debug, Subcommand)]
pub(crate) enum TopicsCommand {
    /// List the topics, their parameters, and how many subscriptions they reach.
    Ls(ReadArgs),
    /// Make a topic, or change parameters of one, for the whole group.
    Set(TopicSetArgs),
    /// Remove a topic; its paths then belong to the next that selects them.
    Rm(TopicRmArgs),
}

/// `bruit topics set`.
#[derive(Debug, Args)]
pub(crate) struct TopicSetArgs {
    /// Which paths, such as cache/**.
    pub(crate) pattern: String,
    /// Parameters: style=push, fanout=4, stop=…, period_ms=…, repair=off, retain_items=…,
    /// retain_bytes=…, retain_ms=…, order=fifo, expiry_ms=….
    #[arg(value_name = "K=V", value_parser = values::parse_tag)]
    pub(crate) parameters: Vec<(String, String)>,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

/// `bruit topics rm`.
#[derive(Debug, Args)]
pub(crate) struct TopicRmArgs {
    /// The topic's pattern.
    pub(crate) pattern: String,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

/// `bruit deliveries`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct DeliveriesArgs {
    /// What to do; without it, ls.
    #[command(subcommand)]
    pub(crate) command: Option<DeliveriesCommand>,
    #[command(flatten)]
    pub(crate) list: DeliveriesLsArgs,
}

/// What can be done with deliveries.
#[derive(Debug, Subcommand)]
pub(crate) enum DeliveriesCommand {
    /// List what waits, what is under way, and what was given up (dead letters).
    Ls(DeliveriesLsArgs),
    /// Show a dead letter, with headers and body.
    Show(DeliveryArgs),
    /// Put dead letters back into their queues.
    Retry(PickArgs),
    /// Remove dead letters.
    Drop(PickArgs),
}

/// `bruit deliveries ls`.
#[derive(Debug, Args)]
pub(crate) struct DeliveriesLsArgs {
    /// Show only dead letters: the same as --state failed.
    #[arg(long, conflicts_with = "state")]
    pub(crate) failed: bool,
    /// Show only deliveries in this state.
    #[arg(long, value_enum, value_name = "STATE")]
    pub(crate) state: Option<DeliveryWord>,
    /// Show only those of this subscription.
    #[arg(long, value_name = "NAME")]
    pub(crate) subscription: Option<String>,
    /// Show only what happened within this time, such as 1h.
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) since: Option<Duration>,
    /// Show at most so many [default: as many as the agent gives at once].
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

impl DeliveriesLsArgs {
    /// The state that is wanted, in the API's word.
    pub(crate) fn state_word(&self) -> Option<&'static str> {
        let state = if self.failed { Some(DeliveryWord::Failed) } else { self.state };
        state.map(DeliveryWord::word)
    }
}

/// A delivery's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DeliveryWord {
    /// It waits for its turn, or for its next attempt.
    Queued,
    /// An attempt is under way.
    InFlight,
    /// It was given up.
    Failed,
}

impl DeliveryWord {
    const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::InFlight => "in_flight",
            Self::Failed => "failed",
        }
    }
}

/// `bruit deliveries show`.
#[derive(Debug, Args)]
pub(crate) struct DeliveryArgs {
    /// The dead letter's id, as ls shows it.
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

/// Which dead letters.
#[derive(Debug, Args)]
pub(crate) struct PickArgs {
    /// Ids of dead letters, as ls shows them.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub(crate) ids: Vec<String>,
    /// All dead letters, or all of --subscription.
    #[arg(long)]
    pub(crate) all: bool,
    /// With --all: only those of this subscription.
    #[arg(long, value_name = "NAME", requires = "all")]
    pub(crate) subscription: Option<String>,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}
