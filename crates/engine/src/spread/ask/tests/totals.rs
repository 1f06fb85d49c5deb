//! What the origin gets in the end.

use super::super::{Params, Reduce};
use super::cluster::{Cluster, Report, Setup};
use crate::Rng;
use std::collections::BTreeMap;
use std::time::Duration;

const SEEDS: u64 = 150;

fn setup(members: u32) -> Setup {
    Setup {
        seed: 1,
        members,
        params: Params { direct_members_max: 10, ..Params::default() },
        reduce: Reduce::Collect,
        loss_percent: 0,
        crashes: 0,
        timeout: Duration::from_secs(20),
        part: |member| member.to_be_bytes().to_vec(),
        parts_each: 1,
    }
}

fn assert_each_once(seed: u64, report: &Report, parts_each: u64) {
    for member in &report.asked {
        let part = member.to_be_bytes().to_vec();
        assert_eq!(
            report.answers.get(&(*member, part)),
            Some(&parts_each),
            "seed {seed}, member {member}"
        );
    }
    assert!(report.answers.values().all(|count| *count <= parts_each), "seed {seed}");
}

/// Random groups, losses and crashes.
fn random(seed: u64) -> Setup {
    let mut rng = Rng::from_seed(seed).fork("setup");
    let mut below = |bound: u64| u32::try_from(rng.below(bound)).unwrap();
    let members = 2 + below(150);
    let crashes = members * below(30) / 100;
    let loss_percent = below(25).into();
    let parts_each = 1 + u8::try_from(below(3)).unwrap();
    Setup { seed, loss_percent, crashes, parts_each, ..setup(members) }
}

#[test]
fn every_live_member_is_heard_exactly_once() {
    for seed in 0..SEEDS {
        let setup = random(seed);
        let report = Cluster::run(setup.clone());
        assert_each_once(seed, &report, setup.parts_each.into());
        assert!(report.asked.len() + setup.crashes as usize >= setup.members as usize * 9 / 10);
    }
}

#[test]
fn totals_of_a_tally_are_exact() {
    let part: fn(u32) -> Vec<u8> = |member| vec![u8::try_from(member % 3).unwrap()];
    for seed in 0..SEEDS {
        let setup = Setup { part, reduce: Reduce::Tally, crashes: 0, ..random(seed) };
        let each = u64::from(setup.parts_each);
        let report = Cluster::run(setup);
        let mut expected: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
        for member in &report.asked {
            *expected.entry(part(*member)).or_default() += each;
        }
        assert_eq!(report.totals, expected, "seed {seed}");
    }
}

/// What gathering on the way saves the origin of a question to 2,000 members.
#[test]
fn the_origin_of_a_large_group_takes_few_messages() {
    let run = |direct_members_max, reduce, part| {
        let params = Params { direct_members_max, ..Params::default() };
        Cluster::run(Setup { params, reduce, part, ..setup(2000) })
    };
    let own: fn(u32) -> Vec<u8> = |member| member.to_be_bytes().repeat(25);
    let same: fn(u32) -> Vec<u8> = |_| b"yes".to_vec();
    let straight = run(2000, Reduce::Collect, own);
    let collected = run(1000, Reduce::Collect, own);
    let tallied = run(1000, Reduce::Tally, same);
    for (name, report) in
        [("straight", &straight), ("collected", &collected), ("tallied", &tallied)]
    {
        let Report { into_origin, bytes_into_origin, messages, last_answer, .. } = report;
        eprintln!(
            "{name}: {into_origin} messages and {bytes_into_origin} bytes into the origin, \
             {messages} in all, last answer after {last_answer:?}, duplicates {}",
            report.duplicates
        );
        assert_eq!(report.totals.values().sum::<u64>(), 2000);
    }
    assert_eq!(straight.into_origin, 1999);
    // Of 171 bytes each, 259 kB: 200 messages of 1,200 bytes are the least.
    assert!(collected.into_origin < 350, "{}", collected.into_origin);
    assert!(tallied.into_origin < 80, "{}", tallied.into_origin);
    assert!(collected.messages < 3 * 2000 && tallied.messages < 5 * 1000);
    assert!(collected.last_answer < Duration::from_millis(150), "{:?}", collected.last_answer);
}
