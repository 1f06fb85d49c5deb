//! What each style sends for each input.

use super::*;

const PEERS: [u32; 3] = [1, 2, 3];

#[test]
fn auto_is_direct_up_to_its_bound_and_push_above() {
    assert_eq!(resolve(Style::Auto, 1), Style::Direct);
    assert_eq!(resolve(Style::Auto, DIRECT_MEMBERS_MAX), Style::Direct);
    assert_eq!(resolve(Style::Auto, DIRECT_MEMBERS_MAX + 1), Style::Push);
    assert_eq!(resolve(Style::Pull, 2), Style::Pull);
}

#[test]
fn direct_mails_every_peer_without_rounds_and_is_not_passed_on() {
    let (mut rumor, mut out) = (engine(1), outbox());
    let auto = spread(Style::Auto, 2, rounds(8));
    rumor.publish(at_ms(0), 7, auto, &mut FullView(&PEERS), &mut out);
    let expected: Vec<_> = PEERS.iter().map(|&to| push(to, 7, 0, false)).collect();
    assert_eq!(sends(&mut out), expected);
    assert_eq!(rumor.stats().pushed, 3);

    let direct = spread(Style::Direct, 2, rounds(8));
    rumor.on_item(at_ms(0), arrival(&1, 8, direct, 5), &mut FullView(&PEERS), &mut out);
    assert!(out.is_empty());
    assert_eq!((rumor.hot_count(), rumor.next_timeout()), (0, None));
}

#[test]
fn push_by_rounds_is_infect_and_die() {
    let (mut rumor, mut out) = (engine(1), outbox());
    let style = spread(Style::Push, 3, rounds(8));
    rumor.publish(at_ms(0), 7, style, &mut FullView(&PEERS), &mut out);
    let expected: Vec<_> = PEERS.iter().map(|&to| push(to, 7, 7, false)).collect();
    assert_eq!(sorted(sends(&mut out)), expected);
    assert_eq!(events(&mut out), [cooled(7, Cooled::Rule)]);

    rumor.on_item(at_ms(0), arrival(&2, 8, style, 3), &mut FullView(&PEERS), &mut out);
    let expected = [push(1, 8, 2, false), push(3, 8, 2, false)];
    assert_eq!(sorted(sends(&mut out)), expected);

    events(&mut out);
    rumor.on_item(at_ms(0), arrival(&2, 9, style, 0), &mut FullView(&PEERS), &mut out);
    assert!(out.is_empty());
    assert_eq!((rumor.hot_count(), rumor.next_timeout()), (0, None));
}

#[test]
fn a_duplicate_is_counted_and_answered_only_when_feedback_is_wanted() {
    let (mut rumor, mut out) = (engine(1), outbox());
    let style = spread(Style::Push, 1, counter(2, true));
    let mut duplicate = Arrival { known: true, ..arrival(&2, 7, style, 9) };
    rumor.on_item(at_ms(0), duplicate, &mut FullView(&PEERS), &mut out);
    assert!(out.is_empty());
    duplicate.wants_feedback = true;
    rumor.on_item(at_ms(0), duplicate, &mut FullView(&PEERS), &mut out);
    let message = Message::Feedback { key: 7, known: true };
    assert_eq!(sends(&mut out), [Send { to: 2, message }]);
    assert_eq!(rumor.stats().duplicates, 2);

    let news = Arrival { known: false, ..duplicate };
    rumor.on_item(at_ms(0), news, &mut FullView(&[2]), &mut out);
    let message = Message::Feedback { key: 7, known: false };
    assert_eq!(sends(&mut out), [Send { to: 2, message }]);
}

