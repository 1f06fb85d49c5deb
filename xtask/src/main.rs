//! Project chores.
//!
//! - `cargo xtask verify` checks everything and writes nothing: formatting, lints, documentation,
//!   tidiness, dependencies, all tests, the demo, and a smoke run against each foreign program. It
//!   ends with `verify: N passed, N failed`.
//! - `cargo xtask fix` formats and applies what clippy can apply by itself.
//! - `cargo xtask mutants [NAME]` puts kept bugs back one at a time, in a copy of the tree; the swarm
//!   must find each. It takes some minutes.
//! - `cargo xtask tidy` checks sizes, words and links only.

mod cmd;
mod install;
mod mutants;
mod tidy;
mod verify;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let chore = arguments.next().unwrap_or_default();
    let ok = match chore.as_str() {
        "verify" => verify::run(),
        "fix" => verify::fix(),
        "mutants" => mutants::run(arguments.next().as_deref()),
        "tidy" => tidy::run().is_ok(),
        _ => {
            eprintln!("usage: cargo xtask verify|fix|mutants|tidy");
            false
        }
    };
    if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
