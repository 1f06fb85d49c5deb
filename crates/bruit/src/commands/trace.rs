//! `bruit trace`.

use super::listen::what;
use super::watch;
use crate::args::TraceArgs;
use crate::client::{Client, Item, encode_segment};
use crate::exit::{Exit, Failure};
use crate::out::{self, Cell, Out, Table};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// How much longer than the members to wait for the agent's answer. Guess.
const ANSWER_MARGIN: Duration = Duration::from_secs(5);

/// Shows where an item went.
pub(crate) async fn run(mut args: TraceArgs) -> Result<Exit, Failure> {
    let patience = args.patience.as_millis();
    let item_target = format!("/v1/items/{}", encode_segment(&args.id));
    let target = format!("{item_target}/trace?timeout={patience}ms");
    let connection = &mut args.read.ask.connection;
    connection.timeout = connection.timeout.max(args.patience + ANSWER_MARGIN);
    let show = async |client: &mut Client, out: &Out| {
        let value: Value = client.get(&target).await?;
        if out.is_json() {
            out.value_with(&value, "nodes")?;
            return Ok(Exit::Ok);
        }
        let trace = Trace::deserialize(&value).map_err(|e| Failure::not_understood(&e))?;
        // What kind of request it was is known where the item is held still.
        let item: Option<Item> = client.get(&item_target).await.ok();
        print(out, &trace, &item.map_or_else(|| trace.path.clone(), |item| what(&item)))
    };
    watch::read(&args.read, show).await
}

