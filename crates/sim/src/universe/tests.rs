//! The universe as a whole.

use super::rumor::{Group, Ledger, Outcome, Peers, universe};
use super::*;
use bruit_engine::Rng;
use bruit_engine::spread::rumor::{Spread, StopRule, Style};
use std::num::NonZeroU8;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

fn non_zero(value: u8) -> NonZeroU8 {
    NonZeroU8::new(value).unwrap()
}

fn spread(style: Style, fanout: u8, rounds: u8) -> Spread {
    let stop = StopRule::Rounds(non_zero(rounds));
    Spread { style, fanout_count: non_zero(fanout), stop, period: MS * 100 }
}

fn group(peers: Peers) -> Group {
    Group::new(Ledger::new(MS), peers)
}

fn run(seed: u64, nodes: u32, settings: Settings, spread: Spread) -> Outcome {
    let mut universe = universe(seed, nodes, settings, group(Peers::Everyone));
    let key = universe.publish(0, spread);
    universe.run_for(MS * 5_000);
    universe.outcome(key)
}

const STYLES: [Style; 5] =
    [Style::Direct, Style::Push, Style::LazyPush, Style::Pull, Style::PushPull];

#[test]
fn every_style_reaches_all() {
    for style in STYLES {
        let found = run(1, 500, Settings::default(), spread(style, 12, 30));
        assert_eq!(found.residue, 0.0, "{style:?}");
        assert_eq!(found.coverage.receipts().iter().sum::<u64>(), 499, "{style:?}");
        let last = found.coverage.quantile(1_000_000).unwrap();
        assert!(last >= found.last && last <= found.last + MS, "{style:?}");
        assert!(found.coverage.quantile(500_000) <= Some(last), "{style:?}");
    }
}

#[test]
fn direct_mail_hits_both_floors() {
    let found = run(1, 300, Settings::default(), spread(Style::Direct, 1, 1));
    assert_eq!((found.hops_last, found.rmr, found.events), (1, 0.0, 299));
    assert!(found.last >= MS * 10 && found.last <= MS * 50, "{:?}", found.last);
}

#[test]
fn lazy_styles_send_each_payload_once() {
    for style in [Style::LazyPush, Style::Pull] {
        let found = run(3, 400, Settings::default(), spread(style, 12, 30));
        assert_eq!(found.rmr, 0.0, "{style:?}");
        assert!(found.traffic >= 399.0 / 400.0, "{style:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_seed_another() {
    for style in STYLES {
        let way = Way::uniform(MS, MS * 80).with_loss(20_000);
        let run = |seed| run(seed, 300, Settings::over(way), spread(style, 5, 30));
        assert_eq!(run(7), run(7), "{style:?}");
        assert_ne!(run(7).trace_hash, run(8).trace_hash, "{style:?}");
    }
}

/// Whatever the build: these were the same with and without optimisation.
#[test]
fn the_trace_is_pinned() {
    let way = Way::uniform(MS, MS * 80).with_loss(20_000);
    let hash = |style| run(7, 300, Settings::over(way), spread(style, 5, 30)).trace_hash;
    let pinned = [
        0x7de7_4039_bc8d_0bbf,
        0x9383_2f2c_0fb8_1250,
        0x499e_6958_58e0_61b6,
        0xe342_cb33_274e_6373,
        0xa651_de92_b483_36b5,
    ];
    assert_eq!(STYLES.map(hash), pinned);
}

#[test]
fn the_dead_hear_nothing_and_the_living_are_counted() {
    let way = Way::uniform(MS, MS * 3);
    let mut universe = universe(5, 1000, Settings::over(way), group(Peers::Everyone));
    universe.crash_some(300_000, 0);
    let crashes = universe.counts().crashes;
    assert!((250..350).contains(&crashes), "{crashes}");
    let key = universe.publish(0, spread(Style::Push, 14, 60));
    universe.run_for(MS * 1_000);
    let found = universe.outcome(key);
    assert_eq!(found.nodes, 1000 - crashes);
    assert!(found.residue < 0.01, "{}", found.residue);
    assert!(universe.counts().to_the_dead > 1000);
    assert_eq!(universe.counts().messages + universe.counts().to_the_dead, found_sent(&universe));
}

fn found_sent(universe: &rumor::RumorUniverse) -> u64 {
    universe.counts().sent - universe.counts().lost
}

#[test]
fn losses_are_counted_and_felt() {
    let way = Way::uniform(MS, MS * 3).with_loss(200_000);
    let mut universe = universe(5, 2000, Settings::over(way), group(Peers::Everyone));
    let key = universe.publish(0, spread(Style::Push, 4, 60));
    universe.run_for(MS * 1_000);
    let counts = universe.counts();
    let part = counts.lost as f64 / counts.sent as f64;
    assert!((0.18..0.22).contains(&part), "{part}");
    // Copies that arrive: 4 × 0.8 a node, so about e^-3.2 of them get none.
    let residue = universe.outcome(key).residue;
    assert!((0.02..0.08).contains(&residue), "{residue}");
}

#[test]
fn a_regular_overlay_is_simple_and_symmetric() {
    let mut rng = Rng::from_seed(4);
    for (nodes, degree) in [(6, 5), (10, 3), (1000, 4), (501, 6)] {
        let overlay = Overlay::regular(nodes, degree, &mut rng);
        for node in 0..nodes {
            let mut of = overlay.of(node).to_vec();
            assert!(of.iter().all(|peer| *peer != node && overlay.of(*peer).contains(&node)));
            of.sort_unstable();
            of.dedup();
            assert_eq!(of.len(), overlay.degree());
        }
    }
}

#[test]
#[should_panic(expected = "an edge has two ends")]
fn an_impossible_overlay_is_refused() {
    Overlay::regular(5, 3, &mut Rng::from_seed(1));
}

#[test]
#[should_panic(expected = "at least one node")]
fn a_universe_without_nodes_is_refused() {
    universe(1, 0, Settings::default(), group(Peers::Everyone));
}

#[test]
fn a_latency_beyond_the_end_of_time_arrives_there() {
    let settings = Settings::over(Way::constant(Duration::MAX));
    let mut universe = universe(1, 2, settings, group(Peers::Everyone));
    universe.run_for(MS);
    universe.publish(0, spread(Style::Direct, 1, 1));
    assert_eq!(universe.next_at(), Some(bruit_engine::Instant::FAR_FUTURE));
}
