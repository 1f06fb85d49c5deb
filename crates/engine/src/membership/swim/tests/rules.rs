//! The rules of one machine, statement by statement.

use super::*;

fn with_peers(params: Params, peers: std::ops::Range<u32>) -> (Node, Sink) {
    let (mut swim, mut out) = node(params, 0);
    for id in peers {
        swim.handle_update(Instant::ZERO, &id, alive(id, 1), &mut out);
    }
    events(&mut out);
    (swim, out)
}

#[test]
fn a_member_joins_is_suspected_and_refutes() {
    let (mut swim, mut out) = node(Params::lan(), 0);
    let now = Instant::ZERO + SECOND;
    swim.handle_update(now, &9, alive(1, 1), &mut out);
    swim.handle_update(now, &9, alive(2, 1), &mut out);
    assert_eq!(
        events(&mut out),
        [Event::Changed { id: 1, was: None }, Event::Changed { id: 2, was: None }]
    );
    assert_eq!(swim.get(&1).unwrap().why, Why::HeardFrom(9));
    swim.handle_update(now, &2, suspect(1, 1, 2), &mut out);
    assert_eq!(events(&mut out), [Event::Changed { id: 1, was: Some(State::Alive) }]);
    assert_eq!(swim.get(&1).unwrap().why, Why::SuspectedBy(2));
    assert_eq!(swim.live_peers(), [1, 2]);
    swim.handle_update(now, &1, alive(1, 1), &mut out);
    assert_eq!(state(&swim, 1), Some((State::Suspect, 1)), "the same incarnation refutes nothing");
    swim.handle_update(now, &1, alive(1, 2), &mut out);
    assert_eq!(state(&swim, 1), Some((State::Alive, 2)));
    assert_eq!(swim.get(&1).unwrap().why, Why::Refuted);
    assert_eq!((swim.stats().suspicions, swim.stats().suspicions_refuted), (1, 1));
    assert_eq!(swim.counts(), [3, 0, 0, 0]);
}

#[test]
fn only_suspect_and_failed_members_are_evicted() {
    let (mut swim, mut out) = with_peers(Params::lan(), 1..4);
    let now = Instant::ZERO;
    assert_eq!(swim.evict(now, &0, &mut out), Err(EvictError::Myself));
    assert_eq!(swim.evict(now, &9, &mut out), Err(EvictError::Unknown));
    assert_eq!(swim.evict(now, &1, &mut out), Err(EvictError::Alive));
    assert_eq!(events(&mut out), []);
    swim.handle_update(now, &2, suspect(1, 1, 2), &mut out);
    swim.handle_update(now, &3, failed(2, 1, 3), &mut out);
    events(&mut out);
    for id in [1, 2] {
        assert_eq!(swim.evict(now, &id, &mut out), Ok(()));
        assert_eq!(state(&swim, id), Some((State::Left, 1)));
        assert_eq!(swim.get(&id).unwrap().why, Why::Evicted);
        assert!(fill(&mut swim, 3, 1000).contains(&left(id, 1)));
        assert_eq!(swim.evict(now, &id, &mut out), Ok(()), "it has left already");
    }
    let changed = |id, was| Event::Changed { id, was: Some(was) };
    assert_eq!(events(&mut out), [changed(1, State::Suspect), changed(2, State::Failed)]);
    assert_eq!(swim.live_peers(), [3]);
    // Told of it, one that is alive refutes and is back.
    let (mut victim, mut sink) = node(Params::lan(), 1);
    victim.handle_update(now, &3, left(1, 1), &mut sink);
    assert_eq!(victim.incarnation(), Incarnation(2));
    swim.handle_update(now, &1, alive(1, 2), &mut out);
    assert_eq!(state(&swim, 1), Some((State::Alive, 2)));
    // Who holds it failed and is told that it left, knows that it did not say so itself.
    let (mut other, mut sink) = with_peers(Params::lan(), 1..4);
    other.handle_update(now, &3, failed(2, 1, 3), &mut sink);
    other.handle_update(now, &3, left(2, 1), &mut sink);
    assert_eq!(other.get(&2).unwrap().why, Why::Evicted);
}