#[test]
fn a_blind_counter_makes_exactly_k_contacts_at_the_fanout_each_period() {
    let (mut rumor, mut out) = (engine(1), outbox());
    let style = spread(Style::Push, 2, counter(5, false));
    rumor.publish(at_ms(0), 7, style, &mut FullView(&PEERS), &mut out);
    let batch = sends(&mut out);
    assert_eq!(batch.len(), 2);
    assert!(batch.iter().all(|send| *send == push(send.to, 7, ROUNDS_UNLIMITED, false)));
    for (ms, contacts) in [(99, 0), (100, 2), (199, 0), (200, 1), (300, 0)] {
        rumor.handle_timeout(at_ms(ms), &mut FullView(&PEERS), &mut out);
        assert_eq!(sends(&mut out).len(), contacts, "at {ms} ms");
    }
    assert_eq!(events(&mut out), [cooled(7, Cooled::Rule)]);
    assert_eq!((rumor.next_timeout(), rumor.stats().cooled), (None, 1));
}

#[test]
fn a_certain_coin_ends_after_one_contact() {
    let (mut rumor, mut out) = (engine(1), outbox());
    let style = spread(Style::Push, 3, coin(1, false));
    rumor.publish(at_ms(0), 7, style, &mut FullView(&PEERS), &mut out);
    assert_eq!(sends(&mut out).len(), 1);
    assert_eq!(rumor.hot_count(), 0);
}

#[test]
fn a_useful_contact_resets_the_feedback_counter() {
    let (mut rumor, mut out) = (engine(1), outbox());
    let style = spread(Style::Push, 1, counter(2, true));
    rumor.publish(at_ms(0), 7, style, &mut FullView(&[1]), &mut out);
    let answers = [true, false, true, true];
    for (tick, known) in (0..).zip(answers) {
        let now = at_ms(100 * tick);
        rumor.handle_timeout(now, &mut FullView(&[1]), &mut out);
        assert_eq!(sends(&mut out), [push(1, 7, ROUNDS_UNLIMITED, true)], "{tick}");
        rumor.on_feedback(now, &1, &7, known, &mut out);
    }
    assert_eq!(events(&mut out), [cooled(7, Cooled::Rule)]);
    assert_eq!(rumor.hot_count(), 0);
}

#[test]
fn feedback_is_weighed_once_the_whole_batch_has_answered() {
    let (mut rumor, mut out) = (engine(1), outbox());
    let style = spread(Style::Push, 3, counter(2, true));
    rumor.publish(at_ms(0), 7, style, &mut FullView(&PEERS), &mut out);
    for (from, known) in [(1, true), (2, true), (3, false)] {
        rumor.on_feedback(at_ms(1), &from, &7, known, &mut out);
    }
    assert!(events(&mut out).is_empty(), "one useful contact outweighs two useless ones");
    rumor.handle_timeout(at_ms(100), &mut FullView(&PEERS), &mut out);
    rumor.on_feedback(at_ms(101), &1, &7, true, &mut out);
    rumor.on_feedback(at_ms(101), &2, &7, true, &mut out);
    assert_eq!(rumor.hot_count(), 1, "3 has not answered");
    rumor.handle_timeout(at_ms(200), &mut FullView(&PEERS), &mut out);
    assert_eq!(events(&mut out), [cooled(7, Cooled::Rule)]);
}

#[test]
fn feedback_nobody_asked_for_is_counted_and_ignored() {
    let (mut rumor, mut out) = (engine(1), outbox());
    let style = spread(Style::Push, 1, counter(1, true));
    rumor.publish(at_ms(0), 7, style, &mut FullView(&[1]), &mut out);
    rumor.on_feedback(at_ms(0), &9, &7, true, &mut out);
    assert_eq!((rumor.stats().feedback_unasked, rumor.hot_count()), (1, 1));
    rumor.on_feedback(at_ms(0), &1, &7, false, &mut out);
    rumor.on_feedback(at_ms(0), &1, &7, true, &mut out);
    assert_eq!((rumor.stats().feedback_unasked, rumor.hot_count()), (2, 1));
}

