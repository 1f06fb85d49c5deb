//! Two ends of a stream, and bytes that go wrong between them.

use super::*;
use bruit_engine::Rng;
use proptest::prelude::*;

fn keyring(byte: u8) -> Keyring {
    Keyring::new(ClusterKey::new([byte; 32]))
}

fn initiator(keys: &Keyring) -> StreamCrypto {
    StreamCrypto::initiator(keys, NodeId([1; 16]), 11, [0xa1; 16])
}

fn acceptor(keys: &Keyring) -> StreamCrypto {
    StreamCrypto::acceptor(keys, NodeId([2; 16]), 22, [0xb2; 16])
}

fn output(stream: &mut StreamCrypto) -> Vec<u8> {
    let mut out = Vec::new();
    stream.pending_output(usize::MAX, &mut out);
    assert!(!stream.has_output());
    out
}

fn messages(stream: &mut StreamCrypto) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| stream.poll_message()).collect()
}

/// Both ends, after the handshake.
fn ready() -> (StreamCrypto, StreamCrypto) {
    let (mut a, mut b) = (initiator(&keyring(7)), acceptor(&keyring(7)));
    b.feed(&output(&mut a)).unwrap();
    a.feed(&output(&mut b)).unwrap();
    b.feed(&output(&mut a)).unwrap();
    a.feed(&output(&mut b)).unwrap();
    assert!(a.is_ready() && b.is_ready());
    (a, b)
}

