//! The laws of the codec, for every frame, and every limit of it.

use crate::*;
use bruit_engine::membership::swim::message::Update;
use bruit_engine::membership::swim::{Incarnation, Seq};
use bruit_engine::reconcile::scuttlebutt::message::{Entry, NodeDelta};
use bruit_engine::spread::ask::message::Group;
use bruit_model::{Header, HybridTime, Item, ItemId, MemberRecord, NodeId, Path, Style};
use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use std::net::SocketAddr;
use std::sync::Arc;

fn number() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0_u32..64).prop_map(|(number, shift)| number >> shift)
}

fn node_id() -> impl Strategy<Value = NodeId> {
    any::<[u8; 16]>().prop_map(NodeId)
}

fn item_id() -> impl Strategy<Value = ItemId> {
    (node_id(), any::<u64>(), number()).prop_map(|(origin, start, seq)| ItemId {
        origin,
        start,
        seq,
    })
}

fn summary() -> impl Strategy<Value = Summary> {
    any::<(u64, u64)>().prop_map(|(members, items)| Summary { members, items })
}

fn record() -> impl Strategy<Value = MemberRecord> {
    let addr = prop_oneof![
        any::<([u8; 4], u16)>().prop_map(SocketAddr::from),
        any::<([u8; 16], u16)>().prop_map(SocketAddr::from),
    ];
    let name = "[a-zA-Z0-9 éß✓-]{1,40}";
    (name, addr).prop_map(|(name, addr)| MemberRecord { name: name.into(), addr })
}

fn update() -> impl Strategy<Value = Update<NodeId, MemberRecord>> {
    let subject = || (node_id(), number().prop_map(Incarnation));
    prop_oneof![
        (subject(), record()).prop_map(|((id, incarnation), record)| Update::Alive {
            id,
            incarnation,
            record
        }),
        (subject(), node_id()).prop_map(|((id, incarnation), from)| Update::Suspect {
            id,
            incarnation,
            from
        }),
        (subject(), node_id()).prop_map(|((id, incarnation), from)| Update::Failed {
            id,
            incarnation,
            from
        }),
        subject().prop_map(|(id, incarnation)| Update::Left { id, incarnation }),
    ]
}

fn style() -> impl Strategy<Value = Style> {
    use Style::{Auto, Direct, LazyPush, Pull, Push, PushPull};
    prop::sample::select(vec![Auto, Direct, Push, LazyPush, Pull, PushPull])
}

fn bytes(max: usize) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..=max).prop_map(Bytes::from)
}

fn item() -> impl Strategy<Value = Arc<Item>> {
    let header = (":?[a-z0-9!#$%&'*+.^_`|~-]{1,12}", bytes(20))
        .prop_map(|(name, value)| Header { name: name.into(), value });
    let head = (item_id(), "[a-z*%é/]{0,20}[a-z]", prop::option::of(number()), any::<u64>());
    let spread = (prop::option::of(number()), style(), any::<(bool, u8, u8, u8)>());
    let said = (vec(header, 0..6), bytes(100), prop::option::of(any::<[u8; 32]>()));
    (head, spread, said).prop_map(|(head, spread, said)| {
        let (id, path, previous_in_topic, time) = head;
        let (expires_unix_millis, style, (repair, fanout_count, rounds_left, hops)) = spread;
        let (headers, payload, signature) = said;
        Arc::new(Item {
            id,
            path: Path::parse(&path).unwrap(),
            previous_in_topic,
            time: HybridTime(time),
            expires_unix_millis,
            style,
            repair,
            fanout_count,
            rounds_left,
            hops,
            headers,
            payload,
            signature: signature.map(|half| Box::new(std::array::from_fn(|n| half[n % 32]))),
        })
    })
}

fn runs() -> impl Strategy<Value = Vec<RunRanges>> {
    let run = (node_id(), any::<u64>(), vec((number(), number()), 0..6)).prop_map(
        |(origin, start, steps)| {
            let (mut ranges, mut begin) = (Vec::new(), Some(0_u64));
            for (gap, more) in steps {
                let first = begin.and_then(|begin| begin.checked_add(gap));
                let Some(first) = first else { break };
                let Some(last) = first.checked_add(more) else { break };
                ranges.push((first, last));
                begin = last.checked_add(2);
            }
            RunRanges { origin, start, ranges }
        },
    );
    vec(run, 0..5)
}

