//! The simulator at engine scale: events per second of processor time and bytes a node, from 10²
//! to 10⁶ nodes, beside what a calendar queue alone does on this machine.
//!
//! An *event* is one call of a rumor engine: a message or a timeout. Every measurement is a
//! process of its own on one thread, so that its memory is its own; the sizes and workloads take
//! turns.

mod one;
mod report;

use crate::failure::{Doing as _, Failure};
use one::Measured;
pub(crate) use one::{SimOneArgs, run as run_one};
use report::Report;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// `bruit-bench sim`.
#[derive(Debug, clap::Args)]
pub(crate) struct SimArgs {
    /// How many nodes there are.
    #[arg(long, default_values_t = [100, 1_000, 10_000, 100_000, 1_000_000], value_delimiter = ',',
          value_parser = clap::value_parser!(u32).range(10..=10_000_000))]
    sizes: Vec<u32>,
    /// Repetitions.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    reps: u32,
    /// Write everything that was measured to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// What is measured.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize, serde::Deserialize,
)]
pub(crate) enum Workload {
    /// An item is pushed once by each node, to ln n + 2 others.
    Push,
    /// An item is pushed to two others, and each node polls one other in each period.
    PushPull,
    /// The calendar queue with an empty handler: the machine's own bound.
    Queue,
}

/// In the order of the tables.
const WORKLOADS: [Workload; 3] = [Workload::Queue, Workload::Push, Workload::PushPull];

/// Measures; takes some minutes.
pub(crate) fn run(args: &SimArgs) -> Result<Report, Failure> {
    let mut measured = Vec::new();
    for rep in 0..args.reps {
        for nodes in &args.sizes {
            eprintln!("repetition {} of {}: {nodes} nodes", rep + 1, args.reps);
            for workload in WORKLOADS {
                measured.push(in_own_process(*nodes, workload, rep)?);
            }
        }
    }
    Ok(Report::new(&args.sizes, measured))
}

fn in_own_process(nodes: u32, workload: Workload, seed: u32) -> Result<Measured, Failure> {
    let program = std::env::current_exe().doing("finding this program")?;
    let word = clap::ValueEnum::to_possible_value(&workload).expect("no workload is skipped");
    let output = Command::new(program)
        .args(["sim-one", "--workload", word.get_name()])
        .args(["--nodes", &nodes.to_string(), "--seed", &seed.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .doing("measuring in a process of its own")?;
    if !output.status.success() {
        let text = format!("measuring {nodes} nodes: {}: is there enough memory?", output.status);
        return Err(Failure::new(text));
    }
    serde_json::from_slice(&output.stdout).doing("reading what was measured")
}