#[test]
fn higher_states_win_within_an_incarnation_and_higher_incarnations_win_over_all() {
    let (mut swim, mut out) = with_peers(Params::lan(), 1..4);
    let now = Instant::ZERO;
    swim.handle_update(now, &2, failed(1, 1, 2), &mut out);
    assert_eq!(swim.live_peers(), [2, 3]);
    swim.handle_update(now, &2, suspect(1, 1, 2), &mut out);
    swim.handle_update(now, &2, alive(1, 1), &mut out);
    assert_eq!(state(&swim, 1), Some((State::Failed, 1)));
    swim.handle_update(now, &2, left(1, 1), &mut out);
    assert_eq!(state(&swim, 1), Some((State::Left, 1)));
    swim.handle_update(now, &2, failed(1, 1, 2), &mut out);
    assert_eq!(state(&swim, 1), Some((State::Left, 1)));
    swim.handle_update(now, &2, suspect(1, 4, 2), &mut out);
    assert_eq!(state(&swim, 1), Some((State::Suspect, 4)), "it came back and is in doubt");
    swim.handle_update(now, &2, alive(1, 4), &mut out);
    assert_eq!(state(&swim, 1), Some((State::Suspect, 4)));
    swim.handle_update(now, &2, alive(1, 5), &mut out);
    assert_eq!(state(&swim, 1), Some((State::Alive, 5)));
    assert_eq!(swim.live_peers(), [1, 2, 3]);
}

#[test]
fn statements_about_unknown_members_are_ignored_unless_alive() {
    let (mut swim, mut out) = node(Params::lan(), 0);
    for update in [suspect(1, 1, 2), failed(1, 1, 2), left(1, 1)] {
        swim.handle_update(Instant::ZERO, &2, update, &mut out);
    }
    assert!(out.is_empty());
    assert_eq!(swim.members().count(), 1);
}

#[test]
fn accusations_of_this_node_are_refuted_above_them() {
    let (mut swim, mut out) = with_peers(Params::lan(), 1..3);
    let now = Instant::ZERO;
    swim.handle_update(now, &1, suspect(0, 1, 1), &mut out);
    swim.handle_update(now, &1, failed(0, 7, 1), &mut out);
    swim.handle_update(now, &1, left(0, 8), &mut out);
    let refuted = [2, 8, 9].map(|at| Event::Refuted { incarnation: Incarnation(at) });
    assert_eq!(events(&mut out), refuted);
    assert_eq!((swim.local_health(), swim.stats().refutations), (2, 2));
    assert_eq!(fill(&mut swim, 1, 10), [alive(0, 9)]);
    sends(&mut out);
    swim.handle_update(now, &1, suspect(0, 3, 1), &mut out);
    assert_eq!(sends(&mut out), [(1, Message::Gossip)], "the accuser is behind and is told");
    assert_eq!(fill(&mut swim, 1, 10), [alive(0, 9)]);
    assert_eq!(swim.incarnation(), Incarnation(9));
}

#[test]
fn an_earlier_run_is_outbid_once_and_a_double_is_no_contest() {
    let (mut swim, mut out) = with_peers(Params::lan(), 1..3);
    swim.handle_update(Instant::ZERO, &1, alive(0, 5), &mut out);
    assert_eq!(swim.incarnation(), Incarnation(6));
    let double = Update::Alive { id: 0, incarnation: Incarnation(7), record: "other" };
    swim.handle_update(Instant::ZERO + MS, &1, double.clone(), &mut out);
    assert_eq!(swim.incarnation(), Incarnation(6), "not twice within one period");
    swim.handle_update(Instant::ZERO + SECOND, &1, double, &mut out);
    assert_eq!(swim.incarnation(), Incarnation(8));
    assert_eq!((swim.stats().id_conflicts, swim.local_health()), (3, 0));
}

#[test]
fn impossible_incarnations_wedge_nothing() {
    let (mut swim, mut out) = with_peers(Params::lan(), 1..3);
    let now = Instant::ZERO;
    for update in [
        suspect(0, u64::MAX, 1),
        failed(1, u64::MAX, 2),
        alive(2, u64::MAX),
        left(2, u64::MAX - 1),
        alive(5, u64::MAX),
    ] {
        swim.handle_update(now, &1, update, &mut out);
    }
    assert_eq!((swim.stats().updates_refused, swim.counts()), (5, [3, 0, 0, 0]));
    assert_eq!(swim.incarnation(), Incarnation(1));
    swim.handle_update(now, &1, suspect(0, 1 << 32, 1), &mut out);
    assert_eq!(swim.incarnation(), Incarnation((1 << 32) + 1), "a bounded leap is outbid");
    swim.handle_update(now, &2, alive(2, u64::MAX), &mut out);
    assert_eq!(state(&swim, 2), Some((State::Alive, u64::MAX)), "its own word");
    let tiny = Params { incarnation_max: 3, ..Params::lan() };
    let (mut swim, mut out) = with_peers(tiny, 1..3);
    swim.handle_update(now, &1, suspect(0, 3, 1), &mut out);
    swim.handle_update(now, &1, suspect(0, 3, 1), &mut out);
    assert_eq!(swim.incarnation(), Incarnation(3), "saturates without a panic");
}

