//! Hostile streams, and lengths at their limits.

use super::{Incoming, PushPull, StreamError, StreamMessage};
use crate::codec::label::Label;
use crate::codec::lzw;
use crate::codec::message::{Compressed, NodeState, PushPullHeader, UserHeader};
use crate::codec::msgpack::Form;
use crate::codec::packet::Layers;
use crate::codec::sample::{Random, Sample as _};
use crate::codec::seal::{Key, Keyring};
use crate::limits::{NODES, SEALED, STREAM_PLAIN, USER_MESSAGE, USER_STATE};
use bruit_wire::DecodeError;
use bytes::Bytes;

fn push_pull(random: &mut Random) -> StreamMessage {
    let named = |number| NodeState { name: format!("n{number}"), ..NodeState::sample(random) };
    let nodes = (0..9).map(named).collect();
    StreamMessage::PushPull(PushPull { join: true, nodes, user_state: Bytes::from(vec![7; 300]) })
}

fn variants() -> [Layers; 4] {
    let plain = Layers { compression: false, ..Layers::plain() };
    let keyring = Some(Keyring::new(Key::new(&[3; 16]).unwrap()));
    let label = Label::new("blue").unwrap();
    let sealed = Layers { keyring, label, ..Layers::plain() };
    [plain.clone(), Layers::plain(), Layers { compression: false, ..sealed.clone() }, sealed]
}

fn written(layers: &Layers, message: &StreamMessage) -> Vec<u8> {
    let mut out = Vec::new();
    layers.stream_label(&mut out);
    layers.stream_message(message, [9; 12], &mut out).unwrap();
    out
}

fn fed(layers: &Layers, bytes: &[u8]) -> (Incoming, Result<(), StreamError>) {
    let mut incoming = Incoming::accepted();
    let result = incoming.feed(layers, bytes);
    (incoming, result)
}

#[test]
fn what_is_written_is_read_and_no_part_of_it_is_enough() {
    for layers in variants() {
        let message = push_pull(&mut Random(1));
        let bytes = written(&layers, &message);
        for end in 0..bytes.len() {
            let (mut incoming, result) = fed(&layers, &bytes[..end]);
            assert_eq!((result, incoming.take()), (Ok(()), None));
            incoming.feed(&layers, &bytes[end..]).unwrap();
            assert_eq!(incoming.take().as_ref(), Some(&message));
        }
        let (incoming, result) = fed(&layers, &[&bytes[..], b"more"].concat());
        assert!(result.is_ok() && incoming.trailing() <= 4);
    }
}

#[test]
fn flipped_bits_are_refused_or_read_and_never_fatal() {
    let random = &mut Random(2);
    for layers in variants() {
        let bytes = written(&layers, &push_pull(random));
        for place in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1 << random.below(8);
            let (mut incoming, result) = fed(&layers, &flipped);
            if layers.keyring.is_some() {
                assert!(result.is_err() || incoming.take().is_none());
            }
            if let Err(error) = result {
                assert_eq!(incoming.buffered(), 0);
                assert_eq!(incoming.feed(&layers, b"x"), Err(error));
            }
        }
    }
}

#[test]
fn labels_and_keys_must_be_ours() {
    let [plain, _, sealed, _] = variants();
    let message = StreamMessage::User(Bytes::from_static(b"x"));
    let from_sealed = written(&sealed, &message);
    let answer = &from_sealed[sealed.label.overhead()..];
    assert_eq!(fed(&plain, &from_sealed).1, Err(StreamError::Label));
    assert_eq!(fed(&sealed, answer).1, Err(StreamError::Label));
    assert_eq!(fed(&plain, answer).1, Err(StreamError::NoKey));
    let open = Layers { keyring: None, ..sealed.clone() };
    assert_eq!(fed(&sealed, &written(&open, &message)).1, Err(StreamError::NotSealed));
    let lenient = Layers { verify_incoming: false, ..sealed.clone() };
    assert_eq!(fed(&lenient, &written(&open, &message)).0.take(), Some(message));
    let mut incoming = Incoming::answer();
    assert_eq!(incoming.feed(&sealed, answer), Ok(()));
    assert!(incoming.take().is_some());
}

fn header(nodes: i64, user_state_len: i64) -> Vec<u8> {
    let mut out = vec![6];
    PushPullHeader { join: false, nodes, user_state_len }.write(Form::GOSSIP, &mut out);
    out
}

#[test]
fn lengths_at_zero_at_the_most_and_above() {
    let plain = &variants()[0];
    let at = |limit: bruit_wire::Limit| i64::try_from(limit.max).unwrap();
    let (nodes, state, user) = (at(NODES), at(USER_STATE), at(USER_MESSAGE));
    let empty = StreamMessage::PushPull(PushPull::default());
    assert_eq!(fed(plain, &header(0, 0)).0.take(), Some(empty));
    for (bytes, is_fine) in [
        (header(nodes, 0), true),
        (header(nodes + 1, 0), false),
        (header(-1, 0), false),
        (header(0, state), true),
        (header(0, state + 1), false),
        (header(0, -1), false),
    ] {
        let (mut incoming, result) = fed(plain, &bytes);
        assert_eq!((result.is_ok(), incoming.take()), (is_fine, None));
        assert!(incoming.buffered() < 64);
    }
    for (length, is_fine) in [(0, true), (user, true), (user + 1, false), (-1, false)] {
        let mut out = vec![8];
        UserHeader { length }.write(Form::GOSSIP, &mut out);
        assert_eq!(fed(plain, &out).1.is_ok(), is_fine, "{length}");
    }
    let sealed = Layers { label: Label::default(), ..variants()[2].clone() };
    for (length, is_fine) in [(SEALED.max, true), (SEALED.max + 1, false)] {
        let length = u32::try_from(length).unwrap().to_be_bytes();
        assert_eq!(fed(&sealed, &[&[0x0a][..], &length].concat()).1.is_ok(), is_fine);
    }
    assert!(fed(&sealed, &[0x0a, 0, 0, 0, 0]).1.is_err());
    assert!(fed(plain, &[0x06, 0xdf, 0xff, 0xff, 0xff, 0xff]).1.is_err());
}

#[test]
fn a_bomb_ends_at_the_limit() {
    let plain = &variants()[0];
    let bytes = Bytes::from(lzw::compress(&vec![0; STREAM_PLAIN.max + 1]));
    let mut out = vec![9];
    Compressed { algorithm: 0, bytes }.write(Form::GOSSIP, &mut out);
    let error = fed(plain, &out).1.unwrap_err();
    assert!(matches!(error, StreamError::Malformed(DecodeError::TooLong { .. })), "{error}");
}

#[test]
fn layers_inside_layers_are_refused() {
    let layers = Layers::plain();
    let message = StreamMessage::User(Bytes::from_static(b"x"));
    let once = written(&layers, &message);
    let twice = layers.compress(&once);
    assert!(fed(&layers, &twice).1.is_err());
    assert!(fed(&layers, &[7, 0]).1.is_err());
    assert!(fed(&layers, &[0x63]).1.is_err());
}
