//! A JSON object for people: a row for each of its fields, under the names that the API gives.

use super::{Cell, Table};
use serde_json::{Map, Value};

/// How deep objects are taken apart; what is deeper is shown as JSON.
const DEPTH_MAX: usize = 4;

/// A table of two columns: names, with dots for fields of fields, and values. Fields without a
/// value are left out.
pub(crate) fn object(head: [&str; 2], fields: &Map<String, Value>) -> Table {
    let mut table = Table::new(&head);
    rows(&mut table, "", fields, DEPTH_MAX);
    table
}

fn rows(table: &mut Table, prefix: &str, fields: &Map<String, Value>, depth: usize) {
    for (name, value) in fields {
        let name = format!("{prefix}{name}");
        match value {
            Value::Null => {}
            Value::Object(below) if depth > 1 => {
                rows(table, &format!("{name}."), below, depth - 1);
            }
            Value::Array(list) if list.iter().any(|each| !is_scalar(each)) => {
                for (place, each) in list.iter().enumerate() {
                    list_row(table, &name, place, each, depth);
                }
            }
            Value::Array(list) => {
                let texts: Vec<String> = list.iter().map(text).collect();
                push(table, &name, &texts.join(" "));
            }
            Value::String(_) | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
                push(table, &name, &text(value));
            }
        }
    }
}

/// A row of a list: a pair of texts, such as a header, is its name and its value.
fn list_row(table: &mut Table, name: &str, place: usize, each: &Value, depth: usize) {
    if let Some([key, value]) = each.as_array().map(Vec::as_slice)
        && is_scalar(key)
        && is_scalar(value)
    {
        push(table, name, &format!("{}: {}", text(key), text(value)));
    } else if let Some(below) = each.as_object().filter(|_| depth > 1) {
        rows(table, &format!("{name}.{place}."), below, depth - 1);
    } else {
        push(table, name, &text(each));
    }
}

/// A text of several lines has several rows.
fn push(table: &mut Table, name: &str, value: &str) {
    let mut lines = value.lines();
    table.row([Cell::from(name), Cell::from(lines.next().unwrap_or_default())]);
    for line in lines {
        table.row([Cell::blank(), Cell::from(line)]);
    }
}

const fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Array(_) | Value::Object(_))
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.replace('\t', "    "),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_field_with_a_value_has_a_row() {
        let value = json!({
            "a": "x\u{1b}", "b": null, "c": { "d": true, "e": [1, 2] }, "f": "one\ntwo\tthree",
            "g": [["name", "value"], ["other", 1]], "h": [{ "i": 1 }], "empty": [],
        });
        let Value::Object(fields) = value else { panic!() };
        let lines = object(["FIELD", "VALUE"], &fields).lines(None, false);
        assert_eq!(
            lines,
            [
                "FIELD   VALUE",
                "a       x\u{fffd}",
                "c.d     yes",
                "c.e     1 2",
                "empty",
                "f       one",
                "        two    three",
                "g       name: value",
                "g       other: 1",
                "h.0.i   1",
            ]
        );
    }

    #[test]
    fn what_is_too_deep_is_json() {
        let value = json!({ "a": { "b": { "c": { "d": { "e": 1 } } } } });
        let Value::Object(fields) = value else { panic!() };
        let lines = object(["FIELD", "VALUE"], &fields).lines(None, false);
        assert_eq!(lines[1], "a.b.c.d   {\"e\":1}");
    }
}
