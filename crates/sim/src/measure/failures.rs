//! How soon crashes are noticed, and what is held to have crashed and has not.

use super::outcome::Detection;
use super::quantile::Quantiles;
use bruit_engine::Instant;
use bruit_model::NodeId;
use std::collections::BTreeMap;
use std::time::Duration;

/// Times of detection that an outcome keeps. Guess.
const DELAYS_MAX: usize = 100_000;

/// A crash, until its node runs again.
#[derive(Debug)]
struct Crash {
    at: Instant,
    /// Nodes that ran when it happened, and have not noticed.
    unaware: Vec<bool>,
    /// After how long the first of them did, in microseconds.
    first_us: Option<u64>,
}

/// Why a node that runs may be held to have failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It was cut off from who says so, or stopped: what is said is all that could be seen.
    Justified,
    /// It runs, and could be reached.
    False,
}

/// All crashes of a run, and all failures told.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    crashed: BTreeMap<NodeId, Crash>,
    crashes: u64,
    delays_us: Vec<u64>,
    first_us: Vec<u64>,
    undetected: u64,
    false_failures: u64,
    justified_failures: u64,
    suspicions: u64,
}

impl Failures {
    /// Notes that the node `id` crashed; `running` are those that run still.
    pub(crate) fn crashed(&mut self, id: NodeId, at: Instant, running: Vec<bool>) {
        self.crashes += 1;
        self.crashed.insert(id, Crash { at, unaware: running, first_us: None });
    }

    /// Notes that a node's process is gone: it will notice nothing more.
    pub(crate) fn gone(&mut self, observer: usize) {
        self.crashed.values_mut().for_each(|crash| crash.unaware[observer] = false);
    }

    /// Notes that the node `id` runs again: whoever has not noticed need not any more.
    pub(crate) fn back(&mut self, id: &NodeId) {
        let first = self.crashed.remove(id).and_then(|crash| crash.first_us);
        self.first_us.extend(first);
    }

    /// Whether that node is down.
    pub(crate) fn is_down(&self, id: &NodeId) -> bool {
        self.crashed.contains_key(id)
    }

    /// Notes that `observer` told of the failure of a node that is down.
    pub(crate) fn noticed(&mut self, observer: usize, id: &NodeId, at: Instant) {
        let Some(crash) = self.crashed.get_mut(id) else { return };
        if !std::mem::take(&mut crash.unaware[observer]) {
            return;
        }
        let micros = micros(at.since(crash.at));
        crash.first_us = Some(crash.first_us.map_or(micros, |first| first.min(micros)));
        if self.delays_us.len() < DELAYS_MAX {
            self.delays_us.push(micros);
        }
    }

    /// Notes that a node that is not down was told to have failed.
    pub(crate) fn told(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Justified => self.justified_failures += 1,
            Verdict::False => self.false_failures += 1,
        }
    }

    /// Notes that a node was suspected.
    pub(crate) fn suspected(&mut self) {
        self.suspicions += 1;
    }

    /// What it comes to, for a run that took so long. `bound` is how long a detection may take
    /// before a node that has not noticed is counted.
    pub(crate) fn measures(mut self, now: Instant, took: Duration, bound: Duration) -> Detection {
        for crash in self.crashed.values().filter(|crash| now.since(crash.at) >= bound) {
            self.undetected += crash.unaware.iter().filter(|unaware| **unaware).count() as u64;
        }
        // In the order of their size: who told first within a moment must not matter.
        self.delays_us.sort_unstable();
        self.first_us.extend(self.crashed.values().filter_map(|crash| crash.first_us));
        let per_hour = |count: u64| {
            let millis = took.as_millis().max(1);
            u64::try_from(u128::from(count) * 3_600_000_000 / millis).unwrap_or(u64::MAX)
        };
        Detection {
            crashes: self.crashes,
            undetected: self.undetected,
            delay_us: Quantiles::of(self.delays_us.iter().copied()),
            first_us: Quantiles::of(self.first_us.iter().copied()),
            delays_us: self.delays_us,
            suspicions: self.suspicions,
            false_failures: self.false_failures,
            false_failures_per_hour_milli: per_hour(self.false_failures),
            justified_failures: self.justified_failures,
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
