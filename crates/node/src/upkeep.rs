//! What is looked after once a minute: quiet runs, and whether members poll.

use crate::node::Run;
use crate::store::Store;
use bruit_engine::Instant;
use bruit_model::Pattern;
use std::collections::BTreeMap;
use std::time::Duration;

/// How often runs are looked through.
const PERIOD: Duration = Duration::from_secs(60);
/// How long members poll after the last item of a style that pulls.
const PULL_FOR: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(crate) struct Upkeep {
    activity: BTreeMap<Run, Instant>,
    last_in_topic: BTreeMap<Pattern, u64>,
    pull_until: Option<Instant>,
    last: Instant,
}

impl Upkeep {
    /// Notes that this node's item `seq` is in the topic, and returns the one before it.
    pub(crate) fn note_published(&mut self, topic: &Pattern, seq: u64) -> Option<u64> {
        self.last_in_topic.insert(topic.clone(), seq)
    }

    pub(crate) fn note_item(&mut self, run: Run, now: Instant, pulls: bool) {
        self.activity.insert(run, now);
        if pulls {
            self.pull_until = Some(now + PULL_FOR);
        }
    }

    pub(crate) fn is_pulling(&self, now: Instant) -> bool {
        self.pull_until.is_some_and(|until| until > now)
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        let idle = self.activity.is_empty() && self.pull_until.is_none();
        (!idle).then(|| self.last + PERIOD)
    }

    /// True once for each period.
    pub(crate) fn is_due(&mut self, now: Instant) -> bool {
        let due = self.next_timeout().is_some_and(|at| at <= now);
        if due {
            self.last = now;
        }
        due
    }

    /// Runs of which nothing was heard for `quiet` and nothing is held.
    pub(crate) fn quiet_runs(&self, now: Instant, quiet: Duration, store: &Store) -> Vec<Run> {
        let is_quiet = |run: &Run, at: Instant| now.since(at) >= quiet && !store.has_any_of(run);
        self.activity.iter().filter(|(run, at)| is_quiet(run, **at)).map(|(run, _)| *run).collect()
    }

    pub(crate) fn forget(&mut self, run: &Run) {
        self.activity.remove(run);
    }
}
