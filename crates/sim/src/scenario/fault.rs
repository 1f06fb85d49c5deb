//! What goes wrong, and when.

use super::error::Bad;
use super::network::{Zone, read_link};
use super::reader::Reader;
use super::select::Select;
use super::tree::Value;
use super::{ScenarioError, values};
use crate::Link;
use std::time::Duration;

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// When it begins, after the group has formed.
    pub at: Duration,
    /// For how long; `None` is to the end of the run.
    pub lasts: Option<Duration>,
    /// What it is.
    pub kind: FaultKind,
}

/// What a crash leaves of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Identity, and what it had seen: as with a data directory.
    #[default]
    Kept,
    /// Nothing: the next run is another node at the same address.
    Lost,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// These are cut off from all others, both ways.
    Partition {
        /// Which.
        nodes: Select,
    },
    /// Nothing passes from some to others; the other way stays open.
    OneWay {
        /// From these.
        from: Select,
        /// To these.
        to: Select,
    },
    /// A partition that comes and goes.
    Flap {
        /// Which.
        nodes: Select,
        /// How long they are cut off.
        down: Duration,
        /// How long they are connected again.
        up: Duration,
    },
    /// Processes that stop and go on by turns, as on a machine that is starved of CPU time.
    Stall {
        /// Which.
        nodes: Select,
        /// How long they stop.
        down: Duration,
        /// How long they run.
        up: Duration,
    },
    /// These crash; when the fault is over, they start again.
    Crash {
        /// Which.
        nodes: Select,
        /// What is left of them.
        state: State,
    },
    /// Now one, now another crashes, and starts again.
    Churn {
        /// The time between two crashes.
        every: Duration,
        /// How long each is down.
        down: Duration,
        /// What is left of it.
        state: State,
    },
    /// The links of these, to all others and back, become others.
    Degrade {
        /// Which.
        nodes: Select,
        /// Into what.
        link: Link,
    },
    /// These take so long for each input, as on a machine that is too small.
    Slow {
        /// Which.
        nodes: Select,
        /// How long each input takes.
        per_input: Duration,
    },
    /// The wall clocks of these are wrong.
    Skew {
        /// Which.
        nodes: Select,
        /// How far they are ahead; behind if negative.
        ahead_millis: i64,
    },
}

const KINDS: [&str; 9] =
    ["partition", "one-way", "flap", "stall", "crash", "churn", "degrade", "slow", "skew"];

impl Fault {
    /// The shortest of the times that repeat. Guess.
    const STEP_MIN: Duration = Duration::from_millis(1);
    /// How often one fault may repeat. Guess.
    const TURNS_MAX: u128 = 10_000;

    pub(crate) fn read(
        reader: &mut Reader<'_>,
        duration: Duration,
        nodes: u32,
        zones: &[Zone],
    ) -> Result<Self, ScenarioError> {
        let kind = reader.text("kind", |text| {
            let found = KINDS.iter().find(|kind| **kind == text).copied();
            found.ok_or_else(|| {
                let nearest = KINDS.iter().min_by_key(|kind| strsim::levenshtein(text, kind));
                let remedy = format!("did you mean `{}`?", nearest.copied().unwrap_or_default());
                Bad::new(format!("`{}` is no fault", text.escape_debug()), remedy)
            })
        })?;
        let kind = kind.ok_or_else(|| reader.missing("kind", &KINDS.join(", ")))?;
        let at = reader.duration("at")?.unwrap_or_default();
        if at > duration {
            let remedy = "let it begin before the end of the run";
            return Err(reader.bad("at", Bad::new("it is after the end", remedy)));
        }
        let lasts = reader.duration("for")?;
        let kind = Of { reader, group: (nodes, zones) }.kind(kind)?;
        let span = lasts.unwrap_or(duration).min(duration.saturating_sub(at));
        let step = match &kind {
            FaultKind::Flap { down, up, .. } | FaultKind::Stall { down, up, .. } => *down + *up,
            FaultKind::Churn { every, .. } => *every,
            FaultKind::Partition { .. }
            | FaultKind::OneWay { .. }
            | FaultKind::Crash { .. }
            | FaultKind::Degrade { .. }
            | FaultKind::Slow { .. }
            | FaultKind::Skew { .. } => span.max(Self::STEP_MIN),
        };
        let turns = span.as_nanos() / step.as_nanos();
        if turns > Self::TURNS_MAX {
            let why = format!("it happens {turns} times");
            let remedy = format!("let it happen at most {} times", Self::TURNS_MAX);
            return Err(reader.impossible(why, remedy));
        }
        Ok(Self { at, lasts, kind })
    }
}

