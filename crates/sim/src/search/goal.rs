//! A goal, the settings that may meet it, and which of them are best.

use super::SearchError;
use crate::measure::{Outcome, Summary};
use crate::scenario::{Scenario, duration_word, share_word};
use bruit_model::Style;
use std::fmt::Write as _;
use std::time::Duration;

/// The most settings that are tried. Guess.
pub const SETTINGS_MAX: usize = 256;

/// What settings are to achieve, and in which group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goal {
    /// How many nodes.
    pub nodes: u32,
    /// How many datagrams are lost, in a million.
    pub loss_ppm: u32,
    /// How long a message takes, as a scenario has it.
    pub latency: String,
    /// Timers: `local`, `lan` or `wan`.
    pub profile: String,
    /// Of the pairs of an item and a node, parts in a million that are to have it in time.
    pub reach_ppm: u32,
    /// In which time.
    pub within: Duration,
    /// What a node may send on average, in bits per second; `None` is any.
    pub bps_max: Option<u64>,
    /// How many items each run publishes.
    pub items: u32,
    /// The time between two.
    pub every: Duration,
    /// Their size in bytes.
    pub payload_bytes: usize,
}

/// Settings to be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Keys of a scenario and their values.
    pub set: Vec<(String, String)>,
}

/// Settings that have been tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The settings.
    pub candidate: Candidate,
    /// What they came to.
    pub summary: Summary,
    /// Whether they meet the goal.
    pub meets: bool,
}

fn candidate(style: Style, rest: &[(&str, u64)]) -> Candidate {
    let style = ("topic.style".to_owned(), bruit_model::style_word(style).to_owned());
    let rest = rest.iter().map(|(key, value)| ((*key).to_owned(), value.to_string()));
    Candidate { set: std::iter::once(style).chain(rest).collect() }
}

impl Goal {
    /// The scenario of the goal, as TOML; settings are laid over it.
    pub fn scenario(&self) -> String {
        let mut text = String::new();
        let last = self.every * self.items.saturating_sub(1);
        // What comes after `within` is late in any case.
        let duration = last + self.within + Duration::from_secs(1);
        let millis = Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
        let per_second = 1_000_000_000 / self.every.as_nanos().max(1);
        let rate = if per_second == 0 { "1/s".to_owned() } else { format!("{per_second}/s") };
        write!(
            text,
            "title = \"{} nodes, {} loss\"\nnodes = {}\nduration = \"{}\"\n\n[node]\nprofile = \
             \"{}\"\n\n[network]\nlatency = \"{}\"\nloss = \"{}\"\n\n[workload]\nitems = {}\nrate = \
             \"{rate}\"\npayload = {}\nwithin = \"{}\"\n",
            self.nodes,
            share_word(self.loss_ppm),
            self.nodes,
            duration_word(millis),
            self.profile,
            self.latency,
            share_word(self.loss_ppm),
            self.items,
            self.payload_bytes,
            duration_word(self.within),
        )
        .expect("writing to a String cannot fail");
        text
    }

    /// The settings that are tried: each style, with the fanouts and periods that may matter.
    pub fn candidates(&self) -> Vec<Candidate> {
        const FANOUT: &str = "topic.fanout";
        const PERIOD: &str = "topic.period-ms";
        let least = u64::from(self.nodes.next_power_of_two().ilog2()).max(1);
        let mut all = vec![candidate(Style::Direct, &[])];
        for fanout in [least, least + 1, least + 2, least + 4, least * 2] {
            all.push(candidate(Style::Push, &[(FANOUT, fanout)]));
        }
        for fanout in [3, 4, 6, 8, least.max(9) + 2] {
            all.push(candidate(Style::LazyPush, &[(FANOUT, fanout)]));
        }
        for fanout in [2, 3, 4, 6] {
            for period in [50, 100, 250] {
                all.push(candidate(Style::PushPull, &[(FANOUT, fanout), (PERIOD, period)]));
            }
        }
        for fanout in [1, 2] {
            for period in [20, 50, 100, 250] {
                all.push(candidate(Style::Pull, &[(FANOUT, fanout), (PERIOD, period)]));
            }
        }
        all.dedup();
        all
    }

    /// The scenario with a candidate's settings.
    ///
    /// # Errors
    /// The goal is none: it has no nodes, or a latency that cannot be read.
    pub fn with(&self, candidate: &Candidate) -> Result<Scenario, SearchError> {
        Ok(Scenario::parse(&self.scenario(), "goal", &candidate.set)?)
    }

    /// What a candidate's runs say of it.
    pub fn judge(&self, candidate: Candidate, outcomes: &[Outcome]) -> Judged {
        let summary = Summary::of(outcomes);
        let late = summary.get("late_ppm").unwrap_or(1_000_000);
        let in_time = late <= i64::from(1_000_000 - self.reach_ppm);
        let bps = summary.get("mean_bps").and_then(|bps| u64::try_from(bps).ok());
        let is_cheap = self.bps_max.is_none_or(|max| bps.is_some_and(|bps| bps <= max));
        Judged { candidate, meets: in_time && is_cheap, summary }
    }

    /// Those that go on to the next stage, best first: what meets the goal by its traffic, then
    /// what comes near, by how many are late, and how dear it is.
    pub fn rank(&self, judged: &mut [Judged]) {
        judged.sort_by_key(|each| {
            let get = |name| each.summary.get(name).unwrap_or(i64::MAX);
            let late = if each.meets { 0 } else { get("late_ppm") };
            (!each.meets, late, get("mean_bps"), get("delay_p99_us"))
        });
    }
}

impl Candidate {
    /// The settings as `bruit topics set '**'` takes them.
    pub fn topic_parameters(&self) -> String {
        let each = self
            .set
            .iter()
            .map(|(key, value)| format!("{}={value}", key.strip_prefix("topic.").unwrap_or(key)));
        each.collect::<Vec<_>>().join(" ")
    }

    /// The settings as flags of `bruit sim run`.
    pub fn flags(&self) -> String {
        let each = self.set.iter().map(|(key, value)| format!("--set {key}={value}"));
        each.collect::<Vec<_>>().join(" ")
    }

    /// The settings as a scenario's `[topic]` table.
    pub fn toml(&self) -> String {
        let mut text = "[topic]\n".to_owned();
        for (key, value) in &self.set {
            let key = key.strip_prefix("topic.").unwrap_or(key);
            let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
            let value = if is_number { value.clone() } else { format!("\"{value}\"") };
            writeln!(text, "{key} = {value}").expect("writing to a String cannot fail");
        }
        text
    }
}
