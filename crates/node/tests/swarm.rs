//! Random faults, then peace: whatever happened, the group comes to agree, and no invariant was
//! broken on the way.
//!
//! `BRUIT_SEEDS` says how many seeds are run (200 if unset), from `BRUIT_FIRST_SEED` on (0 if
//! unset); `BRUIT_SEED` runs one alone, `BRUIT_LOG` the run of an input log. A run that fails
//! prints what was wrong, a plan that has been shrunk while it still fails, and the command that
//! repeats it.

#![allow(clippy::disallowed_methods, reason = "what is run is given from outside; see threads")]
#![allow(clippy::print_stdout, reason = "a run that fails says how, and how to repeat it")]

mod common;

use bruit_engine::membership::swim::Params;
use bruit_model::Node;
use bruit_node::Profile;
use bruit_sim::Boot;
use bruit_sim::check::{self, Bound};
use bruit_sim::fault::{Outcome, Setup, Swarm, Trial, shrink};
use bruit_sim::log::{InputLog, Stepper};
use common::{make_node, ms, s};
use std::collections::BTreeMap;
use std::path::Path;

/// How often a failing plan is run again to make it smaller, unless `BRUIT_SHRINK` says it.
const SHRINK_TRIES: u32 = 300;
/// After so many seeds that fail, the others are not run.
const FAILED_MAX: usize = 3;
/// What a failing run prints of its end.
const TRACE_LINES: usize = 40;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

fn seeds() -> Vec<u64> {
    match number("BRUIT_SEED") {
        Some(seed) => vec![seed],
        None => {
            let first = number("BRUIT_FIRST_SEED").unwrap_or(0);
            (first..first + number("BRUIT_SEEDS").unwrap_or(200)).collect()
        }
    }
}

/// An identity and a snapshot are kept on the disk.
fn make(boot: Boot<'_>) -> Box<dyn Node> {
    let setup =
        common::Setup { profile: Profile::Local, keeps_identity: true, ..Default::default() };
    Box::new(make_node(setup, &boot))
}

fn setup(seed: u64) -> Setup {
    let (hosts, link, plan) = Swarm::default().plan(seed);
    let nodes = usize::try_from(hosts).expect("at most ten");
    let swim = Params::local();
    let bound = Bound { swim: &swim, nodes, way: ms(200), join_wait: s(15) }.total();
    Setup { seed, hosts, link, plan, bound }
}

fn trial(setup: &Setup) -> Trial {
    Trial::new(setup, check::native(), make)
}

fn log(setup: Setup, hash: u64) -> InputLog {
    let options = BTreeMap::from([("profile".to_owned(), Profile::Local.word().to_owned())]);
    InputLog { setup, options, hash: Some(hash) }
}

/// Runs a setup; one that fails is explained.
fn run(setup: &Setup) -> Outcome {
    let outcome = trial(setup).run();
    if outcome.violation.is_some() {
        explain(setup);
    }
    outcome
}

/// Shrinks a failing plan, prints how it ends, and writes it where it can be replayed.
fn explain(setup: &Setup) {
    let seed = setup.seed;
    let tries = number("BRUIT_SHRINK").and_then(|tries| tries.try_into().ok());
    let plan = shrink(&setup.plan, tries.unwrap_or(SHRINK_TRIES), |plan| {
        trial(&Setup { plan: plan.clone(), ..setup.clone() }).run().violation.is_some()
    });
    let small = Setup { plan: plan.plan, ..setup.clone() };
    let mut again = trial(&small);
    again.net_mut().keep_trace(TRACE_LINES);
    while !again.is_over() {
        again.step();
    }
    let outcome = again.outcome();
    let violation = outcome.violation.as_ref().expect("the shrunk plan fails as well");
    println!("seed {seed}: {violation}");
    again.net().trace().for_each(|line| println!("    {line}"));
    let text = log(small, outcome.hash).to_string();
    println!("after {} tries, this is enough:\n{text}", plan.tries);
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("swarm-{seed}.log"));
    match std::fs::write(&file, text) {
        Ok(()) => println!("repeat it with BRUIT_LOG={}", file.display()),
        Err(error) => println!("the log could not be written to {}: {error}", file.display()),
    }
    println!("repeat the whole with BRUIT_SEED={seed} cargo test -p bruit-node --test swarm");
}

