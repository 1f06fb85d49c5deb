//! The page and the picture.

use super::frame::{HEIGHT, STYLE, WIDTH, escape, put};
use super::{Report, coverage, histogram};
use crate::measure::{METRICS, Summary};

const PLAIN: &str = "Runs the real protocol code; only time and network are simulated.";

/// Chart and sentence, in their order. Engines have neither bytes nor failures to be shown.
fn charts(report: &Report<'_>) -> Vec<(String, String)> {
    let mut charts = vec![coverage::chart(report)];
    if !report.is_of_engines() {
        charts.extend([histogram::traffic(report), histogram::detection(report)]);
    }
    charts
}

fn head(report: &Report<'_>) -> String {
    let Some(first) = report.outcomes.first() else { return "nothing was run".to_owned() };
    format!(
        "{} nodes{}, {}.{:02} virtual seconds, {}, bruit {}",
        first.nodes,
        if report.is_of_engines() { " (engines only)" } else { "" },
        first.duration_ms / 1000,
        first.duration_ms % 1000 / 10,
        report.seeds(),
        first.version
    )
}

/// One picture: all charts below each other.
pub fn svg(report: &Report<'_>) -> String {
    let charts = charts(report);
    let gap = 34.0;
    let top = 76.0;
    let height = top + (HEIGHT + gap) * charts.len() as f64 + 8.0;
    let mut svg = String::new();
    put(
        &mut svg,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\" aria-label=\"{title}\"><title>{title}</title>\
         <style>{STYLE}</style><rect class=\"b\" width=\"{WIDTH}\" height=\"{height}\"/>\
         <text class=\"t\" x=\"24\" y=\"30\" style=\"font-size:18px;font-weight:600\">\
         {title}</text>\
         <text class=\"m\" x=\"24\" y=\"50\">{}</text>\
         <text class=\"m\" x=\"24\" y=\"68\">{}</text>",
            escape(&head(report)),
            escape(&short(report.command, 100)),
            title = escape(&short(report.title, 70)),
        ),
    );
    for (place, (chart, about)) in charts.iter().enumerate() {
        let y = top + (HEIGHT + gap) * place as f64;
        put(&mut svg, format_args!("<g transform=\"translate(0 {y})\">{chart}"));
        for (line, text) in wrapped(about, 105).iter().take(2).enumerate() {
            let y = HEIGHT + 12.0 + 16.0 * line as f64;
            let text = escape(text);
            put(
                &mut svg,
                format_args!(
                    "<text class=\"m\" x=\"24\" y=\"{y}\" style=\"font-size:12px\">{text}</text>"
                ),
            );
        }
        svg += "</g>";
    }
    svg += "</svg>\n";
    svg
}

/// One page: charts with their sentences, and a table of every metric.
pub fn html(report: &Report<'_>) -> String {
    let title = escape(report.title);
    let mut html = String::new();
    put(
        &mut html,
        format_args!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title}</title>\n\
         <style>{STYLE}\n{PAGE_STYLE}</style></head><body><main>\n<h1>{title}</h1>\n\
         <p>{}. {PLAIN}</p>\n<pre>{}</pre>\n",
            escape(&head(report)),
            escape(report.command)
        ),
    );
    for (chart, about) in charts(report) {
        put(
            &mut html,
            format_args!(
                "<figure><svg xmlns=\"http://www.w3.org/2000/svg\" \
                 viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             role=\"img\">{chart}</svg><figcaption>{}</figcaption></figure>\n",
                escape(&about)
            ),
        );
    }
    table(&mut html, report);
    faults(&mut html, report);
    let hashes = report.outcomes.iter().map(|outcome| {
        format!("<tr><td>{}</td><td><code>{}</code></td></tr>", outcome.seed, outcome.trace_hash)
    });
    let hashes: String = hashes.collect();
    put(
        &mut html,
        format_args!(
            "<details><summary>Trace hashes</summary><table><tr><th>seed</th>\
             <th>hash</th></tr>{hashes}\
         </table></details>\n</main></body></html>\n"
        ),
    );
    html
}

fn table(html: &mut String, report: &Report<'_>) {
    let summary = Summary::of(report.outcomes);
    html.push_str(
        "<h2>Measures</h2>\n<div class=\"wide\"><table>\
         <tr><th>measure</th><th>value</th><th>meaning</th></tr>\n",
    );
    for (metric, value) in METRICS.iter().zip(&summary.values) {
        let value = value.map_or_else(|| "–".to_owned(), |value| value.to_string());
        put(
            html,
            format_args!(
                "<tr><td>{}</td><td class=\"n\">{value}</td><td>{}</td></tr>\n",
                metric.name,
                escape(metric.about)
            ),
        );
    }
    html.push_str("</table></div>\n");
}

fn faults(html: &mut String, report: &Report<'_>) {
    let mut sums = std::collections::BTreeMap::new();
    for (kind, count) in report.outcomes.iter().flat_map(|outcome| &outcome.faults) {
        *sums.entry(kind.as_str()).or_insert(0_u64) += count;
    }
    if sums.is_empty() {
        html.push_str("<h2>Faults that happened</h2>\n<p>None.</p>\n");
        return;
    }
    html.push_str("<h2>Faults that happened</h2>\n<table><tr><th>kind</th><th>count</th></tr>\n");
    for (kind, count) in sums {
        put(html, format_args!("<tr><td>{}</td><td class=\"n\">{count}</td></tr>\n", escape(kind)));
    }
    html.push_str("</table>\n");
}

const PAGE_STYLE: &str = "\
body{margin:0;background:#fff;color:#1c1f26;\
font:15px/1.5 system-ui,-apple-system,\"Segoe UI\",sans-serif}\
main{max-width:760px;margin:0 auto;padding:24px 16px 48px}\
h1{font-size:24px;line-height:1.25;margin:0 0 4px}\
h2{font-size:18px;margin:32px 0 8px}figure{margin:28px 0}svg{width:100%;height:auto;display:block}\
figcaption,p{color:#4b5263;margin:6px 0}pre,code{font-family:ui-monospace,monospace;font-size:13px}\
pre{background:#f3f5f8;padding:10px 12px;border-radius:6px;\
white-space:pre-wrap;overflow-wrap:anywhere}\
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:14px}\
td,th{padding:4px 16px 4px 0;border-bottom:1px solid #e3e6eb;text-align:left;vertical-align:top}\
td.n{text-align:right;font-variant-numeric:tabular-nums}\
details{margin-top:28px}summary{cursor:pointer}\
@media (prefers-color-scheme:dark){body{background:#14171c;color:#eceff4}\
figcaption,p{color:#b4bccb}pre{background:#1e232b}td,th{border-color:#2c323c}}";

/// At most so many letters; `…` says that something is missing.
fn short(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(letters - 1).collect();
    cut.push('…');
    cut
}

/// Words in lines of at most `width` letters.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}
