//! Everything that was measured, as tables for people and as JSON.

use crate::gate::Reading;
use crate::measure::bootstrap::Bootstrap;
use crate::measure::failure::Detection;
use crate::measure::idle::Idle;
use crate::measure::memory::MemoryUse;
use crate::measure::spread::Spread;
use crate::measure::steady::Steady;
use crate::measure::traffic::TrafficBySize;
use crate::stats::Summary;
use crate::table::{Table, number, or_none};
use crate::target::{self, Target};
use serde::Serialize;
use std::fmt::Write as _;

/// Which programs ran.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Versions {
    pub(crate) serf: String,
    pub(crate) bruit: String,
    /// The commit of this repository.
    pub(crate) commit: String,
}

/// What was measured; empty is not asked for. The side that is compared with stands first.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Results {
    pub(crate) memory_settled: Vec<MemoryUse>,
    pub(crate) memory_loaded: Vec<MemoryUse>,
    pub(crate) idle: Vec<Idle>,
    pub(crate) spread: Vec<Spread>,
    pub(crate) steady: Vec<Steady>,
    pub(crate) failure: Vec<Detection>,
    pub(crate) bootstrap: Vec<Bootstrap>,
    pub(crate) traffic: Vec<TrafficBySize>,
}

/// The whole run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    machine: String,
    versions: Versions,
    setting: String,
    /// Whether the machine did nothing else before every measurement.
    was_quiet: bool,
    gates: Vec<Reading>,
    targets: Vec<Target>,
    results: Results,
}

impl Report {
    /// Judges the results.
    pub(crate) fn new(
        machine: String,
        versions: Versions,
        setting: String,
        gates: Vec<Reading>,
        results: Results,
    ) -> Self {
        let was_quiet = gates.iter().all(|reading| reading.passed);
        let targets = target::all(&results);
        Self { machine, versions, setting, was_quiet, gates, targets, results }
    }

    /// Whether every target is reached.
    pub(crate) fn is_met(&self) -> bool {
        self.targets.iter().all(|target| target.met)
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let results = &self.results;
        let versions = &self.versions;
        let mut text = String::new();
        writeln!(text, "{}", self.machine).expect("writing to a String cannot fail");
        writeln!(text, "serf {}; {}; commit {}", versions.serf, versions.bruit, versions.commit)
            .expect("writing to a String cannot fail");
        let foreign = self.gates.iter().map(|reading| reading.foreign_percent).fold(0.0, f64::max);
        let quiet = if self.was_quiet { "quiet" } else { "NOT QUIET: do not trust the times" };
        writeln!(
            text,
            "{}; machine {quiet} (others used at most {foreign:.0} % before a measurement)",
            self.setting
        )
        .expect("writing to a String cannot fail");
        for table in [
            spread(&results.spread),
            memory("Memory when settled, MiB", &results.memory_settled),
            memory("Memory after load, MiB", &results.memory_loaded),
            idle(&results.idle),
            failure(&results.failure),
            steady(&results.steady),
            bootstrap(&results.bootstrap),
            traffic(&results.traffic),
            Target::table(&self.targets),
        ] {
            text += &table.render();
        }
        text
    }
}

fn p50_max(summary: Option<Summary>, digits: usize) -> [String; 2] {
    let part = |of: fn(Summary) -> f64| or_none(summary.map(of), digits);
    [part(|summary| summary.p50), part(|summary| summary.max)]
}

fn spread(rows: &[Spread]) -> Table {
    let mut table = Table::new(
        "Spread of a 100-byte event, ms",
        &["", "to all p50", "p99", "max", "to each p50", "p99", "events", "missing"],
    );
    for row in rows {
        let part = |summary: Option<Summary>, of: fn(Summary) -> f64| or_none(summary.map(of), 2);
        let count = row.all_ms.map_or(0, |summary| summary.count);
        table.row(vec![
            row.label.to_owned(),
            part(row.all_ms, |summary| summary.p50),
            part(row.all_ms, |summary| summary.p99),
            part(row.all_ms, |summary| summary.max),
            part(row.each_ms, |summary| summary.p50),
            part(row.each_ms, |summary| summary.p99),
            count.to_string(),
            row.missing.to_string(),
        ]);
    }
    table
}

