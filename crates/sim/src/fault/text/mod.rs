//! Plans as text: one entry a line, words apart by spaces.
//!
//! ```text
//! 1.5s crash h3 kept          also: stale, lost
//! 2s start h3                 also: leave, pause, resume
//! 2s slow h3 0.01s
//! 2s clock h3 -3600000
//! 3s cut 1 h0-h4,h7 h5-h6 both-ways      or: one-way
//! 4s mend 1
//! 4s heal
//! 5s links loss=random:10000 reorder=5000:0.02s      see `link.rs`
//! 5s ingress h3 none          also: egress
//! 6s publish h3 100 cache/users/42
//! 6s metadata h3 42 key
//! ```

mod link;
mod words;

pub use link::{link_from_text, link_to_text};
pub(crate) use words::{seconds, seconds_from};

use super::{Act, Disk, Entry, Fault, Plan, Work};
use std::fmt;
use std::time::Duration;
use words::{Words, hosts};

/// A line is not what it should be. Nothing was taken over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct ParsePlanError {
    /// Which line, from 1.
    pub line: usize,
    /// What is wrong, and what it should be.
    pub why: String,
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(fault) => write_fault(f, fault),
            Self::Work(Work::Publish { host, path, bytes }) => {
                write!(f, "publish {host} {bytes} {path}")
            }
            Self::Work(Work::Metadata { host, key, value }) => {
                write!(f, "metadata {host} {value} {key}")
            }
        }
    }
}

fn write_fault(f: &mut fmt::Formatter<'_>, fault: &Fault) -> fmt::Result {
    let link = |link: &Option<_>| link.as_ref().map_or("none".to_owned(), link_to_text);
    match fault {
        Fault::Crash(host, Disk::Kept) => write!(f, "crash {host} kept"),
        Fault::Crash(host, Disk::Stale) => write!(f, "crash {host} stale"),
        Fault::Crash(host, Disk::Lost) => write!(f, "crash {host} lost"),
        Fault::Start(host) => write!(f, "start {host}"),
        Fault::Leave(host) => write!(f, "leave {host}"),
        Fault::Pause(host) => write!(f, "pause {host}"),
        Fault::Resume(host) => write!(f, "resume {host}"),
        Fault::Slow(host, per_input) => write!(f, "slow {host} {}", seconds(*per_input)),
        Fault::Clock(host, millis) => write!(f, "clock {host} {millis}"),
        Fault::Cut { number, from, to, both_ways } => {
            let ways = if *both_ways { "both-ways" } else { "one-way" };
            write!(f, "cut {number} {} {} {ways}", hosts(from), hosts(to))
        }
        Fault::Mend(number) => write!(f, "mend {number}"),
        Fault::Heal => write!(f, "heal"),
        Fault::Links(link) => write!(f, "links {}", link_to_text(link)),
        Fault::Ingress(host, given) => write!(f, "ingress {host} {}", link(given)),
        Fault::Egress(host, given) => write!(f, "egress {host} {}", link(given)),
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", seconds(self.at), self.act)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entries().iter().try_for_each(|entry| writeln!(f, "{entry}"))
    }
}

impl Plan {
    /// Reads what [`fmt::Display`] writes. Empty lines, and those that begin with `#`, say
    /// nothing.
    ///
    /// # Errors
    /// The first line that is not an entry, or one too many.
    pub fn parse(text: &str) -> Result<Self, ParsePlanError> {
        let mut entries = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line_is = line.trim();
            if line_is.is_empty() || line_is.starts_with('#') {
                continue;
            }
            let error = |why| ParsePlanError { line: index + 1, why };
            if entries.len() == Self::ENTRIES_MAX {
                return Err(error(format!("more than {} entries", Self::ENTRIES_MAX)));
            }
            entries.push(parse_entry(line_is).map_err(error)?);
        }
        Ok(Self::new(entries))
    }
}

fn parse_entry(line: &str) -> Result<Entry, String> {
    let mut words = Words::new(line);
    let at = words.seconds("a time")?;
    let act = parse_act(&mut words)?;
    words.end()?;
    Ok(Entry { at, act })
}

fn parse_act(words: &mut Words<'_>) -> Result<Act, String> {
    let fault = match words.next("what happens")? {
        "crash" => Fault::Crash(
            words.host()?,
            words.choice(&[("kept", Disk::Kept), ("stale", Disk::Stale), ("lost", Disk::Lost)])?,
        ),
        "start" => Fault::Start(words.host()?),
        "leave" => Fault::Leave(words.host()?),
        "pause" => Fault::Pause(words.host()?),
        "resume" => Fault::Resume(words.host()?),
        "slow" => Fault::Slow(words.host()?, words.seconds("a time for each input")?),
        "clock" => Fault::Clock(words.host()?, words.number("milliseconds")?),
        "cut" => Fault::Cut {
            number: words.number("a number for the cut")?,
            from: words.hosts()?,
            to: words.hosts()?,
            both_ways: words.choice(&[("both-ways", true), ("one-way", false)])?,
        },
        "mend" => Fault::Mend(words.number("the number of a cut")?),
        "heal" => Fault::Heal,
        "links" => Fault::Links(link_from_text(words.rest()?)?),
        "ingress" => Fault::Ingress(words.host()?, link_or_none(words.rest()?)?),
        "egress" => Fault::Egress(words.host()?, link_or_none(words.rest()?)?),
        "publish" => {
            let (host, bytes) = (words.host()?, words.number("a number of bytes")?);
            let path = words.rest()?.to_owned();
            return Ok(Act::Work(Work::Publish { host, path, bytes }));
        }
        "metadata" => {
            let (host, value) = (words.host()?, words.number("a number")?);
            let key = words.rest()?.to_owned();
            return Ok(Act::Work(Work::Metadata { host, key, value }));
        }
        other => return Err(format!("{other:?} is no fault and no work")),
    };
    Ok(Act::Fault(fault))
}

fn link_or_none(text: &str) -> Result<Option<crate::Link>, String> {
    if text == "none" { Ok(None) } else { link_from_text(text).map(Some) }
}

/// The longest time that a plan may name: 10 years, below the range of virtual time.
pub(super) const TIME_MAX: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
