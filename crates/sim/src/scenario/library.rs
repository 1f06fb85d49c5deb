//! The scenarios that come with the program.

/// A scenario that comes with the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Story {
    /// Its name.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

macro_rules! stories {
    ($($name:literal),* $(,)?) => {
        [$(Story {
            name: $name,
            text: include_str!(concat!("../../../../scenarios/", $name, ".toml")),
        },)*]
    };
}

/// All of them: the files of `scenarios/`.
pub const LIBRARY: [Story; 12] = stories![
    "small",
    "lan",
    "wan",
    "partition-heals",
    "partition-never-heals",
    "flapping",
    "cpu-starved",
    "mass-restart",
    "one-way-link",
    "heavy-loss",
    "rolling-churn",
    "million",
];
