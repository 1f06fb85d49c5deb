//! Updates on their way through the group.

use super::*;

#[test]
fn an_update_is_sent_as_often_as_the_limit_says() {
    let (mut swim, mut out) = node(Params::lan(), 0);
    for id in 1..=20 {
        swim.handle_update(Instant::ZERO, &id, alive(id, 1), &mut out);
    }
    while !fill(&mut swim, 99, 1000).is_empty() {}
    swim.handle_update(Instant::ZERO, &3, alive(3, 2), &mut out);
    // 4 × ceil(log10(22))
    let sent = (0..20).filter(|_| fill(&mut swim, 99, 1000) == [alive(3, 2)]).count();
    assert_eq!((sent, swim.has_updates()), (8, false));
}

#[test]
fn the_least_sent_come_first_and_a_newer_statement_replaces_the_older() {
    let (mut swim, mut out) = node(Params::lan(), 0);
    for id in 1..=3 {
        swim.handle_update(Instant::ZERO, &id, alive(id, 1), &mut out);
    }
    assert_eq!(fill(&mut swim, 99, 20), [alive(3, 1), alive(2, 1)]);
    assert_eq!(fill(&mut swim, 99, 20), [alive(1, 1), alive(0, 1)]);
    swim.handle_update(Instant::ZERO, &2, suspect(1, 1, 2), &mut out);
    assert_eq!(fill(&mut swim, 99, 10), [suspect(1, 1, 2)]);
    assert_eq!((swim.queued_updates(), swim.stats().updates_replaced), (4, 1));
    let told_itself = fill(&mut swim, 3, 1000);
    assert!(!told_itself.contains(&alive(3, 1)), "it knows");
}

#[test]
fn what_a_newcomer_learns_is_repeated_twice_and_news_as_often_as_usual() {
    let (mut swim, mut out) = node(Params::lan(), 0);
    while !fill(&mut swim, 99, 1000).is_empty() {}
    swim.merge(Instant::ZERO, &1, (1..=20).map(|id| alive(id, 1)), &mut out);
    // The first few were queued while the group, and so the limit, was small.
    let mut sent = 0;
    loop {
        let filled = fill(&mut swim, 99, 1000);
        if filled.is_empty() {
            break;
        }
        sent += filled.iter().filter(|update| *update.subject() == 15).count();
    }
    assert_eq!(sent, 2);
}

#[test]
fn a_lone_joiner_is_known_to_all_soon() {
    let mut cluster = Cluster::new(&Params::lan(), 40, 2);
    cluster.run(10 * SECOND);
    // The last one forgets everybody and joins by one exchange.
    let fresh = Swim::new(Params::lan(), 39, "moved", Rng::from_seed(99), cluster.now);
    cluster.nodes[39] = fresh;
    cluster.exchange(39, 7);
    cluster.run(MS * 500);
    for swim in &cluster.nodes {
        assert_eq!(swim.counts(), [40, 0, 0, 0]);
        assert_eq!(swim.get(&39).unwrap().record, "moved");
    }
}

#[test]
fn two_groups_that_meet_by_one_exchange_become_one() {
    let mut cluster = Cluster::new(&Params::lan(), 30, 8);
    let mut rng = Rng::from_seed(5);
    for id in 0..30_u32 {
        let swim = Swim::new(Params::lan(), id, "record", rng.fork("again"), Instant::ZERO);
        cluster.nodes[id as usize] = swim;
    }
    for id in 1..15 {
        cluster.exchange(id, 0);
    }
    for id in 16..30 {
        cluster.exchange(id, 15);
    }
    cluster.run(5 * SECOND);
    assert!(cluster.nodes.iter().all(|swim| swim.counts()[0] == 15));
    cluster.exchange(3, 20);
    cluster.run(3 * SECOND);
    // What is learnt from a full state is passed on twice only: of 15 new ones, most hear of most.
    let known: usize = cluster.nodes.iter().map(|swim| swim.counts()[0]).sum();
    assert!(known > 30 * 20, "{known} of 900");
    // The rest comes by full states, as everyone asks one other for it.
    (0..30).for_each(|id| cluster.exchange(id, (id + 7) % 30));
    cluster.run(3 * SECOND);
    assert!(cluster.nodes.iter().all(|swim| swim.counts() == [30, 0, 0, 0]));
}

#[test]
fn a_goodbye_is_heard_by_all() {
    for params in [Params::lan(), Params::memberlist_lan()] {
        let mut cluster = Cluster::new(&params, 30, 6);
        cluster.run(10 * SECOND);
        cluster.call(4, Swim::leave);
        cluster.run(5 * SECOND);
        let views = cluster.views_of(4);
        assert!(views.iter().all(|state| *state == State::Left), "{views:?}");
        assert!(cluster.others.contains(&(4, Event::LeaveSpread)));
        assert_eq!(cluster.count_seen(State::Failed) + cluster.count_seen(State::Suspect), 0);
        cluster.kill(4);
        cluster.run(30 * SECOND);
        assert_eq!(cluster.count_seen(State::Suspect), 0, "nobody probes it");
    }
}

#[test]
fn a_new_record_reaches_all() {
    let mut cluster = Cluster::new(&Params::lan(), 30, 6);
    cluster.run(10 * SECOND);
    cluster.call(4, |swim, now, out| swim.set_record(now, "moved", out));
    cluster.run(SECOND);
    assert!(cluster.nodes.iter().all(|swim| swim.get(&4).unwrap().record == "moved"));
    let updated = cluster.others.iter().filter(|(_, e)| *e == Event::Updated { id: 4 }).count();
    assert_eq!(updated, 30);
}

#[test]
fn gossip_ticks_only_while_there_is_something_to_tell() {
    let (mut swim, mut out) = node(Params::lan(), 0);
    assert!(swim.has_updates(), "its own, but nobody to tell");
    swim.handle_timeout(Instant::ZERO + SECOND, &mut out);
    assert!(sends(&mut out).is_empty());
    let now = Instant::ZERO + SECOND + MS;
    swim.handle_update(now, &1, alive(1, 1), &mut out);
    assert_eq!(swim.next_timeout(), Some(now), "at once");
    swim.handle_timeout(now, &mut out);
    assert_eq!(sends(&mut out), [(1, Message::Gossip)]);
    assert_eq!(swim.next_timeout(), Some(now + MS * 50));
    while !fill(&mut swim, 1, 1000).is_empty() || swim.has_updates() {}
    swim.handle_timeout(now + MS * 50, &mut out);
    assert!(sends(&mut out).iter().all(|(_, message)| *message != Message::Gossip));
}
