//! The laws of MessagePack's values, and what is read leniently.

use super::{Extent, Form, Pairs, Reader, Writer, extent};
use crate::codec::crc::crc32;
use crate::codec::message::Ping;
use bruit_wire::{DecodeError, Limit};
use proptest::prelude::*;

const FOUR: Limit = Limit { what: "a test", max: 4 };
const MUCH: Limit = Limit { what: "a test", max: 1 << 20 };

const fn is_too_long(error: DecodeError) -> bool {
    matches!(error, DecodeError::TooLong { .. })
}

fn written(write: impl FnOnce(&mut Writer<'_, Vec<u8>>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut Writer::new(&mut out, Form::GOSSIP));
    out
}

/// `vectors/msgpack.txt`: lengths and checksums of what go-msgpack v2.1.5 writes.
#[test]
fn numbers_text_and_bytes_are_those_of_go() {
    let file = include_str!("../../../vectors/msgpack.txt");
    let mut count = 0;
    for line in file.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split([' ', '_']).skip(1);
        let mut next = || words.next().unwrap();
        let form = if next() == "true" { Form::RPC } else { Form::GOSSIP };
        let number: i64 = next().parse().unwrap();
        let length: usize = next().parse().unwrap();
        let (crc, bytes) = (next(), next().parse().unwrap());
        let mut out = Vec::new();
        let writer = &mut Writer::new(&mut out, form);
        writer.map(4);
        writer.text("Int");
        writer.int(number);
        writer.text("Raw");
        writer.bytes(&vec![0; length]);
        writer.text("Text");
        writer.text(&"t".repeat(length));
        writer.text("Uint");
        writer.uint(u64::from_ne_bytes(number.to_ne_bytes()));
        assert_eq!((out.len(), &*format!("{:08x}", crc32(&out))), (bytes, crc), "{line}");
        count += 1;
    }
    assert_eq!(count, 48);
}

#[test]
fn every_width_of_a_number_is_taken() {
    for bytes in [
        &[7][..],
        &[0xcc, 7],
        &[0xcd, 0, 7],
        &[0xce, 0, 0, 0, 7],
        &[0xcf, 0, 0, 0, 0, 0, 0, 0, 7],
        &[0xd0, 7],
        &[0xd1, 0, 7],
        &[0xd2, 0, 0, 0, 7],
        &[0xd3, 0, 0, 0, 0, 0, 0, 0, 7],
    ] {
        assert_eq!(Reader::new(bytes).uint(7), Ok(7));
        assert_eq!(Reader::new(bytes).int(), Ok(7));
        assert!(Reader::new(bytes).uint(6).is_err());
        for end in 0..bytes.len() {
            assert_eq!(Reader::new(&bytes[..end]).int(), Err(DecodeError::Truncated));
        }
    }
    assert!(Reader::new(&[0xff]).uint(u64::MAX).is_err());
    assert_eq!(Reader::new(&[0xff]).int(), Ok(-1));
    assert!(Reader::new(&[0xcf, 0xff, 0, 0, 0, 0, 0, 0, 0]).int().is_err());
}

#[test]
fn bytes_come_in_many_shapes_and_no_longer_than_allowed() {
    let shapes: [&[u8]; 8] = [
        &[0xa4, 1, 2, 3, 4],
        &[0xd9, 4, 1, 2, 3, 4],
        &[0xda, 0, 4, 1, 2, 3, 4],
        &[0xdb, 0, 0, 0, 4, 1, 2, 3, 4],
        &[0xc4, 4, 1, 2, 3, 4],
        &[0xc5, 0, 4, 1, 2, 3, 4],
        &[0xc6, 0, 0, 0, 4, 1, 2, 3, 4],
        &[0x94, 1, 0xcc, 2, 3, 4],
    ];
    for shape in shapes {
        assert_eq!(Reader::new(shape).raw(FOUR).unwrap(), &[1, 2, 3, 4][..]);
        let three = Limit { max: 3, ..FOUR };
        let error = Reader::new(shape).raw(three).unwrap_err();
        assert!(matches!(error, DecodeError::TooLong { given: 4, max: 3, .. }), "{error}");
        for end in 0..shape.len() {
            assert_eq!(Reader::new(&shape[..end]).raw(FOUR), Err(DecodeError::Truncated));
        }
    }
    let huge = DecodeError::TooLong { what: "a test", given: u32::MAX.into(), max: 4 };
    for first in [0xdb, 0xc6, 0xdd] {
        assert_eq!(Reader::new(&[first, 0xff, 0xff, 0xff, 0xff]).raw(FOUR), Err(huge));
    }
    assert_eq!(Reader::new(&[0xdd, 0xff, 0xff, 0xff, 0xff]).array(FOUR), Err(huge));
    assert_eq!(Reader::new(&[0xdf, 0xff, 0xff, 0xff, 0xff]).map(FOUR), Err(huge));
    assert_eq!(Reader::new(&[0x94, 0, 0, 0]).array(FOUR), Err(DecodeError::Truncated));
    assert_eq!(Reader::new(&[0xa1, 0xff]).text(FOUR), Err(DecodeError::Invalid("UTF-8 text")));
}

