//! Questions: every member that is reached answers, and the origin gets each answer once.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use bruit_model::{
    Ask, Command, CommandError, Event, ItemId, NodeId, Path, Publish, Reduce, Reply,
};
use bruit_sim::{HostId, Link};
use bytes::Bytes;
use common::{Group, Setup, ms, s};
use std::collections::BTreeMap;
use std::time::Duration;

fn question(path: &str, timeout: Duration, reduce: Reduce) -> Publish {
    Publish {
        path: Path::parse(path).unwrap(),
        topic: None,
        headers: Vec::new(),
        payload: Bytes::from_static(b"who?"),
        style: None,
        expiry: None,
        ask: Some(Ask { timeout, reduce }),
    }
}

/// What an origin was told: how often each member's parts came, or how many gave each part.
#[derive(Default)]
struct Told {
    parts: BTreeMap<(NodeId, Bytes), u64>,
    totals: BTreeMap<Bytes, u64>,
}

/// Asks, and has every host that sees the question answer at once with `part`, until `limit`.
fn ask(
    group: &mut Group,
    origin: HostId,
    question: Publish,
    limit: Duration,
    part: impl Fn(HostId) -> &'static str,
) -> (ItemId, Told) {
    let Reply::Accepted(id) = group.command(origin, Command::Publish(question)) else { panic!() };
    let mut told = Told::default();
    let end = group.net.now() + limit;
    while group.net.now() < end {
        group.net.run_for(ms(1));
        for host in group.live() {
            for (_, event) in group.net.events(host) {
                match event {
                    Event::Item { item, .. } if item.id == id => {
                        let part = Bytes::from_static(part(host).as_bytes());
                        let answer = Command::Answer { to: id, part, is_last: true };
                        group.net.command(host, answer).unwrap();
                    }
                    Event::Answer { to, from, part, count, .. } if to == id => {
                        assert_eq!(host, origin);
                        *told.parts.entry((from, part.clone())).or_default() += 1;
                        *told.totals.entry(part).or_default() += count;
                    }
                    _ => {}
                }
            }
        }
    }
    (id, told)
}

#[test]
fn each_member_answers_once_under_loss() {
    let link = Link { loss_ppm: 100_000, duplicate_ppm: 50_000, ..Link::default() };
    let mut group = Group::settled(Setup { link, ..Setup::default() }, 12);
    let origin = group.hosts[3];
    let wanted = question("$ask/test", s(8), Reduce::Collect);
    let (id, told) = ask(&mut group, origin, wanted, s(8), |_| "me");
    let expected: BTreeMap<_, _> =
        group.hosts.iter().map(|host| ((group.id(*host), Bytes::from_static(b"me")), 1)).collect();
    assert_eq!(told.parts, expected);
    for host in &group.hosts {
        let trace = group.net.node(*host).item_trace(&id).unwrap();
        assert_eq!(trace.from.is_none(), *host == origin);
        assert_eq!(trace.hops > 0, *host != origin);
        assert!(trace.copies > 0 || *host == origin, "{trace:?}");
    }
}

#[test]
fn a_tally_gives_totals() {
    let mut group = Group::settled(Setup::default(), 10);
    let origin = group.hosts[0];
    let wanted = question("q", s(2), Reduce::Tally);
    let yes = |host: HostId| if host.0 % 3 == 0 { "yes" } else { "no" };
    let (_, told) = ask(&mut group, origin, wanted, s(2), yes);
    let count = group.hosts.iter().filter(|host| host.0 % 3 == 0).count() as u64;
    let expected = [(Bytes::from("no"), 10 - count), (Bytes::from("yes"), count)];
    assert_eq!(told.totals, BTreeMap::from(expected));
}

#[test]
fn what_is_no_question_is_not_answered() {
    let mut group = Group::settled(Setup::default(), 2);
    let host = group.hosts[0];
    let id = group.publish(host, "a", b"");
    let answer =
        |part: usize| Command::Answer { to: id, part: vec![0; part].into(), is_last: false };
    let refused = group.net.command(host, answer(1));
    assert!(matches!(refused, Err(CommandError::Invalid(_))), "{refused:?}");
    let refused = group.net.command(host, answer(1025));
    assert!(matches!(refused, Err(CommandError::TooLarge { limit: 1024, .. })), "{refused:?}");
    let plain = Publish { ask: None, ..question("$ask/test", s(1), Reduce::Collect) };
    let refused = group.net.command(host, Command::Publish(plain));
    assert!(matches!(refused, Err(CommandError::Invalid(_))), "{refused:?}");
    let endless = question("q", s(601), Reduce::Collect);
    let refused = group.net.command(host, Command::Publish(endless));
    assert!(matches!(refused, Err(CommandError::Invalid(_))), "{refused:?}");
}
