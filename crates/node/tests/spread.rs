//! How items reach all.

mod common;

use bruit_model::{Command, CommandError, Event, Item, Path, Publish, Style, TopicParams};
use bruit_sim::Link;
use bytes::Bytes;
use common::{Group, Setup, all_have, has_item, items_told, make_node_with, ms, s};
use std::sync::{Arc, Mutex};

const STYLES: [Style; 6] =
    [Style::Auto, Style::Direct, Style::Push, Style::LazyPush, Style::Pull, Style::PushPull];

#[test]
fn each_style_reaches_all_and_tells_each_once() {
    for style in STYLES {
        let mut group = Group::settled(Setup::default(), 20);
        let id = group.publish_in(group.hosts[3], "a/b", b"hello", Some(style));
        assert!(group.wait(s(10), |net| all_have(net, &id)), "{style:?}");
        group.net.run_for(s(5));
        for host in group.hosts.clone() {
            let told = items_told(&group.net.events(host));
            assert_eq!(told.get(&id), Some(&1), "{style:?} at {host}");
        }
    }
}

#[test]
fn direct_mail_is_one_datagram_for_each_member_and_arrives_in_one_hop() {
    let mut group = Group::settled(Setup::default(), 50);
    let before = group.net.host_stats(group.hosts[0]).datagrams_sent;
    let id = group.publish(group.hosts[0], "a", b"x");
    let sent = group.net.host_stats(group.hosts[0]).datagrams_sent - before;
    // A probe may fall into the same moment; a first contact may not, the group is settled.
    assert!((49..=51).contains(&sent), "{sent}");
    assert!(group.wait(ms(50), |net| all_have(net, &id)));
}

#[test]
fn repair_brings_what_a_style_missed_and_only_where_it_is_on() {
    let link = Link::lossy(300_000);
    let mut group = Group::settled(Setup::default(), 12);
    let bare = "style=direct\nrepair=off\n";
    let put = Command::PutRecord { key: "topic/bare/**".into(), value: Some(bare.into()) };
    group.command(group.hosts[0], put);
    group.net.run_for(s(5));
    group.net.set_links(link);
    let repaired: Vec<_> =
        (0..20).map(|_| group.publish(group.hosts[0], "with/repair", b"x")).collect();
    let missed: Vec<_> = (0..20).map(|_| group.publish(group.hosts[0], "bare/one", b"x")).collect();
    group.net.run_for(s(60));
    assert!(repaired.iter().all(|id| all_have(&group.net, id)));
    let reached = missed.iter().filter(|id| all_have(&group.net, id)).count();
    assert!(reached < 20, "with 30 % loss, direct mail alone misses somebody");
    let repairs: u64 =
        group.hosts.iter().map(|host| group.counter(*host, "pull_repairs", "")).sum();
    assert!(repairs > 0);
}

#[test]
fn a_late_joiner_gets_what_is_retained() {
    let mut group = Group::down(Setup::default(), 4);
    for host in group.hosts.clone().into_iter().take(3) {
        group.start(host);
    }
    group.net.run_for(s(5));
    let ids: Vec<_> =
        (0..100_u32).map(|n| group.publish(group.hosts[1], "log", &n.to_be_bytes())).collect();
    let put = Command::PutRecord { key: "color".into(), value: Some("green".into()) };
    group.command(group.hosts[2], put);
    group.net.run_for(s(3));
    let late = group.hosts[3];
    group.start(late);
    assert!(group.wait(s(10), |net| ids.iter().all(|id| has_item(net, late, id))));
    let record = |net: &bruit_sim::Net| {
        net.node(late).records().iter().any(|record| &*record.key == "color")
    };
    assert!(group.wait(s(10), record));
}

#[test]
fn an_item_of_one_mebibyte_travels_by_stream() {
    let mut group = Group::settled(Setup::default(), 6);
    let payload: Vec<u8> = (0..Item::PAYLOAD_BYTES_MAX).map(|n| n.to_le_bytes()[0] % 251).collect();
    let id = group.publish(group.hosts[0], "big", &payload);
    assert!(group.wait(s(30), |net| all_have(net, &id)));
    for host in &group.hosts {
        assert_eq!(group.net.node(*host).items().get(&id).unwrap().payload, payload);
    }
    let publish = Publish {
        path: Path::parse("big").unwrap(),
        topic: None,
        headers: Vec::new(),
        payload: Bytes::from(vec![0; Item::PAYLOAD_BYTES_MAX + 1]),
        style: None,
        expiry: None,
        ask: None,
    };
    let refused = group.net.command(group.hosts[0], Command::Publish(publish));
    assert!(matches!(refused, Err(CommandError::TooLarge { limit: 1_048_576, .. })), "{refused:?}");
}

#[test]
fn records_converge_on_the_newest_and_tombstones_stay() {
    let mut group = Group::settled(Setup::default(), 8);
    let put = |value: Option<&'static str>| Command::PutRecord {
        key: "k".into(),
        value: value.map(Bytes::from),
    };
    let (a, b) = (group.hosts[1], group.hosts[6]);
    group.command(a, put(Some("one")));
    group.command(b, put(Some("two")));
    group.net.run_for(s(10));
    let values = |group: &Group| -> Vec<Option<Bytes>> {
        let value = |host| {
            let records = group.net.node(host).records();
            records.iter().find(|record| &*record.key == "k").and_then(|record| record.value)
        };
        group.hosts.iter().map(|host| value(*host)).collect()
    };
    let all = values(&group);
    assert!(all[0].is_some() && all.iter().all(|value| *value == all[0]), "{all:?}");
    group.command(a, put(None));
    group.net.run_for(s(10));
    assert!(values(&group).iter().all(Option::is_none));
}

