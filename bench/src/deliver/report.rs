//! What was measured of delivery, as tables for people and as JSON.

use super::dead::Dead;
use super::drain::Drain;
use super::matching::Matching;
use super::replay::Replay;
use crate::gate::Reading;
use crate::procfs;
use crate::stats::Summary;
use crate::table::{Table, number, or_none};
use crate::target::Target;
use serde::Serialize;

/// What was measured; empty is not asked for.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Results {
    pub(super) matching: Vec<Matching>,
    pub(super) replay: Option<Replay>,
    pub(super) drain: Vec<Drain>,
    pub(super) dead: Option<Dead>,
}

/// The whole run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    machine: String,
    was_quiet: bool,
    gates: Vec<Reading>,
    targets: Vec<Target>,
    results: Results,
}

impl Report {
    pub(super) fn new(gates: Vec<Reading>, results: Results) -> Self {
        let was_quiet = gates.iter().all(|reading| reading.passed);
        let targets = targets(&results);
        Self { machine: procfs::machine(), was_quiet, gates, targets, results }
    }

    /// Whether every target is reached.
    pub(crate) fn is_met(&self) -> bool {
        self.targets.iter().all(|target| target.met)
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let quiet = if self.was_quiet { "quiet" } else { "NOT QUIET: do not trust the times" };
        let mut text = format!("{}\nmachine {quiet}\n", self.machine);
        text += &matching(&self.results.matching).render();
        text += &replay(self.results.replay.as_ref()).render();
        text += &drain(&self.results.drain).render();
        text += &dead(self.results.dead.as_ref()).render();
        text += &Target::table(&self.targets).render();
        text
    }
}

fn targets(results: &Results) -> Vec<Target> {
    let mut targets = Vec::new();
    if let Some(matching) = results.matching.iter().find(|each| each.subscriptions == 10_000) {
        let what = "matching an item among 10,000 subscriptions, us";
        targets.push(Target::ratio(what, 50.0, matching.match_us));
    }
    if let Some(replay) = &results.replay {
        let what = "a replay, beside calling the consumer directly, ms";
        targets.push(Target::ratio(what, 0.3, replay.added_ms));
    }
    for drain in &results.drain {
        // At least half of wrk's rate is at most twice its time.
        let what = match drain.concurrency {
            8 => "draining a queue, 8 at once: wrk / bruit",
            64 => "draining a queue, 64 at once: wrk / bruit",
            _ => "draining a queue: wrk / bruit",
        };
        let turned = drain.ratio.map(|ratio| Summary {
            min: 1.0 / ratio.max,
            p50: 1.0 / ratio.p50,
            max: 1.0 / ratio.min,
            ..ratio
        });
        targets.push(Target::ratio(what, 2.0, turned));
    }
    if let Some(dead) = &results.dead {
        let what = "a neighbour's latency, with / without a dead consumer's queue";
        targets.push(Target::ratio(what, 1.2, dead.ratio));
        let what = "bytes of a dead consumer's queue / the bound";
        targets.push(Target::new(what, 1.0, Some(dead.queued_mib / dead.bound_mib)));
    }
    targets
}

fn p50_range(summary: Option<Summary>, digits: usize) -> [String; 3] {
    let part = |of: fn(Summary) -> f64| or_none(summary.map(of), digits);
    [part(|each| each.p50), part(|each| each.min), part(|each| each.max)]
}

fn matching(rows: &[Matching]) -> Table {
    let mut table =
        Table::new("Matching a path, us", &["subscriptions", "p50", "min", "max", "selected"]);
    for row in rows {
        let mut cells = vec![row.subscriptions.to_string()];
        cells.extend(p50_range(row.match_us, 3));
        cells.push(number(row.selected, 2));
        table.row(cells);
    }
    table
}

fn replay(replay: Option<&Replay>) -> Table {
    let mut table = Table::new("Until the consumer has a call, ms", &["", "p50", "min", "max"]);
    let Some(replay) = replay else { return table };
    for (what, summary) in [
        ("directly", replay.direct_ms),
        ("by the agent", replay.bruit_ms),
        ("added", replay.added_ms),
    ] {
        let mut cells = vec![what.to_owned()];
        cells.extend(p50_range(summary, 3));
        table.row(cells);
    }
    table
}

fn drain(rows: &[Drain]) -> Table {
    let head = ["at once", "wrk p50", "bruit p50", "min", "max", "with --data", "bruit / wrk"];
    let mut table = Table::new("Draining a queue, items a second", &head);
    for row in rows {
        let mut cells = vec![row.concurrency.to_string()];
        cells.push(or_none(row.wrk_per_s.map(|rate| rate.p50), 0));
        cells.extend(p50_range(row.bruit_per_s, 0));
        cells.push(or_none(row.stored_per_s.map(|rate| rate.p50), 0));
        cells.push(or_none(row.ratio.map(|ratio| ratio.p50), 2));
        table.row(cells);
    }
    table
}

fn dead(dead: Option<&Dead>) -> Table {
    let head = ["", "queued", "shed", "MiB", "bound", "grown", "before ms", "with ms"];
    let mut table = Table::new("A dead consumer with a full queue", &head);
    let Some(dead) = dead else { return table };
    table.row(vec![
        "bruit".to_owned(),
        dead.queued.to_string(),
        dead.shed.to_string(),
        number(dead.queued_mib, 1),
        number(dead.bound_mib, 1),
        number(dead.grown_mib, 1),
        or_none(dead.before_ms.map(|each| each.p50), 3),
        or_none(dead.with_ms.map(|each| each.p50), 3),
    ]);
    table
}
