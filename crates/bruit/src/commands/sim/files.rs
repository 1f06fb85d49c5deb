//! Files that commands write and read besides what they print.

use super::source::read;
use crate::exit::{Exit, Failure};
use bruit_sim::measure::{Outcome, VERSION};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The largest file that is read, in bytes. Guess.
pub(super) const FILE_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Writes a whole file.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| {
        let line = format!("cannot write {}: {error}", path.display());
        Failure::new(Exit::Failed, line).hint("name a file in a folder that is there")
    })
}

/// Runs that were kept.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Baseline {
    /// The version that ran them.
    pub(super) version: String,
    /// The commit, where the build knew it.
    pub(super) commit: Option<String>,
    /// The runs.
    pub(super) runs: Vec<Outcome>,
}

impl Baseline {
    pub(super) fn of(runs: &[Outcome]) -> Self {
        let commit = bruit_sim::measure::commit().map(str::to_owned);
        Self { version: VERSION.to_owned(), commit, runs: runs.to_vec() }
    }

    pub(super) fn load(path: &Path) -> Result<Self, Failure> {
        load(path, "baseline", "--save-baseline")
    }
}

/// All that a run follows from, and its hash.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Replay {
    /// The version that ran it.
    pub(super) version: String,
    /// The commit, where the build knew it.
    pub(super) commit: Option<String>,
    /// What the scenario was called.
    pub(super) name: String,
    /// Its text.
    pub(super) scenario: String,
    /// What was laid over it.
    pub(super) set: Vec<(String, String)>,
    /// The seed.
    pub(super) seed: u64,
    /// The trace hash.
    pub(super) trace_hash: String,
}

/// What tells a replay from a scenario: its first letters.
const REPLAY_BEGIN: &str = "{\"version\":";

impl Replay {
    /// The replay in a file; `None` if it is a file of something else, or none.
    pub(super) fn load(path: &Path) -> Result<Option<Self>, Failure> {
        let Ok(text) = read(path, FILE_BYTES_MAX) else { return Ok(None) };
        if !text.starts_with(REPLAY_BEGIN) {
            return Ok(None);
        }
        check_version(path, &text, "replay")?;
        parse(path, &text, "replay", "--save-replay").map(Some)
    }

    pub(super) fn to_text(&self) -> String {
        let text = serde_json::to_string(self).expect("it has string keys");
        debug_assert!(text.starts_with(REPLAY_BEGIN));
        text + "\n"
    }
}

/// Refuses a file of another version, however else it looks.
fn check_version(path: &Path, text: &str, what: &str) -> Result<(), Failure> {
    #[derive(Deserialize)]
    struct Any {
        version: String,
    }
    let Ok(Any { version }) = serde_json::from_str(text) else { return Ok(()) };
    if version == VERSION {
        return Ok(());
    }
    let path = path.display();
    let line = format!("the {what} {path} is of version {version}, and this is bruit {VERSION}");
    Err(Failure::new(Exit::Usage, line)
        .hint(format!("another version runs other code: replay it with bruit {version}")))
}

fn load<T: for<'a> Deserialize<'a>>(path: &Path, what: &str, flag: &str) -> Result<T, Failure> {
    let text = read(path, FILE_BYTES_MAX).map_err(|error| {
        Failure::new(Exit::NotFound, format!("cannot read the {what} {}: {error}", path.display()))
            .hint(format!("write one with {flag}"))
    })?;
    parse(path, &text, what, flag)
}

fn parse<T: for<'a> Deserialize<'a>>(
    path: &Path,
    text: &str,
    what: &str,
    flag: &str,
) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| {
        Failure::new(Exit::Usage, format!("{} is no {what}: {error}", path.display()))
            .hint(format!("name a file that {flag} has written"))
    })
}

/// Rows as CSV: cells in quotes where they need it (RFC 4180).
pub(super) fn csv(rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let cell = |cell: String| {
        let needs = cell.contains([',', '"', '\n', '\r']);
        if needs { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
    };
    let line = |row: Vec<String>| row.into_iter().map(cell).collect::<Vec<_>>().join(",") + "\n";
    rows.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_with_commas_are_quoted() {
        let rows = [vec!["a".to_owned(), "b,c".to_owned()], vec!["d\"e".to_owned(), String::new()]];
        assert_eq!(csv(rows), "a,\"b,c\"\n\"d\"\"e\",\n");
    }
}