#[test]
fn a_structure_may_be_an_array_or_nil_and_have_unknown_fields() {
    let ping = Ping { node: "py".into(), seq: 5, ..Ping::default() };
    let as_array = written(|out| {
        out.array(6);
        out.uint(5);
        out.text("py");
        out.nil();
        out.nil();
        out.nil();
        out.map(0);
    });
    assert_eq!(Ping::read(&mut Reader::new(&as_array)), Ok(ping.clone()));
    let unknown = written(|out| {
        out.map(3);
        out.text("SeqNo");
        out.int(5);
        out.text("Future");
        out.array(2);
        out.float(0.5);
        out.bytes(b"x");
        out.text("Node");
        out.bytes(b"py");
    });
    assert_eq!(Ping::read(&mut Reader::new(&unknown)), Ok(ping));
    assert_eq!(Ping::read(&mut Reader::new(&[0xc0])), Ok(Ping::default()));
}

#[test]
fn nesting_ends_what_is_skipped() {
    let skip = |bytes: &[u8]| Reader::new(bytes).skip();
    assert_eq!(skip(&[[0x91; 30].as_slice(), &[0]].concat()), Ok(()));
    assert!(matches!(skip(&[0x91; 100]), Err(DecodeError::TooLong { .. })));
    assert_eq!(skip(&[0xc1]), Err(DecodeError::Invalid("MessagePack value")));
    assert_eq!(skip(&[0xdd, 0xff, 0xff, 0xff, 0xff]), Err(DecodeError::Truncated));
}

#[test]
fn of_a_key_given_twice_the_last_counts() {
    let pairs: Pairs<u8> = [("a".to_owned(), 1), ("a".to_owned(), 2)].into_iter().collect();
    assert_eq!(pairs.get("a"), Some(&2));
    assert_eq!(pairs.get("b"), None);
}

#[test]
fn an_extent_is_bounded_at_once() {
    let claimed = extent(&[0xdb, 0x40, 0, 0, 0], MUCH);
    assert!(matches!(claimed, Err(DecodeError::TooLong { .. })), "{claimed:?}");
    assert_eq!(extent(&[0xdb, 0, 0, 1, 0], MUCH), Ok(Extent::AtLeast(261)));
    let claimed = extent(&[0xdf, 0xff, 0xff, 0xff, 0xff], MUCH);
    assert!(matches!(claimed, Err(DecodeError::TooLong { .. })), "{claimed:?}");
}

proptest! {
    #[test]
    fn skipping_and_extent_agree_on_where_a_value_ends(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut reader = Reader::new(&bytes);
        let skipped = reader.skip();
        match extent(&bytes, MUCH) {
            Ok(Extent::Whole(length)) => match skipped {
                Ok(()) => prop_assert_eq!(length, bytes.len() - reader.remaining()),
                Err(error) => prop_assert!(is_too_long(error)),
            },
            Ok(Extent::AtLeast(needs)) => {
                prop_assert!(needs > bytes.len());
                prop_assert!(skipped.is_err());
            }
            Err(_) => prop_assert!(skipped.is_err()),
        }
    }

    #[test]
    fn numbers_and_floats_return(number: i64, float: f64) {
        let out = written(|out| {
            out.int(number);
            out.uint(number.unsigned_abs());
            out.float(float);
        });
        let mut reader = Reader::new(&out);
        prop_assert_eq!(reader.int(), Ok(number));
        prop_assert_eq!(reader.uint(u64::MAX), Ok(number.unsigned_abs()));
        prop_assert_eq!(reader.float().unwrap().to_bits(), float.to_bits());
    }
}
