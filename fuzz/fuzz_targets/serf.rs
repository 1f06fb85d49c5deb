//! Bytes as Serf's datagrams, streams, messages and RPC. What is read is written, and then read as
//! the same. Seeds: `crates/dialects/serf/vectors`, by `fuzz/serf-seeds.py`.

#![no_main]

use bruit_serf::codec::message::Message;
use bruit_serf::codec::msgpack::Form;
use bruit_serf::codec::packet::Layers;
use bruit_serf::codec::stream::Incoming;
use bruit_serf::limits::{DATAGRAM_MESSAGES, STREAM_PLAIN};
use bruit_serf::rpc::{Objects, Request};
use bruit_serf::serf;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let layers = Layers::plain();
    if let Ok(opened) = layers.open(bytes) {
        assert!(opened.messages.len() <= DATAGRAM_MESSAGES.max);
        for message in &opened.messages {
            let mut written = Vec::new();
            message.encode(Form::GOSSIP, &mut written);
            assert_eq!(Message::decode(&written).as_ref(), Ok(message));
        }
    }
    let mut incoming = Incoming::accepted();
    for part in bytes.chunks(7) {
        if incoming.feed(&layers, part).is_err() {
            break;
        }
        assert!(incoming.buffered() <= bytes.len().max(STREAM_PLAIN.max));
    }
    if let Some(message) = incoming.take() {
        let mut written = Vec::new();
        if layers.stream_message(&message, [0; 12], &mut written).is_ok() {
            let mut again = Incoming::answer();
            again.feed(&layers, &written).expect("what is written is read");
            assert_eq!(again.take(), Some(message));
        }
    }
    // Coordinates hold floats, of which one is not equal to itself: they are no part of these.
    if let Ok(message) = serf::message::Message::decode(bytes) {
        let mut written = Vec::new();
        message.encode(Form::GOSSIP, &mut written);
        assert_eq!(serf::message::Message::decode(&written), Ok(message));
    }
    let mut objects = Objects::default();
    objects.feed(bytes);
    while let Ok(Some((seq, request))) = Request::take(&mut objects) {
        let Ok(request) = request else { continue };
        let mut written = Vec::new();
        request.write(seq, Form::RPC, &mut written);
        let mut again = Objects::default();
        again.feed(&written);
        assert_eq!(Request::take(&mut again), Ok(Some((seq, Ok(request)))));
    }
});
