//! Hostile datagrams, and what is counted of them.

use super::{Layers, PacketError, compound};
use crate::codec::label::Label;
use crate::codec::lzw;
use crate::codec::message::{Compressed, Message, Nack};
use crate::codec::msgpack::Form;
use crate::codec::sample::Random;
use crate::codec::seal::{Key, Keyring, OpenError, SealVersion};
use crate::limits::{DATAGRAM_BYTES_MAX, DATAGRAM_PLAIN};
use bruit_wire::DecodeError;
use bytes::Bytes;

fn nack(seq: u32) -> Vec<u8> {
    let mut out = Vec::new();
    Message::Nack(Nack { seq }).encode(Form::GOSSIP, &mut out);
    out
}

fn layers(version: SealVersion) -> Layers {
    let mut keyring = Keyring::new(Key::new(&[1; 32]).unwrap());
    keyring.install(Key::new(&[2; 16]).unwrap()).unwrap();
    let label = Label::new("blue").unwrap();
    Layers { keyring: Some(keyring), label, seal_version: version, ..Layers::plain() }
}

#[test]
fn what_is_written_is_read_and_nothing_else() {
    for version in [SealVersion::V0, SealVersion::V1] {
        let layers = layers(version);
        let random = &mut Random(3);
        let message = compound(&[nack(1), nack(2), nack(3)]).concat();
        let mut out = Vec::new();
        layers.datagram(&message, true, [5; 12], &mut out);
        assert_eq!(layers.open(&out).unwrap().messages.len(), 3);
        for end in 0..out.len() {
            assert!(layers.open(&out[..end]).is_err());
            let mut flipped = out.clone();
            flipped[end] ^= 1 << random.below(8);
            // Version 0 takes padding off what version 1 sealed without: neither is authenticated.
            let is_version = end == layers.label.overhead();
            assert!(is_version || layers.open(&flipped).is_err(), "{end}");
        }
    }
}

#[test]
fn an_older_key_opens_and_a_strange_one_does_not() {
    let ours = layers(SealVersion::V1);
    let with = |key: &[u8]| {
        let keyring = Some(Keyring::new(Key::new(key).unwrap()));
        let mut out = Vec::new();
        Layers { keyring, ..ours.clone() }.datagram(&nack(1), false, [5; 12], &mut out);
        ours.open(&out)
    };
    assert!(with(&[2; 16]).unwrap().was_sealed);
    assert_eq!(with(&[3; 16]), Err(PacketError::Sealed(OpenError::Unauthentic)));
    let mut plain = Vec::new();
    Layers { keyring: None, ..ours.clone() }.datagram(&nack(1), false, [0; 12], &mut plain);
    assert!(ours.open(&plain).is_err());
    let lenient = Layers { verify_incoming: false, ..ours };
    assert!(!lenient.open(&plain).unwrap().was_sealed);
}

#[test]
fn a_wrong_part_does_not_spoil_the_others() {
    let plain = Layers::plain();
    let parts = [nack(1), vec![0x63], Vec::new(), vec![0x0b, 0xc1], nack(2)];
    let whole = compound(&parts).concat();
    let opened = plain.open(&whole).unwrap();
    assert_eq!((opened.messages.len(), opened.malformed, opened.cut_off), (2, 3, 0));
    let opened = plain.open(&whole[..whole.len() - 1]).unwrap();
    assert_eq!((opened.messages.len(), opened.malformed, opened.cut_off), (1, 3, 1));
}

#[test]
fn counts_and_lengths_at_their_limits() {
    let plain = Layers::plain();
    let many: Vec<_> = (0..511).map(nack).collect();
    let compounds = compound(&many);
    assert_eq!(compounds.iter().map(|compound| compound[1]).collect::<Vec<_>>(), [255, 255, 1]);
    assert_eq!(plain.open(&compounds[0]).unwrap().messages.len(), 255);
    assert_eq!(plain.open(&[7, 0]).unwrap().messages.len(), 0);
    assert!(plain.open(&[7, 255]).is_err());
    let mut user = vec![8; DATAGRAM_BYTES_MAX];
    assert!(plain.open(&user).is_ok());
    user.push(8);
    assert_eq!(plain.open(&user), Err(PacketError::TooLong(DATAGRAM_BYTES_MAX + 1)));
    assert!(plain.open(&[]).is_err());
    let long = "l".repeat(255);
    assert!(Label::new(&long).is_some() && Label::new(&(long + "l")).is_none());
    for bytes in [&[0xf4][..], &[0xf4, 0], &[0xf4, 2, b'l']] {
        assert!(matches!(plain.open(bytes), Err(PacketError::Malformed(_))));
    }
}

#[test]
fn nesting_and_bombs_end_at_their_limits() {
    let plain = Layers::plain();
    let mut nested = nack(1);
    for depth in 1..10 {
        nested = compound(&[&nested]).concat();
        assert_eq!(plain.open(&nested).is_ok(), depth <= 4, "{depth}");
    }
    let packed = |bytes: Vec<u8>| {
        let mut out = vec![9];
        Compressed { algorithm: 0, bytes: lzw::compress(&bytes).into() }
            .write(Form::GOSSIP, &mut out);
        out
    };
    let user = |length| packed(vec![8; length]);
    assert!(plain.open(&user(DATAGRAM_PLAIN.max)).is_ok());
    let error = plain.open(&user(DATAGRAM_PLAIN.max + 1)).unwrap_err();
    assert!(matches!(error, PacketError::Malformed(DecodeError::TooLong { .. })), "{error}");
    // All parts together are bounded, not each.
    let parts = vec![user(DATAGRAM_PLAIN.max / 2); 20];
    let opened = plain.open(&compound(&parts).concat()).unwrap();
    assert_eq!((opened.messages.len(), opened.malformed), (2, 18));
    assert!(plain.open(&packed(Vec::new())).is_err());
    let mut other = vec![9];
    Compressed { algorithm: 1, bytes: Bytes::new() }.write(Form::GOSSIP, &mut other);
    assert!(plain.open(&other).is_err());
}

#[test]
fn a_wrong_checksum_is_refused() {
    let plain = Layers::plain();
    let mut out = Vec::new();
    plain.datagram(&nack(1), true, [0; 12], &mut out);
    assert!(plain.open(&out).is_ok());
    out[3] ^= 1;
    assert_eq!(plain.open(&out), Err(PacketError::Checksum));
}
