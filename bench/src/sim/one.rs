//! One measurement.

use super::Workload;
use crate::failure::{Doing as _, Failure};
use crate::procfs::{CpuReading, Memory};
use bruit_engine::spread::rumor::{Spread, StopRule, Style};
use bruit_engine::{Instant, Rng};
use bruit_sim::calendar::Calendar;
use bruit_sim::universe::rumor::{Group, Ledger, Peers, RumorUniverse};
use bruit_sim::universe::{Settings, rumor};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU8;
use std::time::Duration;

/// `bruit-bench sim-one`.
#[derive(Debug, clap::Args)]
pub(crate) struct SimOneArgs {
    /// How many nodes.
    #[arg(long)]
    nodes: u32,
    /// What they do.
    #[arg(long, value_enum)]
    workload: Workload,
    /// Which run.
    #[arg(long)]
    seed: u32,
}

/// Small groups repeat the run until this many events have happened, so that the clock is fine
/// enough.
const EVENTS_MIN: u64 = 2_000_000;
/// Events of the queue.
const QUEUE_EVENTS: u64 = 10_000_000;
const PERIOD: Duration = Duration::from_millis(100);

/// What one process measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(super) nodes: u32,
    pub(super) workload: Workload,
    pub(super) seed: u32,
    /// Runs, one item each.
    pub(super) runs: u64,
    pub(super) events: u64,
    /// Of the events alone.
    pub(super) cpu_nanos: u64,
    /// Of making the nodes.
    pub(super) setup_nanos: u64,
    /// Resident at most, above what the program takes by itself.
    pub(super) bytes: u64,
    /// The last run's, in hexadecimal.
    pub(super) trace_hash: String,
    /// Nodes that did not get the item, in all runs.
    pub(super) lacking: u64,
    /// From the publication to the last node, in virtual milliseconds, in the last run.
    pub(super) last_ms: f64,
}

/// Measures, and prints it as JSON.
pub(crate) fn run(args: &SimOneArgs) -> Result<String, Failure> {
    let me = std::process::id();
    let base = Memory::of(me)?.rss;
    let mut measured = Measured {
        nodes: args.nodes,
        workload: args.workload,
        seed: args.seed,
        runs: 0,
        events: 0,
        cpu_nanos: 0,
        setup_nanos: 0,
        bytes: 0,
        trace_hash: String::new(),
        lacking: 0,
        last_ms: 0.0,
    };
    match args.workload {
        Workload::Queue => queue(&mut measured)?,
        Workload::Push | Workload::PushPull => {
            while measured.events < EVENTS_MIN {
                broadcast(&mut measured)?;
            }
        }
    }
    measured.bytes = peak()?.saturating_sub(base);
    serde_json::to_string(&measured).doing("writing JSON")
}

fn cpu() -> Result<CpuReading, Failure> {
    CpuReading::of(std::process::id())
}

/// The most that this process was resident with, in bytes.
fn peak() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status").doing("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    Ok(kib.ok_or_else(|| Failure::new("/proc/self/status has no VmHWM"))? * 1024)
}

fn spread(workload: Workload, nodes: u32) -> Spread {
    let non_zero = |number: u8| NonZeroU8::new(number).expect("not zero");
    let (style, fanout) = match workload {
        Workload::Push | Workload::Queue => (Style::Push, log_fanout(nodes)),
        Workload::PushPull => (Style::PushPull, 2),
    };
    let stop = StopRule::Rounds(non_zero(100));
    Spread { style, fanout_count: non_zero(fanout), stop, period: PERIOD }
}

/// The smallest number above ln n + 2.
fn log_fanout(nodes: u32) -> u8 {
    (1..u8::MAX).find(|fanout| f64::from(*fanout) > f64::from(nodes).ln() + 2.0).unwrap_or(u8::MAX)
}

fn broadcast(measured: &mut Measured) -> Result<(), Failure> {
    let nodes = measured.nodes;
    let before = cpu()?;
    let seed = u64::from(measured.seed) << 32 | measured.runs;
    let group = Group::new(Ledger::new(Duration::from_millis(1)), Peers::Everyone);
    let mut universe = rumor::universe(seed, nodes, Settings::default(), group);
    let made = cpu()?;
    let key = universe.publish(0, spread(measured.workload, nodes));
    let all_have_it = |universe: &RumorUniverse| {
        universe.shared.ledger.item(key).holders == u64::from(universe.nodes())
    };
    match measured.workload {
        // Polling never ends: it is over when all have the item.
        Workload::PushPull => drop(universe.run_until(PERIOD * 100, all_have_it)),
        Workload::Push | Workload::Queue => universe.run_for(PERIOD * 100),
    }
    measured.cpu_nanos += cpu()?.since(&made).nanos;
    measured.setup_nanos += made.since(&before).nanos;
    measured.runs += 1;
    let outcome = universe.outcome(key);
    measured.events += outcome.events;
    measured.trace_hash = format!("{:016x}", outcome.trace_hash);
    measured.lacking += u64::from(nodes) - universe.shared.ledger.item(key).holders;
    measured.last_ms = outcome.last.as_secs_f64() * 1e3;
    Ok(())
}

/// A node that does nothing but count: one line of a cache.
#[derive(Clone, Debug, Default)]
#[repr(align(64))]
struct Empty {
    count: u64,
}

/// As many entries as nodes: each leads to one more, at a random node after 10 to 50 ms.
fn queue(measured: &mut Measured) -> Result<(), Failure> {
    let mut rng = Rng::from_seed(measured.seed.into());
    let before = cpu()?;
    let len = usize::try_from(measured.nodes).doing("counting nodes")?;
    let mut nodes = vec![Empty::default(); len];
    let mut calendar = Calendar::default();
    let later = |rng: &mut Rng| Duration::from_nanos(10_000_000 + rng.below(40_000_000));
    for node in 0..len {
        calendar.post(Instant::ZERO + later(&mut rng), node);
    }
    let made = cpu()?;
    for _ in 0..QUEUE_EVENTS {
        let Some((now, node)) = calendar.pop() else { break };
        nodes[node].count += 1;
        calendar.post(now + later(&mut rng), rng.index(len));
    }
    measured.cpu_nanos = cpu()?.since(&made).nanos;
    measured.setup_nanos = made.since(&before).nanos;
    measured.events = nodes.iter().map(|node| node.count).sum();
    measured.runs = 1;
    Ok(())
}
