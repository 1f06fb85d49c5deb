//! What `bruit config` takes.

use super::{Output, ReadArgs, SettingArgs};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `bruit config`.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

/// What can be done with settings.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show the settings that an agent would have if it were started with these flags.
    Show(Box<ConfigShowArgs>),
    /// Find every mistake in the settings; exit code 2 if there is one.
    Check(ConfigCheckArgs),
    /// Print a file with every setting, its default and what it is for.
    Example,
    /// Show what a reload or restart of the running agent would change.
    Diff(ReadArgs),
}

/// `bruit config show`.
#[derive(Debug, Args)]
pub(crate) struct ConfigShowArgs {
    /// Show where each value comes from, too: a default, a line of a file, a variable, a flag.
    #[arg(long)]
    pub(crate) origin: bool,
    #[command(flatten)]
    pub(crate) settings: SettingArgs,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// `bruit config check`.
#[derive(Debug, Args)]
pub(crate) struct ConfigCheckArgs {
    /// The file to check [default: those that an agent reads]. The environment is checked, too.
    pub(crate) file: Option<PathBuf>,
}
