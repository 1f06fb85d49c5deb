//! Coverage over time: the median over items and seeds, its band, and what theory says.

use super::Report;
use super::frame::{Frame, path, put, x_range, y_range};
use super::scale::{Scale, time_unit};
use crate::measure::quantile;

/// For each step of coverage, the quantiles over all items of when it was reached. What was
/// reached by fewer than the quantile asks for has none.
struct Bands {
    /// Coverage in percent, and the times at which 10, 25, 50, 75 and 90 % of the items had it.
    steps: Vec<(f64, [Option<u32>; 5])>,
}

const QUANTILES: [u64; 5] = [100_000, 250_000, 500_000, 750_000, 900_000];

impl Bands {
    fn of(report: &Report<'_>) -> Option<Self> {
        let curves: Vec<&Vec<Option<u32>>> =
            report.outcomes.iter().flat_map(|outcome| &outcome.spread.curves).collect();
        let len = curves.iter().map(|curve| curve.len()).min().filter(|len| *len > 1)?;
        let step = |place: usize| {
            let mut times: Vec<u32> =
                curves.iter().map(|curve| curve[place].unwrap_or(u32::MAX)).collect();
            times.sort_unstable();
            let at = |ppm| quantile(&times, ppm).filter(|time| *time != u32::MAX);
            (100.0 * place as f64 / (len - 1) as f64, QUANTILES.map(at))
        };
        Some(Self { steps: (0..len).map(step).collect() })
    }

    /// The latest of all times.
    fn latest(&self) -> u32 {
        let all = self.steps.iter().flat_map(|(_, times)| times.iter().flatten());
        all.copied().max().unwrap_or_default()
    }

    /// The points of one quantile, as far as it was reached.
    fn line(&self, place: usize, at: impl Fn(u32, f64) -> (f64, f64)) -> Vec<(f64, f64)> {
        let points = self
            .steps
            .iter()
            .map_while(|(coverage, times)| times[place].map(|time| at(time, *coverage)));
        points.collect()
    }
}

/// The chart, and the sentence that explains it.
pub(super) fn chart(report: &Report<'_>) -> (String, String) {
    let frame =
        Frame { title: "Coverage over time", x_label: "", y_label: "nodes that have it, %" };
    let bands = Bands::of(report).filter(|bands| bands.latest() > 0);
    let Some(bands) = bands else {
        return (frame.empty("No item was published."), String::new());
    };
    let theory = report.theory.map(|theory| theory.points.as_slice()).unwrap_or_default();
    let latest = f64::from(bands.latest());
    let shown = theory.iter().map(|(time, _)| *time).fold(latest, f64::max).min(latest * 1.5);
    let (unit, size) = time_unit(u64::from(bands.latest()));
    let x = Scale::new(shown / size, x_range());
    let y = Scale::new(100.0, y_range());
    let mut svg = String::new();
    let label = format!("time since publication, {unit}");
    Frame { x_label: &label, ..frame }.draw(&mut svg, &x, &y);
    let at = |time: u32, coverage: f64| (x.at(f64::from(time) / size), y.at(coverage));
    for (class, low, high) in [("band", 0, 4), ("in", 1, 3)] {
        let mut outline = bands.line(low, at);
        let back = bands.line(high, at);
        // Where the slower ones never came, the band ends at the edge.
        if back.len() < outline.len() {
            let edge = x_range().1;
            outline.extend(outline.last().copied().map(|(_, y)| (edge, y)));
            outline.extend(back.last().copied().map(|(_, y)| (edge, y)));
        }
        outline.extend(back.into_iter().rev());
        put(&mut svg, format_args!("<path class=\"{class}\" d=\"{}Z\"/>", path(&outline)));
    }
    let median = path(&bands.line(2, at));
    put(&mut svg, format_args!("<path class=\"l\" stroke-width=\"2.2\" d=\"{median}\"/>"));
    let within: Vec<(f64, f64)> = theory
        .iter()
        .filter(|(time, _)| time / size <= x.max)
        .map(|(time, share)| (x.at(time / size), y.at(share * 100.0)))
        .collect();
    if !within.is_empty() {
        put(
            &mut svg,
            format_args!("<path class=\"th\" stroke-width=\"2\" d=\"{}\"/>", path(&within)),
        );
    }
    legend(&mut svg, report);
    let items: usize = report.outcomes.iter().map(|outcome| outcome.spread.curves.len()).sum();
    let mut about = format!(
        "Line: the median of {items} items ({}). Bands: the middle half, and the middle 80 % of \
         them.",
        report.seeds()
    );
    if let Some(theory) = report.theory {
        about += &format!(" Dashed: {}.", theory.about);
    }
    (svg, about)
}

fn legend(svg: &mut String, report: &Report<'_>) {
    let (right, top) = (x_range().1, 22.0);
    let mut at = right;
    if report.theory.is_some() {
        put(
            svg,
            format_args!(
                "<text class=\"tf\" x=\"{at:.1}\" y=\"{top}\" text-anchor=\"end\">theory</text>\
             <line class=\"th\" stroke-width=\"2\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"17\" y2=\"17\"/>",
                at - 80.0,
                at - 50.0
            ),
        );
        at -= 104.0;
    }
    put(
        svg,
        format_args!(
            "<text class=\"m\" x=\"{at:.1}\" y=\"{top}\" text-anchor=\"end\">simulated</text>\
         <line class=\"l\" stroke-width=\"2.2\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"17\" y2=\"17\"/>",
            at - 102.0,
            at - 72.0
        ),
    );
}