fn delta() -> impl Strategy<Value = NodeDelta<NodeId>> {
    let entry = ("[a-z$/é]{1,12}", prop::option::of(vec(any::<u8>(), 0..30)), 1_u64..9);
    let numbers = (any::<u64>(), 0_u64..1000, number(), 0_u64..9);
    (node_id(), numbers, vec(entry, 0..6)).prop_map(|(id, numbers, entries)| {
        let (generation, from_version, purged_version, more) = numbers;
        let mut version = from_version;
        let entries: Vec<Entry> = entries
            .into_iter()
            .map(|(key, value, step)| {
                version += step;
                Entry { key, value, version }
            })
            .collect();
        let max_version = version + more;
        NodeDelta { id, generation, from_version, purged_version, entries, max_version }
    })
}

fn digest() -> impl Strategy<Value = MemberDigest> {
    (node_id(), number(), any::<bool>(), number(), number(), number()).prop_map(
        |(id, incarnation, dead, generation, max_version, purged_version)| MemberDigest {
            id,
            incarnation: Incarnation(incarnation),
            dead,
            generation,
            max_version,
            purged_version,
        },
    )
}

fn probe() -> impl Strategy<Value = Frame> {
    let seq = || any::<u32>().prop_map(Seq);
    prop_oneof![
        (seq(), node_id(), summary()).prop_map(|(seq, target, summary)| Frame::Ping {
            seq,
            target,
            summary
        }),
        (seq(), node_id(), any::<bool>()).prop_map(|(seq, target, wants_nack)| Frame::PingReq {
            seq,
            target,
            wants_nack
        }),
        (seq(), summary()).prop_map(|(seq, summary)| Frame::Ack { seq, summary }),
        seq().prop_map(|seq| Frame::Nack { seq }),
        update().prop_map(Frame::Update),
        (vec(update(), 0..5), any::<bool>())
            .prop_map(|(updates, wants_answer)| Frame::State { updates, wants_answer }),
    ]
}

fn reconciliation() -> impl Strategy<Value = Frame> {
    let sums = (any::<[u64; 32]>(), any::<[u64; 32]>()).prop_map(|(a, b)| {
        let mut sums = Box::new([0; 64]);
        sums[..32].copy_from_slice(&a);
        sums[32..].copy_from_slice(&b);
        sums
    });
    let subject = prop::sample::select(vec![Subject::Members, Subject::Items]);
    prop_oneof![
        (subject, sums).prop_map(|(subject, sums)| Frame::Buckets { subject, sums }),
        (any::<u64>(), vec(digest(), 0..5), any::<bool>()).prop_map(
            |(buckets, digests, wants_answer)| {
                Frame::MemberDigests { buckets, digests, wants_answer }
            }
        ),
        delta().prop_map(Frame::Delta),
        (any::<u64>(), runs(), any::<bool>()).prop_map(|(buckets, runs, wants_answer)| {
            Frame::ItemDigests { buckets, runs, wants_answer }
        }),
        runs().prop_map(Frame::Want),
        runs().prop_map(Frame::Gone),
    ]
}

fn answers() -> impl Strategy<Value = Frame> {
    let from = vec((node_id(), any::<u8>()), 1..5);
    let group = (bytes(30), any::<bool>(), from).prop_map(|(part, is_last, from)| Group {
        part,
        is_last,
        from,
    });
    (any::<u64>(), item_id(), vec(group, 0..5)).prop_map(|(token, question, groups)| {
        Frame::Answers { token, answers: Arc::new(Answers { question, groups }) }
    })
}