#[test]
fn a_newer_record_updates_and_an_older_one_is_corrected() {
    let (mut swim, mut out) = with_peers(Params::lan(), 1..3);
    let now = Instant::ZERO;
    let moved =
        |incarnation| Update::Alive { id: 1, incarnation: Incarnation(incarnation), record: "new" };
    swim.handle_update(now, &1, moved(1), &mut out);
    assert_eq!(swim.get(&1).unwrap().record, "record", "needs a higher incarnation");
    assert_eq!(sends(&mut out), [(1, Message::Gossip)]);
    assert_eq!(fill(&mut swim, 1, 10), [alive(1, 1)], "so that it can outbid itself");
    swim.handle_update(now, &1, moved(2), &mut out);
    assert_eq!(events(&mut out), [Event::Updated { id: 1 }]);
    assert_eq!(swim.get(&1).unwrap().record, "new");
}

#[test]
fn the_buddy_update_comes_first() {
    let (mut swim, mut out) = with_peers(Params::lan(), 1..6);
    swim.handle_update(Instant::ZERO, &2, suspect(1, 1, 2), &mut out);
    while !fill(&mut swim, 3, 1000).is_empty() {}
    assert!(!swim.has_updates());
    assert_eq!(fill(&mut swim, 1, 1000), [suspect(1, 1, 2)], "even when the queue is empty");
    assert_eq!(fill(&mut swim, 1, 9), [], "but never beyond the budget");
    assert_eq!(swim.buddy_update(&3), None);
    swim.handle_update(Instant::ZERO, &2, failed(1, 1, 2), &mut out);
    swim.handle_update(Instant::ZERO, &4, alive(4, 2), &mut out);
    assert_eq!(fill(&mut swim, 1, 20), [failed(1, 1, 0), alive(4, 2)]);
}

#[test]
fn a_full_state_brings_the_dead_as_suspects_or_as_failed() {
    for (rule, expected) in [
        (FailedInFullState::AsSuspect, State::Suspect),
        (FailedInFullState::AsFailed, State::Failed),
    ] {
        let params = Params { failed_in_full_state: rule, ..Params::lan() };
        let (mut swim, mut out) = with_peers(params.clone(), 1..5);
        swim.merge(Instant::ZERO, &2, [failed(1, 1, 4), left(3, 1), alive(9, 1)], &mut out);
        assert_eq!(state(&swim, 1), Some((expected, 1)));
        assert_eq!(state(&swim, 3), Some((State::Left, 1)));
        let (mut other, mut sink) = node(params, 9);
        other.merge(Instant::ZERO, &0, swim.full_state(), &mut sink);
        let live: Vec<u32> = swim.live_peers().iter().copied().filter(|id| *id != 9).collect();
        assert_eq!(other.live_peers()[1..], live, "beside the sender");
        assert_eq!(other.live_peers()[0], 0);
    }
}

#[test]
fn the_table_is_bounded_and_forgets() {
    let params = Params { members_max: 3, ..Params::lan() };
    let (mut swim, mut out) = with_peers(params, 1..5);
    assert_eq!((swim.members().count(), swim.stats().members_refused), (3, 2));
    swim.handle_update(Instant::ZERO, &1, left(2, 1), &mut out);
    swim.handle_update(Instant::ZERO, &1, failed(1, 1, 2), &mut out);
    events(&mut out);
    let day = Duration::from_secs(24 * 3600);
    swim.handle_timeout(Instant::ZERO + day - MS, &mut out);
    assert_eq!(swim.counts(), [1, 0, 1, 1]);
    events(&mut out);
    swim.handle_timeout(Instant::ZERO + day, &mut out);
    let reaped = [1, 2].map(|id| Event::Reaped { id, record: "record" });
    assert!(events(&mut out).iter().filter(|e| matches!(e, Event::Reaped { .. })).eq(&reaped));
    assert_eq!((swim.members().count(), swim.counts()), (1, [1, 0, 0, 0]));
}