#[test]
fn lazy_push_announces_and_serves_with_its_rounds() {
    let (mut rumor, mut out) = (engine(1), outbox());
    let style = spread(Style::LazyPush, 3, rounds(4));
    rumor.publish(at_ms(0), 7, style, &mut FullView(&PEERS), &mut out);
    let expected: Vec<_> = PEERS.iter().map(|&to| announce(to, &[7])).collect();
    assert_eq!(sends(&mut out), expected);
    rumor.on_fetch(at_ms(5), &2, &[7, 8, 9], &mut |key| *key != 8, &mut out);
    assert_eq!(sends(&mut out), [push(2, 7, 3, false), push(2, 9, 0, false)]);
    let stats = *rumor.stats();
    assert_eq!((stats.announced, stats.served, stats.fetch_misses, stats.pushed), (3, 2, 1, 0));

    let answer_time = Limits::default().answer_time();
    assert_eq!(rumor.next_timeout(), Some(at_ms(0) + answer_time));
    rumor.handle_timeout(at_ms(0) + answer_time, &mut FullView(&PEERS), &mut out);
    assert_eq!(rumor.hot_count(), 0);
    rumor.on_fetch(at_ms(5000), &2, &[7], &mut |_| true, &mut out);
    assert_eq!(sends(&mut out), [push(2, 7, 0, false)]);
}

#[test]
fn announcements_to_one_peer_in_one_call_are_batched_up_to_the_bound() {
    let limits = Limits { announce_batch_max: 2, ..Limits::default() };
    let mut rumor = Rumor::new(limits, Rng::from_seed(1));
    let mut out = outbox();
    let style = spread(Style::LazyPush, 1, counter(9, false));
    for key in [5, 6, 7] {
        rumor.publish(at_ms(0), key, style, &mut FullView(&[1]), &mut out);
        assert_eq!(sends(&mut out), [announce(1, &[key])]);
    }
    rumor.handle_timeout(at_ms(100), &mut FullView(&[1]), &mut out);
    assert_eq!(sends(&mut out), [announce(1, &[5, 6]), announce(1, &[7])]);
}

#[test]
fn lazy_push_takes_a_fetch_as_useful_and_silence_as_known() {
    let (mut rumor, mut out) = (engine(1), outbox());
    let style = spread(Style::LazyPush, 1, counter(2, true));
    rumor.publish(at_ms(0), 7, style, &mut FullView(&[1]), &mut out);
    rumor.handle_timeout(at_ms(100), &mut FullView(&[1]), &mut out);
    rumor.on_fetch(at_ms(101), &1, &[7], &mut |_| true, &mut out);
    rumor.handle_timeout(at_ms(200), &mut FullView(&[1]), &mut out);
    rumor.handle_timeout(at_ms(300), &mut FullView(&[1]), &mut out);
    assert!(events(&mut out).is_empty(), "known, useful, known: the counter is at 1");
    sends(&mut out);
    rumor.handle_timeout(at_ms(400), &mut FullView(&[1]), &mut out);
    assert_eq!(events(&mut out), [cooled(7, Cooled::Rule)]);
    assert!(sends(&mut out).is_empty());
}

#[test]
fn pull_sends_nothing_until_a_peer_polls() {
    let (mut rumor, mut out) = (engine(1), outbox());
    rumor.on_pull_request(at_ms(0), &2, &mut out);
    let style = spread(Style::Pull, 3, rounds(4));
    rumor.publish(at_ms(0), 7, style, &mut FullView(&PEERS), &mut out);
    rumor.on_item(at_ms(0), arrival(&1, 8, style, 2), &mut FullView(&PEERS), &mut out);
    rumor.on_item(at_ms(0), arrival(&1, 9, style, 0), &mut FullView(&PEERS), &mut out);
    assert!(out.is_empty(), "and a poll is not answered when nothing is hot");
    rumor.on_pull_request(at_ms(1), &2, &mut out);
    assert_eq!(sends(&mut out), [announce(2, &[8, 7])]);
    rumor.on_fetch(at_ms(2), &2, &[8], &mut |_| true, &mut out);
    assert_eq!(sends(&mut out), [push(2, 8, 1, false)]);

    assert_eq!(rumor.next_timeout(), Some(at_ms(6400)), "64 periods");
    rumor.handle_timeout(at_ms(6400), &mut FullView(&PEERS), &mut out);
    assert_eq!(events(&mut out), [cooled(7, Cooled::Age), cooled(8, Cooled::Age)]);
    rumor.on_pull_request(at_ms(6401), &2, &mut out);
    assert!(out.is_empty());
    assert_eq!(rumor.stats().aged, 2);
}

