//! Plans: their text, rates, shrinking and playing, with toy nodes.

use super::{
    Act, Disk, Entry, Fault, Flapping, Kind, Plan, Player, Rates, Starving, Swarm, Work,
    link_from_text, link_to_text, shrink,
};
use crate::check::Watch;
use crate::net::tests::toy::group;
use crate::{HostId, Latency, Link, Loss, Net, Quantiles};
use bruit_engine::Rng;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn h(number: u32) -> HostId {
    HostId(number)
}

fn entry(at: Duration, fault: Fault) -> Entry {
    Entry { at, act: Act::Fault(fault) }
}

#[test]
fn every_kind_of_entry_is_written_and_read_again() {
    let text = "\
1.5s crash h3 kept
1.5s crash h3 stale
1.500000001s crash h3 lost
2s start h3
2s leave h4
2s pause h5
2s resume h5
2s slow h5 0.01s
2s clock h5 -3600000
3s cut 1 h0-h4,h7 h5-h6 both-ways
3s cut 2 h1 h2 one-way
4s mend 1
4s heal
5s links latency=constant:0.01s loss=bursty:10000:4 duplicate=1 reorder=5000:0.02s
5s ingress h3 none
5s egress h3 latency=uniform:0.0005s:0.002s loss=random:9 duplicate=0 reorder=0:0.02s \
bandwidth=1000:64
6s publish h3 100 cache/users/42
6s metadata h3 42 key
";
    let plan = Plan::parse(text).unwrap();
    assert_eq!(plan.to_string(), text);
    assert_eq!(plan.end(), 6 * SECOND);
    let cut = Fault::Cut { number: 2, from: vec![h(1)], to: vec![h(2)], both_ways: false };
    assert_eq!(plan.entries()[10], entry(3 * SECOND, cut));
    let commented = format!("# a plan\n\n{text}");
    assert_eq!(Plan::parse(&commented), Ok(plan.clone()));
    assert_eq!(Plan::default().with(plan.clone()), plan);
}

#[test]
fn links_are_written_and_read_again() {
    let quantiles = Quantiles::new(&[(0, MS), (1_000_000, SECOND)]).unwrap();
    for latency in [
        Latency::Constant(Duration::ZERO),
        Latency::Uniform { min: MS, max: SECOND },
        Latency::LogNormal { median: MS, p99: 5 * MS },
        Latency::Exponential { min: MS, mean: 2 * MS },
        Latency::Quantiles(quantiles),
    ] {
        let loss = Loss::Bursty { ppm: 1000, burst_mean: 5 };
        let bandwidth = Some(1_000_000);
        let link = Link { latency, loss, bandwidth, duplicate_ppm: 3, ..Default::default() };
        assert_eq!(link_from_text(&link_to_text(&link)), Ok(link));
    }
    assert_eq!(link_from_text(""), Ok(Link::default()));
}

#[test]
fn what_is_no_plan_is_refused_with_its_line() {
    for (line, why) in [
        ("1 heal", "\"1\" is not a time; write seconds, such as 1.5s"),
        ("1.s heal", "not a time"),
        ("1.0000000001s heal", "not a time"),
        ("99999999999s heal", "beyond 10 years"),
        ("1s", "what happens is missing"),
        ("1s explode h1", "\"explode\" is no fault and no work"),
        ("1s crash 1 kept", "\"1\" is not a host; write h0, h1, …"),
        ("1s crash h1 gone", "\"gone\" is not kept or stale or lost"),
        ("1s pause h1 h2", "\"h2\" is too much"),
        ("1s cut 1 h0-h4000000000 h1 one-way", "no run of at most 100000 hosts"),
        ("1s cut 1 h4-h0 h1 one-way", "no run of"),
        ("1s links loss=random:1000001", "loss is 1000001 in a million"),
        ("1s links loss=random:1:2", "has 3 parts, not 2"),
        ("1s links speed=9", "says nothing about a link"),
        ("1s links latency=quantiles:0/1s", "quantiles need 2 to 12 points"),
        ("1s publish h1 99999999999 a", "is not a number of bytes"),
        ("1s publish h1 9", "ends too early"),
    ] {
        let error = Plan::parse(&format!("\n{line}")).unwrap_err();
        assert_eq!(error.line, 2);
        assert!(error.to_string().contains(why), "{line}: {error}");
    }
}

