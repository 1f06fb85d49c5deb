//! `bruit keys`.

use crate::args::{KeysArgs, KeysCommand};
use crate::exit::{Exit, Failure};
use bruit_agent::new_cluster_key;
use std::io::{self, Write as _};

/// Prints a new key, as a key file has it.
pub(crate) fn run(args: &KeysArgs) -> Result<Exit, Failure> {
    match args.command {
        KeysCommand::New => writeln!(io::stdout(), "{}", new_cluster_key().to_text())?,
    }
    Ok(Exit::Ok)
}
