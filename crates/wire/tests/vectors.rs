//! The bytes of `vectors/*.txt`: each is read, and written again.
//!
//! A vector file has lines `name hex`; lines that start with `#` explain. When the format changes,
//! it gets a new version, and vectors of its own: these do not change.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use bruit_engine::membership::swim::message::Update;
use bruit_engine::membership::swim::{Incarnation, Seq};
use bruit_engine::reconcile::scuttlebutt::message::{Entry, NodeDelta};
use bruit_engine::spread::ask::message::Group;
use bruit_model::{
    Header, HybridTime, Instant, Item, ItemId, MemberRecord, NodeId, Path, Rejected, Style,
};
use bruit_wire::{
    Answers, Channel, ClusterKey, Frame, Identity, Keyring, MemberDigest, Reader, RunRanges,
    StreamCrypto, Subject, Summary, decode_all,
};
use bytes::Bytes;
use std::net::SocketAddr;
use std::sync::Arc;

const FRAMES: &str = include_str!("../vectors/frames.txt");
const DATAGRAMS: &str = include_str!("../vectors/datagrams.txt");
const STREAM: &str = include_str!("../vectors/stream.txt");

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// Names and bytes of a vector file.
fn vectors(text: &str) -> Vec<(&str, Vec<u8>)> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| line.split_once(' ').unwrap())
        .map(|(name, bytes)| (name, unhex(bytes)))
        .collect()
}

/// Compares all at once, so that a difference is shown as a whole file.
fn assert_written(file: &str, written: &[(&str, Vec<u8>)]) {
    let shown: String =
        written.iter().map(|(name, bytes)| format!("{name} {}\n", hex(bytes))).collect();
    assert!(vectors(file) == written, "written:\n{shown}");
}

/// Bytes that count upwards.
fn id(first: u8) -> NodeId {
    NodeId(std::array::from_fn(|place| first + u8::try_from(place).unwrap()))
}

fn probes() -> Vec<(&'static str, Frame)> {
    let summary = Summary { members: 0x0102_0304_0506_0708, items: 0x1112_1314_1516_1718 };
    let seq = Seq(0xa1a2_a3a4);
    let record =
        |name: &str, addr: &str| MemberRecord { name: name.into(), addr: addr.parse().unwrap() };
    let incarnation = Incarnation(300);
    let alive =
        Update::Alive { id: id(0x20), incarnation, record: record("cache-17", "10.0.0.17:7071") };
    let alive_v6 = Update::Alive {
        id: id(0x20),
        incarnation: Incarnation(0),
        record: record("Zoë", "[2001:db8::17]:7071"),
    };
    let suspect = Update::Suspect { id: id(0x20), incarnation, from: id(0x40) };
    let failed = Update::Failed { id: id(0x20), incarnation, from: id(0x40) };
    let left = Update::Left { id: id(0x20), incarnation };
    let updates = vec![alive.clone(), suspect.clone(), left.clone()];
    vec![
        ("ping", Frame::Ping { seq, target: id(0x20), summary }),
        ("ping_req", Frame::PingReq { seq, target: id(0x20), wants_nack: true }),
        ("ack", Frame::Ack { seq, summary }),
        ("nack", Frame::Nack { seq }),
        ("alive_v4", Frame::Update(alive)),
        ("alive_v6", Frame::Update(alive_v6)),
        ("suspect", Frame::Update(suspect)),
        ("failed", Frame::Update(failed)),
        ("left", Frame::Update(left)),
        ("state", Frame::State { updates, wants_answer: true }),
    ]
}

