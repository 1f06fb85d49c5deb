//! What the commands about members take.

use super::{AskArgs, ReadArgs, values};
use clap::{Args, ValueEnum};

/// `bruit members`.
#[derive(Debug, Args)]
pub(crate) struct MembersArgs {
    /// Show members that left, too.
    #[arg(long)]
    pub(crate) all: bool,
    /// Show only members in this state.
    #[arg(long, value_enum, value_name = "STATE")]
    pub(crate) state: Option<StateWord>,
    /// Show only members with this metadata. Several must all be there.
    #[arg(long = "tag", value_name = "K=V", value_parser = values::parse_tag)]
    pub(crate) tags: Vec<(String, String)>,
    /// Show only members with such a name: * is any text, ? any one letter.
    #[arg(long, value_name = "GLOB")]
    pub(crate) name: Option<String>,
    /// First wait until so many members are alive, at most --timeout.
    #[arg(long, value_name = "N")]
    pub(crate) wait: Option<usize>,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

/// A member's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StateWord {
    /// It answers.
    Alive,
    /// It did not answer, and may still do so.
    Suspect,
    /// It is held to have stopped.
    Failed,
    /// It said goodbye.
    Left,
}

impl StateWord {
    /// The word for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Suspect => "suspect",
            Self::Failed => "failed",
            Self::Left => "left",
        }
    }
}

/// `bruit member`.
#[derive(Debug, Args)]
pub(crate) struct MemberArgs {
    /// Its name or its id.
    pub(crate) node: String,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

/// `bruit evict`.
#[derive(Debug, Args)]
pub(crate) struct EvictArgs {
    /// Its name or its id.
    pub(crate) node: String,
    /// Do it. Without this nothing happens.
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

/// `bruit tag`.
#[derive(Debug, Args)]
pub(crate) struct TagArgs {
    /// Metadata to set (K=V) or to remove (K-).
    #[arg(required = true, value_name = "K=V|K-", value_parser = values::parse_tag_change)]
    pub(crate) changes: Vec<(String, Option<String>)>,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

/// `bruit join`.
#[derive(Debug, Args)]
pub(crate) struct JoinArgs {
    /// Addresses or names of agents, with or without port.
    #[arg(required = true, value_name = "ADDR")]
    pub(crate) addresses: Vec<String>,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

/// `bruit leave`.
#[derive(Debug, Args)]
pub(crate) struct LeaveArgs {
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}
