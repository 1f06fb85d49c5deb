//! How peers get to know each other, and what they count.

use super::*;

#[test]
fn first_contact_takes_four_datagrams() {
    let now = at(0);
    let (mut a, mut b) = (Peer::new(1, 11), Peer::new(2, 22));
    let long = a.seal(now, &b, "ping");
    assert_eq!((long[0], long.len()), (0xb1, 48 + 4));
    assert_eq!(b.open(now, a.addr, &long), Err(Rejected::FirstContact));
    let challenge = b.transmit();
    assert_eq!((challenge[0], challenge.len()), (0xb4, 31));
    assert_eq!(a.open(now, b.addr, &challenge), Ok(None));
    let hello = a.transmit();
    assert_eq!((hello[0], hello.len()), (0xb3, 80 + 4));
    assert_eq!(b.open(now, a.addr, &hello), said(&a, "ping"));
    let answer = b.seal(now, &a, "ack");
    assert_eq!((answer[0], answer.len()), (0xb3, 80 + 3));
    assert_eq!(a.open(now, b.addr, &answer), said(&b, "ack"));
    let short = a.seal(now, &b, "second");
    assert_eq!((short[0], short.len()), (0xb2, 32 + 6));
    assert_eq!(b.open(now, a.addr, &short), said(&a, "second"));
    let short = b.seal(now, &a, "third");
    assert_eq!(short[0], 0xb2);
    assert_eq!(a.open(now, b.addr, &short), said(&b, "third"));
    assert_eq!((a.transmits(), b.transmits()), (vec![], vec![]));
    let (a, b) = (a.channel.stats(), b.channel.stats());
    assert_eq!((a.hellos_sent, a.resent, a.sessions, a.destinations), (1, 1, 1, 1));
    assert_eq!((b.hellos_sent, b.resent, b.challenges_sent), (1, 0, 1));
    assert_eq!(b.rejected(Rejected::FirstContact), 1);
}

#[test]
fn what_was_sent_before_the_challenge_is_sent_again_in_order() {
    let now = at(0);
    let (mut a, mut b) = (Peer::new(1, 11), Peer::new(2, 22));
    let texts: Vec<String> = (0..10).map(|n| format!("text {n}")).collect();
    let datagrams: Vec<_> = texts.iter().map(|text| a.seal(now, &b, text)).collect();
    for datagram in &datagrams {
        assert_eq!(b.open(now, a.addr, datagram), Err(Rejected::FirstContact));
    }
    let challenges = b.transmits();
    assert_eq!(challenges.len(), 10);
    assert_eq!(a.open(now, b.addr, &challenges[0].1), Ok(None));
    for (_, late) in &challenges[1..] {
        assert_eq!(a.open(now, b.addr, late), Err(Rejected::Replayed));
    }
    let again = a.transmits();
    assert_eq!(again.len(), 8);
    for ((to, datagram), text) in again.iter().zip(&texts[2..]) {
        assert_eq!(*to, b.addr);
        assert_eq!(b.open(now, a.addr, datagram), said(&a, text));
    }
    for datagram in &datagrams {
        assert_eq!(b.open(now, a.addr, datagram), Err(Rejected::Replayed));
    }
    assert_eq!((a.channel.stats().resent, a.channel.stats().shed), (8, 2));
}

#[test]
fn copies_older_than_two_seconds_are_not_sent_again() {
    let (mut a, mut b) = (Peer::new(1, 11), Peer::new(2, 22));
    let long = a.seal(at(0), &b, "old");
    assert_eq!(b.open(at(2500), a.addr, &long), Err(Rejected::FirstContact));
    let challenge = b.transmit();
    assert_eq!(a.open(at(2500), b.addr, &challenge), Ok(None));
    let hello = a.transmit();
    assert_eq!(b.open(at(2500), a.addr, &hello), said(&a, ""));
}

#[test]
fn both_may_begin_at_once() {
    let now = at(0);
    let (mut a, mut b) = (Peer::new(1, 11), Peer::new(2, 22));
    let (from_a, from_b) = (a.seal(now, &b, "a"), b.seal(now, &a, "b"));
    assert_eq!(b.open(now, a.addr, &from_a), Err(Rejected::FirstContact));
    assert_eq!(a.open(now, b.addr, &from_b), Err(Rejected::FirstContact));
    let (to_b, to_a) = (a.transmit(), b.transmit());
    assert_eq!(a.open(now, b.addr, &to_a), Ok(None));
    assert_eq!(b.open(now, a.addr, &to_b), Ok(None));
    let (from_a, from_b) = (a.transmit(), b.transmit());
    assert_eq!(b.open(now, a.addr, &from_a), said(&a, "a"));
    assert_eq!(a.open(now, b.addr, &from_b), said(&b, "b"));
    assert_eq!((a.seal(now, &b, "")[0], b.seal(now, &a, "")[0]), (0xb2, 0xb2));
}

