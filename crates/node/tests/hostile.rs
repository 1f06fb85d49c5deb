//! Bad datagrams: dropped, counted, without effect, and never answered by something larger.

mod common;

use bruit_model::{Command, MemberState, Rejected};
use bruit_sim::Net;
use common::{Group, Setup, agreed, s};
use std::net::SocketAddr;

fn stranger() -> SocketAddr {
    "10.9.9.9:9".parse().expect("an address")
}

/// How often `host` has refused a datagram for this reason.
fn rejected(net: &Net, host: bruit_sim::HostId, why: Rejected) -> u64 {
    net.rejected(host).get(&why).copied().unwrap_or(0)
}

/// Bytes from a small generator, for garbage.
fn garbage(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state.to_be_bytes()[0]
        })
        .collect()
}

#[test]
fn garbage_is_refused_and_never_answered_by_more() {
    let mut group = Group::settled(Setup::default(), 3);
    let host = group.hosts[0];
    for seed in 0..2000_u64 {
        let len = usize::try_from(seed * 7 % 1500).unwrap();
        let mut bytes = garbage(seed, len);
        if let Some(first) = bytes.first_mut() {
            // Half of them begin like a datagram of ours.
            *first = if seed % 2 == 0 { 0xb0 | (*first & 0x0f) } else { *first };
        }
        let before = group.net.host_stats(host);
        group.net.inject_datagram(host, stranger(), &bytes);
        let unroutable = group.net.stats().datagrams_unroutable;
        group.net.run_for(common::ms(1));
        let after = group.net.host_stats(host);
        assert_eq!(after.datagrams_rejected, before.datagrams_rejected + 1, "seed {seed}");
        let answers = group.net.stats().datagrams_unroutable - unroutable;
        assert!(answers <= 1, "at most one answer to {len} bytes");
    }
    assert!(agreed(&group.net, 3));
}

#[test]
fn every_answer_to_a_stranger_is_at_most_as_large_as_the_question() {
    let mut group = Group::settled(Setup::default(), 3);
    let (host, other) = (group.hosts[0], group.hosts[1]);
    group.net.record(other);
    group.net.run_for(s(5));
    let recorded = group.net.recorded(other);
    assert!(!recorded.is_empty());
    group.net.record(host);
    for datagram in recorded {
        for len in 0..=datagram.bytes.len() {
            group.net.recorded(host);
            group.net.inject_datagram(host, stranger(), &datagram.bytes[..len]);
            group.net.run_for(std::time::Duration::ZERO);
            let answers = group.net.recorded(host);
            let answers = answers.iter().filter(|answer| answer.to == stranger());
            let bytes: usize = answers.map(|answer| answer.bytes.len()).sum();
            assert!(bytes <= len, "{bytes} bytes in answer to {len}");
        }
    }
}

#[test]
fn replayed_datagrams_have_no_effect_also_across_a_restart() {
    let setup = Setup { keeps_identity: true, ..Setup::default() };
    let mut group = Group::settled(setup, 3);
    let (host, other) = (group.hosts[0], group.hosts[1]);
    group.net.record(other);
    let id = group.publish(other, "purge", b"once");
    group.net.run_for(s(5));
    let recorded = group.net.recorded(other);
    let from = group.net.addr(other);
    for datagram in &recorded {
        if datagram.to == group.net.addr(host) {
            group.net.inject_datagram(host, from, &datagram.bytes);
        }
    }
    let before = rejected(&group.net, host, Rejected::Replayed);
    group.net.run_for(s(1));
    assert!(rejected(&group.net, host, Rejected::Replayed) > before);

    // The receiver restarts, and forgets; the sender is gone, so nobody answers its challenge.
    group.net.crash(other);
    group.net.crash(group.hosts[2]);
    group.net.restart(host);
    for datagram in &recorded {
        group.net.inject_datagram(host, from, &datagram.bytes);
    }
    group.net.run_for(s(5));
    assert!(rejected(&group.net, host, Rejected::FirstContact) > 0);
    assert!(!common::has_item(&group.net, host, &id), "a recorded item is not taken again");
    let members = group.net.node(host).members(group.net.now_at(host));
    assert_eq!(members.counts(), [1, 0, 0, 0], "a recorded update is not taken again");
}

#[test]
fn another_key_keeps_strangers_out() {
    let ours = Setup { key: Some([1; 32]), ..Setup::default() };
    let theirs = Setup { key: Some([2; 32]), ..Setup::default() };
    let mut group = Group::settled(ours, 3);
    let intruder = group.net.add_host(move |boot| Box::new(common::make_node(theirs, &boot)));
    group.hosts.push(intruder);
    group.start(intruder);
    group.net.run_for(s(30));
    for host in &group.hosts[..3] {
        let members = group.net.node(*host).members(group.net.now_at(*host));
        assert_eq!(members.counts(), [3, 0, 0, 0]);
    }
    let counts = group.net.node(intruder).members(group.net.now_at(intruder)).counts();
    assert_eq!(counts, [1, 0, 0, 0]);
    let told = group.net.events(intruder);
    let failed =
        |event: &bruit_model::Event| matches!(event, bruit_model::Event::JoinFailed { .. });
    assert!(told.iter().any(|(_, event)| failed(event)), "it is told that joining failed");
}

#[test]
fn a_key_is_rotated_without_losing_a_member() {
    let setup = Setup { key: Some([1; 32]), ..Setup::default() };
    let mut group = Group::settled(setup, 5);
    for host in group.hosts.clone() {
        group.command(host, Command::InstallKey(Box::new([9; 32])));
    }
    for host in group.hosts.clone() {
        group.command(host, Command::UseKey(Box::new([9; 32])));
        group.net.run_for(s(3));
    }
    let id = group.publish(group.hosts[0], "after", b"x");
    assert!(group.wait(s(5), |net| common::all_have(net, &id) && agreed(net, 5)));
    for host in group.hosts.clone() {
        for (_, event) in group.net.events(host) {
            if let bruit_model::Event::MemberChanged { member, .. } = event {
                assert_ne!(member.state, MemberState::Failed);
            }
        }
    }
}
