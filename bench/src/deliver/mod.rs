//! What delivery costs: against `wrk` on the same consumer, against calling the consumer directly,
//! and against itself as subscriptions and queues grow.

mod agent;
pub(crate) mod consumer;
mod dead;
mod drain;
mod matching;
mod replay;
mod report;
mod service;

use crate::args::{DeliverArgs, Delivering};
use crate::failure::Failure;
use crate::gate::Gate;
use crate::peers::bruit;
use report::{Report, Results};
use std::time::Duration;

/// Measures what is asked for.
pub(crate) async fn run(args: &DeliverArgs) -> Result<Report, Failure> {
    let program = bruit::binary()?;
    let reps = usize::from(args.reps);
    let mut gate = Gate::new(Duration::from_secs(args.gate_seconds));
    let mut results = Results::default();
    if args.wants(Delivering::Matching) {
        gate.pass("matching", &[]).await?;
        eprintln!("matching");
        results.matching = matching::run(reps);
    }
    if args.wants(Delivering::Replay) {
        gate.pass("replay", &[]).await?;
        eprintln!("replay: {reps} repetitions");
        results.replay = Some(replay::run(&program, reps).await?);
    }
    if args.wants(Delivering::Drain) {
        for concurrency in &args.concurrency {
            gate.pass("drain", &[]).await?;
            eprintln!("drain: {reps} repetitions of {} items, {concurrency} at once", args.items);
            let setting = drain::Setting { concurrency: *concurrency, items: args.items, reps };
            results.drain.push(drain::run(&program, setting, args.data).await?);
        }
    }
    if args.wants(Delivering::Dead) {
        gate.pass("dead", &[]).await?;
        eprintln!("dead: {reps} repetitions, {} items queued", args.items);
        results.dead = Some(dead::run(&program, args.items, reps).await?);
    }
    Ok(Report::new(gate.readings, results))
}
