//! Families of numbers, and their OpenMetrics 1.0 text.

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
}

/// A label: name and value.
pub(crate) type Label<'a> = (&'static str, &'a str);

#[derive(Debug)]
struct Family {
    kind: Type,
    /// Labels as they stand between braces, and the value.
    samples: Vec<(String, Value)>,
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

    /// Adds a number of any type. The type that a family has first stays.
    pub(crate) fn add(
        &mut self,
        kind: Type,
        name: &'static str,
        labels: &[Label<'_>],
        value: Value,
    ) {
        let family = self.0.entry(name).or_insert_with(|| Family { kind, samples: Vec::new() });
        let mut text = String::new();
        for (place, (label, value)) in labels.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(text, "{comma}{label}=\"{}\"", escaped(value))
                .expect("writing to a String cannot fail");
        }
        family.samples.push((text, value));
    }

    /// All whole numbers, by full name and labels.
    pub(crate) fn whole_numbers(&self) -> BTreeMap<String, u64> {
        let mut numbers = BTreeMap::new();
        for (name, family) in &self.0 {
            for (labels, value) in &family.samples {
                if let (Value::Whole(value), false) = (value, family.kind == Type::Info) {
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
            };
            let prefix = prefix(name);
            writeln!(text, "# TYPE {prefix}{name} {kind}").expect("writing cannot fail");
            let name = full_name(name, family.kind);
            for (labels, value) in &family.samples {
                text += &name;
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

/// The names of numbers about the process are common to all programs.
fn prefix(name: &str) -> &'static str {
    if name.starts_with("process_") { "" } else { "bruit_" }
}

fn full_name(name: &str, kind: Type) -> String {
    let suffix = match kind {
        Type::Counter => "_total",
        Type::Gauge => "",
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
