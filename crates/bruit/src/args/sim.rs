//! What `bruit sim` takes.

use super::Output;
use bruit_sim::search::{Shard, Vary};
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::time::Duration;

/// `bruit sim`.
#[derive(Debug, Args)]
#[command(after_help = "\
It runs the real protocol code; only time and network are simulated. Everything follows from
(scenario, seed): the same seed gives the same trace hash on every machine, in any build, and on any
number of threads. SCENARIO is a file, or the name of a scenario that comes with the program.")]
pub(crate) struct SimArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: SimCommand,
}

/// What can be simulated.
#[derive(Debug, Subcommand)]
pub(crate) enum SimCommand {
    /// Run a scenario, and show how items spread and failures were detected.
    Run(SimRunArgs),
    /// Run a scenario with many settings: a grid, or some points of it.
    Sweep(SweepArgs),
    /// Make one table of the files of a sweep's parts.
    Merge(MergeArgs),
    /// Search for settings that meet a goal, by running the real code.
    Recommend(RecommendArgs),
    /// Run one seed again, and print its event log.
    Replay(ReplayArgs),
    /// Show what happens in one seed, one thing at a time, and what each changes.
    Step(StepArgs),
    /// List the scenarios that come with the program.
    Ls(SimLsArgs),
    /// Print a scenario that comes with the program, to start from.
    Show(SimShowArgs),
}

/// Which scenario, and what is laid over it.
#[derive(Clone, Debug, Args)]
pub(crate) struct ScenarioArgs {
    /// A file of TOML, or the name of a scenario that comes with the program.
    #[arg(value_name = "SCENARIO")]
    pub(crate) scenario: String,
    /// Set a key of the scenario, such as network.loss=2% or fault.0.at=10s; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = super::values::parse_setting)]
    pub(crate) set: Vec<(String, String)>,
}

/// How to run.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct RunnerArgs {
    /// How many seeds to run at once [default: one for each processor].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Show no progress. It is shown on a terminal only.
    #[arg(long)]
    pub(crate) no_progress: bool,
}

