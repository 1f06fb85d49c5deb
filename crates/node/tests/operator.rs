//! What an operator does to a running group: change its key, and declare members left.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use bruit_model::{Command, CommandError, Event, Item, KeyInfo, MemberState, Rejected};
use bruit_node::ClusterKey;
use bruit_sim::{HostId, Link};
use common::{Group, Setup, all_have, has_item, ms, s, state};

const OLD: [u8; 32] = [7; 32];
const NEW: [u8; 32] = [9; 32];

fn keys(group: &Group, host: HostId) -> Vec<(String, bool)> {
    let keys = group.net.node(host).keys().into_iter();
    keys.map(|KeyInfo { fingerprint, is_primary }| (fingerprint, is_primary)).collect()
}

fn fingerprint(key: [u8; 32]) -> String {
    ClusterKey::new(key).fingerprint()
}

/// A group under loss whose members publish all the time, also what needs streams.
struct Busy {
    group: Group,
    published: Vec<bruit_model::ItemId>,
    large_count: usize,
}

impl Busy {
    /// Lets one host do something, then half a second pass with items of others.
    fn step(&mut self, host: HostId, command: Command) {
        self.group.command(host, command);
        for _ in 0..5 {
            let count = self.published.len();
            let from = self.group.hosts[count * 7 % self.group.hosts.len()];
            let is_large = count.is_multiple_of(20);
            let payload = vec![1; if is_large { 20_000 } else { 50 }];
            self.large_count += usize::from(is_large);
            let id = self.group.publish(from, "busy/item", &payload);
            self.published.push(id);
            self.group.net.run_for(ms(100));
        }
    }
}

#[test]
fn a_group_changes_its_key_under_traffic() {
    let link = Link::lossy(100_000);
    let setup = Setup { link, key: Some(OLD), ..Setup::default() };
    let mut busy = Busy { group: Group::settled(setup, 30), published: vec![], large_count: 0 };
    let hosts = busy.group.hosts.clone();
    for host in &hosts {
        busy.step(*host, Command::InstallKey(Box::new(NEW)));
    }
    let both = |is_new: bool| vec![(fingerprint(OLD), !is_new), (fingerprint(NEW), is_new)];
    assert_eq!(keys(&busy.group, hosts[3]), both(false));
    for host in &hosts {
        busy.step(*host, Command::UseKey(Box::new(NEW)));
    }
    assert_eq!(keys(&busy.group, hosts[3]), both(true));
    let in_use = busy.group.net.command(hosts[3], Command::RemoveKey(fingerprint(NEW)));
    assert!(matches!(in_use, Err(CommandError::Invalid(_))), "{in_use:?}");
    for host in &hosts {
        busy.step(*host, Command::RemoveKey(fingerprint(OLD)));
    }
    let gone = busy.group.net.command(hosts[3], Command::RemoveKey(fingerprint(OLD)));
    assert!(matches!(gone, Err(CommandError::Invalid(_))), "{gone:?}");
    let Busy { mut group, published, large_count } = busy;
    group.net.run_for(s(20));
    assert!(large_count > 10 && published.len() == 450);
    for id in &published {
        assert!(all_have(&group.net, id), "{id}");
    }
    for host in hosts {
        assert_eq!(keys(&group, host), [(fingerprint(NEW), true)]);
        assert_eq!(group.counter(host, "members", "alive"), 30);
        for (_, event) in group.net.events(host) {
            if let Event::MemberChanged { member, .. } = event {
                assert_ne!(member.state, MemberState::Failed, "{}: {}", member.name, member.why);
            }
        }
    }
}

/// Streams under a removed key end, also those that never fall silent.
#[test]
fn a_removed_key_opens_no_more() {
    let setup = Setup { key: Some(OLD), ..Setup::default() };
    let mut group = Group::settled(setup, 3);
    let hosts = group.hosts.clone();
    let large = vec![1; Item::PAYLOAD_BYTES_MAX];
    group.publish(hosts[0], "large", &large);
    group.net.run_for(s(1));
    for host in &hosts {
        group.command(*host, Command::InstallKey(Box::new(NEW)));
        group.command(*host, Command::UseKey(Box::new(NEW)));
        group.command(*host, Command::RemoveKey(fingerprint(OLD)));
    }
    let retired = |group: &Group| group.counter(hosts[0], "streams_retired", "");
    assert!(retired(&group) > 0);
    let mut last = None;
    for _ in 0..24 {
        last = Some(group.publish(hosts[0], "large", &large));
        group.net.run_for(ms(500));
    }
    let errors: u64 = hosts.iter().map(|host| group.counter(*host, "stream_errors", "")).sum();
    assert_eq!(errors, 0);
    assert_eq!(retired(&group), 0);
    assert!(group.counter(hosts[0], "streams", "") > 0);
    assert!(all_have(&group.net, &last.unwrap()));
    // Who seals with the old key again is not understood, and understands what others seal.
    group.command(hosts[2], Command::UseKey(Box::new(OLD)));
    let refused = |group: &Group| group.net.rejected(hosts[0]).get(&Rejected::Unauthentic).copied();
    let before = refused(&group);
    let theirs = group.publish(hosts[2], "b", b"");
    let ours = group.publish(hosts[0], "a", b"");
    group.net.run_for(ms(100));
    assert!(has_item(&group.net, hosts[2], &ours));
    assert!(!has_item(&group.net, hosts[0], &theirs));
    assert!(refused(&group) > before);
}

#[test]
fn a_failed_member_is_evicted_everywhere_and_the_living_are_not() {
    let mut group = Group::settled(Setup::default(), 6);
    let (operator, victim) = (group.hosts[1], group.hosts[4]);
    let (me, id) = (group.id(operator), group.id(victim));
    for (evicted, word) in [(me, "leave"), (id, "alive")] {
        let refused = group.net.command(operator, Command::Evict(evicted));
        let Err(CommandError::Invalid(text)) = refused else { panic!("{refused:?}") };
        assert!(text.contains(word), "{text}");
    }
    let nobody = bruit_model::NodeId([1; 16]);
    let refused = group.net.command(operator, Command::Evict(nobody));
    assert_eq!(refused, Err(CommandError::UnknownMember(nobody)));
    group.net.crash(victim);
    let is = |wanted| {
        move |net: &bruit_sim::Net| {
            let mut up = net.hosts().filter(|host| net.is_up(*host));
            up.all(|host| state(net, host, id) == Some(wanted))
        }
    };
    assert!(group.wait(s(60), is(MemberState::Failed)));
    group.command(operator, Command::Evict(id));
    assert_eq!(group.state(operator, id), Some(MemberState::Left));
    assert!(group.wait(s(10), is(MemberState::Left)));
    let now = group.net.now_at(group.hosts[0]);
    let shown = group.net.node(group.hosts[0]).members(now).get(&id).unwrap();
    assert_eq!(shown.why, "evicted: it did not answer");
    group.command(operator, Command::Evict(id));
}

#[test]
fn who_was_evicted_and_is_alive_comes_back() {
    let mut group = Group::settled(Setup::default(), 6);
    let (operator, victim) = (group.hosts[1], group.hosts[4]);
    let id = group.id(victim);
    let others: Vec<_> = group.hosts.iter().copied().filter(|host| *host != victim).collect();
    group.net.partition(&[victim], &others);
    assert!(group.wait(s(60), |net| state(net, operator, id) == Some(MemberState::Failed)));
    group.command(operator, Command::Evict(id));
    group.net.run_for(s(5));
    group.net.heal();
    assert!(group.wait(s(120), |net| common::agreed(net, 6)));
}
