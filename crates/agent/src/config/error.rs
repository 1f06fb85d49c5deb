//! Why settings cannot be used.

use super::{AgentConfig, Subject};
use crate::delivery::SpecError;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The settings cannot be used. Nothing was started or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the settings in {path}; check that the file exists and may be read")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is too long, or there are too many.
    #[error("{path}: {what}; split it up, or leave out what is not needed")]
    TooMuch {
        /// Which file or directory.
        path: PathBuf,
        /// Over which limit.
        what: String,
    },
    /// The file is not TOML.
    #[error("{path}:{line}: not TOML: {message}")]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// In which line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// There is no such setting.
    #[error("{path}:{line}: there is no setting `{key}`; did you mean `{nearest}`?")]
    UnknownKey {
        /// Which file.
        path: PathBuf,
        /// In which line, from 1.
        line: usize,
        /// The key.
        key: String,
        /// The existing key that is closest to it.
        nearest: &'static str,
    },
    /// There is no such variable.
    #[error("the environment's {name} is no setting; did you mean {nearest}? else unset it")]
    UnknownVariable {
        /// The variable.
        name: String,
        /// The existing one that is closest to it.
        nearest: String,
    },
    /// A value of another kind than the setting takes.
    #[error("{subject} is {given}; {remedy}")]
    Kind {
        /// Which setting.
        subject: Subject,
        /// What was given.
        given: String,
        /// What to write instead.
        remedy: String,
    },
    /// A value cannot be used.
    #[error("{subject} {bad}")]
    BadValue {
        /// Which setting.
        subject: Subject,
        /// What is wrong.
        bad: Bad,
    },
    /// A subscription cannot be used.
    #[error("{subject}: {error}")]
    Subscription {
        /// Which.
        subject: Subject,
        /// What is wrong.
        error: SpecError,
    },
    /// A name that is given twice.
    #[error("{subject}: there is a subscription of this name already, {other}; name it otherwise")]
    Duplicate {
        /// Which.
        subject: Subject,
        /// What it is.
        other: String,
    },
    /// More subscriptions than an agent may have from settings.
    #[error(
        "the settings make {count} subscriptions, and an agent takes {} from them; use fewer, \
         wider patterns",
        AgentConfig::SUBSCRIPTIONS_MAX
    )]
    TooManySubscriptions {
        /// How many.
        count: usize,
    },
    /// Gossip beyond this machine without a key.
    #[error(
        "{subject} {addr} can be reached from other machines, and no key is set; make one with \
         `bruit keys new > cluster.key` and start every agent with --key-file cluster.key, or \
         bind to 127.0.0.1"
    )]
    KeyRequired {
        /// The setting.
        subject: Subject,
        /// The address.
        addr: SocketAddr,
    },
    /// A wildcard address tells others nothing.
    #[error(
        "{subject} {addr} is every address of this machine, so others cannot be told which one to \
         use; add --advertise ADDR with the one that they can reach"
    )]
    AdvertiseRequired {
        /// The setting.
        subject: Subject,
        /// The address.
        addr: SocketAddr,
    },
    /// An API beyond this machine without a token.
    #[error(
        "{subject} {addr} can be reached from other machines, and no token is set; add \
         --token-file FILE with a secret that callers send as Bruit-Token, or listen on 127.0.0.1"
    )]
    TokenRequired {
        /// The setting.
        subject: Subject,
        /// The address.
        addr: SocketAddr,
    },
    /// Paths without a service to get them.
    #[error(
        "{0} is given, and no service to deliver to; add --app URL, or --exec CMD for a program"
    )]
    SubscribeWithoutApp(Subject),
    /// A service that would get nothing.
    #[error("{0} is given, and no path that it is to get; add --subscribe, '**' for all paths")]
    AppWithoutSubscribe(Subject),
}

/// A value that cannot be used, without the setting that it was given for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{value}`: {why}; {remedy}")]
pub struct Bad {
    /// What was given.
    pub value: String,
    /// What is wrong with it.
    pub why: String,
    /// What to write instead.
    pub remedy: &'static str,
}

impl Bad {
    pub(super) fn new(value: &str, why: impl Into<String>, remedy: &'static str) -> Self {
        Self { value: value.escape_debug().to_string(), why: why.into(), remedy }
    }
}