fn items() -> Vec<(&'static str, Frame)> {
    let item_id = ItemId { origin: id(0x20), start: 0xb1b2_b3b4_b5b6_b7b8, seq: 129 };
    let header = |name: &str, value: &'static [u8]| Header {
        name: name.into(),
        value: Bytes::from_static(value),
    };
    let small = Item {
        id: item_id,
        path: Path::parse("cache/users/42").unwrap(),
        previous_in_topic: None,
        time: HybridTime(0x0190_0000_0000_0003),
        expires_unix_millis: None,
        style: Style::Push,
        repair: false,
        fanout_count: 4,
        rounds_left: 7,
        hops: 3,
        headers: Vec::new(),
        payload: Bytes::from_static(b"drop"),
        signature: None,
    };
    let full = Item {
        previous_in_topic: Some(128),
        expires_unix_millis: Some(1_700_000_000_000),
        style: Style::PushPull,
        repair: true,
        headers: vec![header(":method", b"PURGE"), header("x-raw", &[0, 0xff])],
        payload: Bytes::new(),
        signature: Some(Box::new(std::array::from_fn(|place| u8::try_from(place).unwrap()))),
        ..small.clone()
    };
    let item =
        |item, wants_feedback, repair| Frame::Item { item: Arc::new(item), wants_feedback, repair };
    vec![
        ("item_small", item(small, false, false)),
        ("item_full", item(full, true, true)),
        ("announce", Frame::Announce(vec![item_id, ItemId { seq: 130, ..item_id }])),
        ("fetch", Frame::Fetch(vec![item_id])),
        ("pull_request", Frame::PullRequest),
        ("feedback", Frame::Feedback { id: item_id, known: true }),
    ]
}

fn reconciliation() -> Vec<(&'static str, Frame)> {
    let sums = Box::new(std::array::from_fn(|place| place as u64 * 0x0101));
    let digest = MemberDigest {
        id: id(0x20),
        incarnation: Incarnation(300),
        dead: true,
        generation: 1_700_000_000,
        max_version: 17,
        purged_version: 9,
    };
    let runs = vec![
        RunRanges { origin: id(0x20), start: 7, ranges: vec![(1, 100), (102, 102), (500, 1000)] },
        RunRanges { origin: id(0x40), start: 8, ranges: Vec::new() },
    ];
    let entry = |key: &str, value: Option<&[u8]>, version| Entry {
        key: key.to_owned(),
        value: value.map(<[u8]>::to_vec),
        version,
    };
    let delta = NodeDelta {
        id: id(0x20),
        generation: 1_700_000_000,
        from_version: 3,
        purged_version: 2,
        entries: vec![
            entry("zone", Some(b"eu-1"), 4),
            entry("old", None, 6),
            entry("flag", Some(b""), 200),
        ],
        max_version: 201,
    };
    vec![
        ("buckets", Frame::Buckets { subject: Subject::Items, sums }),
        (
            "member_digests",
            Frame::MemberDigests {
                buckets: 1 << 63 | 5,
                digests: vec![digest],
                wants_answer: true,
            },
        ),
        ("delta", Frame::Delta(delta)),
        (
            "item_digests",
            Frame::ItemDigests { buckets: u64::MAX, runs: runs.clone(), wants_answer: false },
        ),
        ("want", Frame::Want(runs.clone())),
        ("gone", Frame::Gone(runs)),
        ("tell", Frame::Tell { token: 0xc1c2, bytes: Bytes::from_static(b"hello") }),
        ("told", Frame::Told { token: 0xc1c2 }),
        ("answers", Frame::Answers { token: 0xc1c3, answers: answers() }),
    ]
}

fn answers() -> Arc<Answers> {
    let question = ItemId { origin: id(0x20), start: 0xb1b2_b3b4_b5b6_b7b8, seq: 129 };
    let group = |part: &'static [u8], is_last, from| {
        let part = Bytes::from_static(part);
        Group { part, is_last, from }
    };
    let yes = group(b"yes", true, vec![(id(0x40), 0), (id(0x60), 2)]);
    let nothing = group(b"", false, vec![(id(0x60), 1)]);
    Arc::new(Answers { question, groups: vec![yes, nothing] })
}

