//! Outcomes for people.

use crate::exit::Failure;
use crate::out::{Out, Table, millis};
use bruit_sim::measure::{Change, Outcome, Quantiles, Summary};
use bruit_sim::scenario::Scale;

/// Microseconds for people.
pub(super) fn micros(micros: u64) -> String {
    millis(micros as f64 / 1000.0)
}

/// Thousandths with two digits.
pub(super) fn thousandths(milli: i64) -> String {
    let sign = if milli < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", milli.abs() / 1000, milli.abs() % 1000 / 10)
}

/// Bits per second as kbit/s with one digit.
pub(super) fn kbps(bps: u64) -> String {
    format!("{}.{}", bps / 1000, bps % 1000 / 100)
}

/// Parts in a million as a percentage, cut, so that what lacks one is never 100 %.
pub(super) fn percent(ppm: u32) -> String {
    let digits = format!("{:04}", ppm % 10_000);
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() {
        format!("{} %", ppm / 10_000)
    } else {
        format!("{}.{digits} %", ppm / 10_000)
    }
}

/// What runs of one scenario came to: a line for each measure.
pub(super) fn outcomes(out: &Out, runs: &[Outcome]) -> Result<(), Failure> {
    let mut table = Table::new(&["MEASURE", "VALUE"]);
    let mut row = |name: &str, value: String| table.row([name.into(), value.into()]);
    let sum = |of: fn(&Outcome) -> u64| runs.iter().map(of).sum::<u64>();
    let summary = Summary::of(runs);
    let get = |name| summary.get(name);
    let items = sum(|run| run.spread.items.into());
    if items > 0 {
        let (pairs, missed) = (sum(|run| run.spread.pairs), sum(|run| run.spread.missed));
        let complete = sum(|run| run.spread.items_complete.into());
        row("items", format!("{items}, {complete} of them reached all"));
        row("residue", format!("{missed} of {pairs} pairs of item and node lack it"));
        if let Some(late) = get("late_ppm") {
            let late = u32::try_from(late).unwrap_or(1_000_000);
            row("in time", percent(1_000_000 - late));
        }
        row(
            "delay",
            times(
                &summary,
                &[("p50", "delay_p50_us"), ("p99", "delay_p99_us"), ("max", "delay_max_us")],
            ),
        );
        row(
            "reach",
            times(
                &summary,
                &[
                    ("50 %", "reach_50_us"),
                    ("90 %", "reach_90_us"),
                    ("99 %", "reach_99_us"),
                    ("all", "reach_all_us"),
                ],
            ),
        );
        let mut copies = format!(
            "{} a node · RMR {} · last delivery hop {}",
            thousandths(get("traffic_milli").unwrap_or_default()),
            thousandths(get("rmr_milli").unwrap_or_default()),
            get("last_hop").unwrap_or_default()
        );
        if let Some(repaired) = get("repaired").map(|_| sum(|run| run.spread.repaired)) {
            copies += &format!(" · by repair {repaired}");
        }
        row("copies", copies);
    }
    at_one_scale(&mut row, runs, &summary);
    row("faults", counts(runs, |run| &run.faults));
    row("shed", counts(runs, |run| &run.shed));
    out.table(&table)
}

/// What only nodes have, members that fail and bytes, or what engines have instead.
fn at_one_scale(row: &mut dyn FnMut(&str, String), runs: &[Outcome], summary: &Summary) {
    let sum = |of: fn(&Outcome) -> u64| runs.iter().map(of).sum::<u64>();
    let get = |name| summary.get(name);
    if runs.iter().any(|run| run.scale == Scale::Engine) {
        let each = thousandths(get("messages_milli").unwrap_or_default());
        let all = sum(|run| run.traffic.datagrams);
        return row("traffic", format!("{each} messages a node in a second · {all} in all"));
    }
    if let Some(detection) = detection(runs) {
        row("detection", detection);
    }
    row(
        "failures",
        format!(
            "{} false ({} an hour) · {} of nodes cut off or stopped · {} suspicions",
            sum(|run| run.detection.false_failures),
            thousandths(get("false_per_hour_milli").unwrap_or_default()),
            sum(|run| run.detection.justified_failures),
            sum(|run| run.detection.suspicions)
        ),
    );
    let busiest = runs.iter().map(|run| run.traffic.node_bps.max).max().unwrap_or_default();
    let mean = get("mean_bps").and_then(|bps| u64::try_from(bps).ok()).unwrap_or_default();
    row("traffic", format!("{} kbit/s a node · busiest {}", kbps(mean), kbps(busiest)));
}

