//! What is looked after once a minute: quiet runs, and whether members poll.

use crate::items::millis;
use crate::node::Run;
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
    /// When the newest item of each run was accepted by its origin, milliseconds since 1970: what
    /// all members agree on, so that they leave a run out of their summaries at the same time.
    newest: BTreeMap<Run, u64>,
    last_in_topic: BTreeMap<Pattern, u64>,
    pull_until: Option<Instant>,
    last: Instant,
}

impl Upkeep {
    /// Notes that this node's item `seq` is in the topic, and returns the one before it.
    pub(crate) fn note_published(&mut self, topic: &Pattern, seq: u64) -> Option<u64> {
        self.last_in_topic.insert(topic.clone(), seq)
    }

    pub(crate) fn note_item(&mut self, run: Run, unix_millis: u64) {
        let newest = self.newest.entry(run).or_default();
        *newest = unix_millis.max(*newest);
    }

    pub(crate) fn note_pulled(&mut self, now: Instant) {
        self.pull_until = Some(now + PULL_FOR);
    }

    pub(crate) fn is_pulling(&self, now: Instant) -> bool {
        self.pull_until.is_some_and(|until| until > now)
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        let idle = self.newest.is_empty() && self.pull_until.is_none();
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

    /// Runs whose newest item is older than `quiet`.
    pub(crate) fn quiet_runs(&self, unix_millis: u64, quiet: Duration) -> Vec<Run> {
        let before = unix_millis.saturating_sub(millis(quiet));
        self.newest.iter().filter(|(_, at)| **at < before).map(|(run, _)| *run).collect()
    }

    pub(crate) fn forget(&mut self, run: &Run) {
        self.newest.remove(run);
    }
}
