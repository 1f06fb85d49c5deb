//! Histograms: traffic per node, and times of detection.

use super::Report;
use super::frame::{Frame, put, x_range, y_range};
use super::scale::{Scale, time_unit};
use crate::measure::Quantiles;

/// Bars of a histogram. Guess: about the square root of what one run has.
const BARS: usize = 24;

fn draw(frame: Frame<'_>, values: &[f64], marks: &[(f64, String)]) -> String {
    let largest = values.iter().copied().fold(0.0, f64::max);
    let x = Scale::new(largest * 1.04, x_range());
    let width = x.max / BARS as f64;
    let mut bars = [0_u32; BARS];
    for value in values {
        // The last bar holds its upper end too.
        let place = (1..BARS).take_while(|place| *value >= width * *place as f64).count();
        bars[place] += 1;
    }
    let highest = bars.iter().copied().max().unwrap_or_default();
    let y = Scale::new(f64::from(highest), y_range());
    let mut svg = String::new();
    frame.draw(&mut svg, &x, &y);
    for (place, count) in bars.iter().enumerate().filter(|(_, count)| **count > 0) {
        let (left, right) = (x.at(width * place as f64), x.at(width * (place + 1) as f64));
        let (top, bottom) = (y.at(f64::from(*count)), y_range().0);
        put(
            &mut svg,
            format_args!(
                "<rect class=\"bar\" x=\"{:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
                left + 0.5,
                (right - left - 1.0).max(1.0),
                bottom - top
            ),
        );
    }
    mark_all(&mut svg, &x, marks);
    svg
}

/// Lines at some values. The first one's label stands to its left, the others' to their right,
/// above the bars, so that none lies on another.
fn mark_all(svg: &mut String, x: &Scale, marks: &[(f64, String)]) {
    let (bottom, top) = y_range();
    for (place, (value, label)) in marks.iter().enumerate() {
        let at = x.at(*value);
        let (anchor, text_at) = if place == 0 { ("end", at - 2.0) } else { ("start", at + 2.0) };
        put(
            svg,
            format_args!(
                "<line class=\"th\" stroke-width=\"1.6\" x1=\"{at:.1}\" x2=\"{at:.1}\" \
                 y1=\"{bottom}\" y2=\"{top}\"/><text class=\"tf\" x=\"{text_at:.1}\" y=\"{:.1}\" \
                 text-anchor=\"{anchor}\">{label}</text>",
                top - 5.0
            ),
        );
    }
}

/// What each node sent.
pub(super) fn traffic(report: &Report<'_>) -> (String, String) {
    let frame = Frame { title: "Traffic per node", x_label: "sent, kbit/s", y_label: "nodes" };
    let each: Vec<u64> = report
        .outcomes
        .iter()
        .flat_map(|outcome| outcome.traffic.each_bps.iter().copied())
        .collect();
    if each.is_empty() {
        return (frame.empty("Nothing was run."), String::new());
    }
    let quantiles = Quantiles::of(each.iter().copied());
    let kbps = |bps: u64| bps as f64 / 1000.0;
    let values: Vec<f64> = each.iter().map(|bps| kbps(*bps)).collect();
    let marks =
        [(kbps(quantiles.p50), "median".to_owned()), (kbps(quantiles.max), "max".to_owned())];
    let about = format!(
        "Datagrams with their IPv4 and UDP headers, streams without theirs. Median {:.1}, busiest \
         {:.1} kbit/s; {} nodes over {}.",
        kbps(quantiles.p50),
        kbps(quantiles.max),
        each.len(),
        report.seeds()
    );
    (draw(frame, &values, &marks), about)
}

/// How long crashes took to be noticed.
pub(super) fn detection(report: &Report<'_>) -> (String, String) {
    let frame = Frame { title: "Detection time", x_label: "", y_label: "crash and observer" };
    let each: Vec<u64> = report
        .outcomes
        .iter()
        .flat_map(|outcome| outcome.detection.delays_us.iter().copied())
        .collect();
    if each.is_empty() {
        let crashes: u64 = report.outcomes.iter().map(|outcome| outcome.detection.crashes).sum();
        let why = match crashes {
            0 => "No node crashed in this scenario.".to_owned(),
            crashes => {
                format!("Of {crashes} crashes, nobody noticed one before its node was back.")
            }
        };
        return (frame.empty(&why), String::new());
    }
    let quantiles = Quantiles::of(each.iter().copied());
    let (unit, size) = time_unit(quantiles.max);
    let values: Vec<f64> = each.iter().map(|micros| *micros as f64 / size).collect();
    let at = |micros: u64| micros as f64 / size;
    let marks = [(at(quantiles.p50), "median".to_owned()), (at(quantiles.p99), "99 %".to_owned())];
    let label = format!("from the crash until an observer held it failed, {unit}");
    let undetected: u64 = report.outcomes.iter().map(|outcome| outcome.detection.undetected).sum();
    let about = format!(
        "{} pairs of a crash and a node that noticed it: median {:.2}, 99 % within {:.2}, last \
         {:.2} {unit}. Not noticed: {undetected}.",
        each.len(),
        at(quantiles.p50),
        at(quantiles.p99),
        at(quantiles.max)
    );
    (draw(Frame { x_label: &label, ..frame }, &values, &marks), about)
}