/// How crashes were noticed; `None` if there were none.
fn detection(runs: &[Outcome]) -> Option<String> {
    let crashes: u64 = runs.iter().map(|run| run.detection.crashes).sum();
    let undetected: u64 = runs.iter().map(|run| run.detection.undetected).sum();
    let all = Quantiles::of(runs.iter().flat_map(|run| run.detection.delays_us.iter().copied()));
    let (p50, p99, last) = (micros(all.p50), micros(all.p99), micros(all.max));
    let times = match all.count {
        0 => "noticed by nobody".to_owned(),
        _ => format!("p50 {p50} · p99 {p99} · last {last}"),
    };
    (crashes > 0).then(|| format!("{crashes} crashes · {times} · {undetected} not noticed in time"))
}

/// Some times, each with its label.
fn times(summary: &Summary, names: &[(&str, &str)]) -> String {
    let time = |(label, name): &(&str, &str)| {
        let time = summary.get(name).and_then(|value| u64::try_from(value).ok())?;
        Some(format!("{label} {}", micros(time)))
    };
    names.iter().filter_map(time).collect::<Vec<_>>().join(" · ")
}

/// Counts by name, over all runs.
fn counts(
    runs: &[Outcome],
    of: fn(&Outcome) -> &std::collections::BTreeMap<String, u64>,
) -> String {
    let mut sums = std::collections::BTreeMap::new();
    for (name, count) in runs.iter().flat_map(of) {
        *sums.entry(name.as_str()).or_insert(0) += count;
    }
    let each: Vec<String> = sums.iter().map(|(name, count)| format!("{name} {count}")).collect();
    if each.is_empty() { "none".to_owned() } else { each.join(" · ") }
}

/// A row for each seed, with its trace hash.
pub(super) fn seeds(out: &Out, runs: &[Outcome]) -> Result<(), Failure> {
    let head = ["SEED", "LACKING", "P50", "P99", "MAX", "COPIES", "KBIT/S", "FALSE", "TRACE"];
    let mut table = Table::new(&head);
    for run in runs {
        let spread = &run.spread;
        table.row([
            run.seed.to_string().into(),
            spread.missed.to_string().into(),
            micros(spread.delay_us.p50).into(),
            micros(spread.delay_us.p99).into(),
            micros(spread.delay_us.max).into(),
            thousandths(i64::try_from(spread.traffic_milli).unwrap_or(i64::MAX)).into(),
            kbps(run.traffic.mean_bps).into(),
            run.detection.false_failures.to_string().into(),
            run.trace_hash.as_str().into(),
        ]);
    }
    out.table(&table)
}

/// What differs from a baseline.
pub(super) fn changes(out: &Out, changes: &[Change]) -> Result<(), Failure> {
    if changes.is_empty() {
        return out.line("no measure differs from the baseline");
    }
    let mut table = Table::new(&["DIFFERS", "BEFORE", "AFTER", "BY"]);
    let text = |value: Option<i64>| value.map(|value| value.to_string()).unwrap_or_default();
    for change in changes {
        let by = change.permille.map(|permille| {
            let sign = if permille < 0 { '-' } else { '+' };
            format!("{sign}{}.{} %", permille.abs() / 10, permille.abs() % 10)
        });
        table.row([
            change.metric.as_str().into(),
            text(change.before).into(),
            text(change.after).into(),
            by.unwrap_or_default().into(),
        ]);
    }
    out.table(&table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_matter() {
        assert_eq!(
            [1_000_000, 999_990, 500_000, 0].map(percent),
            ["100 %", "99.999 %", "50 %", "0 %"]
        );
        assert_eq!([1234, -50, 0].map(thousandths), ["1.23", "-0.05", "0.00"]);
        assert_eq!((kbps(143_999), micros(1500)), ("143.9".to_owned(), "1.5 ms".to_owned()));
    }
}
