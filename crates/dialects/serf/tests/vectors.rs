//! The bytes of `vectors/*.txt`: each is read, and written again byte for byte.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking"
)]

use bruit_serf::codec::label::Label;
use bruit_serf::codec::message::{Ack, Message};
use bruit_serf::codec::msgpack::{Form, Reader};
use bruit_serf::codec::packet::{Layers, Opened, compound};
use bruit_serf::codec::seal::{Key, Keyring, NonceBytes, SealVersion};
use bruit_serf::codec::stream::{Incoming, StreamMessage};
use bruit_serf::rpc::{
    CoordinateAnswer, JoinAnswer, KeyAnswer, LogRecord, MembersAnswer, Objects, QueryRecord,
    Request, ResponseHeader, Stats, StreamRecord,
};
use bruit_serf::serf;
use bruit_serf::serf::coordinate::Coordinate;
use bruit_serf::serf::tags::Tags;

fn unhex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn vectors(text: &str) -> impl Iterator<Item = (&str, Vec<u8>)> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once(' ').unwrap()).map(|(name, bytes)| (name, unhex(bytes)))
}

/// The lines of a file behind `# name`, up to the next `#`.
fn section<'a>(text: &'a str, name: &str) -> &'a str {
    let (_, rest) = text.split_once(&format!("# {name}\n")).unwrap();
    rest.split_once("\n#").map_or(rest, |(section, _)| section)
}

fn encoded(message: &Message, form: Form) -> Vec<u8> {
    let mut out = Vec::new();
    message.encode(form, &mut out);
    out
}

/// What is inside a message of memberlist is read and written again too.
fn inner(message: &Message, form: Form) {
    match message {
        Message::User(bytes) => {
            let inner = serf::message::Message::decode(bytes).unwrap();
            let mut out = Vec::new();
            inner.encode(form, &mut out);
            assert_eq!(&out[..], &bytes[..], "{inner:?}");
            if let serf::message::Message::Query(query) = inner {
                for filter in query.filters.iter().flatten() {
                    let read = serf::message::Filter::decode(filter).unwrap();
                    assert_eq!(read.encode(form), filter, "{read:?}");
                }
            }
        }
        Message::Ack(Ack { payload: Some(payload), .. }) if !payload.is_empty() => {
            let coordinate = Coordinate::from_payload(payload).unwrap();
            assert_eq!(coordinate.vector.len(), 8);
            assert_eq!(coordinate.to_payload(), payload);
        }
        Message::Alive(alive) => {
            let meta = alive.meta.as_ref().unwrap();
            assert_eq!(Tags::decode(meta).unwrap().encode().unwrap(), meta[..]);
        }
        _ => {}
    }
}

#[test]
fn messages() {
    for (name, bytes) in vectors(include_str!("../vectors/research.txt")) {
        let message = Message::decode(&bytes).unwrap();
        assert_eq!(encoded(&message, Form::GOSSIP_OLD), bytes, "{name}");
        inner(&message, Form::GOSSIP_OLD);
    }
}

/// The nonce of a sealed datagram, which follows label and version.
fn nonce(bytes: &[u8]) -> NonceBytes {
    bytes.get(1..).and_then(|rest| rest.first_chunk().copied()).unwrap_or_default()
}

/// Reads a datagram and writes what was in it again.
fn datagram(layers: &Layers, bytes: &[u8]) -> Opened {
    let opened = layers.open(bytes).unwrap();
    assert_eq!((opened.malformed, opened.cut_off), (0, 0));
    let messages: Vec<_> = opened.messages.iter().map(|m| encoded(m, layers.form)).collect();
    let message = match &messages[..] {
        [one] => one.clone(),
        several => compound(several).concat(),
    };
    let nonce = nonce(&bytes[layers.label.overhead()..]);
    // Whether there is a checksum depends on the receiver: one of both is what was sent.
    let written = [false, true].map(|checked| {
        let mut out = Vec::new();
        layers.datagram(&message, checked, nonce, &mut out);
        out
    });
    assert!(written.iter().any(|out| out == bytes), "{opened:?}");
    opened
}

/// Reads a stream, whole and byte by byte, and writes what was in it again.
fn stream(layers: &Layers, is_answer: bool, bytes: &[u8]) -> StreamMessage {
    let new = || if is_answer { Incoming::answer() } else { Incoming::accepted() };
    let mut whole = new();
    whole.feed(layers, bytes).unwrap();
    let message = whole.take().unwrap();
    let mut slowly = new();
    for byte in bytes {
        assert_eq!(slowly.take(), None);
        slowly.feed(layers, &[*byte]).unwrap();
    }
    assert_eq!(slowly.take().as_ref(), Some(&message));
    let mut out = Vec::new();
    if !is_answer {
        layers.stream_label(&mut out);
    }
    let nonce = nonce(bytes.get(out.len() + 5..).unwrap_or_default());
    layers.stream_message(&message, nonce, &mut out).unwrap();
    assert_eq!(out, bytes, "{message:?}");
    message
}

fn serf_state(message: &StreamMessage, form: Form) {
    let StreamMessage::PushPull(state) = message else { return };
    let inner = serf::message::Message::decode(&state.user_state).unwrap();
    let mut out = Vec::new();
    inner.encode(form, &mut out);
    assert_eq!(&out[..], &state.user_state[..]);
    for node in &state.nodes {
        let meta = node.meta.as_ref().unwrap();
        assert_eq!(Tags::decode(meta).unwrap().encode().unwrap(), meta[..]);
    }
}

