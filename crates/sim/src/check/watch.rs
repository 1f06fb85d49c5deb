//! All checkers over one net.

use super::{Checker, HostView, Oracle, Told, World};
use crate::{HostId, Net};
use bruit_engine::Instant;
use bruit_model::ItemId;
use std::fmt;
use std::time::Duration;

/// An invariant was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// When it was noticed.
    pub at: Instant,
    /// Which, see [`Checker::name`].
    pub checker: &'static str,
    /// Where it is promised.
    pub source: &'static str,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {:?}: {} ({})", self.checker, self.at, self.what, self.source)
    }
}

/// Checkers and the oracle, fed from a net. The first violation is kept, and ends the watch.
pub struct Watch {
    checkers: Vec<Box<dyn Checker>>,
    oracle: Oracle,
    violation: Option<Violation>,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("violation", &self.violation).finish_non_exhaustive()
    }
}

impl Watch {
    /// Watches by these checkers.
    pub fn new(checkers: Vec<Box<dyn Checker>>) -> Self {
        Self { checkers, oracle: Oracle::default(), violation: None }
    }

    /// What was asked of the group, and what it told.
    pub fn oracle(&self) -> &Oracle {
        &self.oracle
    }

    /// The first invariant that was broken.
    pub fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// Notes that the host's present run accepted an item.
    pub fn accept(&mut self, net: &Net, host: HostId, id: ItemId) {
        self.oracle.accept(net, host, id);
    }

    /// Takes the events of all hosts. To be called before a host's run changes: events are held
    /// to be of the present run.
    pub fn drain(&mut self, net: &mut Net) {
        for host in net.hosts() {
            self.drain_host(net, host);
        }
    }

    fn drain_host(&mut self, net: &mut Net, host: HostId) {
        let (run, disk) = (net.run(host), net.disk(host));
        for (at, event) in net.events(host) {
            let told = Told { at, host, run, disk, event: &event };
            self.oracle.hear(&told);
            self.judge(at, |checker| checker.on_event(&told));
        }
    }

    /// Takes the events of all hosts and looks at their state. To be called before a run ends.
    pub fn look(&mut self, net: &mut Net) {
        self.drain(net);
        let hosts = self.hosts(net);
        let oracle = std::mem::take(&mut self.oracle);
        let world = World { hosts: &hosts, oracle: &oracle };
        self.judge(net.now(), |checker| checker.at_any_time(&world));
        self.oracle = oracle;
    }

    /// Looks at each `step` of time until all holds that must hold in the end. After `bound`, what
    /// does not is a violation.
    pub fn settle(&mut self, net: &mut Net, bound: Duration, step: Duration) {
        let end = net.now() + bound;
        loop {
            self.look(net);
            let is_over = net.now() >= end;
            if self.ends_well(net, is_over) || is_over || self.violation.is_some() {
                return;
            }
            net.run_for(step);
        }
    }

    /// Whether all holds that must hold in the end. If it does not and `is_over`, that is a
    /// violation.
    pub fn ends_well(&mut self, net: &Net, is_over: bool) -> bool {
        let hosts = self.hosts(net);
        let world = World { hosts: &hosts, oracle: &self.oracle };
        for checker in &self.checkers {
            if let Err(what) = checker.in_the_end(&world) {
                if is_over {
                    let found = violation(net.now(), checker.as_ref(), what);
                    self.violation.get_or_insert(found);
                }
                return false;
            }
        }
        true
    }

    fn hosts(&mut self, net: &Net) -> Vec<HostView> {
        let hosts = HostView::all(net);
        for host in &hosts {
            self.oracle.note_run(host.host, host.node.as_ref().map(|_| host.run));
        }
        hosts
    }

    fn judge(&mut self, at: Instant, mut ask: impl FnMut(&mut dyn Checker) -> Result<(), String>) {
        for checker in &mut self.checkers {
            if let Err(what) = ask(checker.as_mut()) {
                self.violation.get_or_insert_with(|| violation(at, checker.as_ref(), what));
            }
        }
    }
}

fn violation(at: Instant, checker: &dyn Checker, what: String) -> Violation {
    Violation { at, checker: checker.name(), source: checker.source(), what }
}
