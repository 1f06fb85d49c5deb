//! `bruit sim`.

mod files;
mod library;
mod live;
mod pool;
mod print;
mod recommend;
mod replay;
mod run;
mod source;
mod step;
mod sweep;

use crate::args::{SimArgs, SimCommand};
use crate::exit::{Exit, Failure};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What is simulated, in one sentence, wherever results are shown.
pub(crate) const PLAIN: &str = "runs the real protocol code; only time and network are simulated";

/// Runs what is asked for.
pub(crate) fn run(args: SimArgs) -> Result<Exit, Failure> {
    match args.command {
        SimCommand::Run(args) => run::run(&args),
        SimCommand::Sweep(args) => sweep::run(&args),
        SimCommand::Merge(args) => sweep::merge(&args),
        SimCommand::Recommend(args) => recommend::run(&args),
        SimCommand::Replay(args) => replay::run(&args),
        SimCommand::Step(args) => step::run(&args),
        SimCommand::Ls(args) => library::ls(&args),
        SimCommand::Show(args) => library::show(&args),
    }
}

/// Becomes true once somebody wishes the end; the second wish ends the process at once.
fn until_signal() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let shared = Arc::clone(&stop);
    let cannot = |error| Failure::new(Exit::Failed, format!("cannot start: {error}"));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot)?;
    let mut signals = runtime.block_on(async { crate::signals::Signals::new() })?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            signals.next().await;
            shared.store(true, Ordering::Relaxed);
            signals.next().await;
            std::process::exit(Exit::Interrupted as i32);
        });
    });
    Ok(stop)
}
