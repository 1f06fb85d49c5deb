//! The scenarios that come with the program.

/// A scenario that comes with the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Story {
    /// Its name.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// All of them: the files of `scenarios/`, by name.
pub const LIBRARY: [Story; 1] =
    [Story { name: "small", text: include_str!("../../../../scenarios/small.toml") }];
