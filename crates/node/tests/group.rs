//! Who is there: join, failure, partition, restart.

mod common;

use bruit_model::{Command, Event, MemberState};
use bruit_node::Profile;
use bruit_sim::Link;
use common::{Group, Setup, agreed, metadata_of, ms, s, state};

#[test]
fn five_nodes_that_start_at_once_see_each_other() {
    let mut group = Group::joining(Setup::default(), 5);
    assert!(group.wait(s(5), |net| agreed(net, 5)));
    group.net.run_for(s(60));
    assert!(agreed(&group.net, 5), "and stay so");
}

#[test]
fn two_hundred_nodes_that_start_at_once_against_one_seed_see_each_other_within_15_s() {
    let mut group = Group::joining(Setup::default(), 200);
    assert!(group.wait(s(15), |net| agreed(net, 200)));
    group.net.run_for(s(20));
    assert!(agreed(&group.net, 200), "and stay so");
}

#[test]
fn a_crashed_node_is_failed_everywhere_and_says_why() {
    let mut times = Vec::new();
    for seed in 0..10 {
        let mut group = Group::settled(Setup { seed, ..Setup::default() }, 50);
        let victim = group.hosts[7];
        let id = group.id(victim);
        group.net.crash(victim);
        let crashed = group.net.now();
        assert!(group.wait(s(20), |net| {
            net.hosts()
                .filter(|host| net.is_up(*host))
                .all(|host| state(net, host, id) == Some(MemberState::Failed))
        }));
        times.push(group.net.now().since(crashed));
        let member = group.net.node(group.hosts[0]).members(group.net.now_at(group.hosts[0]));
        assert!(!member.get(&id).unwrap().why.is_empty());
    }
    times.sort();
    assert!(times[5] < ms(4200), "median {:?} of {times:?}", times[5]);
}

#[test]
fn a_goodbye_is_left_and_not_failed() {
    let mut group = Group::settled(Setup::default(), 6);
    let leaver = group.hosts[3];
    let id = group.id(leaver);
    group.command(leaver, Command::Leave);
    let told = |events: Vec<_>| events.iter().any(|(_, event)| matches!(event, Event::Left));
    assert!(group.wait(s(10), |net| {
        net.hosts()
            .filter(|host| *host != leaver)
            .all(|host| state(net, host, id) == Some(MemberState::Left))
    }));
    group.net.run_for(s(5));
    assert!(told(group.net.events(leaver)));
    group.net.crash(leaver);
    group.net.run_for(s(30));
    for host in group.live() {
        assert_eq!(group.state(host, id), Some(MemberState::Left));
    }
}

#[test]
fn a_partition_splits_the_group_and_a_heal_merges_it_again() {
    let mut group = Group::settled(Setup { profile: Profile::Local, ..Setup::default() }, 12);
    let (left, right) = group.hosts.split_at(5);
    let (left, right) = (left.to_vec(), right.to_vec());
    group.net.partition(&left, &right);
    let halves = [left.clone(), right.clone()];
    assert!(group.wait(s(30), |net| {
        halves.iter().all(|half| {
            half.iter()
                .all(|host| net.node(*host).members(net.now_at(*host)).counts()[0] == half.len())
        })
    }));
    assert!(group.net.stats().datagrams_blocked > 0);
    group.command(left[0], Command::SetMetadata(vec![("side".into(), Some(b"left".to_vec()))]));
    let item = group.publish(right[0], "a/b", b"while apart");
    group.net.run_for(s(5));
    group.net.heal();
    let left_id = group.id(left[0]);
    assert!(group.wait(s(60), |net| {
        agreed(net, 12)
            && common::all_have(net, &item)
            && net
                .hosts()
                .all(|host| metadata_of(net, host, left_id, "side").as_deref() == Some(b"left"))
    }));
}

