//! Suites that run Bruit together with real foreign programs.
//!
//! Each suite is a subcommand. It starts the foreign program and real `bruit agent` processes on
//! loopback, tells what it does, and ends with `N passed, N failed`. The exit code is 0 if
//! nothing failed, 1 if something did, 2 if the command line is not understood, 130 if a signal
//! ended the suite. However a suite ends, no process of it stays.

mod bruit;
mod consumers;
mod http;
mod process;
mod report;
mod trouble;
mod varnish;

use process::Signals;
use std::process::ExitCode;

const USAGE: &str = "\
usage: bruit-interop SUITE [--keep]

suites:
  varnish       one PURGE reaches five Varnish caches
  nginx         requests over HTTP/1.1 and HTTP/2, byte for byte
  alertmanager  an event becomes an alert
  cloudevents   both modes, understood by the official Python SDK
  webhook       one request runs a script, by webhook and by an exec handler

options:
  --keep        do not remove the suite's folder (logs, settings); its name is printed";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (suite, keep) = match words[..] {
        [name] if is_suite(name) => (name, false),
        [name, "--keep"] | ["--keep", name] if is_suite(name) => (name, true),
        ["--help" | "-h"] => {
            report::say(USAGE);
            return ExitCode::SUCCESS;
        }
        [..] => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(async {
        let mut signals = match Signals::new() {
            Ok(signals) => signals,
            Err(error) => {
                eprintln!("error: cannot start: {error}");
                return ExitCode::FAILURE;
            }
        };
        // The suite that is not polled to its end is dropped, and with it all that it started.
        tokio::select! {
            is_ok = Box::pin(run(suite, keep)) => {
                if is_ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
            }
            name = signals.next() => {
                eprintln!("ended by {name}");
                ExitCode::from(130)
            }
        }
    })
}

fn is_suite(name: &str) -> bool {
    name == "varnish" || consumers::NAMES.contains(&name)
}

async fn run(suite: &str, keep: bool) -> bool {
    if suite == "varnish" { varnish::run(keep).await } else { consumers::run(suite, keep).await }
}
