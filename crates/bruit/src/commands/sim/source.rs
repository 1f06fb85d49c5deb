//! Where a scenario comes from.

use crate::exit::{Exit, Failure};
use bruit_sim::scenario::{LIBRARY, Scenario};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// The largest file that is read, in bytes: a scenario's limit is below it.
const FILE_BYTES_MAX: u64 = 2 * 1024 * 1024;

/// A scenario's text, and what it is called.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// The file, or the name.
    pub(super) name: String,
    /// Its TOML.
    pub(super) text: String,
}

impl Source {
    /// Reads a file, or takes a scenario that comes with the program.
    pub(super) fn find(name: &str) -> Result<Self, Failure> {
        let story = LIBRARY.iter().find(|story| story.name == name);
        if let Some(story) = story.filter(|_| !Path::new(name).exists()) {
            return Ok(Self { name: name.to_owned(), text: story.text.to_owned() });
        }
        let text = read(Path::new(name), FILE_BYTES_MAX).map_err(|error| {
            let line = format!("cannot read the scenario {name}: {error}");
            Failure::new(Exit::NotFound, line)
                .hint("name a file, or one of those that `bruit sim ls` lists")
        })?;
        Ok(Self { name: name.to_owned(), text })
    }

    /// The scenario, with what is laid over it.
    pub(super) fn parse(&self, set: &[(String, String)]) -> Result<Scenario, Failure> {
        Scenario::parse(&self.text, &self.name, set)
            .map_err(|error| Failure::from_error(Exit::Usage, &error))
    }
}

/// Reads a text of at most so many bytes.
pub(super) fn read(path: &Path, bytes_max: u64) -> std::io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(bytes_max + 1).read_to_string(&mut text)?;
    if text.len() as u64 > bytes_max {
        let why = format!("it has more than {bytes_max} bytes");
        return Err(std::io::Error::other(why));
    }
    Ok(text)
}