#[test]
fn halves_that_were_restarted_apart_find_each_other() {
    let setup = Setup { keeps_identity: true, ..Setup::default() };
    let mut group = Group::settled(setup, 4);
    let (left, right) = (group.hosts[..2].to_vec(), group.hosts[2..].to_vec());
    group.net.partition(&left, &right);
    for host in group.hosts.clone() {
        group.net.save(host);
        group.net.restart(host);
        group.join(host);
    }
    // Each half joins within itself, and knows nothing of the other.
    assert!(group.wait(s(60), |net| agreed(net, 2)));
    group.net.heal();
    assert!(group.wait(s(180), |net| agreed(net, 4)));
    // Where all targets are there, nobody is sought.
    group.net.run_for(s(120));
    let before = group.net.stats().streams_asked;
    group.net.run_for(s(300));
    assert_eq!(group.net.stats().streams_asked, before);
}

#[test]
fn a_restart_without_saved_identity_replaces_the_old_record_at_once() {
    let mut group = Group::settled(Setup::default(), 6);
    let host = group.hosts[4];
    let old = group.id(host);
    group.net.restart(host);
    group.join(host);
    let new = group.id(host);
    assert_ne!(old, new);
    assert!(group.wait(s(3), |net| {
        net.hosts().all(|each| state(net, each, new) == Some(MemberState::Alive))
            && net
                .hosts()
                .filter(|each| *each != host)
                .all(|each| state(net, each, old) == Some(MemberState::Failed))
    }));
}

#[test]
fn a_restart_with_its_identity_and_an_old_clock_is_the_same_member_again() {
    let setup = Setup { keeps_identity: true, ..Setup::default() };
    let mut group = Group::settled(setup, 6);
    let host = group.hosts[4];
    let id = group.id(host);
    group.command(host, Command::SetMetadata(vec![("role".into(), Some(b"old".to_vec()))]));
    group.net.run_for(s(10));
    group.net.crash(host);
    group.net.run_for(s(20));
    assert_eq!(group.state(group.hosts[0], id), Some(MemberState::Failed));
    group.net.skew(host, -3_600_000);
    group.start(host);
    assert_eq!(group.id(host), id);
    group.command(host, Command::SetMetadata(vec![("role".into(), Some(b"new".to_vec()))]));
    let item = group.publish(host, "x", b"from the past");
    assert!(group.wait(s(30), |net| {
        agreed(net, 6)
            && common::all_have(net, &item)
            && net.hosts().all(|each| metadata_of(net, each, id, "role").as_deref() == Some(b"new"))
    }));
}

#[test]
fn two_nodes_with_one_name_are_both_kept_and_marked() {
    let mut group = Group::down(Setup::default(), 2);
    let twin = |boot: bruit_sim::Boot<'_>| {
        let secrets = bruit_node::Secrets {
            identity_seed: [boot.seed.to_be_bytes()[3]; 32],
            cluster_key: None,
            start: boot.seed,
            seed: boot.seed,
            cookie_secret: [9; 32],
        };
        let config = bruit_node::Config::new("twin", boot.addr);
        let node = bruit_node::NativeNode::new(config, &secrets, boot.now).unwrap();
        Box::new(node) as Box<dyn bruit_model::Node>
    };
    let a = group.net.add_host(twin);
    let b = group.net.add_host(twin);
    for host in [group.hosts[0], group.hosts[1], a, b] {
        group.start(host);
    }
    assert!(group.wait(s(10), |net| agreed(net, 4)));
    let members = group.net.node(group.hosts[0]).members(group.net.now_at(group.hosts[0]));
    let conflicts: Vec<_> = members.iter().filter(|member| member.conflict).collect();
    assert_eq!(conflicts.len(), 2);
    assert!(conflicts.iter().all(|member| &*member.name == "twin"));
}