fn debian(file: &str, layers: &Layers) -> (usize, usize) {
    let (mut datagrams, mut streams) = (0, 0);
    for (name, bytes) in vectors(file) {
        if name.starts_with("udp_") {
            let opened = datagram(layers, &bytes);
            opened.messages.iter().for_each(|message| inner(message, layers.form));
            datagrams += 1;
        } else {
            let is_answer = !name.ends_with("_in");
            serf_state(&stream(layers, is_answer, &bytes), layers.form);
            streams += 1;
        }
    }
    (datagrams, streams)
}

fn old(compression: bool) -> Layers {
    Layers { compression, form: Form::GOSSIP_OLD, ..Layers::plain() }
}

#[test]
fn debian_compressed() {
    let (datagrams, streams) = debian(include_str!("../vectors/plain.txt"), &old(true));
    assert!(datagrams > 10 && streams > 4, "{datagrams} {streams}");
}

#[test]
fn debian_uncompressed() {
    let (datagrams, streams) = debian(include_str!("../vectors/uncompressed.txt"), &old(false));
    assert!(datagrams > 10 && streams > 4, "{datagrams} {streams}");
}

fn counting(length: u8) -> Keyring {
    Keyring::new(Key::new(&(0..length).collect::<Vec<u8>>()).unwrap())
}

#[test]
fn debian_encrypted() {
    let layers = Layers { keyring: Some(counting(16)), ..old(true) };
    let (datagrams, streams) = debian(include_str!("../vectors/encrypted.txt"), &layers);
    assert!(datagrams > 10 && streams > 1, "{datagrams} {streams}");
}

#[test]
fn memberlist_head() {
    let file = include_str!("../vectors/head.txt");
    let plain = Layers { compression: false, ..Layers::plain() };
    let blue = Layers { label: Label::new("blue").unwrap(), ..Layers::plain() };
    let sealed = Layers { keyring: Some(counting(32)), ..blue.clone() };
    let old_seal =
        Layers { keyring: Some(counting(16)), seal_version: SealVersion::V0, ..plain.clone() };
    let scenarios = [
        ("plain", plain),
        ("compressed", Layers::plain()),
        ("labelled", blue),
        ("sealed", sealed),
        ("sealed_v0", old_seal),
    ];
    for (name, layers) in scenarios {
        let (mut datagrams, mut streams) = (0, 0);
        for (kind, bytes) in vectors(section(file, name)) {
            if kind == "udp" {
                datagram(&layers, &bytes);
                datagrams += 1;
            } else if !bytes.is_empty() {
                stream(&layers, kind == "tcp_answer", &bytes);
                streams += 1;
            }
        }
        assert!(datagrams > 2 && streams > 2, "{name}: {datagrams} {streams}");
    }
}

/// What an agent answers to a session's requests, which are numbered from 1.
fn answers(requests: &[Request], bytes: &[u8]) {
    let (mut reader, mut out) = (Reader::new(bytes), Vec::new());
    let form = Form::RPC_OLD;
    while reader.remaining() > 0 {
        let header = ResponseHeader::read(&mut reader).unwrap();
        header.write(form, &mut out);
        let place = usize::try_from(header.seq).unwrap() - 1;
        let first = !out.is_empty() && reader.remaining() > 0;
        match &requests[place] {
            Request::Members | Request::MembersFiltered(_) => {
                MembersAnswer::read(&mut reader).unwrap().write(form, &mut out);
            }
            Request::Join(_) => JoinAnswer::read(&mut reader).unwrap().write(form, &mut out),
            Request::InstallKey(_) | Request::ListKeys => {
                KeyAnswer::read(&mut reader).unwrap().write(form, &mut out);
            }
            Request::Stats => Stats::read(&mut reader).unwrap().write(form, &mut out),
            Request::Coordinate(_) => {
                CoordinateAnswer::read(&mut reader).unwrap().write(form, &mut out);
            }
            // The first answer is a header; each later one has a record behind it.
            Request::Query(_) | Request::Monitor(_) | Request::Stream(_) if first => {
                let mut ahead = reader;
                let next = ResponseHeader::read(&mut ahead).unwrap();
                if next.seq != 0 {
                    continue;
                }
                match &requests[place] {
                    Request::Query(_) => {
                        QueryRecord::read(&mut reader).unwrap().write(form, &mut out);
                    }
                    Request::Stream(_) => {
                        StreamRecord::read(&mut reader).unwrap().write(form, &mut out);
                    }
                    _ => LogRecord::read(&mut reader).unwrap().write(form, &mut out),
                }
            }
            _ => {}
        }
    }
    assert_eq!(out, bytes);
}

#[test]
fn rpc() {
    let mut requests = Vec::new();
    let mut commands = 0;
    for (name, bytes) in vectors(include_str!("../vectors/rpc.txt")) {
        if name.ends_with("_answer") {
            answers(&requests, &bytes);
            continue;
        }
        requests.clear();
        let (mut objects, mut out) = (Objects::default(), Vec::new());
        for byte in &bytes {
            objects.feed(&[*byte]);
            while let Some((seq, request)) = Request::take(&mut objects).unwrap() {
                let request = request.unwrap();
                request.write(seq, Form::RPC_OLD, &mut out);
                requests.push(request);
                assert_eq!(seq, requests.len() as u64, "{name}");
            }
        }
        assert_eq!(out, bytes, "{name}: {requests:?}");
        commands += requests.len();
    }
    assert!(commands > 20, "{commands}");
}