#[test]
fn churn_has_its_rate_and_everybody_comes_back() {
    let rates = Rates {
        churn_ppm_per_minute: 100_000,
        leave_ppm: 250_000,
        disk_lost_ppm: 100_000,
        away_mean: 10 * SECOND,
        ..Default::default()
    };
    let plan = rates.plan(200, SECOND, 3601 * SECOND, &mut Rng::from_seed(1));
    let count = |is: fn(&Fault) -> bool| {
        let faults = plan.entries().iter().filter_map(|entry| match &entry.act {
            Act::Fault(fault) => Some(fault),
            Act::Work(_) => None,
        });
        faults.filter(|fault| is(fault)).count()
    };
    let left = count(|fault| matches!(fault, Fault::Leave(_)));
    let crashed = count(|fault| matches!(fault, Fault::Crash(..)));
    let lost = count(|fault| matches!(fault, Fault::Crash(_, Disk::Lost)));
    // A tenth of 200 in each of 60 minutes, less those that were away.
    assert!((1050..1270).contains(&(left + crashed)), "{left} + {crashed}");
    assert!((left * 3).abs_diff(crashed) < 200, "{left}, {crashed}");
    assert!((lost * 10).abs_diff(crashed) < 300, "{lost}, {crashed}");
    assert_eq!(count(|fault| matches!(fault, Fault::Start(_))), left + crashed);
    assert!(plan.entries().iter().all(|entry| !entry.to_string().contains(" h0")));
    let again = rates.plan(200, SECOND, 3601 * SECOND, &mut Rng::from_seed(1));
    assert_eq!(plan, again);
}

#[test]
fn flapping_and_starving_come_in_turns() {
    let (period, cut_for) = (2 * SECOND, SECOND);
    let flapping = Some(Flapping { hosts_ppm: 250_000, period, cut_for, is_one_way: true });
    let paused_for = 500 * MS;
    let starving = Some(Starving { hosts_ppm: 1, period: 3 * SECOND, paused_for });
    let rates = Rates { flapping, starving, ..Default::default() };
    let plan = rates.plan(4, SECOND, 5 * SECOND, &mut Rng::from_seed(1));
    let text = plan.to_string();
    let victim = text.split("h0-h3 ").nth(1).unwrap().split(' ').next().unwrap();
    let starved = text.split("pause ").nth(1).unwrap().split('\n').next().unwrap();
    let expected = format!(
        "1s cut 1 h0-h3 {victim} one-way\n1s pause {starved}\n1.5s resume {starved}\n2s mend 1\n\
         3s cut 2 h0-h3 {victim} one-way\n4s mend 2\n4s pause {starved}\n4.5s resume {starved}\n"
    );
    assert_eq!(text, expected);
}

#[test]
fn a_swarm_plan_follows_from_its_seed_and_all_kinds_come_up() {
    let swarm = Swarm::default();
    assert_eq!(swarm.plan(7), swarm.plan(7));
    assert_ne!(swarm.plan(7), swarm.plan(8));
    let (mut text, mut losses, mut narrow) = (String::new(), [0, 0], 0);
    for seed in 0..60 {
        let (hosts, link, plan) = swarm.plan(seed);
        assert!((3..=10).contains(&hosts));
        assert_eq!(Plan::parse(&plan.to_string()), Ok(plan.clone()));
        text += &plan.to_string();
        losses[usize::from(matches!(link.loss, Loss::Bursty { .. }))] += 1;
        narrow += u32::from(link.bandwidth.is_some());
    }
    for word in [
        "kept",
        "stale",
        "lost",
        "leave",
        "pause",
        "slow",
        "clock",
        "both-ways",
        "one-way",
        "ingress",
        "egress",
        "mend",
        "heal",
        "publish",
        "metadata",
        "start",
        "resume",
    ] {
        assert!(text.contains(word), "no {word}");
    }
    assert!(losses[0] > 10 && losses[1] > 10 && narrow > 10, "{losses:?}, {narrow}");
    let quiet = Swarm { kinds: Vec::new(), ..swarm };
    let (_, link, plan) = quiet.plan(1);
    assert_eq!(link, Link::default());
    assert!(plan.entries().iter().all(|entry| matches!(entry.act, Act::Work(_))));
    assert_eq!(Kind::ALL.len(), 16);
}

