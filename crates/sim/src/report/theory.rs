//! What theory expects of the same settings: mean-field recursions, without repair.
//!
//! *Direct mail*: every node hears in one hop, or never. *Push* (infect and die, Demers 1987
//! section 1.4; Kermarrec, Massoulié, Ganesh 2003): when `x` nodes send to `f` others each, of
//! which a share `p` arrives, `s (1 − p/(n − 1))^(f x)` of `s` susceptible nodes stay so. *Pull*:
//! `s` becomes `s²` each period (Demers 1987, section 1.3), where nothing is lost. *Push-pull* is
//! push, and pull each period.

use crate::scenario::Scenario;
use crate::{Link, Sampler};
use bruit_model::{StopRule, Style};

/// A curve: microseconds, and the share of nodes that have the item by then.
#[derive(Clone, Debug, PartialEq)]
pub struct Theory {
    /// What it assumes, in words.
    pub about: String,
    /// The curve.
    pub points: Vec<(f64, f64)>,
}

/// Quantiles of the latency that are looked at, less one.
const DELAYS: u32 = 100;
/// Hops or periods at most.
const ROUNDS_MAX: u32 = 64;

/// What theory says of a scenario in peace; `None` where nodes are in zones, or one is alone.
pub fn theory(scenario: &Scenario) -> Option<Theory> {
    let nodes = scenario.nodes;
    if nodes < 2 || !scenario.network.zones.is_empty() {
        return None;
    }
    let spread = scenario.protocol.spread(nodes);
    let style = spread.style;
    let delays = delays_us(&scenario.network.link);
    let model = Model {
        nodes: f64::from(nodes),
        fanout: f64::from(spread.fanout_count.get()),
        arrives: 1.0 - f64::from(scenario.network.link.loss.ppm()) / 1e6,
        hop_us: delays.iter().sum::<f64>() / delays.len() as f64,
        period_us: spread.period.as_micros() as f64,
    };
    let hops = match spread.stop {
        StopRule::Rounds(rounds) => rounds.get().into(),
        StopRule::Counter { .. } | StopRule::Coin { .. } => ROUNDS_MAX,
    };
    let (word, points) = match style {
        Style::Auto | Style::Direct => ("direct mail", model.direct(&delays)),
        Style::Push => ("push", model.push(hops, 1.0)),
        // Announced, asked for, sent.
        Style::LazyPush => ("lazy push", model.push(hops, 3.0)),
        Style::Pull => ("pull", model.pull(vec![(0.0, 1.0 / model.nodes)])),
        Style::PushPull => ("push-pull", model.pull(model.push(hops, 1.0))),
    };
    Some(Theory { about: format!("mean-field theory of {word}, without repair or faults"), points })
}

/// Delays at evenly spaced quantiles, in microseconds, in order: as the network draws them.
fn delays_us(link: &Link) -> Vec<f64> {
    let sampler = Sampler::new(&link.latency);
    let bits =
        (0..=DELAYS).map(|place| (u64::MAX / u64::from(DELAYS)).saturating_mul(place.into()));
    let mut delays: Vec<u64> =
        bits.map(|bits| u64::try_from(sampler.draw(bits).as_nanos()).unwrap_or(u64::MAX)).collect();
    delays.sort_unstable();
    delays.into_iter().map(|nanos| nanos as f64 / 1e3).collect()
}

struct Model {
    nodes: f64,
    fanout: f64,
    arrives: f64,
    hop_us: f64,
    period_us: f64,
}

impl Model {
    fn direct(&self, delays: &[f64]) -> Vec<(f64, f64)> {
        let others = (self.nodes - 1.0) / self.nodes * self.arrives;
        let steps = delays.iter().enumerate().map(|(place, delay)| {
            let share = place as f64 / (delays.len() - 1) as f64;
            (*delay, 1.0 / self.nodes + others * share)
        });
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