/// Any frame.
pub(crate) fn frame() -> impl Strategy<Value = Frame> {
    prop_oneof![
        probe(),
        reconciliation(),
        (item(), any::<bool>(), any::<bool>()).prop_map(|(item, wants_feedback, repair)| {
            Frame::Item { item, wants_feedback, repair }
        }),
        vec(item_id(), 0..5).prop_map(Frame::Announce),
        vec(item_id(), 0..5).prop_map(Frame::Fetch),
        Just(Frame::PullRequest),
        (item_id(), any::<bool>()).prop_map(|(id, known)| Frame::Feedback { id, known }),
        (any::<u64>(), bytes(50)).prop_map(|(token, bytes)| Frame::Tell { token, bytes }),
        any::<u64>().prop_map(|token| Frame::Told { token }),
        answers(),
    ]
}

fn encoded(frame: &Frame) -> Vec<u8> {
    let mut out = Vec::new();
    frame.encode(&mut out);
    out
}

fn decoded(bytes: &[u8]) -> Result<Option<Frame>, DecodeError> {
    let mut reader = Reader::new(bytes);
    let frame = Frame::decode(&mut reader)?;
    reader.finish().map(|()| frame)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_is_written_is_read(frame in frame()) {
        let bytes = encoded(&frame);
        prop_assert_eq!(bytes.len(), frame.encoded_len());
        prop_assert_eq!(decoded(&bytes), Ok(Some(frame.clone())));
        if let Frame::Update(update) = &frame {
            prop_assert_eq!(update_len(update), bytes.len());
        }
        if let Frame::Item { item, .. } = &frame {
            prop_assert_eq!(item_len(item), bytes.len());
            let mut alone = Vec::new();
            encode_item(item, &mut alone);
            prop_assert_eq!(decode_item(&alone), Ok(item.clone()));
            prop_assert!(decode_item(&alone[1..]) != Ok(item.clone()));
            alone.push(0);
            prop_assert!(decode_item(&alone).is_err());
        }
        if let Frame::Answers { answers, .. } = &frame {
            let of_group = |group: &Group<NodeId, Bytes>| {
                let members = group.from.len() * ANSWER_MEMBER_BYTES;
                ANSWER_GROUP_BYTES + group.part.len() + members
            };
            let groups: usize = answers.groups.iter().map(of_group).sum();
            prop_assert!(bytes.len() <= ANSWERS_BYTES + groups);
        }
        if let Frame::Delta(delta) = &frame {
            let entries: usize = delta.entries.iter().map(delta_entry_len).sum();
            let estimate = delta_header_len(delta) + entries;
            prop_assert!((estimate - 4..=estimate).contains(&bytes.len()));
        }
    }

    #[test]
    fn no_part_of_a_frame_is_a_frame(frame in frame(), cut: prop::sample::Index) {
        let bytes = encoded(&frame);
        let cut = cut.index(bytes.len());
        prop_assert_eq!(decoded(&bytes[..cut]), Err(DecodeError::Truncated));
    }

    #[test]
    fn what_is_read_from_altered_bytes_is_written_the_same(
        frame in frame(),
        places in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = encoded(&frame);
        for (place, value) in places {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        let mut reader = Reader::new(&bytes);
        if let Ok(Some(frame)) = Frame::decode(&mut reader) {
            prop_assert_eq!(&encoded(&frame)[..], &bytes[..bytes.len() - reader.remaining()]);
        }
    }

    #[test]
    fn several_frames_are_read_whole_or_not_at_all(frames in vec(frame(), 0..6), cut: bool) {
        let mut bytes: Vec<u8> = frames.iter().flat_map(encoded).collect();
        bytes.extend([0x7f, 2, 1, 2]);
        let mut read = vec![Frame::PullRequest];
        if cut {
            bytes.push(0x01);
            prop_assert_eq!(decode_all(&bytes, &mut read), Err(DecodeError::Truncated));
            prop_assert_eq!(read, vec![]);
        } else {
            prop_assert_eq!(decode_all(&bytes, &mut read), Ok(1));
            prop_assert_eq!(read, frames);
        }
    }
}

#[test]
fn random_bytes_are_read_without_harm() {
    let mut rng = bruit_engine::Rng::from_seed(7);
    let mut frames = Vec::new();
    let mut read_count = 0;
    for _ in 0..100_000 {
        let length = rng.index(80);
        let mut bytes: Vec<u8> = (0..length).map(|_| rng.next_u64().to_be_bytes()[0]).collect();
        // Random types are mostly unknown: make some of them known, with a length that fits.
        if length > 2 && rng.chance(3, 4) {
            bytes[0] &= 0x47;
            bytes[1] = u8::try_from(length - 2).unwrap();
        }
        if decode_all(&bytes, &mut frames).is_ok() {
            read_count += frames.len();
            let again: Vec<u8> = frames.iter().flat_map(encoded).collect();
            assert!(again.len() <= bytes.len());
        }
    }
    assert!(read_count > 100, "{read_count}");
}

/// A frame of this type with this body.
fn raw(kind: u8, body: &[u8]) -> Result<Option<Frame>, DecodeError> {
    let mut bytes = vec![kind];
    bytes.bytes(body);
    decoded(&bytes)
}

fn too_long(limit: Limit, given: usize) -> Result<Option<Frame>, DecodeError> {
    let Limit { what, max } = limit;
    Err(DecodeError::TooLong { what, given: given as u64, max })
}

pub(super) fn plain_item(payload: usize) -> Item {
    Item {
        id: ItemId { origin: NodeId([1; 16]), start: 2, seq: 3 },
        path: Path::parse("a").unwrap(),
        previous_in_topic: None,
        time: HybridTime(4),
        expires_unix_millis: None,
        style: Style::Push,
        repair: true,
        fanout_count: 5,
        rounds_left: 6,
        hops: 7,
        headers: Vec::new(),
        payload: vec![7; payload].into(),
        signature: None,
    }
}

pub(super) fn reread(frame: &Frame) -> Result<Option<Frame>, DecodeError> {
    decoded(&encoded(frame))
}

/// Reads frames with lengths of 0, of `limit` and of one more, made by `make`.
pub(super) fn try_limit(limit: Limit, make: impl Fn(usize) -> Frame) {
    for length in [0, limit.max] {
        let frame = make(length);
        assert_eq!(reread(&frame), Ok(Some(frame)), "{}: {length}", limit.what);
    }
    let over = limit.max + 1;
    assert_eq!(reread(&make(over)), too_long(limit, over), "{}", limit.what);
}

#[test]
fn lists_have_limits() {
    let id = ItemId { origin: NodeId([1; 16]), start: 2, seq: 3 };
    try_limit(limits::IDS, |count| Frame::Announce(vec![id; count]));
    try_limit(limits::IDS, |count| Frame::Fetch(vec![id; count]));
    let left = Update::Left { id: NodeId([1; 16]), incarnation: Incarnation(1) };
    try_limit(limits::UPDATES, |count| Frame::State {
        updates: vec![left.clone(); count],
        wants_answer: true,
    });
    let digest = MemberDigest {
        id: NodeId([1; 16]),
        incarnation: Incarnation(1),
        dead: false,
        generation: 1,
        max_version: 1,
        purged_version: 1,
    };
    try_limit(limits::DIGESTS, |count| Frame::MemberDigests {
        buckets: 1,
        digests: vec![digest; count],
        wants_answer: false,
    });
    let run = |ranges| RunRanges { origin: NodeId([1; 16]), start: 2, ranges };
    try_limit(limits::RUNS, |count| Frame::Want(vec![run(Vec::new()); count]));
    try_limit(limits::RANGES, |count| {
        Frame::Gone(vec![run((0..count as u64).map(|n| (3 * n, 3 * n + 1)).collect())])
    });
    try_limit(limits::TELL, |length| Frame::Tell { token: 1, bytes: vec![2; length].into() });
}

#[test]
fn an_item_has_limits() {
    let frame = |item| Frame::Item { item: Arc::new(item), wants_feedback: true, repair: false };
    try_limit(limits::PAYLOAD, |length| frame(plain_item(length)));
    let header =
        |name: &str, value: usize| Header { name: name.into(), value: vec![b'v'; value].into() };
    try_limit(limits::HEADERS, |count| {
        frame(Item { headers: vec![header("n", 1); count], ..plain_item(0) })
    });
    let of_bytes = |value| {
        let headers = vec![header("one", 100), header("two", value)];
        frame(Item { headers, ..plain_item(0) })
    };
    let fits = of_bytes(limits::HEADER_BYTES.max - 106);
    assert_eq!(reread(&fits), Ok(Some(fits)));
    let over = limits::HEADER_BYTES.max + 1;
    assert_eq!(reread(&of_bytes(over - 106)), too_long(limits::HEADER_BYTES, over));
    let path = |length: usize| {
        let body = encoded(&frame(plain_item(0)));
        let at = 2 + 1 + 1 + 1 + 25 + 1 + 1 + 8;
        assert_eq!(body[at..at + 2], [1, b'a']);
        let mut altered = body[2..at].to_vec();
        altered.bytes(&vec![b'p'; length]);
        altered.extend_from_slice(&body[at + 2..]);
        raw(0x20, &altered)
    };
    assert_eq!(path(0), Err(DecodeError::Invalid("path")));
    assert!(path(1024).is_ok());
    assert_eq!(path(1025), too_long(limits::PATH, 1025));
}

#[test]
fn the_largest_item_fits_a_stream_message() {
    let header =
        |place| Header { name: format!("h{place:03}").into(), value: vec![b'v'; 124].into() };
    let item = Item {
        path: Path::parse(&"p".repeat(1024)).unwrap(),
        previous_in_topic: Some(u64::MAX),
        expires_unix_millis: Some(u64::MAX),
        headers: (0..256).map(header).collect(),
        signature: Some(Box::new([1; 64])),
        ..plain_item(limits::PAYLOAD.max)
    };
    let frame = Frame::Item { item: Arc::new(item), wants_feedback: true, repair: true };
    assert!(frame.encoded_len() <= limits::STREAM_MESSAGE_BYTES_MAX);
    assert_eq!(reread(&frame), Ok(Some(frame)));
}

#[test]
fn names_and_keys_have_limits() {
    let alive = |name: &[u8]| {
        let mut body = vec![1; 16];
        body.extend([9, 4, 127, 0, 0, 1, 0x1b, 0x9f]);
        body.bytes(name);
        raw(0x10, &body)
    };
    assert_eq!(alive(b""), Err(DecodeError::Invalid("member name")));
    assert!(alive(&[b'n'; 128]).is_ok());
    assert_eq!(alive(&[b'n'; 129]), too_long(limits::NAME, 129));
    assert_eq!(alive(b"bell\x07"), Err(DecodeError::Invalid("member name")));
    assert_eq!(alive("csi\u{9b}2J".as_bytes()), Err(DecodeError::Invalid("member name")));
    assert_eq!(alive(b"\xff"), Err(DecodeError::Invalid("UTF-8 text")));

    let delta = |key: String, value: Option<usize>| {
        let value = value.map(|length| vec![1; length]);
        let entries = vec![Entry { key, value, version: 6 }];
        Frame::Delta(NodeDelta {
            id: NodeId([1; 16]),
            generation: 2,
            from_version: 3,
            purged_version: 4,
            entries,
            max_version: 6,
        })
    };
    assert_eq!(reread(&delta(String::new(), Some(9))), Err(DecodeError::Invalid("metadata key")));
    assert_eq!(reread(&delta("a\nb".into(), None)), Err(DecodeError::Invalid("metadata key")));
    try_limit(limits::META_KEY, |length| delta("k".repeat(length.max(1)), Some(1)));
    try_limit(limits::META_VALUE, |length| delta("k".into(), Some(length)));
}

#[test]
fn a_delta_has_limits() {
    let delta = |entries: Vec<Entry>, max_version| {
        Frame::Delta(NodeDelta {
            id: NodeId([1; 16]),
            generation: 2,
            from_version: 3,
            purged_version: 4,
            entries,
            max_version,
        })
    };
    let entry = |version| Entry { key: "k".into(), value: None, version };
    for versions in [vec![3], vec![5, 5], vec![6, 5], vec![10]] {
        let entries = versions.iter().map(|version| entry(*version)).collect();
        let expected = Err(DecodeError::Invalid("order of versions"));
        assert_eq!(reread(&delta(entries, 9)), expected, "{versions:?}");
    }
    let of_values = |second: usize| {
        let value =
            |length: usize, version| Entry { value: Some(vec![1; length]), ..entry(version) };
        delta(vec![value(60_000, 4), value(second, 5)], 5)
    };
    let rest = limits::DELTA.max - 60_000 - 21 - 2 * (2 + 3 + 1);
    let fits = of_values(rest);
    assert_eq!(fits.encoded_len(), limits::DELTA.max + 4);
    assert_eq!(reread(&fits), Ok(Some(fits)));
    assert_eq!(reread(&of_values(rest + 1)), too_long(limits::DELTA, limits::DELTA.max + 1));
    let mut body = vec![1; 20];
    body.varint(limits::ENTRIES.max as u64 + 1);
    assert_eq!(raw(0x32, &body), too_long(limits::ENTRIES, limits::ENTRIES.max + 1));
}

#[test]
fn a_count_is_not_believed_beyond_the_bytes_that_came() {
    for (kind, before, limit) in [
        (0x14, 1, limits::UPDATES),
        (0x21, 0, limits::IDS),
        (0x31, 9, limits::DIGESTS),
        (0x33, 9, limits::RUNS),
        (0x34, 0, limits::RUNS),
        (0x32, 20, limits::ENTRIES),
        (0x42, 33, limits::ANSWER_GROUPS),
    ] {
        let mut body = vec![1; before];
        body.varint(limit.max as u64);
        assert_eq!(raw(kind, &body), Err(DecodeError::Truncated), "{}", limit.what);
        let mut body = vec![1; before];
        body.varint(u64::MAX);
        let given = u64::MAX;
        let expected = Err(DecodeError::TooLong { what: limit.what, given, max: limit.max });
        assert_eq!(raw(kind, &body), expected, "{}", limit.what);
    }
    let mut frame = vec![0x7f];
    frame.varint(limits::FRAME.max as u64 + 1);
    assert_eq!(decoded(&frame), too_long(limits::FRAME, limits::FRAME.max + 1));
    let pulls = [0x23, 0].repeat(limits::FRAMES.max);
    assert_eq!(decode_all(&pulls, &mut Vec::new()), Ok(0));
    let more = [&pulls[..], &[0x7f, 0]].concat();
    let given = limits::FRAMES.max as u64 + 1;
    let error = DecodeError::TooLong { what: "frames", given, max: limits::FRAMES.max };
    assert_eq!(decode_all(&more, &mut Vec::new()), Err(error));
}

#[test]
fn what_no_sender_writes_is_refused() {
    let invalid = |what| Err(DecodeError::Invalid(what));
    let header = |name: &str| {
        let headers = vec![Header { name: name.into(), value: Bytes::new() }];
        let item = Arc::new(Item { headers, ..plain_item(0) });
        reread(&Frame::Item { item, wants_feedback: false, repair: false })
    };
    for name in ["Host", "a b", ":", "a:b", "::a", "é"] {
        assert_eq!(header(name), invalid("header name"), "{name}");
    }
    assert!(header(":method").is_ok() && header("x-y").is_ok());
    assert_eq!(raw(0x20, &[0x40; 50]), invalid("item flags"));
    let mut styled = encoded(&Frame::Item {
        item: Arc::new(plain_item(0)),
        wants_feedback: false,
        repair: false,
    });
    styled[2 + 3 + 25] = 6;
    assert_eq!(decoded(&styled), invalid("style"));
    assert_eq!(raw(0x30, &[2; 513]), invalid("subject"));
    assert_eq!(raw(0x02, &[2; 21]), invalid("yes or no"));
    assert_eq!(raw(0x10, &[5; 40]), invalid("address family"));
    assert_eq!(raw(0x14, &[&[0, 1][..], &[0x15; 30]].concat()), invalid("update"));
    let range = |first: &[u8]| raw(0x34, &[&[1][..], &[1; 24], first].concat());
    let max = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
    assert_eq!(range(&[&[1][..], &max, &[1]].concat()), invalid("range"));
    assert_eq!(range(&[&[2, 0][..], &max, &[0, 0]].concat()), invalid("range"));
    assert!(range(&[&[1][..], &max, &[0]].concat()).is_ok());
    assert_eq!(raw(0x23, &[0]), Err(DecodeError::Trailing(1)));
    assert_eq!(raw(0x7f, &[0]), Ok(None));
}
