//! The simulator at node scale: what a virtual hour of a group costs, and events per second of
//! processor time beside those of iroh-gossip's own simulator, on the same broadcast.
//!
//! An *event* is one input that a node handles: a message, bytes or news of a stream, or a
//! timeout. Both sides run in this process, by turns, on one thread, over links of 10 to 50 ms.

mod group;
#[cfg(feature = "iroh")]
mod iroh;

use crate::failure::Failure;
use crate::procfs::{CpuReading, Memory};
use crate::stats::{Summary, median};
use crate::table::{Table, number};
use group::Group;
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

/// `bruit-bench sim-nodes`.
#[derive(Debug, clap::Args)]
pub(crate) struct SimNodesArgs {
    /// Nodes, each of which knows all others.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(3..=10_000))]
    nodes: u32,
    /// Items in the virtual hour.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(0..=3600))]
    items: u32,
    /// How long the virtual hour is, in minutes.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(0..=600))]
    minutes: u32,
    /// Repetitions of the broadcasts, by turns.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=100))]
    reps: u32,
    /// Broadcasts in a repetition.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=1000))]
    broadcasts: u32,
    /// Write everything that was measured to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// What a number of events cost.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Cost {
    events: u64,
    cpu_nanos: u64,
}

impl Cost {
    /// Events per second of processor time, in thousands.
    fn rate(self) -> f64 {
        self.events as f64 * 1e6 / self.cpu_nanos.max(1) as f64
    }
}

/// Runs `work`, which says how many events it handled.
fn measure(work: impl FnOnce() -> Result<u64, Failure>) -> Result<Cost, Failure> {
    let me = std::process::id();
    let before = CpuReading::of(me)?;
    let events = work()?;
    let cpu_nanos = CpuReading::of(me)?.since(&before).nanos;
    Ok(Cost { events, cpu_nanos })
}

/// What was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    nodes: u32,
    forming: Cost,
    hour: Cost,
    minutes: u32,
    items: u32,
    rss_bytes: u64,
    rss_before_bytes: u64,
    broadcasts: Vec<Cost>,
    iroh: Vec<Cost>,
    /// Ours by theirs, in each repetition.
    ratio: Option<Summary>,
}

/// Measures; takes some minutes.
pub(crate) fn run(args: &SimNodesArgs) -> Result<Report, Failure> {
    let me = std::process::id();
    let rss_before_bytes = Memory::of(me)?.rss;
    let mut group = Group::new(args.nodes);
    let forming = measure(|| group.form())?;
    eprintln!("{} nodes know each other after {:?}", args.nodes, group.now());
    let hour = measure(|| {
        let all = Duration::from_secs(60 * u64::from(args.minutes));
        group.idle(all, args.items)
    })?;
    let rss_bytes = Memory::of(me)?.rss;
    let mut report = Report {
        nodes: args.nodes,
        forming,
        hour,
        minutes: args.minutes,
        items: args.items,
        rss_bytes,
        rss_before_bytes,
        broadcasts: Vec::new(),
        iroh: Vec::new(),
        ratio: None,
    };
    #[cfg(feature = "iroh")]
    let mut theirs = iroh::Swarm::new(args.nodes);
    for _ in 0..args.reps {
        report.broadcasts.push(measure(|| group.broadcast(args.broadcasts))?);
        #[cfg(feature = "iroh")]
        report.iroh.push(measure(|| theirs.broadcast(args.broadcasts))?);
    }
    let both = report.broadcasts.iter().zip(&report.iroh);
    let ratios: Vec<_> = both.map(|(ours, theirs)| ours.rate() / theirs.rate()).collect();
    report.ratio = Summary::of(&ratios);
    Ok(report)
}

impl Report {
    /// The target of the ratio.
    const RATIO_MIN: f64 = 5.0;

    /// Whether the ratio, if there is one, is reached.
    pub(crate) fn is_met(&self) -> bool {
        self.ratio.is_none_or(|ratio| ratio.p50 >= Self::RATIO_MIN)
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut table = Table::new(
            "Simulator, node scale",
            &["", "events", "CPU s", "k events / CPU s", "CPU ms / broadcast"],
        );
        let mut row = |what: &str, cost: Cost, broadcasts: Option<usize>| {
            let seconds = cost.cpu_nanos as f64 / 1e9;
            let each = broadcasts.map(|count| seconds * 1e3 / count.max(1) as f64);
            table.row(vec![
                what.to_owned(),
                cost.events.to_string(),
                number(seconds, 2),
                number(cost.rate(), 0),
                each.map_or_else(String::new, |each| number(each, 2)),
            ]);
        };
        row(&format!("{} nodes meet", self.nodes), self.forming, None);
        row(&format!("{} virtual minutes, {} items", self.minutes, self.items), self.hour, None);
        for (what, all) in [("broadcasts", &self.broadcasts), ("iroh-gossip's", &self.iroh)] {
            let mut sum = Cost::default();
            for cost in all {
                sum.events += cost.events;
                sum.cpu_nanos += cost.cpu_nanos;
            }
            if !all.is_empty() {
                row(what, sum, Some(all.len()));
            }
        }
        let mut text = table.render();
        let bytes = self.rss_bytes.saturating_sub(self.rss_before_bytes);
        let each = bytes as f64 / f64::from(self.nodes) / 1024.0;
        text += &format!("\nmemory: {} MiB, {each:.0} KiB a node\n", bytes >> 20);
        let rates: Vec<_> = self.broadcasts.iter().map(|cost| cost.rate()).collect();
        text += &format!(
            "median of ours: {:.0} k events a CPU second\n",
            median(&rates).unwrap_or(0.0)
        );
        text += &match self.ratio {
            Some(Summary { p50, min, max, .. }) => format!(
                "events per CPU second, ours by iroh-gossip's: {p50:.2} ({min:.2} to {max:.2}), \
                 at least {} is wanted\n",
                Self::RATIO_MIN
            ),
            None => "not compared: built without the feature `iroh`\n".to_owned(),
        };
        text
    }
}
