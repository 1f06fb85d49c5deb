//! Each checker passes what is right and bites on what is broken.

use super::{
    AllCounted, Bound, Checker, HostView, ItemsReachAll, MetadataAgrees, NoResurrection, NodeView,
    NothingRefused, OnlySubjectRaises, Oracle, OriginOrder, Told, ToldOnce, ViewsAgree, World,
};
use crate::{HostId, Stats};
use bruit_engine::Instant;
use bruit_engine::membership::swim::Params;
use bruit_model::{
    Event, HybridTime, Item, ItemId, Member, MemberState, MetaEntry, NodeId, Path, Rejected, Style,
};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

fn id(number: u8) -> NodeId {
    NodeId([number; 16])
}

fn item_id(origin: u8, seq: u64) -> ItemId {
    ItemId { origin: id(origin), start: 9, seq }
}

fn item(id: ItemId) -> Event {
    let item = Item {
        id,
        path: Path::parse("a").unwrap(),
        previous_in_topic: None,
        time: HybridTime(0),
        expires_unix_millis: None,
        style: Style::Direct,
        repair: true,
        fanout_count: 3,
        rounds_left: 1,
        hops: 0,
        headers: Vec::new(),
        payload: Bytes::new(),
        signature: None,
    };
    Event::Item { item: Arc::new(item), from: None, repaired: false }
}

fn member(number: u8, state: MemberState, incarnation: u64) -> Member {
    Member {
        id: id(number),
        name: format!("n{number}").into(),
        addr: format!("10.0.0.{number}:1").parse().unwrap(),
        state,
        why: String::new(),
        conflict: false,
        incarnation,
        generation: 1,
        metadata: Vec::new(),
        since: Duration::ZERO,
        rtt: None,
        is_self: false,
    }
}

fn changed(number: u8, state: MemberState, incarnation: u64) -> Event {
    Event::MemberChanged { member: Box::new(member(number, state, incarnation)), was: None }
}

/// Two hosts that are up and know each other.
fn pair() -> Vec<HostView> {
    let node = |number: u8| NodeView {
        id: id(number),
        members: vec![member(0, MemberState::Alive, 1), member(1, MemberState::Alive, 1)],
        items: BTreeSet::new(),
        counters: BTreeMap::new(),
    };
    let host = |number: u8| HostView {
        host: HostId(number.into()),
        run: 1,
        disk: 0,
        stats: Stats::default(),
        under_way: 0,
        rejected: BTreeMap::new(),
        node: Some(node(number)),
    };
    vec![host(0), host(1)]
}

fn node(hosts: &mut [HostView], index: usize) -> &mut NodeView {
    hosts[index].node.as_mut().unwrap()
}

fn told(host: u32, run: u64, event: &Event) -> Told<'_> {
    Told { at: Instant::ZERO, host: HostId(host), run, disk: 0, event }
}

fn any_time(checker: &mut dyn Checker, hosts: &[HostView]) -> String {
    let oracle = Oracle::default();
    checker.at_any_time(&World { hosts, oracle: &oracle }).err().unwrap_or_default()
}

fn end(checker: &dyn Checker, hosts: &[HostView], oracle: &Oracle) -> String {
    checker.in_the_end(&World { hosts, oracle }).err().unwrap_or_default()
}

#[test]
fn told_once_bites_on_a_second_telling_in_one_run() {
    let mut checker = ToldOnce::default();
    let event = item(item_id(1, 1));
    assert_eq!(checker.on_event(&told(0, 1, &event)), Ok(()));
    assert_eq!(checker.on_event(&told(1, 1, &event)), Ok(()), "another host");
    assert_eq!(checker.on_event(&told(0, 2, &event)), Ok(()), "another run");
    let what = checker.on_event(&told(0, 2, &event)).unwrap_err();
    assert!(what.starts_with("h0 was told of") && what.ends_with("twice in run 2"), "{what}");
}

