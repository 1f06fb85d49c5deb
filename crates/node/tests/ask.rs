//! Questions: every member that is reached answers, and the origin gets each answer once.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "what is measured is shown")]

mod common;

use bruit_engine::Rng;
use bruit_model::{
    Ask, Command, CommandError, Event, ItemId, NodeId, Path, Publish, Reduce, Reply, Style,
};
use bruit_sim::{HostId, Link};
use bytes::Bytes;
use common::{Group, Setup, ms, s};
use std::collections::{BTreeMap, BTreeSet};
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

/// What an origin was told: how often each member's parts came, how many gave each part, and when
/// the last came.
#[derive(Default)]
struct Told {
    parts: BTreeMap<(NodeId, Bytes), u64>,
    totals: BTreeMap<Bytes, u64>,
    last: Duration,
}

struct Asking {
    id: ItemId,
    origin: HostId,
    part: fn(HostId) -> &'static str,
    began: bruit_model::Instant,
    told: Told,
}

impl Asking {
    fn begin(
        group: &mut Group,
        origin: HostId,
        question: Publish,
        part: fn(HostId) -> &'static str,
    ) -> Self {
        let reply = group.command(origin, Command::Publish(question));
        let Reply::Accepted(id) = reply else { panic!("{reply:?}") };
        Self { id, origin, part, began: group.net.now(), told: Told::default() }
    }

    /// Lets time pass; every host that sees the question answers within a millisecond.
    fn run(&mut self, group: &mut Group, limit: Duration) {
        let end = group.net.now() + limit;
        while group.net.now() < end {
            group.net.run_for(ms(1));
            for host in group.live() {
                for (_, event) in group.net.events(host) {
                    self.on(group, host, event);
                }
            }
        }
    }

    fn on(&mut self, group: &mut Group, host: HostId, event: Event) {
        if let Event::Item { item, .. } = &event
            && item.id == self.id
        {
            let part = Bytes::from_static((self.part)(host).as_bytes());
            let answer = Command::Answer { to: self.id, part, is_last: true };
            group.command(host, answer);
        } else if let Event::Answer { to, from, part, count, .. } = event
            && to == self.id
        {
            assert_eq!(host, self.origin);
            *self.told.parts.entry((from, part.clone())).or_default() += 1;
            *self.told.totals.entry(part).or_default() += count;
            self.told.last = group.net.now().since(self.began);
        }
    }
}

/// Asks and waits for `limit`.
fn ask(
    group: &mut Group,
    origin: HostId,
    question: Publish,
    limit: Duration,
    part: fn(HostId) -> &'static str,
) -> (ItemId, Told) {
    let mut asking = Asking::begin(group, origin, question, part);
    asking.run(group, limit);
    (asking.id, asking.told)
}

fn once(group: &Group, hosts: &[HostId], part: &'static str) -> BTreeMap<(NodeId, Bytes), u64> {
    hosts.iter().map(|host| ((group.id(*host), Bytes::from_static(part.as_bytes())), 1)).collect()
}

#[test]
fn each_member_answers_once_under_loss() {
    let link = Link { duplicate_ppm: 50_000, ..Link::lossy(100_000) };
    let mut group = Group::settled(Setup { link, ..Setup::default() }, 12);
    let origin = group.hosts[3];
    let wanted = question("$ask/test", s(8), Reduce::Collect);
    let (id, told) = ask(&mut group, origin, wanted, s(8), |_| "me");
    assert_eq!(told.parts, once(&group, &group.hosts, "me"));
    for host in &group.hosts {
        let trace = group.net.node(*host).item_trace(&id).unwrap();
        assert_eq!(trace.from.is_none(), *host == origin);
        assert_eq!(trace.hops > 0, *host != origin);
        assert!(trace.copies > 0 || *host == origin, "{trace:?}");
    }
}

