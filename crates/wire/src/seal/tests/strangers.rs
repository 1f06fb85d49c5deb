//! What others can do: nothing.

use super::*;

#[test]
fn what_was_taken_is_not_taken_again() {
    let now = at(0);
    let (mut a, mut b) = introduced(now);
    let shorts: Vec<_> = (0..300).map(|n| a.seal(now, &b, &format!("{n}"))).collect();
    for order in [0, 2, 1, 299] {
        assert_eq!(b.open(now, a.addr, &shorts[order]), said(&a, &order.to_string()));
        assert_eq!(b.open(now, a.addr, &shorts[order]), Err(Rejected::Replayed));
        // From wherever it comes.
        assert_eq!(b.open(now, addr(9), &shorts[order]), Err(Rejected::Replayed));
    }
    assert_eq!(b.open(now, a.addr, &shorts[43]), Err(Rejected::Replayed), "256 back");
    assert_eq!(b.open(now, a.addr, &shorts[44]), said(&a, "44"));
    assert_eq!(b.transmits(), []);
}

/// One datagram of each sealed form, for a receiver that takes it.
fn each_form(now: Instant) -> Vec<(Peer, Peer, Vec<u8>)> {
    let (mut a, b) = introduced(now);
    let short = a.seal(now, &b, "text");
    let mut all = vec![(a, b, short)];
    let (mut a, mut b) = (Peer::new(1, 11), Peer::new(2, 22));
    let long = a.seal(now, &b, "text");
    b.open(now, a.addr, &long).unwrap_err();
    a.open(now, b.addr, &b.transmit()).unwrap();
    let hello = a.transmit();
    all.push((a, b, hello));
    // A peer whose run is known, but not at this address of the receiver: it speaks long.
    let (mut a, b) = introduced(now);
    let mut elsewhere = Peer::new(2, 22);
    elsewhere.addr = addr(3);
    let long = a.seal(now, &elsewhere, "text");
    all.push((a, b, long));
    assert_eq!(all.iter().map(|(_, _, bytes)| bytes[0]).collect::<Vec<_>>(), [0xb2, 0xb3, 0xb1]);
    all
}

#[test]
fn altered_and_cut_datagrams_have_no_effect() {
    let now = at(0);
    for (a, mut b, datagram) in each_form(now) {
        for bit in 0..datagram.len() * 8 {
            let mut altered = datagram.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            let result = b.open(now, a.addr, &altered);
            assert!(result.is_err(), "bit {bit} of {:02x}", datagram[0]);
            for (to, answer) in b.transmits() {
                assert_eq!(to, a.addr);
                assert!(answer.len() <= altered.len());
            }
        }
        for length in 0..datagram.len() {
            assert!(b.open(now, a.addr, &datagram[..length]).is_err());
            for (_, answer) in b.transmits() {
                assert!(answer.len() <= length);
            }
        }
        let longer = [&datagram[..], &[0]].concat();
        assert!(b.open(now, a.addr, &longer).is_err());
        b.transmits();
        assert_eq!(b.open(now, a.addr, &datagram), said(&a, "text"), "{:02x}", datagram[0]);
    }
}

#[test]
fn another_key_gets_no_answer() {
    let now = at(0);
    // Same key id, so that it must be tried: only one in 256 keys has it.
    let stranger_key = (0..=255_u8)
        .flat_map(|high| (0..=255_u8).map(move |low| (high, low)))
        .map(|(high, low)| {
            let mut bytes = [high; 32];
            bytes[0] = low;
            ClusterKey::new(bytes)
        })
        .find(|other| other.id() == key(7).id() && *other != key(7))
        .unwrap();
    for other in [key(8), stranger_key.clone()] {
        let (mut a, mut b) = (Peer::with_key(1, 11, other), Peer::new(2, 22));
        let long = a.seal(now, &b, "ping");
        assert_eq!(b.open(now, a.addr, &long), Err(Rejected::Unauthentic));
        let mut hello = Vec::new();
        let cookie = b.channel.cookies.bake(now, a.addr);
        a.channel.destinations.entry(now, b.addr).note_offer(now, cookie);
        a.channel.seal(now, b.addr, b"", &mut hello);
        assert_eq!(hello[0], 0xb3);
        assert_eq!(b.open(now, a.addr, &hello), Err(Rejected::Unauthentic));
        assert_eq!(b.transmits(), []);
        assert_eq!(b.channel.stats().rejected(Rejected::Unauthentic), 2);
    }
    // Both keys installed: each is found.
    let mut b = Peer::new(2, 22);
    b.channel.keyring().install(stranger_key.clone()).unwrap();
    for (host, key) in [(1, key(7)), (3, stranger_key)] {
        let mut a = Peer::with_key(host, 11, key);
        let long = a.seal(now, &b, "ping");
        assert_eq!(b.open(now, a.addr, &long), Err(Rejected::FirstContact));
        a.open(now, b.addr, &b.transmit()).unwrap();
        let hello = a.transmit();
        assert_eq!(b.open(now, a.addr, &hello), said(&a, "ping"));
    }
}

