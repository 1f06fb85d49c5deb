//! What the command line takes. Each doc comment here is the help that users read.

mod agent;
mod config;
mod items;
mod local;
mod members;
mod output;
mod sim;
mod subs;
#[cfg(test)]
mod tests;
mod values;

pub(crate) use agent::{AgentArgs, SettingArgs};
pub(crate) use config::{ConfigArgs, ConfigCheckArgs, ConfigCommand, ConfigShowArgs};
pub(crate) use items::{
    CloudEventArgs, ItemArgs, ListenArgs, PublishArgs, SendArgs, TailArgs, TailType, TraceArgs,
};
pub(crate) use local::{
    CompletionArgs, DemoArgs, EchoArgs, KeyRmArgs, KeyRotateArgs, KeysArgs, KeysCommand, ManArgs,
    RunArgs, VersionArgs,
};
pub(crate) use members::{EvictArgs, JoinArgs, LeaveArgs, MemberArgs, MembersArgs, TagArgs};
pub(crate) use output::{Address, AskArgs, ColorChoice, Connection, Format, Output, ReadArgs};
pub(crate) use sim::{
    MergeArgs, RecommendArgs, ReplayArgs, RunnerArgs, SimArgs, SimCommand, SimLsArgs, SimRunArgs,
    SimShowArgs, StepArgs, SweepArgs,
};
pub(crate) use subs::{
    AddArgs, DeliveriesArgs, DeliveriesCommand, DeliveriesLsArgs, DeliveryArgs, NameArgs,
    NameReadArgs, PickArgs, SubsArgs, SubsCommand, TestArgs, TopicRmArgs, TopicSetArgs, TopicsArgs,
    TopicsCommand,
};
pub(crate) use values::{Data, is_like, parse_duration, parse_header};

use clap::{Parser, Subcommand};

/// Send one HTTP request; every subscribed service gets it.
#[derive(Debug, Parser)]
#[command(name = "bruit", version, after_help = crate::exit::HELP, max_term_width = 100)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Whether to use colour.
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t)]
    pub(crate) color: ColorChoice,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run an agent beside a service.
    Agent(Box<AgentArgs>),
    /// Start a service with an agent beside it; the exit code is the service's.
    Run(Box<RunArgs>),
    /// See it work: agents and plain HTTP services on this machine, and what they do.
    Demo(DemoArgs),
    /// Send an HTTP request to every service subscribed to its path.
    Send(SendArgs),
    /// Publish an event to every service subscribed to its topic.
    Publish(Box<PublishArgs>),
    /// Print items as they come, replay them elsewhere, or run a command for each.
    Listen(ListenArgs),
    /// Print what happens: items, deliveries, members, subscriptions.
    Tail(TailArgs),
    /// Show who got an item, from whom and when, how it was delivered, and who did not get it.
    Trace(TraceArgs),
    /// List the members of the group.
    Members(MembersArgs),
    /// Show all that is known of one member.
    Member(MemberArgs),
    /// Set or remove metadata of the agent.
    Tag(TagArgs),
    /// Let the agent contact other agents.
    Join(JoinArgs),
    /// Let the agent say goodbye and end.
    Leave(LeaveArgs),
    /// Declare that a member that has failed will not come back.
    Evict(EvictArgs),
    /// List the subscriptions of the group, and change those of the agent.
    Subs(Box<SubsArgs>),
    /// List the topics and their parameters, and change them.
    Topics(TopicsArgs),
    /// List deliveries that wait or were given up, and retry or drop them.
    Deliveries(DeliveriesArgs),
    /// Make, list and change cluster keys.
    #[command(arg_required_else_help = true)]
    Keys(KeysArgs),
    /// Show, check and compare settings.
    Config(Box<ConfigArgs>),
    /// Let the agent read its settings again.
    Reload(AskArgs),
    /// Show how the agent is doing.
    Status(ReadArgs),
    /// Simulate a group: the real protocol code over a virtual network.
    #[command(arg_required_else_help = true)]
    Sim(Box<SimArgs>),
    /// Run a plain HTTP service that prints what it gets, to try things out.
    Echo(EchoArgs),
    /// Print the completion script for a shell.
    Completion(CompletionArgs),
    /// Print manual pages.
    Man(ManArgs),
    /// Show the version of this program, and what built it.
    Version(VersionArgs),
}
