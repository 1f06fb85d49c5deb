//! Rumor mongering does what the papers say: the engine itself, in a universe, in their cycles.
//!
//! The expected values of Demers et al. 1987 (n = 1,000, fanout 1) are those of a re-simulation of
//! tables 1 to 3, which meets the printed ones; the tolerance is 10 %. Everything is seeded, so a
//! test passes always or never. What takes minutes is one command:
//!
//! ```text
//! cargo test --release -p bruit-sim --features long --test theory_rumor
//! ```

use bruit_engine::Rng;
use bruit_engine::spread::rumor::{Spread, StopRule, Style};
use bruit_sim::universe::rumor::{Group, Ledger, Outcome, Peers, universe};
use bruit_sim::universe::{Overlay, Settings, Way};
use std::num::NonZeroU8;
use std::time::Duration;

const PERIOD: Duration = Duration::from_millis(100);
/// Longer than any item is hot.
const LONG: u32 = 400;

fn non_zero(value: u8) -> NonZeroU8 {
    NonZeroU8::new(value).expect("not zero")
}

fn spread(style: Style, fanout: u8, stop: StopRule) -> Spread {
    Spread { style, fanout_count: non_zero(fanout), stop, period: PERIOD }
}

fn rounds() -> StopRule {
    StopRule::Rounds(non_zero(200))
}

fn feedback(k: u8) -> StopRule {
    StopRule::Counter { k: non_zero(k), feedback: true }
}

/// One item, until nothing happens any more or all have it and `stops_at_all`.
fn run(seed: u64, nodes: u32, settings: Settings, group: Group, spread: Spread) -> Outcome {
    let mut universe = universe(seed, nodes, settings, group);
    let key = universe.publish(0, spread);
    let is_pulled = matches!(spread.style, Style::Pull | Style::PushPull);
    universe.run_until(PERIOD * LONG, |universe| {
        let quiet = universe.machines();
        // Those that poll never stop: it is over when nobody tells any more, or when all know.
        let all = universe.shared.ledger.item(key).holders == u64::from(universe.nodes());
        is_pulled && (all || quiet.iter().all(|node| node.hot_count() == 0))
    });
    universe.outcome(key)
}

/// The cycle of the last first receipt.
fn cycles(outcome: &Outcome) -> f64 {
    (outcome.last.as_nanos() / PERIOD.as_nanos()) as f64
}

fn ledger() -> Ledger {
    Ledger::new(PERIOD)
}

/// Means over the runs.
#[derive(Debug, Default)]
struct Means {
    residue: f64,
    traffic: f64,
    last: f64,
}

fn means(runs: u32, one: impl Fn(u64) -> Outcome) -> Means {
    let mut sum = Means::default();
    for seed in 0..u64::from(runs) {
        let outcome = one(seed);
        sum.residue += outcome.residue;
        sum.traffic += outcome.traffic;
        sum.last += cycles(&outcome);
    }
    let count = f64::from(runs);
    Means { residue: sum.residue / count, traffic: sum.traffic / count, last: sum.last / count }
}

fn assert_near(what: &str, found: f64, expected: f64, within: f64) {
    let error = (found / expected - 1.0).abs();
    assert!(error <= within, "{what}: {found}, expected {expected}, off by {error}");
}

/// A line of a table: k, residue, traffic, cycle of the last receipt, and how many runs make the
/// residue sure enough.
type Line = (u8, f64, f64, f64, u32);

fn assert_table(name: &str, lines: &[Line], one: impl Fn(u64, u8) -> Outcome) {
    for &(k, residue, traffic, last, runs) in lines {
        let found = means(runs, |seed| one(seed, k));
        assert_near(&format!("{name}, k = {k}: residue"), found.residue, residue, 0.1);
        assert_near(&format!("{name}, k = {k}: traffic"), found.traffic, traffic, 0.1);
        assert_near(&format!("{name}, k = {k}: last delay"), found.last, last, 0.1);
    }
}

fn table_1(seed: u64, k: u8) -> Outcome {
    let group = Group::new(ledger().with_simultaneous_news(), Peers::Everyone);
    let spread = spread(Style::Push, 1, feedback(k));
    run(seed, 1000, Settings::push_cycles(PERIOD), group, spread)
}

