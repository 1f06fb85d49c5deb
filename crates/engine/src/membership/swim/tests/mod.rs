//! Tests in virtual time.

mod cluster;
mod detection;
mod formulas;
mod laws;
mod rules;
mod spread;

use super::message::{Message, Update};
use super::*;
use cluster::Cluster;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

type Node = Swim<u32, &'static str>;
type Sink = Out<u32, &'static str>;

fn node(params: Params, me: u32) -> (Node, Sink) {
    let swim = Swim::new(params, me, "record", Rng::from_seed(u64::from(me)), Instant::ZERO);
    (swim, Outbox::new(1000))
}

fn alive(id: u32, incarnation: u64) -> Update<u32, &'static str> {
    Update::Alive { id, incarnation: Incarnation(incarnation), record: "record" }
}

fn suspect(id: u32, incarnation: u64, from: u32) -> Update<u32, &'static str> {
    Update::Suspect { id, incarnation: Incarnation(incarnation), from }
}

fn failed(id: u32, incarnation: u64, from: u32) -> Update<u32, &'static str> {
    Update::Failed { id, incarnation: Incarnation(incarnation), from }
}

fn left(id: u32, incarnation: u64) -> Update<u32, &'static str> {
    Update::Left { id, incarnation: Incarnation(incarnation) }
}

fn sends(out: &mut Sink) -> Vec<(u32, Message<u32>)> {
    std::iter::from_fn(|| out.pop_send()).map(|send| (send.to, send.message)).collect()
}

fn events(out: &mut Sink) -> Vec<Event<u32, &'static str>> {
    std::iter::from_fn(|| out.pop_event()).collect()
}

fn fill(swim: &mut Node, to: u32, budget: usize) -> Vec<Update<u32, &'static str>> {
    let mut into = Vec::new();
    swim.fill_updates(Instant::ZERO, &to, budget, &mut |_| 10, &mut into);
    into
}

fn state(swim: &Node, id: u32) -> Option<(State, u64)> {
    swim.get(&id).map(|member| (member.state, member.incarnation.0))
}