#[test]
fn frames() {
    let frames: Vec<_> = [probes(), items(), reconciliation()].concat();
    let written: Vec<_> = frames
        .iter()
        .map(|(name, frame)| {
            let mut out = Vec::new();
            frame.encode(&mut out);
            (*name, out)
        })
        .collect();
    assert_written(FRAMES, &written);
    for ((name, bytes), (_, expected)) in vectors(FRAMES).iter().zip(&frames) {
        let mut reader = Reader::new(bytes);
        let read = Frame::decode(&mut reader);
        assert_eq!(read.as_ref(), Ok(&Some(expected.clone())), "{name}");
        assert!(reader.is_empty(), "{name}");
    }
}

const A: &str = "10.0.0.1:7071";
const B: &str = "[2001:db8::2]:7071";

fn channel(seed: u8, start: u64) -> (NodeId, Channel) {
    let id = Identity::from_seed(&[seed; 32]).id();
    let key = "bruit-key-1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    let keys = Keyring::new(key.parse::<ClusterKey>().unwrap());
    (id, Channel::new(keys, id, start, [seed; 32]))
}

/// First contact, byte by byte: each datagram is the vector, and the vector is opened.
#[test]
fn datagrams() {
    let now = Instant::from_nanos(1_000_000_000_000);
    let (a_addr, b_addr): (SocketAddr, SocketAddr) = (A.parse().unwrap(), B.parse().unwrap());
    let ((a_id, mut a), (b_id, mut b)) = (channel(1, 0x1111), channel(2, 0x2222));
    let mut written = Vec::new();
    let (mut out, mut text) = (Vec::new(), Vec::new());

    let ping = vectors(FRAMES)[0].1.clone();
    a.seal(now, b_addr, &ping, &mut out);
    written.push(("long", out.clone()));
    assert_eq!(b.open(now, a_addr, &out, &mut text), Err(Rejected::FirstContact));
    assert_eq!(b.poll_transmit(&mut out), Some(a_addr));
    written.push(("challenge", out.clone()));
    assert_eq!(a.open(now, b_addr, &out, &mut text), Ok(None));
    assert_eq!(a.poll_transmit(&mut out), Some(b_addr));
    written.push(("hello", out.clone()));
    assert_eq!(b.open(now, a_addr, &out, &mut text), Ok(Some(a_id)));
    assert_eq!(text, ping);
    let mut frames = Vec::new();
    assert_eq!(decode_all(&text, &mut frames), Ok(0));
    assert_eq!(frames, [probes()[0].1.clone()]);
    let ack = vectors(FRAMES)[2].1.clone();
    b.seal(now, a_addr, &ack, &mut out);
    written.push(("hello_by_offer", out.clone()));
    assert_eq!(a.open(now, b_addr, &out, &mut text), Ok(Some(b_id)));
    assert_eq!(text, ack);
    b.seal(now, a_addr, &ack, &mut out);
    written.push(("short", out.clone()));
    assert_eq!(a.open(now, b_addr, &out, &mut text), Ok(Some(b_id)));
    assert_eq!(text, ack);
    assert_written(DATAGRAMS, &written);
}

#[test]
fn stream() {
    let keys = Keyring::new(ClusterKey::open());
    let mut a = StreamCrypto::initiator(&keys, id(0x20), 7, [0xa1; 16]);
    let mut b = StreamCrypto::acceptor(&keys, id(0x40), 8, [0xb2; 16]);
    let output = |stream: &mut StreamCrypto| {
        let mut out = Vec::new();
        stream.pending_output(usize::MAX, &mut out);
        out
    };
    let mut written = vec![("initiator", output(&mut a))];
    b.feed(&written[0].1).unwrap();
    written.push(("acceptor", output(&mut b)));
    a.feed(&written[1].1).unwrap();
    a.send_message(&vectors(FRAMES)[0].1).unwrap();
    written.push(("initiator_records", output(&mut a)));
    b.feed(&written[2].1).unwrap();
    assert_eq!(b.poll_message().as_ref(), Some(&vectors(FRAMES)[0].1));
    b.send_message(&vectors(FRAMES)[2].1).unwrap();
    written.push(("acceptor_records", output(&mut b)));
    a.feed(&written[3].1).unwrap();
    assert_eq!(a.poll_message().as_ref(), Some(&vectors(FRAMES)[2].1));
    assert_written(STREAM, &written);
}
