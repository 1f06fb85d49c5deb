//! What all charts share: size, axes, labels.

use super::scale::Scale;
use std::fmt::Write as _;

/// The size of a chart.
pub(super) const WIDTH: f64 = 720.0;
/// See [`WIDTH`].
pub(super) const HEIGHT: f64 = 300.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 52.0;

/// The colours, for light and dark. Contrast of text: above 7 to 1; of lines: above 3 to 1.
pub(super) const STYLE: &str = "\
.b{fill:#fff}.t{fill:#1c1f26}.m{fill:#4b5263}.g{stroke:#e3e6eb}.x{stroke:#8a91a0}\
.l{stroke:#0b66c3;fill:none}.band{fill:#0b66c3;fill-opacity:.16}.in{fill:#0b66c3;fill-opacity:.24}\
.th{stroke:#b3470c;fill:none;stroke-dasharray:7 5}.bar{fill:#0b66c3}.tf{fill:#b3470c}\
text{font-family:system-ui,-apple-system,\"Segoe UI\",sans-serif;font-size:13px}\
.h{font-size:15px;font-weight:600}\
@media (prefers-color-scheme:dark){\
.b{fill:#14171c}.t{fill:#eceff4}.m{fill:#b4bccb}.g{stroke:#2c323c}.x{stroke:#6f7888}\
.l{stroke:#62b0ff}.band{fill:#62b0ff;fill-opacity:.18}.in{fill:#62b0ff;fill-opacity:.26}\
.th{stroke:#ffa05c}.bar{fill:#62b0ff}.tf{fill:#ffa05c}}";

/// The frame of one chart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    pub(super) title: &'a str,
    pub(super) x_label: &'a str,
    pub(super) y_label: &'a str,
}

/// The room between the axes.
pub(super) const fn x_range() -> (f64, f64) {
    (LEFT, WIDTH - RIGHT)
}

/// See [`x_range`]; 0 is below.
pub(super) const fn y_range() -> (f64, f64) {
    (HEIGHT - BOTTOM, TOP)
}

/// Appends to `svg`; writing to a text cannot fail.
pub(super) fn put(svg: &mut String, text: std::fmt::Arguments<'_>) {
    svg.write_fmt(text).expect("writing to a String cannot fail");
}

/// Makes a text harmless within SVG and HTML.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            letter if letter.is_control() => safe.push('\u{fffd}'),
            letter => safe.push(letter),
        }
    }
    safe
}

impl Frame<'_> {
    /// Grid, axes and their labels.
    pub(super) fn draw(&self, svg: &mut String, x: &Scale, y: &Scale) {
        let ((left, right), (bottom, top)) = (x_range(), y_range());
        let title = escape(self.title);
        put(svg, format_args!("<text class=\"t h\" x=\"{left}\" y=\"22\">{title}</text>"));
        for value in y.ticks() {
            let (at, label) = (y.at(value), y.label(value));
            put(
                svg,
                format_args!(
                    "<line class=\"g\" x1=\"{left}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
                 <text class=\"m\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
                    left - 8.0,
                    at + 4.5
                ),
            );
        }
        for value in x.ticks() {
            let (at, label) = (x.at(value), x.label(value));
            put(
                svg,
                format_args!(
                    "<line class=\"x\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{bottom}\" y2=\"{:.1}\"/>\
                 <text class=\"m\" x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>",
                    bottom + 5.0,
                    bottom + 20.0
                ),
            );
        }
        put(
            svg,
            format_args!(
                "<line class=\"x\" x1=\"{left}\" x2=\"{right}\" y1=\"{bottom}\" y2=\"{bottom}\"/>\
             <text class=\"m\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
             <text class=\"m\" transform=\"translate(16 {:.1}) rotate(-90)\" \
             text-anchor=\"middle\">{}</text>",
                f64::midpoint(left, right),
                bottom + 42.0,
                escape(self.x_label),
                f64::midpoint(bottom, top),
                escape(self.y_label),
            ),
        );
    }

    /// A sentence in place of a chart that would be empty.
    pub(super) fn empty(&self, why: &str) -> String {
        let ((left, _), (bottom, top)) = (x_range(), y_range());
        let mut svg = String::new();
        put(
            &mut svg,
            format_args!(
                "<text class=\"t h\" x=\"{left}\" y=\"22\">{}</text>\
             <text class=\"m\" x=\"{left}\" y=\"{:.1}\">{}</text>",
                escape(self.title),
                f64::midpoint(bottom, top),
                escape(why)
            ),
        );
        svg
    }
}

/// A line through points.
pub(super) fn path(points: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (place, (x, y)) in points.iter().enumerate() {
        let word = if place == 0 { 'M' } else { 'L' };
        put(&mut path, format_args!("{word}{x:.1} {y:.1}"));
    }
    path
}