fn memory(title: &'static str, rows: &[MemoryUse]) -> Table {
    let mut table = Table::new(title, &["", "RSS p50", "max", "PSS p50", "max"]);
    for row in rows {
        let [rss, rss_max] = p50_max(row.rss_mib, 2);
        let [pss, pss_max] = p50_max(row.pss_mib, 2);
        table.row(vec![row.label.to_owned(), rss, rss_max, pss, pss_max]);
    }
    table
}

fn idle(rows: &[Idle]) -> Table {
    let mut table = Table::new(
        "Idle, a process",
        &["", "CPU % mean", "p50", "max", "by stat % mean", "switches/s p50", "max"],
    );
    for row in rows {
        let [cpu, cpu_max] = p50_max(row.cpu_percent, 4);
        let [switches, switches_max] = p50_max(row.switches_per_second, 1);
        table.row(vec![
            row.label.to_owned(),
            number(row.cpu_percent_mean, 4),
            cpu,
            cpu_max,
            number(row.stat_percent_mean, 4),
            switches,
            switches_max,
        ]);
    }
    table
}

fn failure(rows: &[Detection]) -> Table {
    let mut table = Table::new(
        "Killed member known, s",
        &["", "by all p50", "min", "max", "by one p50", "kills", "missing", "false"],
    );
    for row in rows {
        let part = |of: fn(Summary) -> f64| or_none(row.last.map(of), 2);
        table.row(vec![
            row.label.to_owned(),
            part(|summary| summary.p50),
            part(|summary| summary.min),
            part(|summary| summary.max),
            or_none(crate::stats::median(&row.first_s), 2),
            row.last_s.len().to_string(),
            row.missing.to_string(),
            row.false_sightings.to_string(),
        ]);
    }
    table
}

fn steady(rows: &[Steady]) -> Table {
    let mut table = Table::new(
        "Falsely failed while idle",
        &["", "watched s", "told", "failed at end", "fewest alive"],
    );
    for row in rows {
        table.row(vec![
            row.label.to_owned(),
            number(row.seconds, 0),
            row.false_failures.to_string(),
            row.failed_at_end.to_string(),
            row.fewest_at_end.to_string(),
        ]);
    }
    table
}

fn bootstrap(rows: &[Bootstrap]) -> Table {
    let mut table = Table::new(
        "Started at once against one seed",
        &["", "nodes", "all see all s", "see all", "fewest", "fewest after", "for s"],
    );
    for row in rows {
        let never = || format!("not in {:.0}", row.cap_s);
        table.row(vec![
            row.label.to_owned(),
            row.nodes.to_string(),
            row.all_see_all_s.map_or_else(never, |seconds| number(seconds, 2)),
            row.complete.to_string(),
            row.fewest.to_string(),
            row.fewest_after.map_or_else(|| "-".to_owned(), |count| count.to_string()),
            number(row.stayed_s, 0),
        ]);
    }
    table
}

fn traffic(kinds: &[TrafficBySize]) -> Table {
    let mut table = Table::new(
        "Idle traffic, a second and node",
        &["", "nodes", "wire bytes", "packets", "counted bytes", "datagrams", "between sizes %"],
    );
    for kind in kinds {
        for (place, size) in kind.sizes.iter().enumerate() {
            let is_last = place + 1 == kind.sizes.len();
            table.row(vec![
                kind.label.to_owned(),
                size.nodes.to_string(),
                or_none(size.wire_bytes, 1),
                or_none(size.wire_packets, 2),
                or_none(size.counted_bytes, 1),
                or_none(size.counted_datagrams, 2),
                if is_last { or_none(kind.spread_percent, 1) } else { String::new() },
            ]);
        }
    }
    table
}