#[test]
fn pings_are_answered_relayed_and_refused() {
    let (mut swim, mut out) = with_peers(Params::lan(), 1..4);
    let now = Instant::ZERO;
    let ping = |target| Message::Ping { seq: Seq(4), target };
    swim.handle_message(now, &1, ping(0), &mut out);
    swim.handle_message(now, &1, ping(8), &mut out);
    assert_eq!(sends(&mut out), [(1, Message::Ack { seq: Seq(4) })]);
    assert_eq!(swim.stats().pings_misdirected, 1);
    let req = |target| Message::PingReq { seq: Seq(6), target, wants_nack: true };
    swim.handle_message(now, &1, req(77), &mut out);
    assert_eq!(sends(&mut out), [(1, Message::Nack { seq: Seq(6) })], "cannot be asked");
    swim.handle_message(now, &1, req(2), &mut out);
    let relayed = sends(&mut out);
    let [(2, Message::Ping { seq, target: 2 })] = relayed[..] else { panic!("{relayed:?}") };
    swim.handle_timeout(now + MS * 400, &mut out);
    let nacked = (1, Message::Nack { seq: Seq(6) });
    assert!(sends(&mut out).contains(&nacked));
    swim.handle_message(now, &2, Message::Ack { seq }, &mut out);
    assert_eq!(sends(&mut out), [(1, Message::Ack { seq: Seq(6) })], "late is better than never");
    swim.handle_message(now, &2, Message::Ack { seq }, &mut out);
    assert_eq!((sends(&mut out), swim.stats().answers_unexpected), (vec![], 1));
}

/// Fires timers, on time, until a ping of the round robin goes out.
fn next_ping(swim: &mut Node, out: &mut Sink) -> (Instant, u32, Seq) {
    loop {
        let now = swim.next_timeout().unwrap();
        swim.handle_timeout(now, out);
        for (to, message) in sends(out) {
            if let Message::Ping { seq, .. } = message {
                return (now, to, seq);
            }
        }
    }
}

#[test]
fn an_unanswered_probe_goes_indirect_and_then_suspects() {
    let (mut swim, mut out) = with_peers(Params::lan(), 1..6);
    let (at, target, seq) = next_ping(&mut swim, &mut out);
    swim.handle_timeout(at + MS * 500, &mut out);
    let asked: Vec<(u32, Message<u32>)> =
        sends(&mut out).into_iter().filter(|(_, m)| *m != Message::Gossip).collect();
    let request = Message::PingReq { seq, target, wants_nack: true };
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|(to, message)| *to != target && *message == request));
    for (helper, _) in &asked[..2] {
        swim.handle_message(at + MS * 900, helper, Message::Nack { seq }, &mut out);
    }
    swim.handle_timeout(at + SECOND, &mut out);
    assert_eq!(state(&swim, target), Some((State::Suspect, 1)));
    assert_eq!(swim.get(&target).unwrap().why, Why::Unanswered { direct: 1, indirect: 3 });
    assert_eq!(swim.local_health(), 1, "one nack is missing");
    assert_eq!(swim.stats().probes_failed, 1);
}

#[test]
fn a_late_answer_counts_and_is_measured() {
    let (mut swim, mut out) = with_peers(Params::lan(), 1..6);
    let (at, target, seq) = next_ping(&mut swim, &mut out);
    swim.handle_timeout(at + MS * 500, &mut out);
    swim.handle_message(at + MS * 990, &target, Message::Ack { seq }, &mut out);
    swim.handle_timeout(at + MS * 999, &mut out);
    let member = swim.get(&target).unwrap();
    assert_eq!((member.state, member.rtt), (State::Alive, Some(MS * 990)));
    assert_eq!(member.last_ack, Some(at + MS * 990));
}

#[test]
fn a_driver_that_slept_suspects_nobody_before_it_has_looked() {
    let (mut swim, mut out) = with_peers(Params::lan(), 1..6);
    let (at, target, seq) = next_ping(&mut swim, &mut out);
    let woken = at + 30 * SECOND;
    swim.handle_timeout(woken, &mut out);
    assert_eq!(swim.counts(), [6, 0, 0, 0]);
    let pings = sends(&mut out).iter().filter(|(_, m)| matches!(m, Message::Ping { .. })).count();
    assert_eq!(pings, 1, "missed periods are skipped");
    swim.handle_message(woken + MS, &target, Message::Ack { seq }, &mut out);
    assert_eq!(swim.stats().answers_unexpected, 0, "the probe was still open");
    // Beyond the indirect stage the end itself is extended, once.
    let (mut swim, mut out) = with_peers(Params::lan(), 1..6);
    let (at, target, _) = next_ping(&mut swim, &mut out);
    swim.handle_timeout(at + MS * 500, &mut out);
    swim.handle_timeout(at + 20 * SECOND, &mut out);
    assert_eq!(state(&swim, target), Some((State::Alive, 1)));
    assert_eq!(swim.stats().probes_extended, 1);
    swim.handle_timeout(at + 20 * SECOND + MS * 500, &mut out);
    assert_eq!(state(&swim, target), Some((State::Suspect, 1)));
}

