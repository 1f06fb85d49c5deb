//! How far runs are: one line on a terminal's standard error.

use bruit_sim::run::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::time::Duration;

/// How often the line is drawn at most in a second.
const DRAWS: u8 = 8;

/// The line, if there is one.
pub(super) struct Live {
    bar: ProgressBar,
    /// Of the runs under way, how far each is, by seed or point.
    under_way: Mutex<std::collections::BTreeMap<u64, Progress>>,
}

impl Live {
    /// A line for so many runs of `what`; none where nobody would see it.
    pub(super) fn new(is_wanted: bool, runs: usize, what: &'static str) -> Self {
        let is_shown = is_wanted && std::io::stderr().is_terminal();
        let target = if is_shown {
            ProgressDrawTarget::stderr_with_hz(DRAWS)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(runs as u64), target);
        let style =
            ProgressStyle::with_template("[{bar:24}] {pos}/{len} {prefix}  {msg}  {elapsed}")
                .expect("the template is valid")
                .progress_chars("=> ");
        bar.set_style(style);
        bar.set_prefix(what);
        bar.enable_steady_tick(Duration::from_millis(500));
        Self { bar, under_way: Mutex::default() }
    }

    /// Notes how far the run of that number is.
    pub(super) fn told(&self, number: u64, progress: Progress) {
        if self.bar.is_hidden() {
            return;
        }
        let Ok(mut under_way) = self.under_way.lock() else { return };
        under_way.insert(number, progress);
        self.bar.set_message(message(under_way.values().copied()));
    }

    /// Notes that a run is over.
    pub(super) fn done(&self, number: u64) {
        if let Ok(mut under_way) = self.under_way.lock() {
            under_way.remove(&number);
        }
        self.bar.inc(1);
    }

    /// Removes the line.
    pub(super) fn close(&self) {
        self.bar.finish_and_clear();
    }
}

/// The least of the runs under way: how much of it has passed, and its coverage.
fn message(runs: impl Iterator<Item = Progress>) -> String {
    let Some(least) = runs.min_by_key(|progress| progress.passed) else { return String::new() };
    match least.passed {
        None => "the group forms".to_owned(),
        Some(passed) => format!(
            "{} s, {} items, coverage {}.{:02} %",
            passed.as_secs(),
            least.items,
            least.coverage_ppm / 10_000,
            least.coverage_ppm % 10_000 / 100
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_about_the_run_that_is_least_far() {
        let at = |passed: Option<u64>, coverage_ppm| Progress {
            passed: passed.map(Duration::from_secs),
            items: 4,
            coverage_ppm,
        };
        assert_eq!(message([at(Some(3), 1_000_000), at(None, 0)].into_iter()), "the group forms");
        let two = [at(Some(30), 1_000_000), at(Some(12), 998_761)];
        assert_eq!(message(two.into_iter()), "12 s, 4 items, coverage 99.87 %");
        assert_eq!(message(std::iter::empty()), "");
    }
}
