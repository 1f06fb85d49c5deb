//! Settings that are one word of a few.

/// When something counts as kept in the state directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyncLevel {
    /// Once it is on disk (`fsync`): a publication is answered, and the place of a delivery among
    /// those under way is free, only then. A kill, or a loss of power, loses nothing that was
    /// acknowledged, and repeats only what was under way.
    #[default]
    Commit,
    /// At once. What happened in the last moments before a kill, about 0.1 s, may be lost or
    /// repeated.
    Batch,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// What failed.
    Error,
    /// Also what may need attention.
    Warn,
    /// Also what an operator wants to know.
    #[default]
    Info,
    /// Also what explains the rest.
    Debug,
    /// Everything.
    Trace,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// A JSON object on each line.
    Json,
}

impl SyncLevel {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Commit, Self::Batch];

    /// The word for it, in settings.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Batch => "batch",
        }
    }
}

impl LogLevel {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    /// The word for it, in settings.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl LogFormat {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Text, Self::Json];

    /// The word for it, in settings.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}
