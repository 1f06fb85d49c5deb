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
mod signals;

use args::{Cli, Command};
use clap::Parser as _;
use exit::{Exit, Failure};
use std::future::Future;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.print();
            failure.exit.into()
        }
    }
}

fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Agent(args) => agent::run(*args),
        Command::Demo(args) => demo::run(&args),
        Command::Echo(args) => wait_for(echo::run(args)),
        Command::Listen(args) => wait_for(commands::listen::run(args)),
        Command::Send(args) => wait_for(commands::send::send(args)),
        Command::Publish(args) => wait_for(commands::send::publish(args)),
        Command::Members(args) => wait_for(commands::members::run(args)),
        Command::Subs(args) => wait_for(commands::lists::subscriptions(args)),
        Command::Topics(args) => wait_for(commands::lists::topics(args)),
        Command::Status(args) => wait_for(commands::status::run(args)),
        Command::Tag(args) => wait_for(commands::change::tag(args)),
        Command::Join(args) => wait_for(commands::change::join(args)),
        Command::Leave(args) => wait_for(commands::change::leave(args)),
        Command::Keys(args) => commands::keys::run(&args),
        Command::Version(args) => commands::version::run(&args),
    }
}

/// Runs one command to its end, on this thread.
fn wait_for<F: Future<Output = Result<Exit, Failure>>>(command: F) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot start: {error}")))?;
    runtime.block_on(command)
}
