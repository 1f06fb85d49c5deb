//! Broken nodes: the swarm's watch must catch each, and the failing plan must shrink.

mod common;

use bruit_engine::membership::swim::Params;
use bruit_model::{
    Command, CommandError, Event, Items, Members, Node, NodeId, Now, Records, Rejected, Reply,
    SocketId, StreamId, StreamInput, StreamOutput, Transmit, Wake,
};
use bruit_node::{NativeNode, Profile};
use bruit_sim::Boot;
use bruit_sim::check::{self, Bound, Violation};
use bruit_sim::fault::{Plan, Setup, Swarm, Trial, shrink};
use common::{make_node, ms, s};
use std::net::SocketAddr;

/// What is wrong with a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Break {
    /// It tells of each item twice.
    TellsTwice,
    /// It tells of no item that anti-entropy brought.
    HidesRepaired,
    /// It adds a byte to each datagram.
    SendsGarbage,
    /// It asks for no timer, so that it does only what messages make it do.
    NeverWakes,
}

/// A native node, but for one thing.
struct Broken {
    node: NativeNode,
    how: Break,
    again: Option<Event>,
}

impl Node for Broken {
    fn handle_datagram(
        &mut self,
        now: Now,
        on: SocketId,
        from: SocketAddr,
        bytes: &[u8],
    ) -> Result<(), Rejected> {
        self.node.handle_datagram(now, on, from, bytes)
    }

    fn handle_stream(&mut self, now: Now, id: StreamId, input: StreamInput<'_>) {
        self.node.handle_stream(now, id, input);
    }

    fn handle_command(&mut self, now: Now, command: Command) -> Result<Reply, CommandError> {
        self.node.handle_command(now, command)
    }

    fn handle_timeout(&mut self, now: Now) {
        self.node.handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Now, buf: &mut Vec<u8>) -> Option<Transmit> {
        let transmit = self.node.poll_transmit(now, buf)?;
        if self.how == Break::SendsGarbage {
            buf.push(0);
        }
        Some(transmit)
    }

    fn poll_stream(&mut self, now: Now, buf: &mut Vec<u8>) -> Option<StreamOutput> {
        self.node.poll_stream(now, buf)
    }

    fn poll_event(&mut self) -> Option<Event> {
        if let Some(event) = self.again.take() {
            return Some(event);
        }
        let event = self.node.poll_event()?;
        match (self.how, &event) {
            (Break::TellsTwice, Event::Item { .. }) => self.again = Some(event.clone()),
            (Break::HidesRepaired, Event::Item { repaired: true, .. }) => {
                return self.poll_event();
            }
            _ => {}
        }
        Some(event)
    }

    fn poll_timeout(&self) -> Option<Wake> {
        self.node.poll_timeout().filter(|_| self.how != Break::NeverWakes)
    }

    fn id(&self) -> NodeId {
        self.node.id()
    }

    fn members(&self, now: Now) -> Box<dyn Members + '_> {
        self.node.members(now)
    }

    fn items(&self) -> &dyn Items {
        self.node.items()
    }

    fn records(&self) -> &dyn Records {
        self.node.records()
    }

    fn snapshot(&self) -> Vec<u8> {
        self.node.snapshot()
    }

    fn counters(&self, visit: &mut dyn FnMut(&'static str, &'static str, u64)) {
        self.node.counters(visit);
    }
}

fn run(setup: &Setup, how: Break) -> Option<Violation> {
    let make = move |boot: Boot<'_>| -> Box<dyn Node> {
        let setup =
            common::Setup { profile: Profile::Local, keeps_identity: true, ..Default::default() };
        let node = make_node(setup, &boot);
        // One bad node among good ones.
        if boot.host.0 == 1 { Box::new(Broken { node, how, again: None }) } else { Box::new(node) }
    };
    Trial::new(setup, check::native(), make).run().violation
}

fn setup(seed: u64) -> Setup {
    let (hosts, link, plan) = Swarm::default().plan(seed);
    let (swim, nodes) = (Params::local(), usize::try_from(hosts).expect("at most ten"));
    let bound = Bound { swim: &swim, nodes, way: ms(200), join_wait: s(15) }.total();
    Setup { seed, hosts, link, plan, bound }
}

/// The first seed that catches it, and by what.
fn caught(how: Break, seeds: u64) -> (u64, Violation) {
    let found = (0..seeds).find_map(|seed| Some((seed, run(&setup(seed), how)?)));
    found.unwrap_or_else(|| panic!("{how:?} is not caught in {seeds} seeds"))
}

#[test]
fn each_broken_node_is_caught_by_the_checker_that_is_made_for_it() {
    for (how, checker) in [
        (Break::TellsTwice, "told once"),
        (Break::HidesRepaired, "items reach all"),
        (Break::SendsGarbage, "nothing refused"),
        (Break::NeverWakes, "items reach all"),
    ] {
        let (seed, violation) = caught(how, 10);
        assert_eq!(violation.checker, checker, "{how:?}, seed {seed}: {violation}");
    }
}

#[test]
fn a_failing_plan_shrinks_to_what_the_failure_needs() {
    let (seed, _) = caught(Break::TellsTwice, 10);
    let whole = setup(seed);
    let fails = |plan: &Plan| {
        run(&Setup { plan: plan.clone(), ..whole.clone() }, Break::TellsTwice).is_some()
    };
    let shrunk = shrink(&whole.plan, 200, fails);
    // The item of peace is enough.
    assert!(shrunk.is_minimal && shrunk.plan.entries().is_empty(), "{}", shrunk.plan);

    let (seed, _) = caught(Break::HidesRepaired, 10);
    let whole = setup(seed);
    let fails = |plan: &Plan| {
        run(&Setup { plan: plan.clone(), ..whole.clone() }, Break::HidesRepaired).is_some()
    };
    let shrunk = shrink(&whole.plan, 200, fails);
    let (before, after) = (whole.plan.entries().len(), shrunk.plan.entries().len());
    assert!(after > 0 && after * 4 < before, "{after} of {before}: {}", shrunk.plan);
}
