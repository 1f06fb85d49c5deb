//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Side-by-side measurements of bruit against peers.
#[derive(Debug, Parser)]
#[command(name = "bruit-bench", max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Chore,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Chore {
    /// Measure against Debian's serf agent.
    Serf(SerfArgs),
    /// Measure delivery against wrk and against calling the consumer directly.
    Deliver(DeliverArgs),
    /// Measure the simulator with native nodes, against iroh-gossip's own simulator.
    SimNodes(crate::sim_nodes::SimNodesArgs),
    /// Measure the simulator with a million rumor engines, against its queue alone.
    Sim(crate::sim::SimArgs),
    /// Measure one size, for `sim`.
    #[command(hide = true)]
    SimOne(crate::sim::SimOneArgs),
    /// Answer requests, for `deliver`.
    #[command(hide = true)]
    Consume,
    /// Measure traffic in the network namespace that this program was started in.
    #[command(hide = true)]
    Inside(InsideArgs),
}

/// A measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Measure {
    /// How long an event takes to reach every agent.
    Spread,
    /// Resident memory, before and after a load.
    Memory,
    /// Processor use while nothing happens.
    Idle,
    /// How long it takes until all know of a killed agent, and whether any is falsely failed.
    Failure,
    /// How long a group takes that is started at once.
    Bootstrap,
    /// What an idle agent sends, for groups of several sizes.
    Traffic,
}

/// `bruit-bench serf`.
#[derive(Debug, Args)]
pub(crate) struct SerfArgs {
    /// Agents on each side.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(3..=250))]
    pub(crate) nodes: u16,
    /// Repetitions of spread and failure.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub(crate) reps: u16,
    /// Events of each side in a repetition of spread.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) events: u16,
    /// Measure only these.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) only: Vec<Measure>,
    /// How long processor use is counted, in seconds.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) idle_seconds: u64,
    /// How long nobody may be falsely failed, in minutes; 0 leaves it out.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=1440))]
    pub(crate) idle_minutes: u64,
    /// Agents that are started at once.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(3..=250))]
    pub(crate) bootstrap_nodes: u16,
    /// How long they may take, in seconds.
    #[arg(long, default_value_t = 240, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) bootstrap_cap: u64,
    /// Sizes of the groups whose traffic is counted.
    #[arg(long, default_values_t = [10, 50, 200], value_delimiter = ',',
          value_parser = clap::value_parser!(u16).range(3..=250))]
    pub(crate) sizes: Vec<u16>,
    /// How long traffic is counted, in seconds.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) traffic_seconds: u64,
    /// How long to wait for a quiet machine before each measurement, in seconds.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u64).range(0..=3600))]
    pub(crate) gate_seconds: u64,
    /// Write everything that was measured to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

impl SerfArgs {
    /// Whether `measure` is asked for.
    pub(crate) fn wants(&self, measure: Measure) -> bool {
        self.only.is_empty() || self.only.contains(&measure)
    }

    /// The most agents that run at a time.
    pub(crate) fn agents_max(&self) -> u16 {
        let standing = self.nodes * if self.wants(Measure::Spread) { 3 } else { 2 };
        let sizes = self.sizes.iter().copied().max().unwrap_or(0);
        standing.max(self.bootstrap_nodes).max(sizes)
    }

    /// How long to wait for a quiet machine.
    pub(crate) fn gate(&self) -> Duration {
        Duration::from_secs(self.gate_seconds)
    }
}

/// A kind of agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Debian's serf.
    Serf,
    /// This project's.
    Bruit,
}

impl Kind {
    /// Its word on the command line.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Serf => "serf",
            Self::Bruit => "bruit",
        }
    }
}

/// `bruit-bench inside`.
#[derive(Debug, Args)]
pub(crate) struct InsideArgs {
    /// Which kind.
    #[arg(long, value_enum)]
    pub(crate) peer: Kind,
    /// Sizes of the groups.
    #[arg(long, value_delimiter = ',', required = true)]
    pub(crate) sizes: Vec<u16>,
    /// How long traffic is counted, in seconds.
    #[arg(long)]
    pub(crate) window_seconds: u64,
}

/// A measurement of delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Delivering {
    /// What it costs to find the subscriptions of a path, for 100 to 100,000 of them.
    Matching,
    /// What a replay adds to calling the consumer directly.
    Replay,
    /// How fast a full queue is delivered, against wrk.
    Drain,
    /// What a dead consumer with a full queue costs its neighbours.
    Dead,
}

/// `bruit-bench deliver`.
#[derive(Debug, Args)]
pub(crate) struct DeliverArgs {
    /// Repetitions.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub(crate) reps: u16,
    /// Items that are queued.
    #[arg(long, default_value_t = 100_000)]
    pub(crate) items: usize,
    /// How many deliveries are under way at once.
    #[arg(long, default_values_t = [8, 64], value_delimiter = ',',
          value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) concurrency: Vec<u16>,
    /// Drain with state on disk, too.
    #[arg(long)]
    pub(crate) data: bool,
    /// Measure only these.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) only: Vec<Delivering>,
    /// How long to wait for a quiet machine before each measurement, in seconds.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u64).range(0..=3600))]
    pub(crate) gate_seconds: u64,
    /// Write everything that was measured to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

impl DeliverArgs {
    /// Whether `measure` is asked for.
    pub(crate) fn wants(&self, measure: Delivering) -> bool {
        self.only.is_empty() || self.only.contains(&measure)
    }
}
