//! SWIM (Das, Gupta, Motivala, DSN 2002): how soon a failure is first detected, and what a member
//! sends and gets, by the engine itself in a universe.

use bruit_engine::Rng;
use bruit_engine::membership::swim::{Params, State};
use bruit_sim::universe::swim::{SwimUniverse, universe};
use bruit_sim::universe::{Settings, Way};
use std::time::Duration;

const PERIOD: Duration = Duration::from_secs(1);

/// The paper's protocol: no checks out of turn, and a probe ends with its period.
fn params() -> Params {
    Params {
        piggyback_on_probes: true,
        indirect_probes: 1,
        gossip_interval: PERIOD,
        ..Params::memberlist_lan()
    }
}

/// All periods begin together; messages take no time to speak of.
fn aligned() -> Settings {
    let way = Way::constant(Duration::from_nanos(1));
    Settings { align: Some(PERIOD), ..Settings::over(way) }
}

/// A group in which everyone has told everyone that it is there.
fn settled(seed: u64, nodes: u32, settings: Settings) -> SwimUniverse {
    let mut group = universe(seed, nodes, settings, &params());
    group.run_for(PERIOD * 40);
    assert!(group.machines().iter().all(|node| !node.swim().has_updates()), "{nodes} nodes");
    group
}

/// In which protocol period after its death a member is first pinged in vain; then it is
/// suspected.
fn first_detection(group: &mut SwimUniverse, victim: u32) -> f64 {
    // The answers to the pings of this period are still to come.
    group.run_for(Duration::from_nanos(10));
    let (before, start) = (group.now(), group.shared.seen.len());
    let lost = group.counts().to_the_dead;
    group.crash(victim);
    assert!(group.run_until(PERIOD * 60, |group| group.counts().to_the_dead > lost));
    let period = group.now().since(before).as_nanos().div_ceil(PERIOD.as_nanos());
    assert!(group.run_until(PERIOD * 3, |group| group.shared.seen.len() > start));
    let seen = group.shared.seen[start];
    assert_eq!((seen.id, seen.state), (victim, State::Suspect));
    period as f64
}

/// Section 3.1: a member is pinged in a period with probability 1 - (1 - 1/n)^n, which is
/// 1 - 1/e, so the expected number of periods is e / (e - 1) = 1.58.
#[test]
fn a_failure_is_first_detected_in_e_by_e_minus_1_periods() {
    let (mut sum, mut squares, mut count) = (0.0, 0.0, 0.0);
    for seed in 0..12 {
        let mut group = settled(seed, 100, aligned());
        let mut rng = Rng::from_seed(seed);
        // Each group loses 20 of its 100, one after another.
        for _ in 0..20 {
            let victim = loop {
                let drawn = u32::try_from(rng.below(100)).expect("below 100");
                if !group.is_down(drawn) {
                    break drawn;
                }
            };
            let periods = first_detection(&mut group, victim);
            sum += periods;
            squares += periods * periods;
            count += 1.0;
            let rest = PERIOD.as_nanos() - u128::from(group.now().as_nanos()) % PERIOD.as_nanos();
            group.run_for(
                PERIOD * 60 + Duration::from_nanos(u64::try_from(rest).expect("below a period")),
            );
        }
    }
    let mean = sum / count;
    let error = ((squares / count - mean * mean) / count).sqrt();
    let e = std::f64::consts::E;
    let text = format!("{mean} ± {error} periods, {} expected", e / (e - 1.0));
    assert!((mean - e / (e - 1.0)).abs() <= 3.0 * error && error < 0.1, "{text}");
}

/// Section 3: the load of a member does not depend on the size of the group: a ping and an ack
/// sent, a ping and an ack received, each period.
#[test]
fn the_load_of_a_member_is_constant() {
    let way = Way::uniform(Duration::from_millis(1), Duration::from_millis(20));
    for nodes in [16, 64, 256] {
        let mut group = settled(3, nodes, Settings::over(way));
        let before = group.counts();
        group.run_for(PERIOD * 100);
        let sent = (group.counts().sent - before.sent) as f64;
        let received = (group.counts().messages - before.messages) as f64;
        let per_member_and_period = f64::from(nodes) * 100.0;
        for (what, count) in [("sent", sent), ("received", received)] {
            let load = count / per_member_and_period;
            assert!((load - 2.0).abs() < 0.01, "{nodes} nodes: {load} messages {what}");
        }
        assert!(group.shared.seen.is_empty(), "nobody is doubted");
    }
}