/// Everything that a stranger has recorded is worthless against a receiver that restarted.
#[test]
fn recorded_datagrams_have_no_effect_on_a_new_run_of_the_receiver() {
    let (mut a, mut b) = (Peer::new(1, 11), Peer::new(2, 22));
    let mut recorded = vec![a.seal(at(0), &b, "ping")];
    b.open(at(0), a.addr, &recorded[0]).unwrap_err();
    a.open(at(0), b.addr, &b.transmit()).unwrap();
    recorded.push(a.transmit());
    assert_eq!(b.open(at(0), a.addr, &recorded[1]), said(&a, "ping"));
    recorded.push(a.seal(at(0), &b, "purge"));
    assert_eq!(b.open(at(0), a.addr, &recorded[2]), said(&a, "purge"));

    let mut b = Peer::new(2, 23);
    for now in [at(10), at(20_000), at(60_000)] {
        for datagram in &recorded {
            for from in [a.addr, addr(66)] {
                assert_eq!(b.open(now, from, datagram), Err(Rejected::FirstContact));
                let answers = b.transmits();
                assert_eq!(answers.len(), 1);
                assert_eq!((answers[0].0, answers[0].1[0]), (from, 0xb4));
                assert!(answers[0].1.len() <= datagram.len());
            }
        }
    }
    assert_eq!(b.channel.stats().sessions, 0);

    // The sender itself is introduced by its next datagram.
    let short = a.seal(at(60_000), &b, "lost");
    assert_eq!(short[0], 0xb2);
    assert_eq!(b.open(at(60_000), a.addr, &short), Err(Rejected::FirstContact));
    a.open(at(60_000), b.addr, &b.transmit()).unwrap();
    let hello = a.transmit();
    assert_eq!(b.open(at(60_000), a.addr, &hello), said(&a, ""));
    let short = a.seal(at(60_000), &b, "news");
    assert_eq!(b.open(at(60_000), a.addr, &short), said(&a, "news"));
    for datagram in &recorded {
        assert_eq!(b.open(at(60_000), a.addr, datagram), Err(Rejected::Replayed));
    }
}

#[test]
fn a_cookie_is_good_for_its_address_and_its_time() {
    let make = || {
        let (mut a, mut b) = (Peer::new(1, 11), Peer::new(2, 22));
        let long = a.seal(at(0), &b, "ping");
        b.open(at(0), a.addr, &long).unwrap_err();
        a.open(at(0), b.addr, &b.transmit()).unwrap();
        let hello = a.transmit();
        (a, b, hello)
    };
    let (mut a, mut b, hello) = make();
    assert_eq!(b.open(at(0), addr(9), &hello), Err(Rejected::FirstContact));
    assert_eq!(b.transmits().len(), 1);
    assert_eq!(b.open(at(20_000), a.addr, &hello), Err(Rejected::FirstContact));
    let challenge = b.transmit();
    // The challenge of a Hello is answered, too.
    assert_eq!(a.open(at(20_000), b.addr, &challenge), Ok(None));
    let hello = a.transmit();
    assert_eq!(b.open(at(20_000), a.addr, &hello), said(&a, ""));
    let (a, mut b, hello) = make();
    assert_eq!(b.open(at(19_999), a.addr, &hello), said(&a, "ping"));
    assert_eq!(b.open(at(19_999), a.addr, &hello), Err(Rejected::Replayed));
}