#[test]
fn shrinking_finds_the_two_entries_that_matter() {
    let entries = (0..50).map(|n| entry(n * SECOND, Fault::Mend(n))).collect();
    let plan = Plan::new(entries);
    let has = |plan: &Plan, number| {
        plan.entries().iter().any(|entry| entry.act == Act::Fault(Fault::Mend(number)))
    };
    let shrunk = shrink(&plan, 1000, |plan| has(plan, 7) && has(plan, 41));
    assert_eq!(shrunk.plan.to_string(), "7s mend 7\n41s mend 41\n");
    assert!(shrunk.is_minimal && shrunk.tries < 100, "{}", shrunk.tries);
    let cut_short = shrink(&plan, 5, |plan| has(plan, 7));
    assert!(!cut_short.is_minimal && cut_short.tries == 5 && has(&cut_short.plan, 7));
    let all = shrink(&plan, 1000, |_| true);
    assert!(all.is_minimal && all.plan.entries().is_empty());
    let none = shrink(&plan, 1000, |_| false);
    assert!(none.is_minimal && none.plan == plan);
}

#[test]
fn a_player_does_what_is_possible_and_counts_the_rest_as_moot() {
    let mut toys = group(Net::new(1, Link::default()), 3, 100 * MS);
    let text = "\
1s crash h1 kept
1s crash h1 kept
2s pause h2
2s pause h2
3s start h1
3s resume h2
3s resume h1
4s crash h9 kept
4s cut 1 h0 h1-h2 both-ways
5s mend 1
5s mend 1
6s leave h2
7s slow h0 0.01s
7s clock h0 5
7s publish h1 4 a
8s crash h1 lost
9s cut 2 h0 h1 one-way
9s heal
9s heal
";
    let plan = Plan::parse(text).unwrap();
    let mut player = Player::new(&toys.net, plan, Vec::new());
    let mut watch = Watch::new(Vec::new());
    player.run_for(&mut toys.net, &mut watch, 10 * SECOND);
    let counts: Vec<_> = player.counts().iter().map(|(kind, count)| (*kind, *count)).collect();
    let expected = [
        ("clock", 1),
        ("crash", 1),
        ("crash, lost disk", 1),
        ("heal", 1),
        ("leave", 1),
        ("mend", 1),
        ("one way", 1),
        ("partition", 1),
        ("pause", 1),
        ("restart", 1),
        ("resume", 1),
        ("slow", 1),
    ];
    assert_eq!(counts, expected);
    assert_eq!(player.moot(), 7, "a toy publishes nothing");
    assert_eq!((player.left(), player.next_at()), (&[h(2)][..], None));
    let stats = toys.net.stats();
    assert_eq!((stats.crashes, stats.leaves, stats.wipes, stats.pauses), (2, 1, 1, 1));
    assert!(stats.datagrams_blocked > 0);
    assert_eq!(toys.net.now().as_nanos(), 10_000_000_000);
    player.make_peace(&mut toys.net, Link::default());
    assert!(toys.net.is_up(h(0)) && toys.net.is_up(h(1)) && !toys.net.is_up(h(2)));
    let publish = Work::Publish { host: h(9), path: "a".to_owned(), bytes: 1 };
    assert!(!player.do_work(&mut toys.net, &mut watch, &publish));
}
