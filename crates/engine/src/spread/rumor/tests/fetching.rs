//! Fetching what was announced.

use super::*;

const PEERS: [u32; 3] = [1, 2, 3];

#[test]
fn only_the_unknown_is_fetched_and_only_from_the_first_announcer() {
    let (mut rumor, mut out) = (engine(1), outbox());
    rumor.on_announce(at_ms(0), &1, &[5, 6, 7, 6], &mut |key| *key == 5, &mut out);
    assert_eq!(sends(&mut out), [fetch(1, &[6, 7])]);
    rumor.on_announce(at_ms(1), &2, &[6, 8], &mut |_| false, &mut out);
    assert_eq!(sends(&mut out), [fetch(2, &[8])]);
    rumor.on_announce(at_ms(2), &1, &[6], &mut |_| false, &mut out);
    assert!(out.is_empty(), "1 was asked for it already");
    assert_eq!((rumor.stats().asked, rumor.fetch_count()), (3, 3));
}

#[test]
fn an_arrival_ends_the_fetch() {
    let (mut rumor, mut out) = (engine(1), outbox());
    let style = spread(Style::LazyPush, 2, rounds(2));
    rumor.on_announce(at_ms(0), &1, &[6], &mut |_| false, &mut out);
    sends(&mut out);
    rumor.on_item(at_ms(1), arrival(&1, 6, style, 1), &mut FullView(&PEERS), &mut out);
    assert_eq!(sends(&mut out), [announce(2, &[6]), announce(3, &[6])]);
    assert_eq!((rumor.stats().fetched, rumor.fetch_count()), (1, 0));
    events(&mut out);
    rumor.handle_timeout(at_ms(2999), &mut FullView(&PEERS), &mut out);
    assert!(out.is_empty());
    assert_eq!(rumor.stats().fetch_timeouts, 0);
}

#[test]
fn after_a_silence_another_announcer_is_asked_and_at_last_the_item_is_abandoned() {
    let (mut rumor, mut out) = (engine(1), outbox());
    for peer in [1, 2] {
        rumor.on_announce(at_ms(0), &peer, &[6, 7], &mut |_| false, &mut out);
    }
    assert_eq!(sends(&mut out), [fetch(1, &[6, 7])]);
    rumor.handle_timeout(at_ms(999), &mut FullView(&PEERS), &mut out);
    assert!(out.is_empty());
    rumor.handle_timeout(at_ms(1000), &mut FullView(&PEERS), &mut out);
    assert_eq!(sends(&mut out), [fetch(2, &[6, 7])]);
    rumor.on_announce(at_ms(1500), &3, &[6], &mut |_| false, &mut out);
    rumor.handle_timeout(at_ms(2000), &mut FullView(&PEERS), &mut out);
    // Of 6 the late announcer stands last; of 7 nobody else told: 1 again, 2 s after the first.
    assert_eq!(sends(&mut out), [fetch(1, &[6, 7])]);
    rumor.handle_timeout(at_ms(3000), &mut FullView(&PEERS), &mut out);
    assert!(sends(&mut out).is_empty());
    let abandoned = [6, 7].map(|key| Event::FetchAbandoned { key, from: 1 });
    assert_eq!(events(&mut out), abandoned);
    let stats = *rumor.stats();
    assert_eq!((stats.fetch_timeouts, stats.fetches_abandoned, stats.asked), (6, 2, 6));
    rumor.on_announce(at_ms(3000), &1, &[6], &mut |_| false, &mut out);
    assert_eq!(sends(&mut out), [fetch(1, &[6])], "a new announcement starts afresh");
}

#[test]
fn fetches_and_announcers_are_bounded_and_shed_ones_counted() {
    let limits =
        Limits { fetches_max: 2, announcers_max: 2, announce_batch_max: 1, ..Limits::default() };
    let mut rumor = Rumor::new(limits, Rng::from_seed(1));
    let mut out = outbox();
    rumor.on_announce(at_ms(0), &1, &[5, 6, 7, 8], &mut |_| false, &mut out);
    assert_eq!(sends(&mut out), [fetch(1, &[5]), fetch(1, &[6])]);
    assert_eq!((rumor.stats().fetches_shed, rumor.fetch_count()), (2, 2));
    for peer in [2, 3] {
        rumor.on_announce(at_ms(0), &peer, &[5], &mut |_| false, &mut out);
    }
    let mut asked = Vec::new();
    while let Some(at) = rumor.next_timeout() {
        rumor.handle_timeout(at, &mut FullView(&PEERS), &mut out);
        asked.extend(sends(&mut out));
    }
    let expected = [fetch(1, &[6]), fetch(2, &[5]), fetch(1, &[5]), fetch(1, &[6])];
    assert_eq!(asked, expected, "3 was one announcer too many");
}

#[test]
fn publishing_ends_a_fetch_too() {
    let (mut rumor, mut out) = (engine(1), outbox());
    rumor.on_announce(at_ms(0), &1, &[6], &mut |_| false, &mut out);
    let style = spread(Style::Push, 1, rounds(1));
    rumor.publish(at_ms(0), 6, style, &mut FullView(&PEERS), &mut out);
    assert_eq!((rumor.fetch_count(), rumor.next_timeout()), (0, None));
}
