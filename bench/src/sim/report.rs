//! What was measured, as tables for people and as JSON.

use super::one::Measured;
use super::{WORKLOADS, Workload};
use crate::procfs;
use crate::stats::Summary;
use crate::table::{Table, number, or_none};
use crate::target::Target;
use serde::Serialize;

/// One size under one workload.
#[derive(Clone, Debug, Serialize)]
struct Row {
    nodes: u32,
    workload: Workload,
    /// Millions of events per second of processor time.
    rate: Option<Summary>,
    /// What an event takes, in nanoseconds of processor time.
    event_nanos: Option<Summary>,
    bytes_per_node: Option<Summary>,
    /// Of one item, the making of the nodes included, in seconds.
    cpu_seconds: Option<Summary>,
    /// Nodes that an item did not reach, in the mean.
    lacking: f64,
}

/// The whole run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    machine: String,
    rows: Vec<Row>,
    /// By which power of the number of nodes the time of an item grows, by workload.
    slopes: Vec<(Workload, f64)>,
    targets: Vec<Target>,
    measured: Vec<Measured>,
}

impl Report {
    pub(super) fn new(sizes: &[u32], measured: Vec<Measured>) -> Self {
        let rows: Vec<Row> = WORKLOADS
            .iter()
            .flat_map(|workload| sizes.iter().map(|nodes| row(*nodes, *workload, &measured)))
            .collect();
        let slopes = WORKLOADS.iter().filter_map(|one| Some((*one, slope(*one, &rows)?)));
        let slopes = slopes.filter(|(workload, _)| *workload != Workload::Queue).collect();
        let targets = targets(&rows);
        Self { machine: procfs::machine(), rows, slopes, targets, measured }
    }

    /// Whether every target is reached.
    pub(crate) fn is_met(&self) -> bool {
        self.targets.iter().all(|target| target.met)
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let head = ["", "nodes", "M events/CPU s", "min", "max", "B/node", "CPU s an item", "lack"];
        let mut table = Table::new("Simulating, one thread", &head);
        for row in &self.rows {
            let rate = |of: fn(Summary) -> f64| or_none(row.rate.map(of), 2);
            table.row(vec![
                name(row.workload).to_owned(),
                row.nodes.to_string(),
                rate(|each| each.p50),
                rate(|each| each.min),
                rate(|each| each.max),
                or_none(row.bytes_per_node.map(|each| each.p50), 0),
                or_none(row.cpu_seconds.map(|each| each.p50), 4),
                number(row.lacking, 1),
            ]);
        }
        let mut text = format!("{}\n{}", self.machine, table.render());
        for (workload, slope) in &self.slopes {
            text += &format!("\n{}: the time of an item grows as n^{slope:.2}\n", name(*workload));
        }
        text + &Target::table(&self.targets).render()
    }
}

fn name(workload: Workload) -> &'static str {
    match workload {
        Workload::Push => "push",
        Workload::PushPull => "push-pull",
        Workload::Queue => "queue alone",
    }
}

fn row(nodes: u32, workload: Workload, measured: &[Measured]) -> Row {
    let of = |value: fn(&Measured) -> f64| {
        let same = measured.iter().filter(|one| one.nodes == nodes && one.workload == workload);
        same.map(value).collect::<Vec<f64>>()
    };
    let lacking = of(|one| one.lacking as f64 / one.runs.max(1) as f64);
    Row {
        nodes,
        workload,
        rate: Summary::of(&of(|one| one.events as f64 * 1e3 / one.cpu_nanos.max(1) as f64)),
        event_nanos: Summary::of(&of(|one| one.cpu_nanos as f64 / one.events.max(1) as f64)),
        bytes_per_node: Summary::of(&of(|one| one.bytes as f64 / f64::from(one.nodes))),
        cpu_seconds: Summary::of(&of(|one| {
            (one.cpu_nanos + one.setup_nanos) as f64 / 1e9 / one.runs.max(1) as f64
        })),
        lacking: lacking.iter().sum::<f64>() / lacking.len().max(1) as f64,
    }
}

/// The least-squares slope of log(time) over log(nodes).
fn slope(workload: Workload, rows: &[Row]) -> Option<f64> {
    let same = rows.iter().filter(|row| row.workload == workload);
    let points: Vec<(f64, f64)> = same
        .filter_map(|row| Some((f64::from(row.nodes).ln(), row.cpu_seconds?.p50.ln())))
        .collect();
    let count = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
    let (x, y) = (x / count, y / count);
    let rise: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    let run: f64 = points.iter().map(|point| (point.0 - x) * (point.0 - x)).sum();
    (points.len() > 1).then(|| rise / run)
}

fn targets(rows: &[Row]) -> Vec<Target> {
    let find = |nodes: u32, workload| {
        rows.iter().find(|row| row.nodes == nodes && row.workload == workload)
    };
    let mut targets = Vec::new();
    for (nodes, what, at_most) in [
        (100_000, "an event of push at 100,000 nodes, ns (3 M a second)", 333.4),
        (1_000_000, "an event of push at 1,000,000 nodes, ns (2 M a second)", 500.0),
    ] {
        if let Some(row) = find(nodes, Workload::Push) {
            targets.push(Target::ratio(what, at_most, row.event_nanos));
        }
    }
    if let Some(row) = find(1_000_000, Workload::Push) {
        let what = "memory at 1,000,000 nodes, bytes a node";
        targets.push(Target::ratio(what, 2048.0, row.bytes_per_node));
    }
    if let Some(row) = find(1_000_000, Workload::PushPull) {
        let what = "a push-pull broadcast over 1,000,000 nodes, CPU s";
        targets.push(Target::ratio(what, 30.0, row.cpu_seconds));
        let what = "memory during it, bytes a node";
        targets.push(Target::ratio(what, 2048.0, row.bytes_per_node));
    }
    targets
}