fn table_2(seed: u64, k: u8) -> Outcome {
    let group = Group::new(ledger(), Peers::Everyone);
    let coin = StopRule::Coin { k: non_zero(k), feedback: false };
    run(seed, 1000, Settings::push_cycles(PERIOD), group, spread(Style::Push, 1, coin))
}

fn table_3(seed: u64, k: u8) -> Outcome {
    let group = Group::new(ledger(), Peers::Everyone);
    // Served copies travel within the cycle in which they are asked for.
    run(seed, 1000, Settings::pull_cycles(PERIOD), group, spread(Style::Pull, 1, feedback(k)))
}

const TABLE_1: [Line; 4] = [
    (1, 0.174, 1.75, 16.8, 60),
    (2, 0.0366, 3.30, 17.0, 150),
    (3, 0.0107, 4.53, 17.3, 400),
    (4, 0.0035, 5.64, 17.6, 1_000),
];
const TABLE_2: [Line; 4] = [
    // With k = 1 a site tells one other, and the coin falls at once.
    (1, 0.962, 0.04, 37.0, 4_000),
    (2, 0.205, 1.58, 33.0, 100),
    (3, 0.062, 2.81, 32.0, 200),
    (4, 0.0205, 3.92, 33.0, 600),
];
const TABLE_3: [Line; 2] = [(1, 0.0316, 2.70, 17.5, 150), (2, 0.00058, 4.49, 15.2, 3_000)];

#[test]
fn demers_table_1_push_feedback_counter() {
    assert_table("table 1", &TABLE_1[..3], table_1);
}

#[test]
fn demers_table_2_push_blind_coin() {
    assert_table("table 2", &TABLE_2[1..], table_2);
}

#[test]
fn demers_table_3_pull_feedback_counter() {
    assert_table("table 3", &TABLE_3[..1], table_3);
}

#[test]
#[cfg(feature = "long")]
fn demers_table_1_in_full() {
    assert_table("table 1", &TABLE_1, table_1);
}

#[test]
#[cfg(feature = "long")]
fn demers_table_2_in_full() {
    assert_table("table 2", &TABLE_2, table_2);
}

#[test]
#[cfg(feature = "long")]
fn demers_table_3_in_full() {
    assert_table("table 3", &TABLE_3, table_3);
}

/// Every push variant leaves e^-m (Demers et al. 1987, section 1.4).
#[test]
fn the_residue_of_push_is_e_to_the_minus_traffic() {
    for (name, one) in [("1", table_1 as fn(u64, u8) -> Outcome), ("2", table_2)] {
        let found = means(60, |seed| one(seed, 2));
        assert_near(name, (-found.traffic).exp(), found.residue, 0.15);
    }
}

/// Pushes of a node that knows, once in each cycle, until all know.
fn push_rounds(nodes: u32, runs: u32) -> f64 {
    let stop = StopRule::Counter { k: non_zero(u8::MAX), feedback: false };
    let mut sum = 0.0;
    for seed in 0..u64::from(runs) {
        let group = Group::new(ledger(), Peers::Everyone);
        let mut universe = universe(seed, nodes, Settings::push_cycles(PERIOD), group);
        let key = universe.publish(0, spread(Style::Push, 1, stop));
        let all = |u: &bruit_sim::universe::rumor::RumorUniverse| {
            u.shared.ledger.item(key).holders == u64::from(nodes)
        };
        assert!(universe.run_until(PERIOD * 60, all), "{nodes} nodes, seed {seed}");
        sum += cycles(&universe.outcome(key));
    }
    sum / f64::from(runs)
}

fn assert_push_rounds(nodes: u32, runs: u32) {
    let (found, n) = (push_rounds(nodes, runs), f64::from(nodes));
    let expected = n.log2() + n.ln() + 2.0;
    assert!((found - expected).abs() <= 2.0, "{nodes} nodes: {found} rounds, {expected} expected");
}

