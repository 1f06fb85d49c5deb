//! Everything that is counted, gathered when somebody asks.

mod delivery;
mod histogram;
mod process;
mod store;
mod text;

pub(crate) use delivery::Durations;

use crate::shared::Shared;
use bruit_runtime::{DriverStats, Stopped};
use histogram::Histogram;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use text::{Families, Label, Type, Value};

/// Gathers all numbers.
pub(crate) async fn collect(shared: &Shared) -> Result<Families, Stopped> {
    let (numbers, held) = shared
        .node
        .with(|node, _| {
            let mut numbers = Vec::new();
            node.counters(&mut |name, label, value| numbers.push((name, label, value)));
            (numbers, node.items().held())
        })
        .await?;
    let mut families = Families::default();
    let version = [("version", crate::VERSION)];
    families.add(Type::Info, "build", &version, Value::Whole(1));
    for (name, label, value) in numbers {
        of_node(&mut families, name, label, value);
    }
    families.gauge("items_held", &[], held.0 as u64);
    families.gauge("items_held_bytes", &[], held.1);
    of_driver(&mut families, &shared.node.stats());
    of_agent(&mut families, shared);
    delivery::add(&mut families, shared);
    if let Some(store) = &shared.store {
        store::add(&mut families, store);
    }
    of_spread(&mut families, &shared.propagation);
    process::add(&mut families);
    Ok(families)
}

/// A node's number; which of them go down again, and what their label says, is known here.
fn of_node(families: &mut Families, name: &'static str, label: &str, value: u64) {
    let kind = match name {
        "members" | "local_health" | "streams" | "sessions" | "events_queued_max"
        | "streams_retired" | "questions" | "answers_held" | "answers_held_bytes" => Type::Gauge,
        _ => Type::Counter,
    };
    let key = match name {
        "members" => "state",
        "items_dropped" | "datagrams_rejected" => "reason",
        _ => "kind",
    };
    let labels: &[Label<'_>] = if label.is_empty() { &[] } else { &[(key, label)] };
    families.add(kind, name, labels, Value::Whole(value));
}

fn of_driver(families: &mut Families, stats: &DriverStats) {
    for (name, kind, value) in [
        ("driver_datagrams", "in", stats.datagrams_in),
        ("driver_datagrams", "out", stats.datagrams_out),
        ("driver_datagram_bytes", "in", stats.datagram_bytes_in),
        ("driver_datagram_bytes", "out", stats.datagram_bytes_out),
        ("driver_stream_bytes", "in", stats.stream_bytes_in),
        ("driver_stream_bytes", "out", stats.stream_bytes_out),
        ("driver_streams", "accepted", stats.streams_accepted),
        ("driver_streams", "connected", stats.streams_connected),
        ("driver_streams", "failed", stats.streams_failed),
        ("driver_streams", "shed", stats.streams_shed),
        ("driver_errors", "receive", stats.receive_errors),
        ("driver_errors", "no_buffer", stats.send_errors_no_buffer),
        ("driver_errors", "too_large", stats.send_errors_too_large),
        ("driver_errors", "unreachable", stats.send_errors_unreachable),
        ("driver_errors", "send", stats.send_errors_other),
        ("driver_errors", "accept", stats.accept_errors),
        ("driver_errors", "output", stats.outputs_invalid),
    ] {
        families.counter(name, &[("kind", kind)], value);
    }
    families.counter("driver_datagrams_refused", &[], stats.datagrams_refused);
    families.counter("driver_sends_blocked", &[], stats.sends_blocked);
    families.counter("driver_syscalls", &[], stats.syscalls);
    families.counter("driver_events_shed", &[], stats.events_shed);
    families.gauge("driver_streams_open", &[], stats.streams_open);
    let lag = Value::Real(stats.lag_max.as_secs_f64());
    families.add(Type::Gauge, "event_loop_lag_max_seconds", &[], lag);
}

fn of_agent(families: &mut Families, shared: &Shared) {
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let counters = &shared.counters;
    for (code, counter) in ["1xx", "2xx", "3xx", "4xx", "5xx"].iter().zip(&counters.answers) {
        families.counter("api_answers", &[("code", code)], read(counter));
    }
    for (state, counter) in ["alive", "suspect", "failed", "left"].iter().zip(&counters.transitions)
    {
        families.counter("member_transitions", &[("to", state)], read(counter));
    }
    families.gauge("api_connections", &[], read(&counters.connections_open));
    families.counter("api_connections_shed", &[], read(&counters.connections_shed));
    families.counter("api_bodies_refused", &[], read(&counters.bodies_refused));
    families.counter("api_requests_guarded", &[], read(&counters.guarded));
    families.counter("loops_refused", &[], read(&counters.loops));
    families.counter("snapshots_failed", &[], read(&counters.snapshots_failed));
    let receipts = &shared.receipts;
    for (kind, counter) in [
        ("received", &receipts.counters.received),
        ("unexpected", &receipts.counters.unexpected),
        ("malformed", &receipts.counters.malformed),
        ("sent", &receipts.counters.sent),
        ("unsent", &receipts.counters.unsent),
    ] {
        families.counter("receipts", &[("kind", kind)], read(counter));
    }
    families.counter("waits_refused", &[], read(&receipts.counters.refused));
    families.gauge("waits", &[], receipts.active() as u64);
    of_questions(families, shared);
    let uptime = Value::Real(shared.uptime().as_secs_f64());
    families.add(Type::Gauge, "uptime_seconds", &[], uptime);
}

fn of_questions(families: &mut Families, shared: &Shared) {
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let questions = &shared.questions.counters;
    for (kind, counter) in [
        ("asked", &questions.asked),
        ("answered", &questions.answered),
        ("unanswered", &questions.unanswered),
    ] {
        families.counter("own_questions", &[("kind", kind)], read(counter));
    }
    families.counter("own_answers_unexpected", &[], read(&questions.unexpected));
    families.counter("traces_refused", &[], read(&shared.traces.refused));
    let (remembered, forgotten) = shared.traces.log.counts();
    families.gauge("traced_items", &[], remembered as u64);
    families.counter("traced_items_forgotten", &[], forgotten);
}

/// How long items took from their acceptance to here. Each is the difference of two machines'
/// clocks: it is off by what they differ, and counts as 0 where that would make it negative.
#[derive(Debug, Default)]
pub(crate) struct Propagation {
    /// Of those that a style brought.
    spread: Histogram,
    /// Of those that anti-entropy brought, which may be as old as they are kept.
    repaired: Histogram,
}

impl Propagation {
    /// Counts an item that another agent accepted, at that time of its clock.
    pub(crate) fn take(&self, accepted_unix_millis: u64, repaired: bool) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let took = now.saturating_sub(Duration::from_millis(accepted_unix_millis));
        let histogram = if repaired { &self.repaired } else { &self.spread };
        histogram.observe(took);
    }
}

fn of_spread(families: &mut Families, propagation: &Propagation) {
    for (via, histogram) in [("spread", &propagation.spread), ("repair", &propagation.repaired)] {
        families.histogram("item_propagation_seconds", &[("via", via)], &histogram.counted());
    }
}
