//! Side-by-side measurements of bruit against peers, as separate processes on this machine.
//!
//! `cargo run --release -p bruit-bench -- serf` measures against Debian's `serf agent`. Both sides
//! are measured in one run, with one clock and one method, and every figure that counts is a
//! ratio. `bench/README.md` says what each measurement is.
//!
//! What it starts it ends, by process id. Every wait is bounded.

mod args;
mod deliver;
mod failure;
mod gate;
mod group;
mod measure;
mod peer;
mod peers;
mod process;
mod procfs;
mod report;
mod run;
mod sim;
mod sim_nodes;
mod stats;
mod table;
mod target;

use args::{Chore, Cli, DeliverArgs, InsideArgs, SerfArgs};
use clap::Parser as _;
use failure::{Doing as _, Failure};
use measure::traffic::Sizes;
use serde::Serialize;
use sim_nodes::SimNodesArgs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::LocalSet;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = runtime.doing("starting").and_then(|runtime| {
        // One thread: every time is read by the one that reads the bytes.
        LocalSet::new().block_on(&runtime, until_signal(cli))
    });
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Runs what is asked for; a signal drops it, and with it all that it started.
async fn until_signal(cli: Cli) -> Result<bool, Failure> {
    let mut interrupt = signal(SignalKind::interrupt()).doing("listening for signals")?;
    let mut terminate = signal(SignalKind::terminate()).doing("listening for signals")?;
    tokio::select! {
        ended = Box::pin(chore(cli)) => ended,
        _ = interrupt.recv() => Err(Failure::new("interrupted")),
        _ = terminate.recv() => Err(Failure::new("terminated")),
    }
}

/// True if every target is reached.
async fn chore(cli: Cli) -> Result<bool, Failure> {
    match cli.command {
        Chore::Serf(args) => serf(args).await,
        Chore::Deliver(args) => deliver(args).await,
        Chore::Inside(args) => inside(args).await,
        Chore::SimNodes(args) => sim_nodes(args).await,
        Chore::Sim(args) => sim(args).await,
        Chore::SimOne(args) => say(&sim::run_one(&args)?).map(|()| true),
        Chore::Consume => deliver::consumer::serve().await.map(|()| true),
    }
}

async fn serf(args: SerfArgs) -> Result<bool, Failure> {
    let report = run::serf(&args).await?;
    if let Some(file) = &args.json {
        write_json(file, &report)?;
    }
    say(&report.text())?;
    Ok(report.is_met())
}

async fn deliver(args: DeliverArgs) -> Result<bool, Failure> {
    let report = deliver::run(&args).await?;
    if let Some(file) = &args.json {
        write_json(file, &report)?;
    }
    say(&report.text())?;
    Ok(report.is_met())
}

async fn sim_nodes(args: SimNodesArgs) -> Result<bool, Failure> {
    let (sender, ended) = oneshot::channel();
    let json = args.json.clone();
    // A thread of its own, so that a signal is heard meanwhile.
    let thread = std::thread::Builder::new().name("simulator".to_owned());
    let running = thread.spawn(move || drop(sender.send(sim_nodes::run(&args))));
    running.doing("starting the simulator")?;
    let report = ended.await.doing("awaiting the simulator")??;
    if let Some(file) = &json {
        write_json(file, &report)?;
    }
    say(&report.text())?;
    Ok(report.is_met())
}

async fn sim(args: sim::SimArgs) -> Result<bool, Failure> {
    let (sender, ended) = oneshot::channel();
    let json = args.json.clone();
    // A thread of its own, so that a signal is heard meanwhile.
    let thread = std::thread::Builder::new().name("simulator".to_owned());
    let running = thread.spawn(move || drop(sender.send(sim::run(&args))));
    running.doing("starting the simulator")?;
    let report = ended.await.doing("awaiting the simulator")??;
    if let Some(file) = &json {
        write_json(file, &report)?;
    }
    say(&report.text())?;
    Ok(report.is_met())
}

fn write_json(file: &Path, report: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(report).doing("writing JSON")?;
    std::fs::write(file, text + "\n").doing(format_args!("writing {}", file.display()))
}

async fn inside(args: InsideArgs) -> Result<bool, Failure> {
    let sizes = Sizes {
        nodes: args.sizes.into_iter().map(usize::from).collect(),
        window: Duration::from_secs(args.window_seconds),
    };
    let rows = tokio::select! {
        rows = run::inside(args.peer, sizes) => rows?,
        () = stdin_end()? => return Err(Failure::new("the program that wants to know has ended")),
    };
    say(&serde_json::to_string(&rows).doing("writing JSON")?)?;
    Ok(true)
}

/// Ends when standard input does.
fn stdin_end() -> Result<impl Future<Output = ()>, Failure> {
    let (sender, ended) = oneshot::channel::<()>();
    // A thread of its own: a read of standard input can be neither awaited nor cancelled.
    let thread = std::thread::Builder::new().name("stdin".to_owned());
    let reading = thread.spawn(move || {
        let mut some = [0; 256];
        while matches!(std::io::stdin().lock().read(&mut some), Ok(1..)) {}
        drop(sender);
    });
    reading.doing("watching standard input")?;
    Ok(async { drop(ended.await) })
}

fn say(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{}", text.trim_end()).and_then(|()| stdout.flush()).doing("printing")
}
