//! Where the value of a setting comes from.

use std::fmt;
use std::path::PathBuf;

/// Where the value of a setting comes from, each overriding those before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything.
    #[default]
    Default,
    /// A file.
    File {
        /// Which.
        path: PathBuf,
        /// In which line, from 1.
        line: usize,
    },
    /// A variable of the environment.
    Env(String),
    /// A flag, with its dashes.
    Flag(&'static str),
    /// A call of the API, while the agent ran.
    RunTime,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "file {}:{line}", path.display()),
            Self::Env(name) => write!(f, "env {name}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
            Self::RunTime => f.write_str("run time"),
        }
    }
}

/// A setting in an error: its name as it is written where its value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The setting; with a name after a dot, what of it.
    pub key: String,
    /// Where its value comes from.
    pub origin: Origin,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::Default => write!(f, "--{}", self.key),
            Origin::File { path, line } => write!(f, "{}:{line}: {}", path.display(), self.key),
            Origin::Env(name) => f.write_str(name),
            Origin::Flag(flag) => f.write_str(flag),
            Origin::RunTime => f.write_str(&self.key),
        }
    }
}
