//! One run: a plan, then peace, then agreement.

use super::{Act, Fault, Plan, Player, Work};
use crate::check::{Checker, Violation, Watch};
use crate::{Boot, Happened, HostId, Link, Net};
use bruit_engine::Instant;
use bruit_model::Node;
use std::collections::BTreeMap;
use std::time::Duration;

/// What a run is made from, beside the nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Seeds the net and its nodes.
    pub seed: u64,
    /// How many hosts; all start at once and join by the first.
    pub hosts: u32,
    /// The link between them until peace, when it becomes the default one.
    pub link: Link,
    /// What happens.
    pub plan: Plan,
    /// Within what time after the last entry all must agree.
    pub bound: Duration,
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// See [`Net::trace_hash`].
    pub hash: u64,
    /// How often each kind of fault really happened.
    pub faults: BTreeMap<&'static str, u64>,
    /// How many entries of the plan had nothing to act on.
    pub moot: u64,
    /// How long after the last fault all agreed; `None` if they did not, or something else was
    /// wrong first.
    pub agreed_after: Option<Duration>,
    /// What was wrong.
    pub violation: Option<Violation>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Faults,
    /// Peace, until all agree; the second time, about an item accepted in peace.
    Peace {
        since: Instant,
        look_at: Instant,
        is_last: bool,
    },
    Done,
}

/// How often it is asked whether all agree.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A run, as a whole or step by step: both are the same run.
#[derive(Debug)]
pub struct Trial {
    net: Net,
    player: Player,
    watch: Watch,
    bound: Duration,
    phase: Phase,
    agreed_after: Option<Duration>,
}

impl Trial {
    /// A run of nodes that `make` makes, watched by `checkers`. A setup without hosts is over at
    /// once.
    pub fn new(
        setup: &Setup,
        checkers: Vec<Box<dyn Checker>>,
        make: impl Fn(Boot<'_>) -> Box<dyn Node> + Clone + 'static,
    ) -> Self {
        let mut net = Net::new(setup.seed, setup.link);
        for _ in 0..setup.hosts {
            net.add_host(make.clone());
        }
        let mut player = Player::new(&net, setup.plan.clone(), vec![HostId(0)]);
        for host in net.hosts() {
            player.start(&mut net, host);
        }
        let phase = if setup.hosts == 0 { Phase::Done } else { Phase::Faults };
        let (watch, bound) = (Watch::new(checkers), setup.bound);
        Self { net, player, watch, bound, phase, agreed_after: None }
    }

    /// The net.
    pub fn net(&self) -> &Net {
        &self.net
    }

    /// The net, for who wants its trace kept.
    pub fn net_mut(&mut self) -> &mut Net {
        &mut self.net
    }

    /// The first invariant that was broken, so far.
    pub fn violation(&self) -> Option<&Violation> {
        self.watch.violation()
    }

    /// Whether the run is over.
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Done || self.watch.violation().is_some()
    }

    /// Runs to the end.
    pub fn run(mut self) -> Outcome {
        while !self.is_over() {
            self.advance(false);
        }
        self.outcome()
    }

    /// What the run has come to so far.
    pub fn outcome(&self) -> Outcome {
        let stats = self.net.stats();
        let mut faults = self.player.counts().clone();
        for (name, count) in [
            ("loss", stats.datagrams_lost),
            ("full queue", stats.datagrams_dropped),
            ("duplicate", stats.datagrams_duplicated),
            ("reorder", stats.datagrams_reordered),
            ("blocked", stats.datagrams_blocked),
            ("delayed by slowness", stats.inputs_delayed),
            ("goodbye said", stats.leaves),
        ] {
            *faults.entry(name).or_default() += count;
        }
        let violation = self.watch.violation().cloned();
        let agreed_after = self.agreed_after.filter(|_| violation.is_none());
        let (hash, moot) = (self.net.trace_hash(), self.player.moot());
        Outcome { hash, faults, moot, agreed_after, violation }
    }

    /// Does one thing: an entry of the plan, or one step of the net.
    pub fn step(&mut self) -> Option<Happened> {
        while !self.is_over() {
            if let Some(happened) = self.advance(true) {
                return Some(happened);
            }
        }
        None
    }

    /// To the next entry of the plan or look at the state; or, if `one_step`, at most one step of
    /// the net.
    fn advance(&mut self, one_step: bool) -> Option<Happened> {
        let boundary = match self.phase {
            Phase::Faults => self.player.next_at(),
            Phase::Peace { look_at, .. } => Some(look_at),
            Phase::Done => return None,
        };
        let boundary = boundary.unwrap_or(self.net.now());
        if one_step && self.net.next_at().is_some_and(|at| at <= boundary) {
            return self.net.step_once();
        }
        self.net.run_for(boundary.since(self.net.now()));
        match self.phase {
            Phase::Faults => self.play(),
            Phase::Peace { since, is_last, .. } => self.judge(since, is_last),
            Phase::Done => None,
        }
    }

    fn play(&mut self) -> Option<Happened> {
        let at = self.net.now();
        if let Some((host, what)) = self.player.peek() {
            self.player.play_next(&mut self.net, &mut self.watch);
            return Some(Happened { at, host, what, is_for_all: true });
        }
        self.watch.look(&mut self.net);
        self.player.make_peace(&mut self.net, Link::default());
        self.phase = Phase::Peace { since: at, look_at: at + LOOK_EVERY, is_last: false };
        Some(Happened { at, host: HostId(0), what: "peace".to_owned(), is_for_all: true })
    }

    fn judge(&mut self, since: Instant, is_last: bool) -> Option<Happened> {
        let now = self.net.now();
        self.watch.look(&mut self.net);
        let is_over = now.since(since) >= self.bound;
        if !self.watch.ends_well(&self.net, is_over) {
            self.phase = Phase::Peace { since, look_at: now + LOOK_EVERY, is_last };
            return None;
        }
        if is_last {
            self.phase = Phase::Done;
            return None;
        }
        // In peace, all that is accepted reaches all.
        self.agreed_after = Some(now.since(since));
        let host = self.net.hosts().find(|host| self.net.is_up(*host)).unwrap_or(HostId(0));
        let work = Work::Publish { host, path: "peace".to_owned(), bytes: 1 };
        let what = Act::Work(work.clone()).to_string();
        self.player.do_work(&mut self.net, &mut self.watch, &work);
        self.phase = Phase::Peace { since: now, look_at: now + LOOK_EVERY, is_last: true };
        Some(Happened { at: now, host, what, is_for_all: false })
    }
}

impl Player {
    /// The host that the next entry concerns most, and the entry in words.
    fn peek(&self) -> Option<(HostId, String)> {
        let entry = self.next_entry()?;
        let host = match &entry.act {
            Act::Work(Work::Publish { host, .. } | Work::Metadata { host, .. })
            | Act::Fault(
                Fault::Crash(host, _)
                | Fault::Start(host)
                | Fault::Leave(host)
                | Fault::Pause(host)
                | Fault::Resume(host)
                | Fault::Slow(host, _)
                | Fault::Clock(host, _)
                | Fault::Ingress(host, _)
                | Fault::Egress(host, _),
            ) => *host,
            Act::Fault(Fault::Cut { to, .. }) => to.first().copied().unwrap_or(HostId(0)),
            Act::Fault(Fault::Mend(_) | Fault::Heal | Fault::Links(_)) => HostId(0),
        };
        Some((host, entry.act.to_string()))
    }
}
