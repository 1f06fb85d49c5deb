//! The inputs of a run, as text.

use crate::fault::{
    ParsePlanError, Plan, Setup, link_from_text, link_to_text, seconds, seconds_from,
};
use std::collections::BTreeMap;
use std::fmt;

/// Everything that a run is made from.
///
/// ```text
/// bruit input log 1
/// seed 42
/// hosts 7
/// link latency=uniform:0.0005s:0.002s loss=random:0 duplicate=0 reorder=0:0.02s
/// bound 54.24s
/// option profile local
/// hash 1234567890abcdef
/// plan
/// 1.5s crash h3 kept
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputLog {
    /// What the run is made from.
    pub setup: Setup,
    /// What else who makes the nodes must know, such as their profile; one word and the rest of
    /// the line.
    pub options: BTreeMap<String, String>,
    /// The hash that the run ended with, where that is known: another one on replay means another
    /// program.
    pub hash: Option<u64>,
}

/// A text is no input log of ours. Nothing was run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The first line is another.
    #[error(
        "not an input log: the first line must be \"{} {}\"",
        InputLog::HEADER,
        InputLog::VERSION
    )]
    Header,
    /// Another version of the format.
    #[error(
        "an input log of version {found}; this program replays version {ours}: use the program \
         that wrote it"
    )]
    Version {
        /// The log's.
        found: u32,
        /// Ours.
        ours: u32,
    },
    /// A line of the head.
    #[error("line {line}: {why}")]
    Head {
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// A line of the head is missing.
    #[error("the line \"{0} …\" is missing")]
    Missing(&'static str),
    /// The plan.
    #[error(transparent)]
    Plan(#[from] ParsePlanError),
}

impl InputLog {
    /// The version of the format.
    pub const VERSION: u32 = 1;
    /// What the first line begins with.
    pub const HEADER: &str = "bruit input log";
    /// The most hosts. Guess: ten times the largest group of this scale.
    pub const HOSTS_MAX: u32 = 100_000;

    /// Reads what [`fmt::Display`] writes.
    ///
    /// # Errors
    /// Why it cannot be replayed.
    pub fn parse(text: &str) -> Result<Self, LogError> {
        let first = text.lines().next().unwrap_or_default();
        let version = first.strip_prefix(Self::HEADER).ok_or(LogError::Header)?;
        let found: u32 = version.trim().parse().map_err(|_| LogError::Header)?;
        if found != Self::VERSION {
            return Err(LogError::Version { found, ours: Self::VERSION });
        }
        let mut head = Head::default();
        let mut lines = text.lines().enumerate().skip(1);
        let Some(plan_at) = lines.find_map(|(index, line)| match head.read(line.trim()) {
            Ok(true) => Some(Ok(index + 1)),
            Ok(false) => None,
            Err(why) => Some(Err(LogError::Head { line: index + 1, why })),
        }) else {
            return Err(LogError::Missing("plan"));
        };
        let plan_at = plan_at?;
        // Empty lines instead of the head, so that errors name the line of the whole.
        let plan: String = text
            .lines()
            .enumerate()
            .flat_map(|(index, line)| [if index < plan_at { "" } else { line }, "\n"])
            .collect();
        let plan = Plan::parse(&plan)?;
        let setup = Setup {
            seed: head.seed.ok_or(LogError::Missing("seed"))?,
            hosts: head.hosts.ok_or(LogError::Missing("hosts"))?,
            link: head.link.ok_or(LogError::Missing("link"))?,
            bound: head.bound.ok_or(LogError::Missing("bound"))?,
            plan,
        };
        Ok(Self { setup, options: head.options, hash: head.hash })
    }
}

#[derive(Default)]
struct Head {
    seed: Option<u64>,
    hosts: Option<u32>,
    link: Option<crate::Link>,
    bound: Option<std::time::Duration>,
    options: BTreeMap<String, String>,
    hash: Option<u64>,
}

/// The most options.
const OPTIONS_MAX: usize = 1000;

impl Head {
    /// Reads a line; true at the plan.
    fn read(&mut self, line: &str) -> Result<bool, String> {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        let wrong = |what: &str| format!("{value:?} is not {what}");
        match key {
            "plan" => return Ok(true),
            "seed" => self.seed = Some(value.parse().map_err(|_| wrong("a seed"))?),
            "hosts" => {
                let hosts = value.parse().map_err(|_| wrong("a number of hosts"))?;
                if hosts > InputLog::HOSTS_MAX {
                    return Err(format!("{hosts} hosts; at most {}", InputLog::HOSTS_MAX));
                }
                self.hosts = Some(hosts);
            }
            "link" => self.link = Some(link_from_text(value)?),
            "bound" => self.bound = Some(seconds_from(value)?),
            "option" => {
                let (name, value) = value.split_once(' ').ok_or_else(|| wrong("an option"))?;
                if self.options.len() == OPTIONS_MAX {
                    return Err(format!("more than {OPTIONS_MAX} options"));
                }
                self.options.insert(name.to_owned(), value.to_owned());
            }
            "hash" => {
                let hash = u64::from_str_radix(value, 16).map_err(|_| wrong("a hash"))?;
                self.hash = Some(hash);
            }
            "" => {}
            other => return Err(format!("{other:?} is no line of an input log")),
        }
        Ok(false)
    }
}

impl fmt::Display for InputLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Setup { seed, hosts, link, plan, bound } = &self.setup;
        writeln!(f, "{} {}\nseed {seed}\nhosts {hosts}", Self::HEADER, Self::VERSION)?;
        writeln!(f, "link {}\nbound {}", link_to_text(link), seconds(*bound))?;
        for (name, value) in &self.options {
            writeln!(f, "option {name} {value}")?;
        }
        if let Some(hash) = self.hash {
            writeln!(f, "hash {hash:016x}")?;
        }
        write!(f, "plan\n{plan}")
    }
}
