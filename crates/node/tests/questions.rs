//! Questions of Bruit's own: they spread as they must, and are not kept.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use bruit_model::{
    Ask, Command, ItemId, Path, Pattern, Publish, Reduce, Reply, Style, TopicParams,
};
use bruit_sim::HostId;
use bytes::Bytes;
use common::{Group, Setup, s};

fn ask(group: &mut Group, host: HostId, path: &str) -> ItemId {
    let question = Publish {
        path: Path::parse(path).unwrap(),
        topic: None,
        headers: Vec::new(),
        payload: Bytes::from_static(b"secret"),
        style: None,
        expiry: None,
        ask: Some(Ask { timeout: s(2), reduce: Reduce::Collect }),
    };
    let Reply::Accepted(id) = group.command(host, Command::Publish(question)) else { panic!() };
    id
}

/// On how many hosts an item is held.
fn holders(group: &Group, id: &ItemId) -> usize {
    group.hosts.iter().filter(|host| group.net.node(**host).items().get(id).is_some()).count()
}

#[test]
fn they_are_held_no_longer_than_they_are_answered() {
    let mut group = Group::settled(Setup::default(), 6);
    let host = group.hosts[2];
    let ours = ask(&mut group, host, "$ask/keys");
    let other = ask(&mut group, host, "a/question");
    group.net.run_for(s(1));
    assert_eq!((holders(&group, &ours), holders(&group, &other)), (6, 6));
    assert!(group.net.node(host).item_trace(&ours).is_some());
    group.net.run_for(s(7));
    assert_eq!((holders(&group, &ours), holders(&group, &other)), (0, 6));
    assert!(group.net.node(host).item_trace(&ours).is_none());
    let (count, bytes) = group.net.node(host).items().held();
    let held = group.net.node(host).items().get(&other).unwrap().held_bytes();
    assert_eq!((count, bytes), (1, held as u64));
}

#[test]
fn the_root_topic_does_not_delay_them() {
    let mut group = Group::settled(Setup::default(), 6);
    let host = group.hosts[0];
    let mut root = TopicParams::new(Pattern::root());
    root.spread.style = Style::Pull;
    root.spread.period = s(60);
    root.repair = false;
    let key = format!("{}**", TopicParams::RECORD_PREFIX);
    group.command(host, Command::PutRecord { key, value: Some(root.to_record()) });
    group.net.run_for(s(5));
    let asking = group.hosts[3];
    let ours = ask(&mut group, asking, "$ask/trace");
    let other = ask(&mut group, asking, "a/question");
    group.net.run_for(s(1));
    assert_eq!(holders(&group, &ours), 6);
    assert!(holders(&group, &other) < 6, "the root topic is in force");
    let item = group.net.node(asking).items().get(&ours).unwrap();
    assert_eq!((item.style, item.repair), (Style::Direct, true));
}