#[test]
fn the_handshake_makes_both_known() {
    let (mut a, mut b) = (initiator(&keyring(7)), acceptor(&keyring(7)));
    a.send_message(b"from a").unwrap();
    b.send_message(b"from b").unwrap();
    assert_eq!(output(&mut b), []);
    let hello = output(&mut a);
    assert_eq!((hello[0], hello.len()), (0xb8, 42));
    b.feed(&hello).unwrap();
    assert_eq!((b.peer(), b.is_ready()), (None, false));
    let answer = output(&mut b);
    assert_eq!((answer[0], answer.len()), (0xb9, 42), "b seals nothing yet");
    a.feed(&answer).unwrap();
    assert_eq!((a.peer(), a.is_ready()), (None, false));
    let records = output(&mut a);
    assert_eq!(records.len(), (2 + 16) + (2 + 4 + 6 + 16));
    b.feed(&records).unwrap();
    assert_eq!((b.peer(), b.is_ready()), (Some(NodeId([1; 16])), true));
    assert_eq!(messages(&mut b), [b"from a"]);
    a.feed(&output(&mut b)).unwrap();
    assert_eq!((a.peer(), a.is_ready()), (Some(NodeId([2; 16])), true));
    assert_eq!(messages(&mut a), [b"from b"]);
    assert_eq!((a.queued_bytes(), b.queued_bytes()), (0, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn messages_arrive_whole_however_the_bytes_are_cut(
        lengths in prop::collection::vec(0_usize..40_000, 1..6),
        seed: u64,
    ) {
        let mut rng = Rng::from_seed(seed);
        let (mut a, mut b) = (initiator(&keyring(7)), acceptor(&keyring(7)));
        let sent: Vec<Vec<u8>> = lengths
            .iter()
            .map(|length| (0..*length).map(|n| (n % 251).to_be_bytes()[7]).collect())
            .collect();
        for message in &sent {
            a.send_message(message).unwrap();
            b.send_message(message).unwrap();
        }
        let (mut at_a, mut at_b) = (Vec::new(), Vec::new());
        while a.has_output() || b.has_output() {
            step(&mut rng, &mut a, &mut b, &mut at_b)?;
            step(&mut rng, &mut b, &mut a, &mut at_a)?;
        }
        prop_assert_eq!(&at_a, &sent);
        prop_assert_eq!(&at_b, &sent);
    }
}

fn step(
    rng: &mut Rng,
    from: &mut StreamCrypto,
    to: &mut StreamCrypto,
    got: &mut Vec<Vec<u8>>,
) -> Result<(), TestCaseError> {
    let mut out = Vec::new();
    let max = 1 + rng.index(5000);
    from.pending_output(max, &mut out);
    prop_assert!(out.len() <= max);
    let middle = rng.index(out.len() + 1);
    for part in [&out[..middle], &out[middle..]] {
        to.feed(part).unwrap();
        got.extend(messages(to));
    }
    Ok(())
}

#[test]
fn another_key_is_noticed_at_the_first_record() {
    let own = keyring(7);
    let other = (0..=255_u8)
        .flat_map(|high| (0..=255_u8).map(move |low| (high, low)))
        .map(|(high, low)| {
            let mut bytes = [high; 32];
            bytes[0] = low;
            ClusterKey::new(bytes)
        })
        .find(|other| other.id() == own.primary().id && *other != own.primary().key)
        .unwrap();
    let stranger = Keyring::new(other.clone());
    let (mut a, mut b) = (initiator(&stranger), acceptor(&own));
    a.send_message(b"secret").unwrap();
    b.feed(&output(&mut a)).unwrap();
    a.feed(&output(&mut b)).unwrap();
    let records = output(&mut a);
    assert_eq!(b.feed(&records), Err(StreamError::Unauthentic));
    assert_eq!((b.peer(), b.is_ready(), b.poll_message()), (None, false, None));
    assert_eq!(b.feed(&[]), Err(StreamError::Unauthentic));
    assert_eq!(output(&mut b), []);
    // A key id that is not there is noticed at once.
    let (mut a, mut b) = (initiator(&keyring(8)), acceptor(&own));
    assert_eq!(b.feed(&output(&mut a)), Err(StreamError::Unauthentic));
    // With both keys, the right one is found.
    for key in [own.primary().key.clone(), other.clone()] {
        let mut both = own.clone();
        both.install(other.clone()).unwrap();
        let (mut a, mut b) = (initiator(&Keyring::new(key)), acceptor(&both));
        a.send_message(b"secret").unwrap();
        b.feed(&output(&mut a)).unwrap();
        a.feed(&output(&mut b)).unwrap();
        b.feed(&output(&mut a)).unwrap();
        assert_eq!(messages(&mut b), [b"secret"]);
        a.feed(&output(&mut b)).unwrap();
        assert!(a.is_ready());
        // From here on it is the stream's only key.
        let used = a.keys.primary().key.fingerprint();
        assert!(a.may_use(&used) && b.may_use(&used));
        assert_eq!((a.keys.key_count(), b.keys.key_count()), (1, 1));
    }
}

#[test]
fn every_altered_byte_ends_the_stream() {
    let bytes_of_a = {
        let (mut a, mut b) = (initiator(&keyring(7)), acceptor(&keyring(7)));
        a.send_message(b"text").unwrap();
        let hello = output(&mut a);
        b.feed(&hello).unwrap();
        a.feed(&output(&mut b)).unwrap();
        [hello, output(&mut a)].concat()
    };
    let run = |bytes: &[u8]| {
        let mut b = acceptor(&keyring(7));
        // A length that was made larger waits for more: give it some.
        let result = b.feed(bytes).and_then(|()| b.feed(&[0; SEALED_RECORD_BYTES_MAX]));
        (result, messages(&mut b))
    };
    let mut intact = acceptor(&keyring(7));
    intact.feed(&bytes_of_a).unwrap();
    assert_eq!(messages(&mut intact), [b"text"]);
    for bit in 0..bytes_of_a.len() * 8 {
        let mut altered = bytes_of_a.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        let (result, messages) = run(&altered);
        assert!(result.is_err(), "bit {bit}");
        assert_eq!(messages, Vec::<Vec<u8>>::new(), "bit {bit}");
    }
}

#[test]
fn recorded_bytes_mean_nothing_to_another_stream() {
    let (mut a, mut b) = (initiator(&keyring(7)), acceptor(&keyring(7)));
    a.send_message(b"purge").unwrap();
    let hello = output(&mut a);
    b.feed(&hello).unwrap();
    a.feed(&output(&mut b)).unwrap();
    let records = output(&mut a);
    b.feed(&records).unwrap();
    let mut again = StreamCrypto::acceptor(&keyring(7), NodeId([2; 16]), 22, [0xb3; 16]);
    again.feed(&hello).unwrap();
    assert_eq!(again.feed(&records), Err(StreamError::Unauthentic));
    // What a said does not pass for what b says.
    let mut a = initiator(&keyring(7));
    let mut mirrored = output(&mut a);
    assert_eq!(a.feed(&mirrored.clone()), Err(StreamError::UnknownVersion));
    let mut a = initiator(&keyring(7));
    output(&mut a);
    mirrored[0] = 0xb9;
    a.feed(&mirrored).unwrap();
    let own = output(&mut a);
    assert_eq!(a.feed(&own), Err(StreamError::Unauthentic));
    // A record is not taken twice, nor out of order.
    let (mut a, mut b) = ready();
    a.send_message(b"one").unwrap();
    let one = output(&mut a);
    a.send_message(b"two").unwrap();
    let two = output(&mut a);
    b.feed(&one).unwrap();
    assert_eq!(b.feed(&one), Err(StreamError::Unauthentic));
    assert_eq!(messages(&mut b), [b"one"]);
    let (_, mut b) = ready();
    assert_eq!(b.feed(&two), Err(StreamError::Unauthentic));
}

#[test]
fn lengths_have_limits() {
    let (mut a, mut b) = ready();
    let largest = vec![1; STREAM_MESSAGE_BYTES_MAX];
    assert_eq!(a.send_message(&[largest.as_slice(), &[1]].concat()), Err(StreamError::TooLong));
    a.send_message(&[]).unwrap();
    a.send_message(&largest).unwrap();
    b.feed(&output(&mut a)).unwrap();
    assert_eq!(messages(&mut b), [vec![], largest.clone()]);

    let mut results = (0..5).map(|_| a.send_message(&largest));
    assert_eq!(results.by_ref().take(3).collect::<Vec<_>>(), [Ok(()); 3]);
    assert_eq!(results.next(), Some(Err(StreamError::Full)));
    drop(results);
    let bytes = output(&mut a);
    assert_eq!(b.feed(&bytes), Err(StreamError::Full), "nobody took the messages");
    assert_eq!(messages(&mut b).len(), 1);

    for (length, expected) in [
        (0, Err(StreamError::Malformed)),
        (15, Err(StreamError::Malformed)),
        (16, Ok(())),
        (SEALED_RECORD_BYTES_MAX, Ok(())),
        (SEALED_RECORD_BYTES_MAX + 1, Err(StreamError::TooLong)),
    ] {
        let (_, mut b) = ready();
        let length = u16::try_from(length).unwrap();
        assert_eq!(b.feed(&length.to_be_bytes()), expected, "{length}");
    }
}

/// A peer that holds the key and lies about lengths.
#[test]
fn a_claimed_length_is_not_believed() {
    for (length, expected) in [
        (STREAM_MESSAGE_BYTES_MAX, Ok(())),
        (STREAM_MESSAGE_BYTES_MAX + 1, Err(StreamError::TooLong)),
        (0xffff_ffff, Err(StreamError::TooLong)),
    ] {
        let (mut a, mut b) = ready();
        let claim = u32::try_from(length).unwrap().to_be_bytes();
        let bytes = a.outgoing.lying_record(&claim);
        assert_eq!(b.feed(&bytes), expected);
        assert!(b.incoming.held_bytes() < 64, "{}", b.incoming.held_bytes());
    }
    let (mut a, mut b) = ready();
    let empty = a.outgoing.lying_record(&[]);
    assert_eq!(b.feed(&empty), Err(StreamError::Malformed));
}

#[test]
fn a_stranger_makes_us_hold_one_record_at_most() {
    let mut b = acceptor(&keyring(7));
    let mut hello = output(&mut initiator(&keyring(7)));
    hello.extend([0x40, 0x10]);
    hello.extend(vec![0; SEALED_RECORD_BYTES_MAX - 1]);
    b.feed(&hello).unwrap();
    assert!(b.incoming.held_bytes() <= SEALED_RECORD_BYTES_MAX + 2);
    assert_eq!(b.feed(&[0; 1_000_000]), Err(StreamError::Unauthentic));
    assert!(b.incoming.held_bytes() == 0);
    for first in 0..=255 {
        let expected = if first == 0xb8 { Ok(()) } else { Err(StreamError::UnknownVersion) };
        assert_eq!(acceptor(&keyring(7)).feed(&[first]), expected);
    }
}

#[test]
fn random_bytes_are_refused_without_harm() {
    let mut rng = Rng::from_seed(5);
    let hello = output(&mut initiator(&keyring(7)));
    for _ in 0..20_000 {
        let mut b = acceptor(&keyring(7));
        if rng.chance(1, 2) {
            b.feed(&hello).unwrap();
        }
        let mut result = Ok(());
        for _ in 0..3 {
            let bytes: Vec<u8> =
                (0..rng.index(60)).map(|_| rng.next_u64().to_be_bytes()[0]).collect();
            result = result.and(b.feed(&bytes));
        }
        assert!(result.is_err() || b.peer().is_none());
        assert_eq!(b.poll_message(), None);
    }
}
