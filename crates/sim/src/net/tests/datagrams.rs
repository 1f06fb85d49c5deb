use super::toy::{Do, group};
use super::{MS, NEVER, SECOND, ten_ms};
use crate::link::Links;
use crate::{HostId, Latency, Link, Net};
use bruit_engine::Rng;
use bruit_model::Rejected;

fn faulty() -> Link {
    Link { duplicate_ppm: 50_000, reorder_ppm: 50_000, ..Link::lossy(100_000) }
}

#[test]
fn without_faults_all_arrives_once_in_order_and_within_the_latency() {
    let link = Link { latency: Latency::Uniform { min: MS, max: 50 * MS }, ..Default::default() };
    let mut toys = group(Net::new(1, link), 2, MS);
    toys.net.run_for(10 * SECOND);
    let stats = toys.net.stats();
    assert_eq!(stats.datagrams_sent, 20_000);
    let under_way = stats.datagrams_sent - stats.datagrams_delivered;
    assert!((2..=100).contains(&under_way), "{under_way}");
    assert_eq!(stats.datagrams_reordered + stats.datagrams_lost + stats.datagrams_duplicated, 0);
    assert_eq!(stats.datagram_bytes_sent, 20_000 * (16 + 28));

    let mut toys = group(Net::new(1, ten_ms()), 2, NEVER);
    let to = toys.net.addr(toys.hosts[1]);
    toys.make(0, Do::Send(to, vec![0; 16], None));
    toys.net.run_for(SECOND);
    let from = toys.net.addr(toys.hosts[0]);
    assert_eq!(toys.seen[1].borrow().datagrams, [(toys.net.now() - 990 * MS, from)]);
}

#[test]
fn faults_happen_as_often_as_the_link_says() {
    let mut toys = group(Net::new(2, faulty()), 2, MS);
    toys.net.run_for(50 * SECOND);
    let stats = toys.net.stats();
    let ppm = |count: u64| count * 1_000_000 / stats.datagrams_sent;
    assert_eq!(stats.datagrams_sent, 100_000);
    assert!((95_000..105_000).contains(&ppm(stats.datagrams_lost)), "{stats:?}");
    // Copies are made of what is not lost: 9 in 10.
    assert!((42_000..48_000).contains(&ppm(stats.datagrams_duplicated)), "{stats:?}");
    assert!((30_000..50_000).contains(&ppm(stats.datagrams_reordered)), "{stats:?}");
    let expected = stats.datagrams_sent - stats.datagrams_lost + stats.datagrams_duplicated;
    assert!(expected - stats.datagrams_delivered < 50, "{stats:?}");
    let each: u64 = toys.hosts.iter().map(|&h| toys.net.host_stats(h).datagrams_lost).sum();
    assert_eq!(each, stats.datagrams_lost);
}

#[test]
fn a_fault_more_does_not_shift_the_others() {
    let (a, b) = (HostId(0), HostId(1));
    let mut plain = Links::new(Link::default(), &mut Rng::from_seed(3));
    let lossy = Link::lossy(300_000);
    let mut lossy = Links::new(lossy, &mut Rng::from_seed(3));
    let mut lost = 0;
    for _ in 0..1000 {
        let now = bruit_engine::Instant::ZERO;
        let (expected, fate) = (plain.carry(now, a, b, 100), lossy.carry(now, a, b, 100));
        match fate.at {
            Some(_) => assert_eq!(fate.at, expected.at),
            None => lost += 1,
        }
    }
    assert!((250..350).contains(&lost), "{lost}");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = |seed: u64| {
        let mut toys = group(Net::new(seed, faulty()), 5, 100 * MS);
        toys.net.keep_trace(50);
        toys.make(0, Do::SetValue(7));
        toys.net.run_for(3 * SECOND);
        toys.net.partition(&toys.hosts[..2], &toys.hosts[2..]);
        toys.connect(0, 2, 1);
        toys.make(0, Do::Write(2, vec![1; 100_000], true));
        toys.net.run_for(3 * SECOND);
        toys.net.heal();
        toys.net.restart(toys.hosts[3]);
        toys.net.pause(toys.hosts[4]);
        toys.net.run_for(SECOND);
        toys.net.resume(toys.hosts[4]);
        toys.net.run_for(3 * SECOND);
        let lines: Vec<_> = toys.net.trace().map(str::to_owned).collect();
        assert_eq!(lines.len(), 50);
        (toys.net.trace_hash(), lines, toys.net.stats())
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1).0, run(2).0);
}