#[test]
fn items_reach_all_bites_on_one_that_is_acknowledged_and_missing() {
    let (mut hosts, mut oracle) = (pair(), Oracle::default());
    oracle.accept_by(HostId(0), 1, item_id(0, 1));
    let event = item(item_id(0, 1));
    oracle.hear(&told(0, 1, &event));
    let what = end(&ItemsReachAll, &hosts, &oracle);
    assert!(what.starts_with("h1 was not told of") && what.contains("acknowledged"), "{what}");

    // Its node ended before anybody else had it: nobody can say, but some and not all is wrong.
    oracle.note_run(HostId(0), Some(2));
    assert_eq!(end(&ItemsReachAll, &hosts, &oracle), "");
    node(&mut hosts, 0).items.insert(item_id(0, 1));
    assert!(end(&ItemsReachAll, &hosts, &oracle).contains("which is held"));

    oracle.hear(&told(1, 1, &event));
    assert_eq!(end(&ItemsReachAll, &hosts, &oracle), "");
    hosts[1].disk = 1;
    assert!(end(&ItemsReachAll, &hosts, &oracle).contains("h1"), "a new disk knows nothing");
    hosts[1].node = None;
    assert_eq!(end(&ItemsReachAll, &hosts, &oracle), "", "a host that is down need not know");
}

#[test]
fn views_agree_bites_on_a_suspect_a_missing_and_a_dead_member() {
    let oracle = Oracle::default();
    let mut hosts = pair();
    assert_eq!(end(&ViewsAgree, &hosts, &oracle), "");
    node(&mut hosts, 0).members[1].state = MemberState::Suspect;
    assert_eq!(end(&ViewsAgree, &hosts, &oracle), "h0 suspects n1");
    node(&mut hosts, 0).members[1].state = MemberState::Failed;
    assert!(end(&ViewsAgree, &hosts, &oracle).starts_with("h0 does not hold alive the node 01"));
    let mut hosts = pair();
    hosts[1].node = None;
    assert!(end(&ViewsAgree, &hosts, &oracle).starts_with("h0 holds alive the node 01"));
}

#[test]
fn metadata_agrees_bites_on_another_value_generation_or_incarnation() {
    let oracle = Oracle::default();
    let entry = MetaEntry { key: "tag".into(), value: [1][..].into(), version: 1 };
    let breaks: [fn(&mut Member, MetaEntry); 3] = [
        |member, entry| member.metadata.push(entry),
        |member, _| member.generation = 2,
        |member, _| member.incarnation = 2,
    ];
    for change in breaks {
        let mut hosts = pair();
        assert_eq!(end(&MetadataAgrees, &hosts, &oracle), "");
        change(&mut node(&mut hosts, 1).members[0], entry.clone());
        let what = end(&MetadataAgrees, &hosts, &oracle);
        assert!(what.starts_with("h1 has h0 in incarnation"), "{what}");
    }
    let mut hosts = pair();
    node(&mut hosts, 1).members.remove(0);
    assert_eq!(end(&MetadataAgrees, &hosts, &oracle), "h1 does not know h0");
}

#[test]
fn no_resurrection_bites_on_what_comes_back_without_a_higher_incarnation() {
    use MemberState::{Alive, Failed, Left, Suspect};
    let feed = |states: &[(MemberState, u64)]| {
        let mut checker = NoResurrection::default();
        states.iter().try_for_each(|&(state, incarnation)| {
            checker.on_event(&told(0, 1, &changed(1, state, incarnation)))
        })
    };
    assert_eq!(feed(&[(Alive, 1), (Suspect, 1), (Alive, 2), (Failed, 2), (Alive, 3)]), Ok(()));
    let what = feed(&[(Failed, 2), (Alive, 1)]).unwrap_err();
    assert_eq!(what, "h0 had n1 failed in incarnation 2, and then alive in 1");
    for broken in [[(Failed, 2), (Alive, 2)], [(Suspect, 2), (Alive, 2)], [(Left, 2), (Failed, 2)]]
    {
        assert!(feed(&broken).is_err(), "{broken:?}");
    }
    let mut checker = NoResurrection::default();
    let reaped = Event::MemberReaped { id: id(1), name: "n1".into() };
    for (run, event) in [
        (1, changed(1, Failed, 5)),
        (1, reaped),
        (1, changed(1, Alive, 1)),
        (2, changed(1, Alive, 0)),
    ] {
        assert_eq!(checker.on_event(&told(0, run, &event)), Ok(()), "forgotten, or another run");
    }
}