#[test]
fn whoever_joins_is_known_with_its_metadata() {
    let mut group = Group::down(Setup::default(), 2);
    let (seed, joiner) = (group.hosts[0], group.hosts[1]);
    group.net.start(seed);
    group.net.start(joiner);
    let value = || Some(b"cache/**".to_vec());
    group.command(seed, Command::SetMetadata(vec![("$sub/app".into(), value())]));
    group.command(joiner, Command::SetMetadata(vec![("$sub/app".into(), value())]));
    group.join(joiner);
    let (seed_id, joiner_id) = (group.id(seed), group.id(joiner));
    for (host, other) in [(seed, joiner_id), (joiner, seed_id)] {
        assert!(group.net.run_until(s(5), |net| state(net, host, other).is_some()));
        assert_eq!(metadata_of(&group.net, host, other, "$sub/app"), value(), "at {host}");
    }
}

#[test]
fn metadata_of_64_kib_reaches_all() {
    let mut group = Group::settled(Setup::default(), 8);
    let host = group.hosts[2];
    let id = group.id(host);
    let value = vec![7; 60 * 1024];
    group.command(host, Command::SetMetadata(vec![("big".into(), Some(value.clone()))]));
    assert!(group.wait(s(20), |net| {
        net.hosts().all(|each| metadata_of(net, each, id, "big").as_deref() == Some(&value[..]))
    }));
    group.command(host, Command::SetMetadata(vec![("big".into(), None)]));
    assert!(group.wait(s(20), |net| {
        net.hosts().all(|each| metadata_of(net, each, id, "big").is_none())
    }));
}

#[test]
fn under_ten_percent_loss_nobody_is_falsely_failed() {
    let link = Link::lossy(100_000);
    let mut group = Group::joining(Setup { link, ..Setup::default() }, 20);
    assert!(group.wait(s(60), |net| agreed(net, 20)));
    group.net.run_for(s(600));
    assert!(group.net.stats().datagrams_lost > 1000);
    for host in group.hosts.clone() {
        for (_, event) in group.net.events(host) {
            if let Event::MemberChanged { member, .. } = event {
                assert_ne!(member.state, MemberState::Failed, "{} at {host}", member.name);
            }
        }
    }
}

#[test]
fn an_idle_group_sends_the_same_at_any_size() {
    let mut rates = Vec::new();
    for count in [10, 50, 200] {
        let mut group = Group::settled(Setup::default(), count);
        // Until each has met each: a first contact costs a challenge and its answer, once.
        group.net.run_for(s(2 * count as u64 + 30));
        let before = group.net.stats();
        group.net.run_for(s(60));
        let after = group.net.stats();
        let per_node_second = |bytes: u64| bytes / 60 / count as u64;
        let datagrams = after.datagrams_sent - before.datagrams_sent;
        assert!(datagrams <= 2 * 60 * count as u64 + 2 * count as u64, "{count}: {datagrams}");
        rates.push(per_node_second(after.datagram_bytes_sent - before.datagram_bytes_sent));
    }
    let (low, high) = (*rates.iter().min().unwrap(), *rates.iter().max().unwrap());
    assert!(high * 10 <= low * 11, "{rates:?}");
}

/// Up to 64 members: more learn it by the summaries in their probes.
#[test]
fn who_learns_of_a_newcomer_learns_its_metadata_with_it() {
    let mut worst = 0;
    for seed in 0..5 {
        let mut group = Group::down(Setup { seed, ..Setup::default() }, 20);
        let (newcomer, others) = (group.hosts[19], group.hosts[..19].to_vec());
        others.iter().for_each(|host| group.start(*host));
        assert!(group.wait(s(60), |net| agreed(net, 19)));
        group.net.run_for(s(5));
        group.net.start(newcomer);
        let change = vec![("k".to_owned(), Some(b"v".to_vec()))];
        group.command(newcomer, Command::SetMetadata(change));
        group.join(newcomer);
        let id = group.id(newcomer);
        for _ in 0..3000 {
            group.net.run_for(ms(1));
            let lacks = others.iter().any(|host| {
                group.state(*host, id).is_some()
                    && metadata_of(&group.net, *host, id, "k").is_none()
            });
            worst += u32::from(lacks);
        }
        let knows = |host: &_| metadata_of(&group.net, *host, id, "k").is_some();
        assert!(others.iter().all(knows), "seed {seed}");
    }
    assert!(worst <= 50, "{worst} ms in five joins");
}