/// Reads the keys that only one kind has.
struct Of<'a, 'b, 'c> {
    reader: &'a mut Reader<'b>,
    group: (u32, &'c [Zone]),
}

impl Of<'_, '_, '_> {
    fn kind(&mut self, kind: &str) -> Result<FaultKind, ScenarioError> {
        Ok(match kind {
            "partition" => FaultKind::Partition { nodes: self.nodes("nodes")? },
            "one-way" => FaultKind::OneWay { from: self.nodes("from")?, to: self.nodes("to")? },
            "flap" => {
                let (nodes, (down, up)) = (self.nodes("nodes")?, self.turns()?);
                FaultKind::Flap { nodes, down, up }
            }
            "stall" => {
                let (nodes, (down, up)) = (self.nodes("nodes")?, self.turns()?);
                FaultKind::Stall { nodes, down, up }
            }
            "crash" => FaultKind::Crash { nodes: self.nodes("nodes")?, state: self.state()? },
            "churn" => {
                let every = self.reader.text("rate", values::rate)?;
                let every = every.ok_or_else(|| self.reader.missing("rate", "such as 2/m"))?;
                let down = self.step("down")?;
                FaultKind::Churn { every, down, state: self.state()? }
            }
            "degrade" => {
                let nodes = self.nodes("nodes")?;
                FaultKind::Degrade { nodes, link: read_link(self.reader, Link::default())? }
            }
            "slow" => {
                let (nodes, per_input) = (self.nodes("nodes")?, self.reader.duration("per-input")?);
                let remedy = "say how long an input takes, such as 5ms";
                let per_input =
                    per_input.ok_or_else(|| self.reader.missing("per-input", remedy))?;
                FaultKind::Slow { nodes, per_input }
            }
            _ => FaultKind::Skew { nodes: self.nodes("nodes")?, ahead_millis: self.ahead()? },
        })
    }

    fn nodes(&mut self, key: &'static str) -> Result<Select, ScenarioError> {
        let found = Select::read(self.reader, key, self.group)?;
        found.ok_or_else(|| self.reader.missing(key, "say which nodes, such as \"30%\" or [0]"))
    }

    fn turns(&mut self) -> Result<(Duration, Duration), ScenarioError> {
        Ok((self.step("down")?, self.step("up")?))
    }

    fn step(&mut self, key: &'static str) -> Result<Duration, ScenarioError> {
        let time = self.reader.duration(key)?;
        let time = time.ok_or_else(|| self.reader.missing(key, "say for how long, such as 5s"))?;
        if time < Fault::STEP_MIN {
            return Err(self.reader.bad(key, Bad::new("it is too short", "write 1ms or more")));
        }
        Ok(time)
    }

    fn state(&mut self) -> Result<State, ScenarioError> {
        let state = self.reader.text("state", |text| match text {
            "kept" => Ok(State::Kept),
            "lost" => Ok(State::Lost),
            _ => Err(Bad::new(
                format!("`{}` is no state", text.escape_debug()),
                "write kept or lost",
            )),
        })?;
        Ok(state.unwrap_or_default())
    }

    fn ahead(&mut self) -> Result<i64, ScenarioError> {
        const REMEDY: &str = "write 5s, or -5s for clocks that are behind";
        let ahead = self.reader.get("by", |value| {
            let Value::Text(text) = value else {
                return Err(value.wrong_kind(REMEDY));
            };
            let (sign, time) = match text.strip_prefix('-') {
                Some(time) => (-1, time),
                None => (1, text.as_str()),
            };
            let time = values::duration(time).map_err(|bad| Bad::new(bad.why, REMEDY))?;
            Ok(sign * i64::try_from(time.as_millis()).expect("thirty days are enough"))
        })?;
        ahead.ok_or_else(|| self.reader.missing("by", REMEDY))
    }
}
