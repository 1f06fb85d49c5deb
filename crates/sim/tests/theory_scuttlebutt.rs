//! Scuttlebutt reconciliation (van Renesse et al., LADIS 2008, section 3.2): what the order in
//! which nodes share a message comes to, by the engine itself in a universe.
//!
//! The experiment of the paper: 128 participants of 64 keys, one exchange a second each, one write
//! a second each; from 15 s on a message holds 100 entries, from 25 to 75 s each writes twice a
//! second, which is more than fits, and at 120 s writing ends. A re-simulation, seeds 1 to 3, gave
//! a peak of 239,000 to 246,000 stale mappings by depth and 341,000 to 353,000 by breadth, the
//! earliest missed write 43 to 49 s and 76 to 84 s old, and a number of stale mappings that is
//! back at 1.2 times the one before at 103 to 104 s and 121 to 122 s.

use bruit_engine::Rng;
use bruit_engine::reconcile::scuttlebutt::Order;
use bruit_sim::universe::scuttlebutt::{Rules, ScuttlebuttUniverse, universe};
use bruit_sim::universe::{Settings, Way};
use std::time::Duration;

const KEYS: usize = 64;
const SECOND: Duration = Duration::from_secs(1);

/// What the copies of all others' maps lack, each second.
#[derive(Debug, Default)]
struct Staleness {
    /// Mappings of which a copy is not the newest.
    mappings: Vec<u64>,
    /// How many seconds ago the earliest write was that a copy of a mapping missed.
    longest: Vec<u64>,
}

impl Staleness {
    /// The most, after the start, when nobody knew anything.
    fn peak(&self) -> (f64, f64) {
        let mappings = self.mappings[20..].iter().max().expect("140 seconds");
        let longest = self.longest[20..].iter().max().expect("140 seconds");
        (*mappings as f64, *longest as f64)
    }

    /// What is stale now.
    fn look(&mut self, group: &ScuttlebuttUniverse, writes: &Writes, second: u64) {
        let (mut mappings, mut longest) = (0, 0);
        for (owner, of_owner) in (0..).zip(writes) {
            for reader in 0..group.nodes() {
                let Some(copy) = group.machine(reader).engine().get(&owner) else { continue };
                // All keys are there, in their order, once anything is.
                for ((_, _, held), of_key) in copy.entries().zip(of_owner) {
                    if of_key.last().is_some_and(|(newest, _)| *newest > held) {
                        let missed = of_key.partition_point(|(version, _)| *version <= held);
                        mappings += 1;
                        longest = longest.max(second - of_key[missed].1);
                    }
                }
            }
        }
        self.mappings.push(mappings);
        self.longest.push(longest);
    }

    /// When the number of stale mappings is back at 1.2 times that before the load.
    fn is_back(&self) -> usize {
        let before: u64 = self.mappings[20..25].iter().sum::<u64>() / 5;
        (75..self.mappings.len())
            .find(|&t| self.mappings[t] * 10 <= before * 12)
            .expect("the load ends")
    }
}

/// The writes of each participant to each key: version and second.
type Writes = Vec<Vec<Vec<(u64, u64)>>>;

fn write(
    group: &mut ScuttlebuttUniverse,
    writes: &mut Writes,
    owner: u32,
    key: usize,
    second: u64,
) {
    let log = &mut writes[owner as usize][key];
    // No two writes are alike, or the second would be none.
    let value = [second.to_be_bytes(), (log.len() as u64).to_be_bytes()].concat();
    group.call(owner, |node, call| {
        let changed = node.engine_mut().set(call.now, &[(format!("k{key:02}"), Some(value))]);
        assert_eq!(changed, Ok(true));
        log.push((node.engine().get(&owner).expect("own state").max_version(), second));
    });
}

fn experiment(participants: u32, order: Order, seed: u64) -> Staleness {
    let rules = Rules { order, entries_max: usize::MAX, period: SECOND, entries_sent: 0 };
    let settings = Settings::over(Way::constant(Duration::ZERO));
    let mut group = universe(seed, participants, settings, rules);
    let mut rng = Rng::from_seed(seed).fork("writes");
    let mut writes: Writes = vec![vec![Vec::new(); KEYS]; participants as usize];
    for owner in 0..participants {
        (0..KEYS).for_each(|key| write(&mut group, &mut writes, owner, key, 0));
    }
    let mut found = Staleness::default();
    for second in 0..140 {
        if second == 15 {
            // As many a participant as the paper's 100 for 128.
            group.shared.entries_max = participants as usize * 100 / 128;
        }
        let rate = match second {
            25..75 => 2,
            120.. => 0,
            _ => 1,
        };
        for owner in 0..participants {
            for _ in 0..rate {
                write(&mut group, &mut writes, owner, rng.index(KEYS), second);
            }
        }
        group.run_for(SECOND);
        found.look(&group, &writes, second + 1);
    }
    found
}

fn assert_orders(participants: u32) {
    let run = |order| experiment(participants, order, 1);
    let [depth, breadth] = [Order::Depth, Order::Breadth].map(run);
    let ((few, young), (many, old)) = (depth.peak(), breadth.peak());
    let (soon, late) = (depth.is_back(), breadth.is_back());
    let text = format!(
        "depth {few} stale, {young} s, back at {soon}; breadth {many}, {old} s, back at {late}"
    );
    // .57 in the re-simulation.
    assert!((0.45..0.7).contains(&(young / old)), "{text}");
    // .69.
    assert!((0.6..0.8).contains(&(few / many)), "{text}");
    assert!((95..112).contains(&soon) && soon + 10 <= late, "{text}");
}

#[test]
fn depth_is_fresher_than_breadth() {
    assert_orders(64);
}

#[test]
#[cfg(feature = "long")]
fn depth_is_fresher_than_breadth_as_in_the_paper() {
    assert_orders(128);
}
