//! The command line: `bruit agent` runs an agent, the other commands talk to one over its HTTP
//! API, and `bruit demo` shows it all on one machine.
//!
//! Data goes to standard output, messages and logs to standard error. How a command ended is its
//! exit code ([`exit::Exit`]).

mod agent;
mod args;
mod client;
mod commands;
mod demo;
mod echo;
mod exit;
mod logging;
mod out;
mod run;
mod signals;
mod systemd;

use args::{Cli, Command};
use clap::Parser as _;
use exit::{Exit, Failure};
use signals::Signals;
use std::future::Future;
use std::process::ExitCode;

/// The system's takes a third of an agent's time when a long queue is delivered: it sorts what was
/// freed at each larger allocation.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    out::choose_color(cli.color);
    match run(cli.command) {
        Ok(code) => code,
        Err(failure) => {
            failure.print();
            failure.exit.into()
        }
    }
}

fn run(command: Command) -> Result<ExitCode, Failure> {
    let exit = match command {
        Command::Run(args) => return run::run(*args),
        Command::Agent(args) => agent::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Echo(args) => wait_for(echo::run(args)),
        Command::Send(args) => until_signal(commands::send::send(args)),
        Command::Publish(args) => until_signal(commands::send::publish(*args)),
        Command::Listen(args) => until_signal(commands::listen::run(args)),
        Command::Tail(args) => until_signal(commands::tail::run(args)),
        Command::Trace(args) => until_signal(commands::trace::run(args)),
        Command::Members(args) => until_signal(commands::members::run(args)),
        Command::Member(args) => until_signal(commands::member::run(args)),
        Command::Tag(args) => until_signal(commands::change::tag(args)),
        Command::Join(args) => until_signal(commands::change::join(args)),
        Command::Leave(args) => until_signal(commands::change::leave(args)),
        Command::Evict(args) => until_signal(commands::change::evict(args)),
        Command::Subs(args) => until_signal(commands::subs::run(*args)),
        Command::Topics(args) => until_signal(commands::topics::run(args)),
        Command::Deliveries(args) => until_signal(commands::deliveries::run(args)),
        Command::Keys(args) => until_signal(commands::keys::run(args)),
        Command::Config(args) => commands::config::run(*args),
        Command::Reload(args) => until_signal(commands::reload::run(args)),
        Command::Status(args) => until_signal(commands::status::run(args)),
        Command::Sim(args) => commands::sim::run(*args),
        Command::Completion(args) => commands::completion::run(&args),
        Command::Man(args) => commands::man::run(&args),
        Command::Version(args) => commands::version::run(&args),
    };
    exit.map(ExitCode::from)
}

/// Runs one command to its end, on this thread.
fn wait_for<F: Future<Output = Result<Exit, Failure>>>(command: F) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot start: {error}")))?;
    let end = runtime.block_on(command);
    // Standard input may still be read by a thread of the runtime.
    runtime.shutdown_background();
    end
}

/// Runs one command to its end, or until somebody interrupts it.
fn until_signal<F: Future<Output = Result<Exit, Failure>>>(command: F) -> Result<Exit, Failure> {
    wait_for(async {
        let mut signals = Signals::new()?;
        tokio::select! {
            end = Box::pin(command) => end,
            _ = signals.next() => Ok(Exit::Interrupted),
        }
    })
}