/// `bruit sim run`.
#[derive(Debug, Args)]
pub(crate) struct SimRunArgs {
    #[command(flatten)]
    pub(crate) scenario: ScenarioArgs,
    /// The first seed [default: the scenario's].
    #[arg(long, value_name = "N", value_parser = super::values::parse_seed)]
    pub(crate) seed: Option<u64>,
    /// How many seeds, one after the other [default: the scenario's].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) seeds: Option<u32>,
    /// Compare with the runs in this file, and print what differs.
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Keep the runs in this file, for --baseline.
    #[arg(long, value_name = "FILE")]
    pub(crate) save_baseline: Option<PathBuf>,
    /// Keep scenario, seed and trace hash in this file, for `bruit sim replay`.
    #[arg(long, value_name = "FILE")]
    pub(crate) save_replay: Option<PathBuf>,
    /// Write one page with charts and measures; it needs nothing else.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Write one picture with all charts.
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Write the measures of each seed as CSV.
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) runner: RunnerArgs,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// `bruit sim sweep`.
#[derive(Debug, Args)]
#[command(after_help = "\
With --out, each point is written as soon as it is done, and the same command goes on where it was
interrupted. Parts of one sweep, each run with --shard on a machine of its own, are put together by
`bruit sim merge`.")]
pub(crate) struct SweepArgs {
    #[command(flatten)]
    pub(crate) scenario: ScenarioArgs,
    /// A key and its values: topic.fanout=2,3,4 or topic.fanout=2..8; may be repeated.
    #[arg(long, value_name = "KEY=VALUES", required = true)]
    #[arg(value_parser = |text: &str| text.parse::<Vary>().map_err(|error| error.to_string()))]
    pub(crate) vary: Vec<Vary>,
    /// So many points of the grid, drawn at random, instead of all.
    #[arg(long, value_name = "N")]
    pub(crate) random: Option<usize>,
    /// Only this part of the points: 1/4 is the first of four.
    #[arg(long, value_name = "I/N", default_value = "1/1")]
    #[arg(value_parser = |text: &str| text.parse::<Shard>().map_err(|error| error.to_string()))]
    pub(crate) shard: Shard,
    /// How many seeds each point has [default: the scenario's].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) seeds: Option<u32>,
    /// Keep the results in this file, and go on with what is there.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Write all measures of each point as CSV.
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) runner: RunnerArgs,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// `bruit sim merge`.
#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// The files that `bruit sim sweep --out` has written.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Write all measures of each point as CSV.
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// `bruit sim recommend`.
#[derive(Debug, Args)]
#[command(after_help = "\
Every style is tried with the fanouts and periods that may matter: first all of them with few seeds,
then the best with all seeds. Of those that meet the goal, the one that sends least is best. Nodes
are native nodes in full view, and repair is on.")]
pub(crate) struct RecommendArgs {
    /// How many nodes.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=10_000))]
    pub(crate) nodes: u32,
    /// How many datagrams are lost: 1%, 0.05%.
    #[arg(long, value_name = "SHARE", default_value = "0%")]
    #[arg(value_parser = super::values::parse_share)]
    pub(crate) loss: u32,
    /// How long a datagram travels: 1ms, or 0.5ms..2ms.
    #[arg(long, value_name = "TIME", default_value = "0.5ms..2ms")]
    pub(crate) latency: String,
    /// The timers of the nodes: local, lan or wan.
    #[arg(long, value_name = "PROFILE", default_value = "lan")]
    pub(crate) profile: String,
    /// Of the pairs of an item and a node, how many are to have it in time.
    #[arg(long, value_name = "SHARE", default_value = "99.99%")]
    #[arg(value_parser = super::values::parse_share)]
    pub(crate) reach: u32,
    /// In which time: 500ms, 1s.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = super::parse_duration)]
    pub(crate) within: Duration,
    /// What a node may send on average, in kbit/s [default: any].
    #[arg(long, value_name = "N")]
    pub(crate) max_kbps: Option<u32>,
    /// How many items each run publishes.
    #[arg(long, value_name = "N", default_value_t = 20)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) items: u32,
    /// How many items the group publishes in a second.
    #[arg(long, value_name = "N", default_value_t = 10)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) rate: u32,
    /// How many bytes each carries.
    #[arg(long, value_name = "BYTES", default_value_t = 128)]
    #[arg(value_parser = clap::value_parser!(u32).range(0..=1_048_576))]
    pub(crate) payload: u32,
    /// How many seeds the best settings are run with.
    #[arg(long, value_name = "N", default_value_t = 20)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) seeds: u32,
    /// How many settings to show.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) show: usize,
    /// Write the scenario with the best settings into this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) runner: RunnerArgs,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// `bruit sim replay`.
#[derive(Debug, Args)]
#[command(after_help = "\
A file of `bruit sim run --save-replay` is replayed by the version that wrote it only; the trace
hash must come out as it is there.")]
pub(crate) struct ReplayArgs {
    /// A file of --save-replay, a file of TOML, or the name of a scenario.
    #[arg(value_name = "FILE|SCENARIO")]
    pub(crate) scenario: String,
    /// The seed [default: the one in the file, or the scenario's].
    #[arg(long, value_name = "N", value_parser = super::values::parse_seed)]
    pub(crate) seed: Option<u64>,
    /// Set a key of the scenario; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = super::values::parse_setting)]
    pub(crate) set: Vec<(String, String)>,
    /// How many lines of the log to print at most: the last ones.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub(crate) lines: usize,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// `bruit sim step`.
#[derive(Debug, Args)]
pub(crate) struct StepArgs {
    #[command(flatten)]
    pub(crate) scenario: ScenarioArgs,
    /// The seed [default: the scenario's].
    #[arg(long, value_name = "N", value_parser = super::values::parse_seed)]
    pub(crate) seed: Option<u64>,
    /// From when on, since the group has formed: 500ms, 10s.
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = super::parse_duration)]
    pub(crate) from: Duration,
    /// How many steps to show.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) steps: u64,
    /// Only what happens on this node: 0 is the first.
    #[arg(long, value_name = "N")]
    pub(crate) node: Option<u32>,
    /// Only what changes something.
    #[arg(long)]
    pub(crate) changes: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// `bruit sim ls`.
#[derive(Debug, Args)]
pub(crate) struct SimLsArgs {
    #[command(flatten)]
    pub(crate) output: Output,
}

/// `bruit sim show`.
#[derive(Debug, Args)]
pub(crate) struct SimShowArgs {
    /// Its name, as ls shows it.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}
