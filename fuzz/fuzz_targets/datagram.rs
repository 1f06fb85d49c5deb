//! Bytes as datagrams and as a stream. The first byte says what is done with the others:
//! even, they are given as they are; odd, they are laid over a datagram that would be taken.

#![no_main]

use bruit_model::{Instant, NodeId};
use bruit_wire::{Channel, ClusterKey, Keyring, StreamCrypto};
use libfuzzer_sys::fuzz_target;
use std::net::SocketAddr;

fn channel(host: u8) -> (SocketAddr, Channel) {
    let keys = Keyring::new(ClusterKey::open());
    let channel = Channel::new(keys, NodeId([host; 16]), u64::from(host), [host; 32]);
    (([10, 0, 0, host], 7071).into(), channel)
}

/// Two channels that have been introduced.
fn pair(now: Instant) -> ((SocketAddr, Channel), (SocketAddr, Channel)) {
    let ((a_addr, mut a), (b_addr, mut b)) = (channel(1), channel(2));
    let (mut out, mut text) = (Vec::new(), Vec::new());
    a.seal(now, b_addr, b"", &mut out);
    b.open(now, a_addr, &out, &mut text).expect_err("b does not know a");
    b.poll_transmit(&mut out).expect("b challenges a");
    a.open(now, b_addr, &out, &mut text).expect("a expects the challenge");
    a.poll_transmit(&mut out).expect("a introduces itself");
    b.open(now, a_addr, &out, &mut text).expect("b takes the Hello");
    ((a_addr, a), (b_addr, b))
}

fuzz_target!(|bytes: &[u8]| {
    let Some((mode, bytes)) = bytes.split_first() else { return };
    let now = Instant::from_nanos(1_000_000_000_000);
    let ((a_addr, mut a), (b_addr, mut b)) = pair(now);
    let (mut datagram, mut text, mut out) = (Vec::new(), Vec::new(), Vec::new());
    a.seal(now, b_addr, b"text", &mut datagram);
    let intact = datagram.clone();
    if mode % 2 == 0 {
        datagram = bytes.to_vec();
    } else {
        datagram.iter_mut().zip(bytes).for_each(|(byte, other)| *byte ^= other);
    }
    let opened = b.open(now, a_addr, &datagram, &mut text);
    assert_eq!(matches!(opened, Ok(Some(_))), datagram == intact);
    let mut answer_bytes = 0;
    while b.poll_transmit(&mut out).is_some() {
        answer_bytes += out.len();
    }
    assert!(answer_bytes <= datagram.len());

    let keys = Keyring::new(ClusterKey::open());
    let mut acceptor = StreamCrypto::acceptor(&keys, NodeId([2; 16]), 2, [2; 16]);
    let fed = acceptor.feed(bytes);
    assert!(fed.is_err() || acceptor.peer().is_none());
    assert_eq!(acceptor.poll_message(), None);
});
