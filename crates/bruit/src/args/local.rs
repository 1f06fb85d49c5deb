//! What the commands take that need no running agent, and those about keys.

use super::{AskArgs, Output, ReadArgs, SettingArgs};
use clap::{Args, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;

/// `bruit run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Nothing is delivered before the service takes connections; until then items wait. SIGTERM, SIGINT
and SIGHUP are passed on to the service; when it has ended, the agent says goodbye. The exit code is
the service's, 128 and the signal's number if one ended it, 127 if there is no such program, and 126
if it cannot be run.")]
pub(crate) struct RunArgs {
    /// The port of the service on this machine: the same as --app http://127.0.0.1:PORT.
    #[arg(long, conflicts_with = "app")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,
    #[command(flatten)]
    pub(crate) settings: SettingArgs,
    /// The service: a program and its arguments. BRUIT_ADDR tells it where the agent's API is.
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(crate) command: Vec<String>,
}

/// `bruit keys`.
#[derive(Debug, Args)]
pub(crate) struct KeysArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: KeysCommand,
}

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Print a new cluster key, to keep in a file that only agents can read.
    New,
    /// List the keys of the group by their fingerprints, and who lacks one.
    Ls(ReadArgs),
    /// Have the whole group use a new key; the old one is accepted until it is removed.
    Rotate(KeyRotateArgs),
    /// Have the whole group accept a key no more.
    Rm(KeyRmArgs),
}

/// `bruit keys rotate`.
#[derive(Debug, Args)]
pub(crate) struct KeyRotateArgs {
    /// A key that is there already, by its fingerprint: to go on with a rotation [default: a new
    /// one].
    #[arg(long, value_name = "FINGERPRINT")]
    pub(crate) key: Option<String>,
    /// Use it even if some members lack it: they are cut off.
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

/// `bruit keys rm`.
#[derive(Debug, Args)]
pub(crate) struct KeyRmArgs {
    /// The key's fingerprint, as ls shows it.
    pub(crate) fingerprint: String,
    /// Remove it even if some members use it: they are cut off.
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

/// `bruit echo`.
#[derive(Debug, Args)]
pub(crate) struct EchoArgs {
    /// Where to listen. Port 0 is any free one.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// The status of every answer.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(200..600))]
    pub(crate) status: u16,
}

/// `bruit version`.
#[derive(Debug, Args)]
pub(crate) struct VersionArgs {
    #[command(flatten)]
    pub(crate) output: Output,
}

/// `bruit completion`.
#[derive(Debug, Args)]
#[command(after_help = "\
For one session: source <(bruit completion bash). For good, as the system's packages do:
  bash  bruit completion bash > /etc/bash_completion.d/bruit
  zsh   bruit completion zsh > \"${fpath[1]}/_bruit\"
  fish  bruit completion fish > ~/.config/fish/completions/bruit.fish")]
pub(crate) struct CompletionArgs {
    /// For which shell.
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

/// `bruit man`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The command, such as subs add [default: the overview].
    #[arg(value_name = "COMMAND", conflicts_with = "out")]
    pub(crate) command: Vec<String>,
    /// Write the pages of all commands into this directory.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// `bruit demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// How many agents, each beside a service of its own.
    #[arg(long, value_name = "N", default_value_t = 5)]
    #[arg(value_parser = clap::value_parser!(u16).range(3..=100))]
    pub(crate) nodes: u16,
    /// Do not pause between steps.
    #[arg(long)]
    pub(crate) fast: bool,
    /// Open nothing but this terminal. It is so in this version in any case.
    #[arg(long)]
    pub(crate) no_ui: bool,
    /// Keep everything running at the end, until Enter or Ctrl-C.
    #[arg(long)]
    pub(crate) keep: bool,
}