#[test]
fn a_challenge_that_crosses_an_offer_finds_what_was_kept() {
    let now = at(0);
    let (mut a, mut b) = (Peer::new(1, 11), Peer::new(2, 22));
    let first = b.seal(now, &a, "first");
    let long = a.seal(now, &b, "ping");
    assert_eq!(b.open(now, a.addr, &long), Err(Rejected::FirstContact));
    let challenge = b.transmit();
    assert_eq!(a.open(now, b.addr, &challenge), Ok(None));
    let hello = a.transmit();
    assert_eq!(b.open(now, a.addr, &hello), said(&a, "ping"));
    let hello = b.seal(now, &a, "second");
    assert_eq!(hello[0], 0xb3);
    assert_eq!(a.open(now, b.addr, &first), Err(Rejected::FirstContact));
    assert_eq!(a.open(now, b.addr, &hello), said(&b, "second"));
    let challenge = a.transmit();
    assert_eq!(b.open(now, a.addr, &challenge), Ok(None));
    let again: Vec<_> =
        b.transmits().iter().map(|(_, datagram)| a.open(now, b.addr, datagram)).collect();
    assert_eq!(again, [said(&b, "first"), said(&b, "second")]);
}

#[test]
fn keys_are_changed_without_a_gap() {
    let now = at(0);
    let (mut a, mut b) = introduced(now);
    let exchange = |a: &mut Peer, b: &mut Peer| {
        let short = a.seal(now, b, "x");
        let taken = b.open(now, a.addr, &short);
        let back = b.seal(now, a, "y");
        (short[1], taken.is_ok(), a.open(now, b.addr, &back).is_ok())
    };
    let (old, new) = (key(7), key(8));
    assert_ne!(old.id(), new.id());
    a.channel.keyring().install(new.clone()).unwrap();
    b.channel.keyring().install(new.clone()).unwrap();
    assert_eq!(exchange(&mut a, &mut b), (old.id(), true, true));
    a.channel.keyring().use_key(new.clone());
    assert_eq!(exchange(&mut a, &mut b), (new.id(), true, true));
    b.channel.keyring().use_key(new.clone());
    assert_eq!(exchange(&mut a, &mut b), (new.id(), true, true));
    a.channel.keyring().remove(&old).unwrap();
    assert_eq!(exchange(&mut a, &mut b), (new.id(), true, true));
    b.channel.keyring().use_key(old.clone());
    assert_eq!(exchange(&mut a, &mut b), (new.id(), true, false), "a removed the old key");
    // Installed again, a key has a new serial number: what was derived before is not in the way.
    a.channel.keyring().install(old).unwrap();
    assert_eq!(exchange(&mut a, &mut b), (new.id(), true, true));
}

#[test]
fn what_we_sealed_ourselves_is_not_news() {
    let now = at(0);
    let (mut a, b) = introduced(now);
    let short = a.seal(now, &b, "x");
    assert_eq!(a.open(now, b.addr, &short), Err(Rejected::Replayed));
    let mut alone = Peer::new(5, 55);
    let myself = Peer::new(5, 55);
    let long = alone.seal(now, &myself, "ping");
    assert_eq!(alone.open(now, alone.addr, &long), Err(Rejected::Replayed));
    assert_eq!(alone.transmits(), []);
}

#[test]
fn a_peer_that_answers_without_a_challenge_is_spoken_to_in_short_after_a_while() {
    let (mut a, mut b) = introduced(at(0));
    // As after more addresses than are remembered.
    a.channel.destinations = Destinations::default();
    let mut exchange = |now| {
        let sealed = a.seal(now, &b, "x");
        assert_eq!(b.open(now, a.addr, &sealed), said(&a, "x"));
        let answer = b.seal(now, &a, "y");
        assert_eq!(a.open(now, b.addr, &answer), said(&b, "y"));
        sealed[0]
    };
    let kinds: Vec<u8> = [0, 1000, 1999, 2000, 2001].map(|millis| exchange(at(millis))).into();
    assert_eq!(kinds, [0xb1, 0xb1, 0xb1, 0xb1, 0xb2]);
}

#[test]
fn a_silent_peer_is_spoken_to_in_full_again() {
    let (mut a, mut b) = introduced(at(0));
    for n in 0..8 {
        assert_eq!(a.seal(at(10_000 + n), &b, "x")[0], 0xb2);
    }
    let long = a.seal(at(10_008), &b, "x");
    assert_eq!(long[0], 0xb1);
    assert_eq!(b.open(at(10_008), a.addr, &long), said(&a, "x"));
    // Many unanswered in a short time are no sign of a restart.
    let (mut a, b) = introduced(at(0));
    for n in 0..100 {
        assert_eq!(a.seal(at(n), &b, "x")[0], 0xb2);
    }
}

#[test]
fn runs_are_forgotten_only_when_their_cookies_are_worthless() {
    let mut sessions = Sessions::default();
    let run = |start| header::Run { id: NodeId([1; 16]), start };
    for start in 0..SESSIONS_MAX as u64 {
        assert!(sessions.register(at(start), run(start), addr(1), 1));
    }
    let last = at(SESSIONS_MAX as u64);
    assert!(!sessions.register(last, run(u64::MAX), addr(1), 1));
    assert!(!sessions.register(at(29_999), run(u64::MAX), addr(1), 1));
    assert!(sessions.register(at(30_000), run(u64::MAX), addr(1), 1));
    assert_eq!(sessions.count(), SESSIONS_MAX);
    assert!(!sessions.register(at(30_000), run(u64::MAX - 1), addr(1), 1));
    assert!(sessions.register(at(30_001), run(u64::MAX - 1), addr(1), 1));
}