#[test]
fn challenges_that_we_did_not_ask_for_are_ignored() {
    let now = at(0);
    let (mut a, mut b) = (Peer::new(1, 11), Peer::new(2, 22));
    let long = a.seal(now, &b, "ping");
    b.open(now, a.addr, &long).unwrap_err();
    let challenge = b.transmit();
    let altered = |byte: usize| {
        let mut altered = challenge.clone();
        altered[byte] ^= 1;
        altered
    };
    assert_eq!(a.open(now, addr(9), &challenge), Err(Rejected::Unauthentic));
    assert_eq!(a.open(now, b.addr, &altered(1)), Err(Rejected::Unauthentic));
    assert_eq!(a.open(now, b.addr, &altered(14)), Err(Rejected::Replayed));
    assert_eq!(a.open(now, b.addr, &challenge[..30]), Err(Rejected::Truncated));
    let longer = [&challenge[..], &[0]].concat();
    assert_eq!(a.open(now, b.addr, &longer), Err(Rejected::Oversized));
    assert_eq!(a.transmits(), []);
    assert_eq!(a.open(now, b.addr, &challenge), Ok(None));
    assert_eq!(a.open(now, b.addr, &challenge), Err(Rejected::Replayed));
    assert_eq!(a.transmits().len(), 1);
    // Whoever sees all and forges a challenge for each datagram gets ten Hellos a second.
    for _ in 0..50 {
        let short = a.seal(now, &b, "x");
        let Ok((Header::Short { tag, counter, .. }, _)) = Header::parse(&short) else {
            panic!("not short");
        };
        let mut forged = Vec::new();
        let cookie = cookie::Cookie([1; 16]);
        Header::Challenge { tag, counter, cookie }.write(&mut forged);
        a.open(now, b.addr, &forged).unwrap();
    }
    assert_eq!(a.transmits().len(), 9);
}

#[test]
fn answers_to_strangers_are_limited_in_size_and_number() {
    let mut b = Peer::new(2, 22);
    let stranger = |place: u64| {
        let mut out = Vec::new();
        let tag = crypto::Tag::of(NodeId([9; 16]), place);
        Header::Short { key_id: key(7).id(), tag, counter: 1 }.write(&mut out);
        out.extend([0; 16]);
        out
    };
    for place in 0..1500 {
        assert_eq!(b.open(at(0), addr(9), &stranger(place)), Err(Rejected::FirstContact));
        for (to, answer) in b.transmits() {
            assert_eq!((to, answer.len()), (addr(9), 31));
        }
    }
    assert_eq!(
        (b.channel.stats().challenges_sent, b.channel.stats().challenges_limited),
        (1000, 500)
    );
    assert_eq!(b.open(at(1000), addr(9), &stranger(1)), Err(Rejected::FirstContact));
    assert_eq!(b.transmits().len(), 1);
    let mut other_key = stranger(2);
    other_key[1] ^= 1;
    assert_eq!(b.open(at(1000), addr(9), &other_key), Err(Rejected::Unauthentic));
    assert_eq!(b.transmits(), []);
    // Nobody takes the answers away: the queue is bounded.
    for second in 2..5 {
        for place in 0..900 {
            b.open(at(second * 1000), addr(9), &stranger(place)).unwrap_err();
        }
    }
    assert_eq!(b.transmits().len(), 1024);
    assert_eq!(b.channel.stats().shed, 3 * 900 - 1024);
}

#[test]
fn random_bytes_are_refused_without_harm() {
    let mut rng = Rng::from_seed(3);
    let (a, mut b) = introduced(at(0));
    let kinds = [0xb0, 0xb1, 0xb2, 0xb3, 0xb4, 0xb5];
    for round in 0..100_000 {
        let mut bytes = vec![0_u8; rng.index(120)];
        bytes.iter_mut().for_each(|byte| *byte = rng.next_u64().to_be_bytes()[0]);
        if let [kind, key_id, ..] = &mut bytes[..] {
            *kind = kinds[rng.index(kinds.len())];
            *key_id = key(7).id();
        }
        assert!(b.open(at(round / 100), a.addr, &bytes).is_err());
        for (_, answer) in b.transmits() {
            assert!(answer.len() <= bytes.len());
        }
    }
    let mut seen = BTreeMap::new();
    b.channel.stats().each_rejected(&mut |why, count| {
        seen.insert(why, count);
    });
    for why in [Rejected::Truncated, Rejected::UnknownVersion, Rejected::Unauthentic] {
        assert!(seen[&why] > 1000, "{seen:?}");
    }
    assert!(seen[&Rejected::FirstContact] > 1000, "{seen:?}");
    let all = vec![0xb2; 65_508];
    assert_eq!(b.open(at(0), a.addr, &all), Err(Rejected::Oversized));
    assert_eq!(b.open(at(0), a.addr, &all[1..]), Err(Rejected::Unauthentic));
    assert_eq!(b.open(at(0), a.addr, &[]), Err(Rejected::Truncated));
}