#[derive(Debug, Deserialize)]
struct Trace {
    id: String,
    path: String,
    origin_name: Option<String>,
    origin: String,
    accepted_unix_ms: u64,
    payload_bytes: u64,
    members: usize,
    reached: usize,
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    name: String,
    state: String,
    seen: bool,
    received_after_ms: Option<f64>,
    from_name: Option<String>,
    via: Option<String>,
    hops: Option<u32>,
    copies: Option<u32>,
    clock_offset_ms: Option<f64>,
    clock_error_ms: Option<f64>,
    #[serde(default)]
    deliveries: Vec<Delivery>,
    why: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Delivery {
    subscription: String,
    outcome: String,
    status: Option<u16>,
    attempts: Option<u32>,
    after_ms: Option<f64>,
    #[serde(default)]
    statuses: Vec<Option<u16>>,
    reason: Option<String>,
}

fn print(out: &Out, trace: &Trace, what: &str) -> Result<Exit, Failure> {
    let (size, time) = (out::bytes(trace.payload_bytes), out::time_of_day(trace.accepted_unix_ms));
    let by = trace.origin_name.as_ref().unwrap_or(&trace.origin);
    out.line(&format!("{}  {what}  body {size}  sent {time} by {by}", trace.id))?;
    out.table(&table(trace))?;
    out.line(&summary(trace))?;
    if let Some(clocks) = clocks(trace) {
        out.line(&clocks)?;
    }
    Ok(Exit::Ok)
}

fn table(trace: &Trace) -> Table {
    let mut table = Table::new(&[
        "NODE",
        "RECEIVED",
        "VIA",
        "FROM",
        "HOPS",
        "COPIES",
        "SUBSCRIPTION",
        "OUTCOME",
        "AFTER",
        "STATUS",
        "ATTEMPTS",
        "",
    ]);
    for node in &trace.nodes {
        let number = |number: Option<u32>| number.map(|n| n.to_string()).unwrap_or_default();
        let after = |ms: Option<f64>| ms.map(out::signed_millis).unwrap_or_default();
        let first: [Cell; 6] = [
            node.name.as_str().into(),
            after(node.received_after_ms).into(),
            node.via.as_deref().unwrap_or_default().into(),
            node.from_name.as_deref().unwrap_or_default().into(),
            number(node.hops).into(),
            number(node.copies).into(),
        ];
        let mut cells: Vec<Cell> = first.into();
        if node.deliveries.is_empty() {
            cells.extend((0..5).map(|_| Cell::default()));
            cells.push(why(node).into());
            table.row(cells);
            continue;
        }
        for delivery in &node.deliveries {
            cells.extend([
                delivery.subscription.as_str().into(),
                Cell::state(&delivery.outcome),
                after(delivery.after_ms).into(),
                delivery.status.map(|status| status.to_string()).unwrap_or_default().into(),
                number(delivery.attempts).into(),
                note(delivery).into(),
            ]);
            table.row(std::mem::replace(&mut cells, (0..6).map(|_| Cell::blank()).collect()));
        }
    }
    table
}

/// Why a member shows no delivery.
fn why(node: &Node) -> String {
    match (&node.why, node.state.as_str()) {
        (Some(why), "alive") => why.clone(),
        (Some(why), state) => format!("{why}; {state}"),
        (None, "alive") => String::new(),
        (None, state) => state.to_owned(),
    }
}

/// `503, 503, then 204`; what else there is to say of a delivery.
fn note(delivery: &Delivery) -> String {
    let word = |status: &Option<u16>| {
        status.map_or_else(|| "no answer".to_owned(), |status| status.to_string())
    };
    let mut parts = Vec::new();
    if let [before @ .., last] = delivery.statuses.as_slice()
        && !before.is_empty()
    {
        let before: Vec<String> = before.iter().map(word).collect();
        parts.push(format!("{}, then {}", before.join(", "), word(last)));
    }
    parts.extend(delivery.reason.clone());
    parts.join("; ")
}

/// `reached 13 of 14 in 31 ms; delivered 3 of 4; 1.8 copies received per node`
fn summary(trace: &Trace) -> String {
    let last = trace.nodes.iter().filter_map(|node| node.received_after_ms).max_by(f64::total_cmp);
    let within = last.map(|ms| format!(" in {}", out::millis(ms))).unwrap_or_default();
    let mut text = format!("reached {} of {}{within}", trace.reached, trace.members);
    let mut outcomes: BTreeMap<&str, usize> = BTreeMap::new();
    for delivery in trace.nodes.iter().flat_map(|node| &node.deliveries) {
        *outcomes.entry(delivery.outcome.as_str()).or_default() += 1;
    }
    let all: usize = outcomes.values().sum();
    if all > 0 {
        let delivered = outcomes.remove("delivered").unwrap_or_default();
        text += &format!("; delivered {delivered} of {all}");
        for (outcome, count) in outcomes {
            text += &format!(", {count} {}", outcome.replace('_', " "));
        }
    }
    // Nobody sends an item to where it came from.
    let others = trace.nodes.iter().filter(|node| node.via.as_deref() != Some("local"));
    let copies: Vec<u32> = others.filter_map(|node| node.copies).collect();
    if let Ok(nodes) = u64::try_from(copies.len())
        && nodes > 0
    {
        let tenths = copies.iter().map(|count| u64::from(*count)).sum::<u64>() * 10 / nodes;
        text += &format!("; {}.{} copies received per node", tenths / 10, tenths % 10);
    }
    let unheard = trace.nodes.iter().filter(|node| !node.seen && node.why.is_some()).count();
    if unheard > 0 {
        text += &format!("; {unheard} did not get it, or did not say");
    }
    text
}

/// How far the clocks are apart from the asked agent's, and how well that is known.
fn clocks(trace: &Trace) -> Option<String> {
    let known = trace
        .nodes
        .iter()
        .filter_map(|node| Some((node.clock_offset_ms?, node.clock_error_ms?, node.name.as_str())));
    let (offset, error, name) = known.max_by(|a, b| a.0.abs().total_cmp(&b.0.abs()))?;
    Some(format!(
        "clocks: known offsets are taken out; the largest is {} (±{}), of {name}",
        out::signed_millis(offset),
        out::millis(error),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn trace() -> Trace {
        serde_json::from_value(json!({
            "id": "ID", "path": "cache/a", "origin": "00", "origin_name": "web-1",
            "accepted_unix_ms": 1_700_000_000_204_u64,
            "payload_bytes": 0, "members": 4, "reached": 3,
            "nodes": [
                { "node": "00", "name": "web-1", "state": "alive", "seen": true,
                  "received_after_ms": 0.0, "from": null, "from_name": null, "via": "local",
                  "hops": 0, "copies": 1, "clock_offset_ms": 0.0, "clock_error_ms": 0.0,
                  "deliveries": [
                    { "subscription": "app", "outcome": "delivered", "status": 204,
                      "attempts": 1, "after_ms": 1.1, "statuses": [204], "reason": null },
                    { "subscription": "two\u{1b}", "outcome": "queued", "status": 503,
                      "attempts": 2, "after_ms": null, "statuses": [null, 503],
                      "reason": "next attempt in 2s" } ], "why": null },
                { "node": "01", "name": "web-2", "state": "alive", "seen": true,
                  "received_after_ms": 1.9, "from": "00", "from_name": "web-1", "via": "push",
                  "hops": 1, "copies": 2, "clock_offset_ms": -12.0, "clock_error_ms": 0.4,
                  "deliveries": [
                    { "subscription": "app", "outcome": "delivered", "status": 204,
                      "attempts": 3, "after_ms": 512.0, "statuses": [503, 503, 204],
                      "reason": null } ], "why": null },
                { "node": "02", "name": "api-1", "state": "alive", "seen": true,
                  "received_after_ms": 31.7, "from": "01", "from_name": "web-2", "via": "repair",
                  "hops": 1, "copies": 1, "clock_offset_ms": null, "clock_error_ms": null,
                  "deliveries": [], "why": "no subscription matches" },
                { "node": "03", "name": "web-9", "state": "suspect", "seen": false,
                  "received_after_ms": null, "from": null, "from_name": null, "via": null,
                  "hops": null, "copies": null, "clock_offset_ms": null, "clock_error_ms": null,
                  "deliveries": [], "why": "no answer" },
            ],
        }))
        .unwrap()
    }

    #[test]
    fn every_member_has_a_row_and_every_delivery() {
        let lines = table(&trace()).lines(None, false);
        let words = |line: &String| {
            let cells = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty());
            cells.collect::<Vec<_>>().join("|")
        };
        let rows: Vec<String> = lines[1..].iter().map(words).collect();
        assert_eq!(
            rows,
            [
                "web-1|+0.00 ms|local|-|0|1|app|delivered|+1.1 ms|204|1",
                "two\u{fffd}|queued|-|503|2|no answer, then 503; next attempt in 2s",
                "web-2|+1.9 ms|push|web-1|1|2|app|delivered|+512 ms|204|3|503, 503, then 204",
                "api-1|+32 ms|repair|web-2|1|1|-|-|-|-|-|no subscription matches",
                "web-9|-|-|-|-|-|-|-|-|-|-|no answer; suspect",
            ]
        );
    }

    #[test]
    fn the_summary_counts_and_states_the_clocks() {
        let expected = "reached 3 of 4 in 32 ms; delivered 2 of 3, 1 queued; \
                        1.5 copies received per node; 1 did not get it, or did not say";
        assert_eq!(summary(&trace()), expected);
        let expected =
            "clocks: known offsets are taken out; the largest is -12 ms (±0.40 ms), of web-2";
        assert_eq!(clocks(&trace()).as_deref(), Some(expected));
    }
}