#[test]
fn a_topic_set_on_one_node_governs_all() {
    let mut group = Group::settled(Setup::default(), 5);
    let put = Command::PutRecord {
        key: "topic/logs/**".into(),
        value: Some("style=lazy_push\nretain_items=3\n".into()),
    };
    group.command(group.hosts[0], put);
    group.net.run_for(s(3));
    for n in 0..10_u8 {
        group.publish(group.hosts[4], "logs/a", &[n]);
    }
    group.net.run_for(s(5));
    for host in &group.hosts {
        let node = group.net.node(*host);
        let topic = TopicParams::new(bruit_model::Pattern::root());
        assert_eq!(node.records().topics().len(), 2);
        assert_eq!(node.records().topics()[1], topic);
        assert_eq!(node.items().iter().filter(|item| item.path.as_str() == "logs/a").count(), 3);
    }
    let bad = Command::PutRecord { key: "topic/x".into(), value: Some("style=shout".into()) };
    assert!(matches!(group.net.command(group.hosts[0], bad), Err(CommandError::Invalid(_))));
}

#[test]
fn tells_arrive_once_each_also_under_loss() {
    let mut group = Group::settled(Setup::default(), 3);
    group.net.set_links(Link { duplicate_ppm: 200_000, ..Link::lossy(300_000) });
    let (from, to) = (group.hosts[0], group.hosts[1]);
    let id = group.id(to);
    for n in 0..50_u8 {
        group.command(from, Command::Tell { to: id, bytes: Bytes::from(vec![n]) });
    }
    group.net.run_for(s(20));
    let mut told: Vec<u8> = group
        .net
        .events(to)
        .into_iter()
        .filter_map(
            |(_, event)| {
                if let Event::Told { bytes, .. } = event { Some(bytes[0]) } else { None }
            },
        )
        .collect();
    told.sort_unstable();
    assert_eq!(told, (0..50).collect::<Vec<_>>());
}

#[test]
fn what_was_seen_before_a_restart_is_not_told_again_and_what_was_missed_is() {
    let setup = Setup { keeps_identity: true, ..Setup::default() };
    let mut group = Group::settled(setup, 4);
    let host = group.hosts[3];
    let done = group.publish(group.hosts[0], "a", b"done");
    group.net.run_for(s(2));
    group.net.save(host);
    group.net.crash(host);
    let missed = group.publish(group.hosts[0], "a", b"missed");
    group.net.run_for(s(2));
    group.net.events(host);
    group.net.start(host);
    assert!(
        group.wait(s(20), |net| has_item(net, host, &missed)),
        "the saved addresses lead back to the group"
    );
    group.net.run_for(s(10));
    let told = items_told(&group.net.events(host));
    assert_eq!((told.get(&done), told.get(&missed)), (None, Some(&1)));
}

#[test]
fn what_an_earlier_run_accepted_reaches_all_in_the_end() {
    for (pause, arrives) in [(s(60), true), (s(11 * 60), false)] {
        let setup = Setup { keeps_identity: true, ..Setup::default() };
        let mut group = Group::settled(setup, 3);
        let kept: Arc<Mutex<Vec<Arc<Item>>>> = Arc::default();
        let held = Arc::clone(&kept);
        let host = group.net.add_host(move |boot| {
            let held = held.lock().unwrap().clone();
            Box::new(make_node_with(setup, &boot, |config| config.held = held))
        });
        // It knows nobody, and is killed before anybody has its item.
        group.net.start(host);
        let id = group.publish(host, "a", b"kept");
        kept.lock().unwrap().extend(group.net.node(host).items().get(&id));
        group.net.events(host);
        group.net.crash(host);
        group.net.run_for(pause);
        group.net.start(host);
        group.join(host);
        group.net.run_for(s(60));
        let arrived = if arrives { Some(&1) } else { None };
        for other in group.hosts.clone() {
            assert_eq!(items_told(&group.net.events(other)).get(&id), arrived, "{pause:?}");
        }
        assert_eq!(items_told(&group.net.events(host)).get(&id), None);
    }
}

#[test]
fn old_runs_cost_an_idle_group_nothing_also_after_a_join() {
    let mut group = Group::down(Setup::default(), 5);
    for host in group.hosts.clone().into_iter().take(4) {
        group.start(host);
    }
    group.net.run_for(s(5));
    let put = Command::PutRecord { key: "color".into(), value: Some("green".into()) };
    group.command(group.hosts[2], put);
    for host in group.hosts.clone().into_iter().take(4) {
        group.publish(host, "old", b"x");
    }
    group.net.run_for(s(15 * 60));
    let late = group.hosts[4];
    group.start(late);
    group.net.run_for(s(60));
    let record = |net: &bruit_sim::Net| {
        net.node(late).records().iter().any(|record| &*record.key == "color")
    };
    assert!(record(&group.net), "records outlive every retention");
    let exchanges = |group: &Group| -> u64 {
        let of = |host| group.counter(host, "exchanges", "items");
        group.hosts.iter().map(|host| of(*host)).sum()
    };
    let before = exchanges(&group);
    group.net.run_for(s(60));
    assert_eq!(exchanges(&group), before);
}

#[test]
fn push_in_a_large_group_reaches_nearly_all_at_once_and_repair_the_rest() {
    let mut group = Group::settled(Setup::default(), 100);
    let id = group.publish(group.hosts[5], "a", b"x");
    group.net.run_for(ms(100));
    let reached = group.hosts.iter().filter(|host| has_item(&group.net, **host, &id)).count();
    assert!(reached >= 97, "{reached} of 100 after 100 ms");
    assert!(group.wait(s(5), |net| all_have(net, &id)));
}
