//! What is to be reached, and whether it was.

use crate::report::Results;
use crate::stats::{Summary, ratios};
use crate::table::{Table, number, or_none};
use serde::Serialize;

/// One target.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Target {
    /// What is compared or counted.
    pub(crate) what: &'static str,
    /// The most that it may be.
    pub(crate) at_most: f64,
    /// What it is; none if it could not be measured.
    pub(crate) measured: Option<f64>,
    /// The smallest and largest of the repetitions or processes.
    pub(crate) range: Option<(f64, f64)>,
    /// Whether it is reached.
    pub(crate) met: bool,
}

impl Target {
    pub(crate) fn new(what: &'static str, at_most: f64, measured: Option<f64>) -> Self {
        let met = measured.is_some_and(|measured| measured <= at_most);
        Self { what, at_most, measured, range: None, met }
    }

    pub(crate) fn ratio(what: &'static str, at_most: f64, ratio: Option<Summary>) -> Self {
        let mut target = Self::new(what, at_most, ratio.map(|ratio| ratio.p50));
        target.range = ratio.map(|ratio| (ratio.min, ratio.max));
        target
    }

    /// All of them, for people.
    pub(crate) fn table(targets: &[Self]) -> Table {
        let mut table = Table::new("Targets", &["", "at most", "measured", "range", "met"]);
        for target in targets {
            let range =
                target.range.map(|(min, max)| format!("{}..{}", number(min, 4), number(max, 4)));
            table.row(vec![
                target.what.to_owned(),
                number(target.at_most, 2),
                or_none(target.measured, 4),
                range.unwrap_or_else(|| "-".to_owned()),
                if target.met { "yes" } else { "NO" }.to_owned(),
            ]);
        }
        table
    }

    /// Met only if this holds too.
    fn and(mut self, holds: bool) -> Self {
        self.met &= holds;
        self
    }
}

/// The side that is compared with, and the one that is compared.
const BASE: usize = 0;
const OURS: usize = 1;
const DELIVERED: usize = 2;

/// The targets of everything that was measured.
pub(crate) fn all(results: &Results) -> Vec<Target> {
    let mut targets = Vec::new();
    spread(results, &mut targets);
    memory(results, &mut targets);
    if let [base, ours] = results.idle.as_slice() {
        let ratio = quotient(Some(ours.cpu_percent_mean), Some(base.cpu_percent_mean));
        targets.push(Target::new("idle CPU a process, bruit / serf", 0.5, ratio));
    }
    if let [base, ours] = results.failure.as_slice() {
        let ratio = ratios(&ours.last_s, &base.last_s);
        let target = Target::ratio("killed member known everywhere, bruit / serf", 0.5, ratio);
        targets.push(target.and(ours.missing == 0));
    }
    if let [_, ours] = results.steady.as_slice() {
        let count = crate::measure::real_count(ours.false_failures + ours.failed_at_end);
        targets.push(Target::new("members of bruit falsely failed while idle", 0.0, Some(count)));
    }
    if let [_, ours] = results.bootstrap.as_slice() {
        let what = "seconds until all of bruit see all";
        let stays = ours.fewest_after == Some(ours.nodes);
        targets.push(Target::new(what, 15.0, ours.all_see_all_s).and(stays));
    }
    if let [_, ours] = results.traffic.as_slice() {
        let what = "idle traffic a node of bruit, percent between sizes";
        targets.push(Target::new(what, 10.0, ours.spread_percent));
    }
    targets
}

fn spread(results: &Results, targets: &mut Vec<Target>) {
    let Some(base) = results.spread.get(BASE) else { return };
    let whats = [
        (OURS, "event reaches all, bruit / serf"),
        (DELIVERED, "event delivered to all services, bruit / serf"),
    ];
    for (index, what) in whats {
        let Some(ours) = results.spread.get(index) else { continue };
        let ratio = ratios(&ours.repetitions_ms, &base.repetitions_ms);
        targets.push(Target::ratio(what, 0.05, ratio).and(ours.missing == 0));
    }
}

fn memory(results: &Results, targets: &mut Vec<Target>) {
    let whats = [
        ("resident memory a process when settled, bruit / serf", &results.memory_settled),
        ("resident memory a process after load, bruit / serf", &results.memory_loaded),
    ];
    for (what, uses) in whats {
        if let [base, ours] = uses.as_slice() {
            let p50 = |summary: Option<Summary>| summary.map(|summary| summary.p50);
            targets.push(Target::new(what, 0.5, quotient(p50(ours.rss_mib), p50(base.rss_mib))));
        }
    }
}

fn quotient(ours: Option<f64>, base: Option<f64>) -> Option<f64> {
    ours.zip(base).filter(|(_, base)| *base > 0.0).map(|(ours, base)| ours / base)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::bootstrap::Bootstrap;

    fn bootstrap(all_see_all_s: Option<f64>, fewest_after: Option<usize>) -> Bootstrap {
        Bootstrap {
            label: "x",
            nodes: 200,
            all_see_all_s,
            cap_s: 240.0,
            complete: 200,
            fewest: 200,
            fewest_after,
            stayed_s: 60.0,
        }
    }

    #[test]
    fn a_group_must_be_whole_in_time_and_stay_so() {
        let met = |ours| {
            let results =
                Results { bootstrap: vec![bootstrap(None, None), ours], ..Results::default() };
            all(&results).into_iter().map(|target| target.met).collect::<Vec<_>>()
        };
        assert_eq!(met(bootstrap(Some(14.0), Some(200))), [true]);
        assert_eq!(met(bootstrap(Some(16.0), Some(200))), [false]);
        assert_eq!(met(bootstrap(Some(14.0), Some(199))), [false]);
        assert_eq!(met(bootstrap(None, None)), [false]);
    }

    #[test]
    fn what_was_not_measured_has_no_target() {
        assert!(all(&Results::default()).is_empty());
        assert_eq!(quotient(Some(1.0), Some(0.0)), None);
        assert_eq!(quotient(Some(1.0), Some(4.0)), Some(0.25));
    }
}