#[test]
#[should_panic(expected = "less than 2⁴⁸ datagrams")]
fn a_counter_is_never_used_twice() {
    let (mut a, b) = introduced(at(0));
    a.channel.counter = COUNTER_MAX - 1;
    let last = a.seal(at(0), &b, "last");
    assert_eq!(last[10..16], [0xff; 6]);
    a.seal(at(0), &b, "one more");
}

/// A network that loses, repeats and reorders, with restarts: nothing is taken twice under one
/// counter, and when the network is good again, all is taken.
#[test]
fn two_peers_find_each_other_over_a_bad_network() {
    for seed in 0..50 {
        let mut rng = Rng::from_seed(seed);
        let mut peers = [Peer::new(1, 1), Peer::new(2, 2)];
        let mut flying: Vec<(usize, Vec<u8>)> = Vec::new();
        let mut starts = 2;
        let mut taken = [0, 0];
        for step in 0..3000_u64 {
            let now = at(step * 10);
            let good = step >= 2000;
            let to = rng.index(2);
            if step % 10 == 0 {
                let target = Peer::new(if to == 0 { 1 } else { 2 }, 0);
                let sealed = peers[1 - to].seal(now, &target, "text");
                flying.push((to, sealed));
            }
            if !good && rng.chance(1, 300) {
                starts += 1;
                peers[to] = Peer::new(if to == 0 { 1 } else { 2 }, starts);
            }
            let deliveries = if good { flying.len() } else { rng.index(3).min(flying.len()) };
            for _ in 0..deliveries {
                let place = if good { 0 } else { rng.index(flying.len()) };
                let (to, datagram) = flying.remove(place);
                if !good && rng.chance(3, 10) {
                    continue;
                }
                if !good && rng.chance(1, 10) {
                    flying.push((to, datagram.clone()));
                }
                let from = addr(if to == 0 { 2 } else { 1 });
                if let Ok(Some((id, text))) = peers[to].open(now, from, &datagram) {
                    assert_eq!(id, peers[1 - to].id);
                    assert!(text == "text" || text.is_empty());
                    taken[to] += usize::from(step >= 2500 && text == "text");
                }
                for (_, answer) in peers[to].transmits() {
                    flying.push((1 - to, answer));
                }
            }
        }
        let sent: usize = 500 / 10;
        assert!(taken[0] + taken[1] >= sent, "seed {seed}: {taken:?}");
    }
}

#[test]
fn a_lost_hello_is_asked_for_again() {
    let now = at(0);
    let (mut a, mut b) = (Peer::new(1, 11), Peer::new(2, 22));
    let long = a.seal(now, &b, "ping");
    b.open(now, a.addr, &long).unwrap_err();
    a.open(now, b.addr, &b.transmit()).unwrap();
    assert_eq!(a.transmit()[0], 0xb3);
    let short = a.seal(now, &b, "next");
    assert_eq!(b.open(now, a.addr, &short), Err(Rejected::FirstContact));
    assert_eq!(a.open(now, b.addr, &b.transmit()), Ok(None));
    let hello = a.transmit();
    assert_eq!(b.open(now, a.addr, &hello), said(&a, ""));
}

/// The sender has another address, or somebody on the way says so.
#[test]
fn another_address_of_a_known_run_is_asked_for_a_cookie() {
    let now = at(0);
    let (mut a, mut b) = introduced(now);
    let before = a.seal(now, &b, "fetch");
    let moved = addr(9);
    assert_eq!(b.open(now, moved, &before), Err(Rejected::FirstContact));
    let challenge = b.transmit();
    assert_eq!(b.open(now, a.addr, &before), said(&a, "fetch"), "it had no effect");
    assert_eq!(a.open(now, b.addr, &challenge), Ok(None));
    let hello = a.transmit();
    assert_eq!(b.open(now, addr(8), &hello), Err(Rejected::FirstContact), "not its cookie");
    b.transmits();
    assert_eq!(b.open(now, moved, &hello), said(&a, ""));
    for (from, text) in [(moved, "new"), (a.addr, "old")] {
        let short = a.seal(now, &b, text);
        assert_eq!(b.open(now, from, &short), said(&a, text));
    }
    // Four addresses; the first goes first.
    for (host, first_is_known) in [(10, true), (11, true), (12, false)] {
        let short = a.seal(now, &b, "x");
        b.open(now, addr(host), &short).unwrap_err();
        a.open(now, b.addr, &b.transmit()).unwrap();
        let hello = a.transmit();
        assert_eq!(b.open(now, addr(host), &hello), said(&a, ""));
        let short = a.seal(now, &b, "back");
        assert_eq!(b.open(now, a.addr, &short).is_ok(), first_is_known, "{host}");
    }
}