#[test]
fn the_requests_of_one_period_are_one_pull_contact() {
    let (mut rumor, mut out) = (engine(1), outbox());
    let style = spread(Style::Pull, 1, counter(2, true));
    rumor.publish(at_ms(0), 7, style, &mut FullView(&PEERS), &mut out);
    let mut told = Vec::new();
    for (ms, fetches) in [(0, false), (50, true), (120, false), (130, false), (250, false)] {
        rumor.on_pull_request(at_ms(ms), &2, &mut out);
        if fetches {
            rumor.on_fetch(at_ms(ms), &2, &[7], &mut |_| true, &mut out);
        }
        told.push(sends(&mut out).first() == Some(&announce(2, &[7])));
    }
    assert_eq!(told, [true; 5], "useful, useless: the counter is at 1");
    rumor.on_pull_request(at_ms(400), &2, &mut out);
    assert!(sends(&mut out).is_empty());
    assert_eq!(events(&mut out), [cooled(7, Cooled::Rule)]);
}

#[test]
fn a_blind_pull_counter_counts_periods() {
    let (mut rumor, mut out) = (engine(1), outbox());
    let style = spread(Style::Pull, 1, counter(1, false));
    rumor.publish(at_ms(0), 7, style, &mut FullView(&PEERS), &mut out);
    rumor.on_pull_request(at_ms(10), &1, &mut out);
    rumor.on_fetch(at_ms(10), &1, &[7], &mut |_| true, &mut out);
    rumor.on_pull_request(at_ms(109), &2, &mut out);
    assert_eq!(sends(&mut out).len(), 3);
    rumor.on_pull_request(at_ms(110), &3, &mut out);
    assert!(sends(&mut out).is_empty());
}

#[test]
fn push_pull_pushes_once_and_then_waits_to_be_asked() {
    let (mut rumor, mut out) = (engine(1), outbox());
    let style = spread(Style::PushPull, 3, counter(1, true));
    rumor.publish(at_ms(0), 7, style, &mut FullView(&PEERS), &mut out);
    let expected: Vec<_> = PEERS.iter().map(|&to| push(to, 7, ROUNDS_UNLIMITED, false)).collect();
    assert_eq!(sorted(sends(&mut out)), expected);
    rumor.handle_timeout(at_ms(200), &mut FullView(&PEERS), &mut out);
    assert!(out.is_empty());
    rumor.on_pull_request(at_ms(201), &3, &mut out);
    assert_eq!(sends(&mut out), [announce(3, &[7])]);
}

#[test]
fn pulls_come_at_the_period_from_a_random_phase_and_can_be_switched() {
    let (mut rumor, mut out) = (engine(1), outbox());
    rumor.set_pulling(at_ms(0), Some(Duration::from_millis(100)));
    let first = rumor.next_timeout().unwrap();
    assert!(first < at_ms(100));
    rumor.set_pulling(at_ms(50), Some(Duration::from_millis(100)));
    assert_eq!(rumor.next_timeout(), Some(first), "the same period again changes nothing");
    for tick in 1..=10 {
        rumor.handle_timeout(at_ms(100 * tick), &mut FullView(&[4]), &mut out);
        assert_eq!(sends(&mut out), [Send { to: 4, message: Message::PullRequest }]);
    }
    rumor.handle_timeout(at_ms(5000), &mut FullView(&[4]), &mut out);
    assert_eq!(sends(&mut out).len(), 1, "missed pulls are not made up for");
    rumor.set_pulling(at_ms(5000), None);
    assert_eq!(rumor.next_timeout(), None);
    assert_eq!(rumor.stats().pulls, 11);
}