#[test]
fn a_suspect_that_answers_the_last_ping_gets_more_time() {
    let params = Params { confirm_by_probe: false, ..Params::lan() };
    let (mut swim, mut out) = with_peers(params, 1..3);
    let now = Instant::ZERO;
    swim.handle_update(now, &2, suspect(1, 1, 2), &mut out);
    // n = 3: min 1.2 s, named, so the last ping goes out 0.5 s before.
    swim.handle_update(now, &0, suspect(1, 1, 0), &mut out);
    let is_check = |(to, message): &(u32, Message<u32>)| {
        let Message::Ping { seq, .. } = message else { return None };
        (*to == 1).then_some(*seq)
    };
    let mut found = None;
    for millis in 1..=700 {
        swim.handle_timeout(now + MS * millis, &mut out);
        let seq = sends(&mut out).iter().find_map(is_check);
        if millis == 700 {
            found = seq;
        }
    }
    swim.handle_message(now + MS * 701, &1, Message::Ack { seq: found.unwrap() }, &mut out);
    swim.handle_timeout(now + MS * 1900, &mut out);
    assert_eq!(state(&swim, 1), Some((State::Suspect, 1)));
    swim.handle_timeout(now + MS * 2400, &mut out);
    let member = swim.get(&1).unwrap();
    assert_eq!(member.state, State::Failed);
    assert_eq!(member.why, Why::SuspicionExpired { accusers: vec![2, 0] });
    assert_eq!(swim.stats().failures_declared, 1);
}

#[test]
fn failed_members_are_proposed_for_reconnection() {
    let (mut swim, mut out) = with_peers(Params::lan(), 1..3);
    swim.handle_update(Instant::ZERO, &1, failed(2, 1, 1), &mut out);
    events(&mut out);
    for tenths in 1..=400 {
        let now = Instant::ZERO + MS * 100 * tenths;
        swim.handle_timeout(now, &mut out);
        for (to, message) in sends(&mut out) {
            if let Message::Ping { seq, target: 1 } = message {
                swim.handle_message(now, &to, Message::Ack { seq }, &mut out);
            }
        }
    }
    let proposed = events(&mut out).iter().filter(|e| **e == Event::Reconnect { id: 2 }).count();
    assert!((4..=5).contains(&proposed), "one failed, one live: each interval; {proposed}");
}

#[test]
fn leaving_ends_at_once_alone_and_otherwise_when_told_enough() {
    let (mut alone, mut out) = node(Params::lan(), 0);
    alone.leave(Instant::ZERO, &mut out);
    let mine = Event::Changed { id: 0, was: Some(State::Alive) };
    assert_eq!(events(&mut out), [mine.clone(), Event::LeaveSpread]);
    let (mut swim, mut out) = with_peers(Params::lan(), 1..3);
    let now = Instant::ZERO + SECOND;
    swim.leave(now, &mut out);
    swim.leave(now, &mut out);
    assert_eq!(events(&mut out), [mine]);
    swim.handle_update(now, &1, suspect(0, 1, 1), &mut out);
    assert_eq!(swim.incarnation(), Incarnation(1), "no refutation");
    swim.handle_update(now, &1, failed(0, 3, 1), &mut out);
    assert_eq!(fill(&mut swim, 1, 10), [left(0, 3)], "said again above the accusation");
    for _ in 0..3 {
        assert!(fill(&mut swim, 2, 1000).contains(&left(0, 3)));
    }
    swim.handle_timeout(now, &mut out);
    assert_eq!(events(&mut out), [Event::LeaveSpread]);
    let (mut swim, mut out) = with_peers(Params::lan(), 1..3);
    swim.leave(now, &mut out);
    swim.handle_timeout(now + MS * 4999, &mut out);
    assert_eq!(events(&mut out).len(), 1);
    swim.handle_timeout(now + MS * 5000, &mut out);
    assert_eq!(events(&mut out), [Event::LeaveSpread], "bounded, heard or not");
}
