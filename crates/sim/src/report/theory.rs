//! What theory expects of the same settings: mean-field recursions, without repair.
//!
//! *Direct mail*: every node hears in one hop, or never. *Push* (infect and die, Demers 1987
//! section 1.4; Kermarrec, Massoulié, Ganesh 2003): of `s` susceptible nodes,
//! `s (1 − (1 − p/(n − 1)))^(f·x))` stay so when `x` nodes send to `f` others each, of which a share
//! `p` arrives. *Pull*: `s` becomes `s²` each period (Demers 1987, section 1.3). *Push-pull* is
//! push, and pull each period.

use crate::Link;
use crate::scenario::Scenario;
use bruit_engine::spread::rumor::resolve;
use bruit_model::{StopRule, Style};

/// A curve: microseconds, and the share of nodes that have the item by then.
#[derive(Clone, Debug, PartialEq)]
pub struct Theory {
    /// What it assumes, in words.
    pub about: String,
    /// The curve.
    pub points: Vec<(f64, f64)>,
}

/// The steps of a curve within a hop, so that it is smooth.
const STEPS: u32 = 20;
/// Hops or periods at most.
const ROUNDS_MAX: u32 = 64;

/// What theory says of a scenario in peace; `None` where nodes are in zones, or one is alone.
pub fn theory(scenario: &Scenario) -> Option<Theory> {
    let nodes = scenario.nodes;
    if nodes < 2 || !scenario.network.zones.is_empty() {
        return None;
    }
    let spread = scenario.protocol.topic.spread;
    let style = resolve(spread.style, nodes as usize);
    let chosen = u32::from(spread.fanout_count.get());
    // What a native node does: push never sends to fewer than log2 of the group.
    let least = if style == Style::Push { nodes.next_power_of_two().ilog2() } else { 0 };
    let model = Model {
        nodes: f64::from(nodes),
        fanout: f64::from(chosen.max(least)),
        arrives: 1.0 - f64::from(loss_ppm(&scenario.network.link)) / 1e6,
        hop_us: mean_us(&scenario.network.link),
        period_us: spread.period.as_micros() as f64,
    };
    let hops = match spread.stop {
        StopRule::Rounds(rounds) => rounds.get().into(),
        StopRule::Counter { .. } | StopRule::Coin { .. } => ROUNDS_MAX,
    };
    let (word, points) = match style {
        Style::Auto | Style::Direct => ("direct mail", model.direct(&scenario.network.link)),
        Style::Push => ("push", model.push(hops, 1.0)),
        // Announced, asked for, sent.
        Style::LazyPush => ("lazy push", model.push(hops, 3.0)),
        Style::Pull => ("pull", model.pull(vec![(0.0, 1.0 / model.nodes)])),
        Style::PushPull => ("push-pull", model.pull(model.push(hops, 1.0))),
    };
    Some(Theory { about: format!("mean-field theory of {word}, without repair or faults"), points })
}

fn loss_ppm(link: &Link) -> u32 {
    link.loss_ppm
}

fn mean_us(link: &Link) -> f64 {
    (link.latency_min + link.latency_max).as_micros() as f64 / 2.0
}

struct Model {
    nodes: f64,
    fanout: f64,
    arrives: f64,
    hop_us: f64,
    period_us: f64,
}

impl Model {
    fn direct(&self, link: &Link) -> Vec<(f64, f64)> {
        let (min, max) = (link.latency_min.as_micros() as f64, link.latency_max.as_micros() as f64);
        let others = (self.nodes - 1.0) / self.nodes * self.arrives;
        let at = |share: f64| (min + (max - min) * share, 1.0 / self.nodes + others * share);
        let steps = (0..=STEPS).map(|step| at(f64::from(step) / f64::from(STEPS)));
        std::iter::once((0.0, 1.0 / self.nodes)).chain(steps).collect()
    }

    /// A hop takes `ways` times the mean latency.
    fn push(&self, hops: u32, ways: f64) -> Vec<(f64, f64)> {
        let (mut susceptible, mut new) = (1.0 - 1.0 / self.nodes, 1.0 / self.nodes);
        let mut points = vec![(0.0, new)];
        for hop in 1..=hops.min(ROUNDS_MAX) {
            let missed = 1.0 - self.arrives / (self.nodes - 1.0);
            let left = susceptible * missed.powf(self.fanout * new * self.nodes);
            new = susceptible - left;
            susceptible = left;
            points.push((f64::from(hop) * self.hop_us * ways, 1.0 - susceptible));
            if new * self.nodes < 1e-3 {
                break;
            }
        }
        points
    }

    /// Pull each period, from the end of what went before.
    fn pull(&self, mut points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
        let last = points.last().copied().unwrap_or((0.0, 1.0 / self.nodes));
        let mut susceptible: f64 = 1.0 - last.1;
        for round in 1..=ROUNDS_MAX {
            if susceptible * self.nodes < 0.5 {
                break;
            }
            // Of those that lack it, one that asks one that has it gets it, if both ways arrive.
            susceptible *= 1.0 - (1.0 - susceptible) * self.arrives * self.arrives;
            let time = last.0 + f64::from(round) * self.period_us + 2.0 * self.hop_us;
            points.push((time, 1.0 - susceptible));
        }
        points
    }
}