#[test]
fn a_tally_gives_totals() {
    let setup = Setup { ask_direct_members_max: 3, ..Setup::default() };
    let mut group = Group::settled(setup, 10);
    let origin = group.hosts[0];
    let is_yes = |host: HostId| host.0.is_multiple_of(3);
    let wanted = question("q", s(2), Reduce::Tally);
    let yes = |host: HostId| if host.0.is_multiple_of(3) { "yes" } else { "no" };
    let (_, told) = ask(&mut group, origin, wanted, s(2), yes);
    let count = group.hosts.iter().filter(|host| is_yes(**host)).count() as u64;
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

#[test]
fn an_asker_has_a_bounded_number_of_open_questions() {
    let mut group = Group::settled(Setup::default(), 2);
    let host = group.hosts[0];
    for _ in 0..512 {
        group.command(host, Command::Publish(question("$ask/test", s(1), Reduce::Collect)));
    }
    let more = || Command::Publish(question("$ask/test", s(1), Reduce::Collect));
    let refused = group.net.command(host, more());
    assert_eq!(refused, Err(CommandError::Busy("the table of questions")));
    group.net.run_for(s(7));
    assert_eq!(group.counter(host, "questions", ""), 0);
    group.command(host, more());
}

fn received(group: &Group, host: HostId) -> u64 {
    group.counter(host, "answers", "received")
}

fn sent_by_all(group: &Group) -> u64 {
    group.hosts.iter().map(|host| group.counter(*host, "answer_messages", "sent")).sum()
}

/// How much what answers cost depends on gathering them on the way.
#[test]
fn gathering_spares_the_origin() {
    let mut into_origin = Vec::new();
    for ask_direct_members_max in [1000, 10] {
        let setup = Setup { ask_direct_members_max, ..Setup::default() };
        let mut group = Group::settled(setup, 50);
        let origin = group.hosts[7];
        let mut wanted = question("q", s(5), Reduce::Collect);
        wanted.style = Some(Style::Push);
        let (_, told) = ask(&mut group, origin, wanted, ms(600), |_| "the same answer");
        assert_eq!(told.parts, once(&group, &group.hosts, "the same answer"));
        assert_eq!(received(&group, origin), 50);
        let messages = sent_by_all(&group);
        let to_origin = group.counter(origin, "answer_messages", "received");
        println!(
            "straight up to {ask_direct_members_max}: {messages} messages, \
             {to_origin} into the origin, last answer after {:?}",
            told.last
        );
        into_origin.push(to_origin);
        group.net.run_for(s(11));
        for host in &group.hosts {
            for name in ["questions", "answers_held", "answers_held_bytes"] {
                assert_eq!(group.counter(*host, name, ""), 0, "{name}");
            }
        }
    }
    assert!(into_origin[1] < into_origin[0], "{into_origin:?}");
}

/// Under loss, crashes and a partition that heals, each member that lives to the end is heard
/// once.
#[test]
fn who_is_alive_and_connected_is_heard_once() {
    for seed in 0..8 {
        let mut rng = Rng::from_seed(seed);
        let link = Link { reorder_ppm: 50_000, ..Link::lossy(100_000) };
        let ask_direct_members_max = if seed.is_multiple_of(4) { 1000 } else { 5 };
        let setup = Setup { seed, link, ask_direct_members_max, ..Setup::default() };
        let mut group = Group::settled(setup, 24);
        let mut order = group.hosts.clone();
        rng.shuffle(&mut order);
        let (origin, crashing, cut) = (order[0], &order[1..4], &order[4..7]);
        if seed.is_multiple_of(2) {
            group.net.partition(cut, &order[7..]);
            group.net.partition(cut, &order[..4]);
        }
        let mut expected = once(&group, &order[..1], "me");
        expected.extend(once(&group, &order[4..], "me"));
        let crashed: BTreeSet<_> = crashing.iter().map(|host| group.id(*host)).collect();
        let mut wanted = question("$ask/test", s(25), Reduce::Collect);
        wanted.style = Some(Style::Push);
        let mut asking = Asking::begin(&mut group, origin, wanted, |_| "me");
        for host in crashing {
            asking.run(&mut group, rng.duration_below(ms(60)));
            group.net.crash(*host);
        }
        asking.run(&mut group, s(3));
        group.net.heal();
        asking.run(&mut group, s(21));
        let mut told = asking.told.parts.clone();
        // Who crashed may have answered before, once.
        told.retain(|(from, _), count| !crashed.contains(from) || *count > 1);
        assert_eq!(told, expected, "seed {seed}");
        group.net.run_for(s(30));
        for host in group.live() {
            for name in ["questions", "answers_held", "answers_held_bytes"] {
                assert_eq!(group.counter(host, name, ""), 0, "seed {seed}: {name}");
            }
        }
    }
}