#[test]
fn a_publication_without_peers_is_lost_to_push_and_found_by_counters() {
    let (mut rumor, mut out) = (engine(1), outbox());
    let once = spread(Style::Push, 2, rounds(8));
    rumor.publish(at_ms(0), 7, once, &mut FullView(&[]), &mut out);
    assert_eq!((sends(&mut out), rumor.next_timeout()), (vec![], None));
    let counted = spread(Style::Push, 2, counter(1, false));
    rumor.publish(at_ms(0), 8, counted, &mut FullView(&[]), &mut out);
    rumor.handle_timeout(at_ms(100), &mut FullView(&[3]), &mut out);
    assert_eq!(sends(&mut out), [push(3, 8, ROUNDS_UNLIMITED, false)]);
}

#[test]
fn contacts_without_an_answer_end_by_age() {
    let (mut rumor, mut out) = (engine(1), outbox());
    let style = spread(Style::Push, 1, counter(1, true));
    rumor.publish(at_ms(0), 7, style, &mut FullView(&PEERS), &mut out);
    let mut calls = 0;
    while let Some(at) = rumor.next_timeout() {
        rumor.handle_timeout(at, &mut FullView(&PEERS), &mut out);
        calls += 1;
    }
    assert_eq!((calls, sends(&mut out).len()), (64, 64));
    assert_eq!(events(&mut out), [cooled(7, Cooled::Age)]);
}

#[test]
fn the_oldest_hot_item_makes_room_and_is_counted() {
    let limits = Limits { hot_max: 2, ..Limits::default() };
    let mut rumor = Rumor::new(limits, Rng::from_seed(1));
    let mut out = outbox();
    let style = spread(Style::Pull, 1, rounds(2));
    for key in [7, 5, 6] {
        rumor.publish(at_ms(0), key, style, &mut FullView(&PEERS), &mut out);
    }
    assert_eq!(events(&mut out), [cooled(7, Cooled::Shed)]);
    assert_eq!((rumor.stats().hot_shed, rumor.hot_count()), (1, 2));
    rumor.on_pull_request(at_ms(0), &1, &mut out);
    assert_eq!(sends(&mut out), [announce(1, &[6, 5])]);
}

#[test]
fn a_pull_answer_is_bounded_and_tells_the_newest() {
    let limits = Limits { pull_answer_max: 3, announce_batch_max: 2, ..Limits::default() };
    let mut rumor = Rumor::new(limits, Rng::from_seed(1));
    let mut out = outbox();
    let style = spread(Style::Pull, 1, rounds(2));
    for key in [1, 2, 3, 4, 5] {
        rumor.publish(at_ms(0), key, style, &mut FullView(&PEERS), &mut out);
    }
    rumor.on_pull_request(at_ms(0), &1, &mut out);
    assert_eq!(sends(&mut out), [announce(1, &[5, 4]), announce(1, &[3])]);
    assert_eq!(rumor.stats().pull_answers_cut, 2);
}

#[test]
fn a_forgotten_item_is_neither_spread_nor_fetched() {
    let (mut rumor, mut out) = (engine(1), outbox());
    let style = spread(Style::Push, 1, counter(9, false));
    rumor.publish(at_ms(0), 7, style, &mut FullView(&PEERS), &mut out);
    rumor.on_announce(at_ms(0), &1, &[8], &mut |_| false, &mut out);
    sends(&mut out);
    rumor.forget(&7);
    rumor.forget(&8);
    assert_eq!((rumor.hot_count(), rumor.fetch_count(), rumor.next_timeout()), (0, 0, None));
    rumor.handle_timeout(at_ms(9000), &mut FullView(&PEERS), &mut out);
    assert!(out.is_empty());
}

#[test]
fn a_period_of_zero_is_raised_to_the_shortest() {
    let (mut rumor, mut out) = (engine(1), outbox());
    let style = Spread { period: Duration::ZERO, ..spread(Style::Push, 1, counter(2, false)) };
    rumor.publish(at_ms(0), 7, style, &mut FullView(&PEERS), &mut out);
    assert_eq!(rumor.next_timeout(), Some(at_ms(0) + PERIOD_MIN));
    rumor.forget(&7);
    rumor.set_pulling(at_ms(0), Some(Duration::ZERO));
    rumor.handle_timeout(at_ms(10), &mut FullView(&PEERS), &mut out);
    assert!(rumor.next_timeout() > Some(at_ms(10)));
}