#[test]
fn only_subject_raises_bites_on_an_incarnation_that_nobody_was_in() {
    let mut checker = OnlySubjectRaises::default();
    let mut hosts = pair();
    node(&mut hosts, 1).members[1].incarnation = 4;
    assert_eq!(any_time(&mut checker, &hosts), "");
    node(&mut hosts, 1).members[1].incarnation = 1;
    node(&mut hosts, 0).members[1].incarnation = 4;
    assert_eq!(any_time(&mut checker, &hosts), "", "it was there in an earlier run");
    node(&mut hosts, 0).members[1].incarnation = 5;
    let what = any_time(&mut checker, &hosts);
    assert_eq!(what, "h0 has n1 in incarnation 5; it never was beyond 4");
}

#[test]
fn nothing_refused_bites_on_garbage_and_on_counted_errors() {
    let mut hosts = pair();
    hosts[0].rejected.insert(Rejected::Replayed, 5);
    hosts[0].rejected.insert(Rejected::FirstContact, 5);
    assert_eq!(any_time(&mut NothingRefused, &hosts), "");
    hosts[0].rejected.insert(Rejected::Unauthentic, 1);
    assert_eq!(any_time(&mut NothingRefused, &hosts), "h0 refused 1 datagrams: not authentic");
    hosts[0].run = 2;
    assert_eq!(any_time(&mut NothingRefused, &hosts), "");
    hosts[0].rejected.insert(Rejected::Malformed, 2);
    assert_eq!(any_time(&mut NothingRefused, &hosts), "h0 refused 2 datagrams: malformed");
    let mut hosts = pair();
    node(&mut hosts, 1).counters.insert(("clock_backwards", ""), 1);
    assert_eq!(any_time(&mut NothingRefused, &hosts), "h1 counts 1 clock_backwards");
}

#[test]
fn all_counted_bites_on_a_datagram_that_vanished_and_on_shed_events() {
    let mut hosts = pair();
    hosts[0].stats.datagrams_sent = 10;
    hosts[0].stats.datagrams_lost = 2;
    hosts[1].stats.datagrams_delivered = 7;
    hosts[1].under_way = 1;
    assert_eq!(any_time(&mut AllCounted, &hosts), "");
    hosts[1].under_way = 0;
    let what = any_time(&mut AllCounted, &hosts);
    assert_eq!(what, "of 10 datagrams, 7 were delivered, 2 not, and 0 are under way");
    hosts[1].under_way = 1;
    hosts[0].stats.events_shed = 3;
    assert_eq!(any_time(&mut AllCounted, &hosts), "3 events were shed unseen");
}

#[test]
fn origin_order_bites_on_what_comes_late() {
    let mut checker = OriginOrder::default();
    let mut tell = |origin, seq| checker.on_event(&told(0, 1, &item(item_id(origin, seq))));
    assert_eq!((tell(1, 1), tell(1, 3), tell(2, 1)), (Ok(()), Ok(()), Ok(())));
    assert!(tell(1, 2).unwrap_err().ends_with("after number 3"));
}

#[test]
fn the_bound_grows_with_the_group_and_with_the_timers() {
    let bound = |swim: &Params, nodes| {
        let (way, join_wait) = (Duration::from_millis(100), Duration::from_secs(15));
        Bound { swim, nodes, way, join_wait }.total()
    };
    let local = bound(&Params::local(), 10);
    // 15 + 3.2 + 18 × (0.1 + 0.02 × 4) + 28 + 12 × 0.3.
    assert_eq!(local, Duration::from_millis(53_040));
    assert!(bound(&Params::local(), 1000) > local);
    assert!(bound(&Params::lan(), 10) > 3 * local);
    let serf = bound(&Params::memberlist_lan(), 10);
    assert!(serf > bound(&Params::lan(), 10));
}
