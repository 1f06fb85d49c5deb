//! `bruit keys`.

use crate::args::{KeysArgs, KeysCommand};
use crate::exit::{Exit, Failure};
use bruit_agent::ClusterKey;
use std::io::{self, Write as _};

/// Prints a new key, as a key file has it.
pub(crate) fn run(args: &KeysArgs) -> Result<Exit, Failure> {
    match args.command {
        KeysCommand::New => writeln!(io::stdout(), "{}", ClusterKey::generate().to_text())?,
    }
    Ok(Exit::Ok)
}
