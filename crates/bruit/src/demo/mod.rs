//! `bruit demo`: real agents as processes of their own, each beside a plain HTTP service, and
//! five steps that show what they do. Each step waits for what it claims, with a deadline, and
//! asks the services themselves what they got.

mod child;
mod group;
mod narrator;
mod service;
mod steps;

use crate::args::DemoArgs;
use crate::exit::{Exit, Failure};
use crate::signals::Signals;
use group::Group;
use narrator::Narrator;
use std::time::Duration;
use tokio::task::LocalSet;

/// How long a step is shown before the next begins.
const PAUSE: Duration = Duration::from_millis(1200);

/// Runs the demo; it ends by itself.
pub(crate) fn run(args: &DemoArgs) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot start: {error}")))?;
    let end = LocalSet::new().block_on(&runtime, Box::pin(demo(args)));
    // Standard input may still be read by a thread of the runtime.
    runtime.shutdown_background();
    end
}

async fn demo(args: &DemoArgs) -> Result<Exit, Failure> {
    let mut signals = Signals::new()?;
    let pause = if args.fast { Duration::ZERO } else { PAUSE };
    let narrator = Narrator::new(pause);
    let mut group = tokio::select! {
        group = Box::pin(Group::new(usize::from(args.nodes))) => group?,
        signal = signals.next() => return Ok(interrupted(signal)),
    };
    let end = tokio::select! {
        end = Box::pin(show(&mut group, &narrator, args.keep)) => end,
        signal = signals.next() => Err(Ended::ByUser(signal)),
    };
    let end = match end {
        Ok(()) => Ok(Exit::Ok),
        Err(Ended::ByUser(signal)) => Ok(interrupted(signal)),
        Err(Ended::Failed(failure)) if failure.exit == Exit::Ok => Err(failure),
        Err(Ended::Failed(failure)) => Err(group.logs().into_iter().fold(failure, Failure::detail)),
    };
    group.end().await;
    end
}

fn interrupted(signal: &str) -> Exit {
    crate::out::tell(&format!("{signal}: ending the demo"));
    Exit::Interrupted
}

/// Why the demo did not come to its end.
#[derive(Debug)]
enum Ended {
    /// Somebody ended it.
    ByUser(&'static str),
    /// A step did not happen.
    Failed(Failure),
}

async fn show(group: &mut Group, narrator: &Narrator, is_kept: bool) -> Result<(), Ended> {
    steps::all(group, narrator).await.map_err(Ended::Failed)?;
    if is_kept {
        narrator
            .say("Keep it running to explore; Enter or Ctrl-C ends it.")
            .map_err(Ended::Failed)?;
        let mut line = String::new();
        let read = tokio::task::spawn_blocking(move || std::io::stdin().read_line(&mut line));
        // Its end is the same as Enter.
        drop(read.await);
    }
    Ok(())
}
