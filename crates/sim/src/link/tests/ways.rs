use super::super::links::Links;
use crate::{HostId, Latency, Link, Loss, Net};
use bruit_engine::{Instant, Rng};
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);
const A: HostId = HostId(0);
const B: HostId = HostId(1);

fn constant(ms: u64) -> Link {
    let latency = Latency::Constant(Duration::from_millis(ms));
    Link { latency, ..Default::default() }
}

fn links(link: Link) -> Links {
    Links::new(link, &mut Rng::from_seed(3))
}

fn at(ms: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(ms)
}

#[test]
fn a_narrow_link_delays_what_queues_and_drops_what_does_not_fit() {
    // A byte takes a millisecond, and 300 bytes may wait.
    let narrow = Link { bandwidth: Some(1000), queue_bytes_max: 300, ..constant(10) };
    let mut links = links(narrow);
    let arrivals: Vec<_> = (0..5).map(|_| links.carry(at(0), A, B, 100).at).collect();
    assert_eq!(arrivals, [Some(at(110)), Some(at(210)), Some(at(310)), None, None]);
    assert!(links.carry(at(0), A, B, 100).is_dropped);
    assert_eq!(links.carry(at(0), B, A, 100).at, Some(at(110)), "the other way is free");
    assert_eq!(links.carry(at(250), A, B, 100).at, Some(at(410)));
    assert_eq!(links.stream_way(at(250), A, B, 100).0, 260 * MS, "a stream waits its turn");
    // What is larger than the queue passes when nothing waits.
    assert_eq!(links.carry(at(1000), A, B, 400).at, Some(at(1410)));
}

#[test]
fn the_link_that_names_most_counts() {
    let mut net = Net::new(1, constant(1));
    let way = |net: &Net, from, to| net.link(HostId(from), HostId(to)).latency;
    let is = |ms: u64| constant(ms).latency;
    net.set_zone(HostId(2), 7);
    net.set_zone(HostId(3), 7);
    net.set_zone_link(0, 7, constant(30));
    net.set_zone_link(7, 7, constant(2));
    assert_eq!(way(&net, 0, 1), is(1), "no link between zone 0 and itself: the one for all");
    assert_eq!((way(&net, 0, 2), way(&net, 3, 1), way(&net, 2, 3)), (is(30), is(30), is(2)));
    net.set_egress(HostId(2), Some(constant(40)));
    net.set_ingress(HostId(3), Some(constant(50)));
    net.set_link_one_way(HostId(2), HostId(3), constant(60));
    assert_eq!((way(&net, 2, 0), way(&net, 0, 3), way(&net, 2, 3)), (is(40), is(50), is(60)));
    assert_eq!(way(&net, 3, 2), is(2));
    net.set_egress(HostId(2), None);
    assert_eq!(way(&net, 2, 0), is(30));
    net.set_links(constant(9));
    assert_eq!((way(&net, 2, 0), way(&net, 2, 3), way(&net, 0, 3)), (is(9), is(9), is(9)));
    assert_eq!(net.zone(HostId(3)), 7);
}

#[test]
fn a_cut_is_one_way_and_is_mended_alone() {
    let mut net = Net::new(1, Link::default());
    let hosts: Vec<_> = (0..200).map(HostId).collect();
    let half = net.cut(&hosts[..100], &hosts[100..]);
    let one = net.cut(&[hosts[1]], &[hosts[150]]);
    assert!(net.is_cut(hosts[99], hosts[100]) && !net.is_cut(hosts[100], hosts[99]));
    assert!(!net.is_cut(hosts[0], hosts[99]));
    net.mend(half);
    net.mend(half);
    assert!(!net.is_cut(hosts[99], hosts[100]) && net.is_cut(hosts[1], hosts[150]));
    net.mend(one);
    assert!(!net.is_cut(hosts[1], hosts[150]));
    net.cut(&hosts, &hosts);
    assert!(!net.is_cut(hosts[5], hosts[5]) && net.is_cut(hosts[5], hosts[6]));
    net.heal();
    assert!(!net.is_cut(hosts[5], hosts[6]));
}

#[test]
fn directions_with_nothing_under_way_are_forgotten_and_bursts_are_not() {
    let mut quiet = links(constant(10));
    for to in 1..10_000 {
        quiet.carry(at(u64::from(to) * 20), A, HostId(to), 100);
    }
    assert!(quiet.remembered() <= 16, "{}", quiet.remembered());
    let bursty = Link { loss: Loss::Bursty { ppm: 100_000, burst_mean: 3 }, ..constant(10) };
    let mut links = links(bursty);
    for to in 1..10_000 {
        links.carry(at(u64::from(to) * 20), A, HostId(to), 100);
    }
    // A direction that begins turns bad with 100,000 / (3 × 900,000).
    assert!((300..800).contains(&links.remembered()), "{}", links.remembered());
}
