//! Families of numbers, and their OpenMetrics 1.0 text.

use super::histogram::{BOUNDS, Counted};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What a number does over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// It is 1, and the labels say something.
    Info,
    /// How many are up to each of some bounds.
    Histogram,
}

/// A label: name and value.
pub(crate) type Label<'a> = (&'static str, &'a str);

#[derive(Debug)]
struct Family {
    kind: Type,
    /// What follows the name, labels as they stand between braces, and the value.
    samples: Vec<(&'static str, String, Value)>,
}

/// One number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value {
    /// A whole one.
    Whole(u64),
    /// Any.
    Real(f64),
}

/// Numbers by the name of their family, without the prefix `bruit_` and a counter's `_total`.
#[derive(Debug, Default)]
pub(crate) struct Families(BTreeMap<&'static str, Family>);

impl Families {
    /// Adds a counter.
    pub(crate) fn counter(&mut self, name: &'static str, labels: &[Label<'_>], value: u64) {
        self.add(Type::Counter, name, labels, Value::Whole(value));
    }

    /// Adds a gauge of whole numbers.
    pub(crate) fn gauge(&mut self, name: &'static str, labels: &[Label<'_>], value: u64) {
        self.add(Type::Gauge, name, labels, Value::Whole(value));
    }

    /// Adds a histogram.
    pub(crate) fn histogram(
        &mut self,
        name: &'static str,
        labels: &[Label<'_>],
        counted: &Counted,
    ) {
        let family = self.family(Type::Histogram, name);
        let labels = text_of(labels);
        let comma = if labels.is_empty() { "" } else { "," };
        let mut count = 0;
        let bounds = BOUNDS.iter().map(|bound| format!("{bound:?}"));
        for (bound, held) in bounds.chain(["+Inf".to_owned()]).zip(counted.buckets) {
            count += held;
            let labels = format!("{labels}{comma}le=\"{bound}\"");
            family.samples.push(("_bucket", labels, Value::Whole(count)));
        }
        family.samples.push(("_count", labels.clone(), Value::Whole(count)));
        family.samples.push(("_sum", labels, Value::Real(counted.sum_seconds)));
    }

    fn family(&mut self, kind: Type, name: &'static str) -> &mut Family {
        self.0.entry(name).or_insert_with(|| Family { kind, samples: Vec::new() })
    }

    /// Adds a number of any type. The type that a family has first stays.
    pub(crate) fn add(
        &mut self,
        kind: Type,
        name: &'static str,
        labels: &[Label<'_>],
        value: Value,
    ) {
        self.family(kind, name).samples.push(("", text_of(labels), value));
    }

    /// All whole numbers but those of histograms, by full name and labels.
    pub(crate) fn whole_numbers(&self) -> BTreeMap<String, u64> {
        let mut numbers = BTreeMap::new();
        for (name, family) in &self.0 {
            if matches!(family.kind, Type::Info | Type::Histogram) {
                continue;
            }
            for (_, labels, value) in &family.samples {
                if let Value::Whole(value) = value {
                    let braces =
                        if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
                    numbers.insert(format!("{}{braces}", full_name(name, family.kind)), *value);
                }
            }
        }
        numbers
    }

    /// The text.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        for (name, family) in &self.0 {
            let kind = match family.kind {
                Type::Counter => "counter",
                Type::Gauge => "gauge",
                Type::Info => "info",
                Type::Histogram => "histogram",
            };
            let prefix = prefix(name);
            writeln!(text, "# TYPE {prefix}{name} {kind}").expect("writing cannot fail");
            let name = full_name(name, family.kind);
            for (suffix, labels, value) in &family.samples {
                text += &name;
                text += suffix;
                if !labels.is_empty() {
                    write!(text, "{{{labels}}}").expect("writing cannot fail");
                }
                match value {
                    Value::Whole(value) => writeln!(text, " {value}"),
                    Value::Real(value) => writeln!(text, " {value}"),
                }
                .expect("writing cannot fail");
            }
        }
        text + "# EOF\n"
    }
}

/// Labels as they stand between braces.
fn text_of(labels: &[Label<'_>]) -> String {
    let mut text = String::new();
    for (place, (label, value)) in labels.iter().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        write!(text, "{comma}{label}=\"{}\"", escaped(value))
            .expect("writing to a String cannot fail");
    }
    text
}

/// The names of numbers about the process are common to all programs.
fn prefix(name: &str) -> &'static str {
    if name.starts_with("process_") { "" } else { "bruit_" }
}

fn full_name(name: &str, kind: Type) -> String {
    let suffix = match kind {
        Type::Counter => "_total",
        Type::Gauge | Type::Histogram => "",
        Type::Info => "_info",
    };
    format!("{}{name}{suffix}", prefix(name))
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histograms_add_up() {
        let mut families = Families::default();
        let mut counted = Counted { sum_seconds: 12.5, ..Counted::default() };
        counted.buckets[0] = 2;
        counted.buckets[7] = 1;
        counted.buckets[11] = 1;
        families.histogram("took_seconds", &[("a", "b")], &counted);
        families.histogram("took_seconds", &[], &Counted::default());
        let text = families.render();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "# TYPE bruit_took_seconds histogram");
        assert_eq!(lines[1], "bruit_took_seconds_bucket{a=\"b\",le=\"0.005\"} 2");
        assert_eq!(lines[7], "bruit_took_seconds_bucket{a=\"b\",le=\"0.5\"} 2");
        assert_eq!(lines[8], "bruit_took_seconds_bucket{a=\"b\",le=\"1.0\"} 3");
        assert_eq!(lines[12], "bruit_took_seconds_bucket{a=\"b\",le=\"+Inf\"} 4");
        assert_eq!(lines[13], "bruit_took_seconds_count{a=\"b\"} 4");
        assert_eq!(lines[14], "bruit_took_seconds_sum{a=\"b\"} 12.5");
        assert_eq!(lines[15], "bruit_took_seconds_bucket{le=\"0.005\"} 0");
        assert_eq!(lines[28], "bruit_took_seconds_sum 0");
        assert!(families.whole_numbers().is_empty());
    }

    #[test]
    fn the_text_groups_families_and_escapes_labels() {
        let mut families = Families::default();
        families.counter("loops", &[], 3);
        families.gauge("members", &[("state", "alive")], 2);
        families.counter("answers", &[("code", "2xx")], 1);
        families.gauge("members", &[("state", "a\"b\\c\nd"), ("x", "y")], 0);
        families.add(Type::Info, "build", &[("version", "1")], Value::Whole(1));
        families.add(Type::Counter, "process_cpu_seconds", &[], Value::Real(0.25));
        let expected = "# TYPE bruit_answers counter\nbruit_answers_total{code=\"2xx\"} 1\n\
            # TYPE bruit_build info\nbruit_build_info{version=\"1\"} 1\n\
            # TYPE bruit_loops counter\nbruit_loops_total 3\n\
            # TYPE bruit_members gauge\nbruit_members{state=\"alive\"} 2\n\
            bruit_members{state=\"a\\\"b\\\\c\\nd\",x=\"y\"} 0\n\
            # TYPE process_cpu_seconds counter\nprocess_cpu_seconds_total 0.25\n# EOF\n";
        assert_eq!(families.render(), expected);
        let whole = families.whole_numbers();
        assert_eq!(whole["bruit_members{state=\"alive\"}"], 2);
        assert_eq!(whole.len(), 4);
    }
}
