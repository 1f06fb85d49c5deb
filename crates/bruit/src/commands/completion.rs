//! `bruit completion`.

use crate::args::{Cli, CompletionArgs};
use crate::exit::{Exit, Failure};
use clap::CommandFactory as _;
use std::io::{self, Write as _};

/// Prints a shell's completion script.
pub(crate) fn run(args: &CompletionArgs) -> Result<Exit, Failure> {
    // Into memory first: the generator panics where writing fails.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "bruit", &mut script);
    io::stdout().write_all(&script)?;
    Ok(Exit::Ok)
}