#[test]
fn a_partition_blocks_both_ways_until_it_is_healed() {
    let mut toys = group(Net::new(4, Link::default()), 4, 100 * MS);
    toys.make(0, Do::SetValue(1));
    assert!(toys.net.run_until(10 * SECOND, |_| toys.seen[3].borrow().values[0] == 1));
    toys.net.partition(&toys.hosts[..2], &toys.hosts[2..]);
    toys.make(0, Do::SetValue(2));
    toys.make(3, Do::SetValue(3));
    toys.net.run_for(10 * SECOND);
    assert_eq!(toys.seen[1].borrow().values, [2, 0, 0, 0]);
    assert_eq!(toys.seen[2].borrow().values, [1, 0, 0, 3]);
    assert!(toys.net.stats().datagrams_blocked > 100);
    toys.net.heal();
    toys.net.run_for(10 * SECOND);
    assert!(toys.agree());
    assert_eq!(toys.seen[0].borrow().values, [2, 0, 0, 3]);
}

#[test]
fn a_one_way_partition_blocks_one_way_and_what_is_under_way() {
    let mut toys = group(Net::new(5, ten_ms()), 2, NEVER);
    let [a, b] = [toys.hosts[0], toys.hosts[1]].map(|host| toys.net.addr(host));
    toys.make(0, Do::Send(b, vec![0; 16], None));
    toys.net.one_way(toys.hosts[0], toys.hosts[1]);
    toys.net.one_way(toys.hosts[0], toys.hosts[0]);
    toys.make(0, Do::Send(a, vec![0; 16], None));
    toys.make(1, Do::Send(a, vec![0; 16], None));
    toys.make(0, Do::Send(b, vec![0; 16], None));
    toys.net.run_for(SECOND);
    assert_eq!(toys.seen[0].borrow().datagrams.len(), 2, "one of them its own");
    assert_eq!(toys.seen[1].borrow().datagrams.len(), 0);
    assert_eq!(toys.net.host_stats(toys.hosts[0]).datagrams_blocked, 2);
}

#[test]
fn links_differ_by_pair_and_direction() {
    let mut toys = group(Net::new(6, ten_ms()), 2, NEVER);
    let [a, b] = [toys.hosts[0], toys.hosts[1]].map(|host| toys.net.addr(host));
    let slow = Link { latency: Latency::Constant(SECOND), ..Default::default() };
    toys.net.set_link_one_way(toys.hosts[0], toys.hosts[1], slow);
    toys.make(0, Do::Send(b, vec![], None));
    toys.make(1, Do::Send(a, vec![], None));
    toys.net.run_for(2 * SECOND);
    let at = |host: usize| toys.seen[host].borrow().datagrams[0].0.as_nanos();
    assert_eq!((at(0), at(1)), (10_000_000, 1_000_000_000));
}

#[test]
fn injected_bytes_arrive_and_what_is_sent_is_recorded() {
    let mut toys = group(Net::new(7, ten_ms()), 2, NEVER);
    let outside = "192.0.2.1:9".parse().unwrap();
    toys.net.record(toys.hosts[0]);
    toys.net.inject_datagram(toys.hosts[0], outside, b"garbage");
    toys.net.run_for(MS);
    assert_eq!(toys.seen[0].borrow().datagrams[0].1, outside);
    assert_eq!(toys.net.rejected(toys.hosts[0])[&Rejected::Malformed], 1);

    let to = toys.net.addr(toys.hosts[1]);
    toys.make(0, Do::Send(to, vec![1; 40], Some(16)));
    toys.make(0, Do::Send(to, vec![1; 65_508], None));
    toys.make(0, Do::Send(outside, vec![9], None));
    toys.net.run_for(SECOND);
    let sizes: Vec<_> = toys.net.recorded(toys.hosts[0]).iter().map(|r| r.bytes.len()).collect();
    assert_eq!(sizes, [16, 16, 8, 65_508, 1]);
    assert_eq!(toys.net.recorded(toys.hosts[0]), []);
    let stats = toys.net.host_stats(toys.hosts[0]);
    assert_eq!((stats.datagrams_oversized, stats.datagrams_unroutable), (1, 1));
    assert_eq!(toys.net.host_stats(toys.hosts[1]).datagrams_delivered, 3);
}
