//! A run, one thing at a time.

use super::diff;
use crate::HostId;
use crate::check::HostView;
use crate::fault::{Outcome, Trial};
use bruit_engine::Instant;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which, from 1.
    pub number: u64,
    /// When.
    pub at: Instant,
    /// On which host; an entry of the plan that concerns all hosts names host 0.
    pub host: HostId,
    /// What, in words.
    pub what: String,
    /// What it changed, and what the node told, in words.
    pub diff: Vec<String>,
}

/// Runs a trial step by step.
#[derive(Debug)]
pub struct Stepper {
    trial: Trial,
    number: u64,
    views: Vec<HostView>,
    /// How many events of each host have been shown.
    shown: Vec<usize>,
}

/// An event is shown up to so many characters.
const EVENT_CHARS_MAX: usize = 300;

impl Stepper {
    /// A stepper at the beginning of a run: its hosts have been started, and nothing else.
    pub fn new(trial: Trial) -> Self {
        let views = HostView::all(trial.net());
        let shown = trial.net().hosts().map(|host| trial.net().told(host).len()).collect();
        Self { trial, number: 0, views, shown }
    }

    /// What the run has come to so far.
    pub fn outcome(&self) -> Outcome {
        self.trial.outcome()
    }

    /// What a host shows after the last step.
    pub fn view(&self, host: HostId) -> Option<&HostView> {
        self.views.get(host.index())
    }

    /// Does the next thing; `None` once the run is over.
    pub fn step(&mut self) -> Option<Step> {
        let happened = self.trial.step()?;
        self.number += 1;
        let mut diff = Vec::new();
        if happened.is_for_all {
            for host in self.trial.net().hosts() {
                let changes = self.look(host);
                diff.extend(changes.into_iter().map(|line| format!("{host}: {line}")));
            }
        } else {
            diff = self.look(happened.host);
        }
        let (number, at, host, what) = (self.number, happened.at, happened.host, happened.what);
        Some(Step { number, at, host, what, diff })
    }

    /// What changed on a host since the last look.
    fn look(&mut self, host: HostId) -> Vec<String> {
        let view = HostView::of(self.trial.net(), host);
        let mut lines = diff(&self.views[host.index()], &view);
        self.views[host.index()] = view;
        let told = self.trial.net().told(host);
        // The watch has taken them if there are fewer.
        let shown = self.shown[host.index()].min(told.len());
        for (_, event) in &told[shown..] {
            let text: String = format!("{event:?}").chars().take(EVENT_CHARS_MAX).collect();
            lines.push(format!("told {text}"));
        }
        self.shown[host.index()] = told.len();
        lines
    }
}