/// What must happen in 20 seeds or more.
const KINDS: [&str; 22] = [
    "blocked",
    "clock",
    "crash",
    "crash, lost disk",
    "crash, stale disk",
    "delayed by slowness",
    "duplicate",
    "egress",
    "full queue",
    "goodbye said",
    "heal",
    "ingress",
    "leave",
    "loss",
    "mend",
    "one way",
    "partition",
    "pause",
    "reorder",
    "restart",
    "resume",
    "slow",
];

#[test]
fn after_random_faults_the_group_agrees_and_every_kind_of_fault_happened() {
    if let Ok(file) = std::env::var("BRUIT_LOG") {
        return replay(&file);
    }
    let mut faults: BTreeMap<&str, u64> = BTreeMap::new();
    let (seeds, mut longest, mut failed) = (seeds(), s(0), Vec::new());
    for seed in &seeds {
        let outcome = run(&setup(*seed));
        if outcome.violation.is_some() {
            failed.push(*seed);
        }
        if failed.len() == FAILED_MAX {
            break;
        }
        longest = longest.max(outcome.agreed_after.unwrap_or_default());
        for (name, count) in outcome.faults {
            *faults.entry(name).or_default() += count;
        }
    }
    println!("{} seeds, agreed after {longest:?} at most; {faults:?}", seeds.len());
    assert!(failed.is_empty(), "seeds that fail: {failed:?}");
    if seeds.len() >= 20 {
        for kind in KINDS {
            assert!(faults.get(kind).is_some_and(|count| *count > 0), "no {kind} happened");
        }
    }
}

fn replay(file: &str) {
    let text = std::fs::read_to_string(file).expect("BRUIT_LOG names a file");
    let log = InputLog::parse(&text).expect("the file is an input log");
    let outcome = run(&log.setup);
    println!("hash {:016x}, in the log {:016x?}", outcome.hash, log.hash);
    assert_eq!(outcome.violation, None);
}

/// What seed 3 ends with. A change of the protocol, of the simulator or of the swarm changes it;
/// nothing else does: not the profile of the build, not the machine.
const HASH_OF_SEED_3: u64 = 0x0abb_b932_7945_d9a0;

#[test]
fn one_seed_goes_one_way_alone_or_beside_others_in_every_build() {
    let hash = |seed: u64| trial(&setup(seed)).run().hash;
    let alone: Vec<_> = (3..7).map(hash).collect();
    let threads: Vec<_> = (3..7).map(|seed| std::thread::spawn(move || hash(seed))).collect();
    let beside: Vec<_> =
        threads.into_iter().map(|thread| thread.join().expect("it ends")).collect();
    assert_eq!(alone, beside);
    assert_ne!(alone[0], alone[1]);
    assert_eq!(alone[0], HASH_OF_SEED_3, "{:#x}", alone[0]);
}

#[test]
fn a_run_is_replayed_from_its_log_step_by_step() {
    let outcome = trial(&setup(5)).run();
    let text = log(setup(5), outcome.hash).to_string();
    let log = InputLog::parse(&text).expect("what was written is read");
    let mut stepper = Stepper::new(trial(&log.setup));
    let (mut steps, mut seen) = (0, String::new());
    while let Some(step) = stepper.step() {
        steps += 1;
        step.diff.iter().for_each(|line| seen += line);
    }
    assert_eq!(stepper.outcome(), outcome);
    assert!(steps > 1000);
    for change in ["+ member", "~ metadata", "+ item", "counter ", "told Item"] {
        assert!(seen.contains(change), "no {change}");
    }
}