/// Pushes on the first receipt and asks one node in each cycle. A node pushes only once, so two
/// copies stand for the pushes of all cycles of the papers' model.
fn push_pull_rounds(nodes: u32, runs: u32) -> f64 {
    let sum: f64 = (0..u64::from(runs))
        .map(|seed| {
            let group = Group::new(ledger(), Peers::Everyone);
            let spread = spread(Style::PushPull, 2, rounds());
            let found = run(seed, nodes, Settings::pull_cycles(PERIOD), group, spread);
            assert_eq!(found.residue, 0.0, "{nodes} nodes, seed {seed}");
            cycles(&found)
        })
        .sum();
    sum / f64::from(runs)
}

fn assert_push_pull_rounds(nodes: u32, runs: u32) {
    let (found, most) = (push_pull_rounds(nodes, runs), f64::from(nodes).log(3.0) + 4.0);
    assert!(found <= most, "{nodes} nodes: {found} rounds, at most {most} expected");
    assert!(found >= f64::from(nodes).log(4.0), "{nodes} nodes: {found} rounds cannot be");
}

/// Frieze and Grimmett 1985, Pittel 1987: log2 n + ln n + O(1).
#[test]
fn push_takes_log2_n_and_ln_n_rounds() {
    assert_push_rounds(1_000, 20);
    assert_push_rounds(10_000, 5);
}

/// Karp et al. 2000: log3 n + O(ln ln n).
#[test]
fn push_pull_takes_log3_n_rounds() {
    assert_push_pull_rounds(1_000, 20);
    assert_push_pull_rounds(10_000, 4);
}

#[test]
#[cfg(feature = "long")]
fn push_and_push_pull_rounds_of_100_000_and_a_million() {
    assert_push_rounds(100_000, 3);
    assert_push_pull_rounds(100_000, 3);
    assert_push_rounds(1_000_000, 1);
    assert_push_pull_rounds(1_000_000, 1);
}

/// Kermarrec, Massoulié, Ganesh 2003: a fanout of ln n + c reaches all with probability
/// exp(-exp(-c)). Within three deviations.
fn assert_fanout_law(nodes: u32, fanout: u8, runs: u32) {
    let reached = (0..u64::from(runs)).filter(|&seed| {
        let settings = Settings::over(Way::constant(Duration::ZERO));
        let group = Group::new(ledger(), Peers::Everyone);
        run(seed, nodes, settings, group, spread(Style::Push, fanout, rounds())).residue == 0.0
    });
    let found = reached.count() as f64 / f64::from(runs);
    let c = f64::from(fanout) - f64::from(nodes).ln();
    let law = (-(-c).exp()).exp();
    let deviation = (law * (1.0 - law) / f64::from(runs)).sqrt();
    let text = format!("{nodes} nodes, fanout {fanout}: {found}, law {law} ± {deviation}");
    assert!((found - law).abs() <= 3.0 * deviation, "{text}");
}

#[test]
fn the_fanout_gives_the_probability_that_all_hear() {
    for fanout in [7, 8, 9] {
        assert_fanout_law(1_000, fanout, 120);
    }
}

#[test]
#[cfg(feature = "long")]
fn the_fanout_law_at_10_000_nodes_over_1_000_runs() {
    for fanout in [9, 10, 12] {
        assert_fanout_law(10_000, fanout, 1_000);
    }
}

/// Every node but the origin sends to all neighbours but the one that it has the item from: RMR
/// is f - 2 and what the origin sends beside, f / (n - 1).
#[test]
fn flooding_a_regular_overlay_has_a_redundancy_of_f_less_2() {
    for (degree, nodes) in [(3, 1_000), (4, 1_000), (5, 5_000), (8, 1_000)] {
        let overlay = Overlay::regular(nodes, degree, &mut Rng::from_seed(u64::from(degree)));
        let group = Group::new(ledger(), Peers::Overlay(overlay));
        let fanout = u8::try_from(degree).expect("a small degree");
        let way = Way::uniform(Duration::from_millis(10), Duration::from_millis(50));
        let spread = spread(Style::Push, fanout, rounds());
        let found = run(1, nodes, Settings::over(way), group, spread);
        assert_eq!(found.residue, 0.0, "a random regular graph is connected");
        let expected = f64::from(degree) - 2.0;
        assert!((found.rmr - expected).abs() <= 0.02, "{degree}: {}", found.rmr);
        assert!(found.hops_last >= 5 && found.hops_last <= 20, "{}", found.hops_last);
    }
}
