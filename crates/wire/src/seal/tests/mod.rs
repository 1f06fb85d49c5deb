//! Channels that talk to each other, and strangers that interfere.

mod contact;
mod strangers;

use super::destinations::Destinations;
use super::header::{COUNTER_MAX, Header};
use super::sessions::{SESSIONS_MAX, Sessions};
use super::*;
use bruit_engine::{Instant, Rng};
use bruit_model::{NodeId, Rejected};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

fn at(millis: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(100) + Duration::from_millis(millis)
}

fn addr(host: u8) -> SocketAddr {
    ([10, 0, 0, host], 7071).into()
}

fn key(byte: u8) -> ClusterKey {
    ClusterKey::new([byte; 32])
}

/// A channel with the address that others see of it.
struct Peer {
    addr: SocketAddr,
    id: NodeId,
    channel: Channel,
}

type Datagram = (SocketAddr, Vec<u8>);

impl Peer {
    fn with_key(host: u8, start: u64, key: ClusterKey) -> Self {
        let id = NodeId([host; 16]);
        let mut secret = [host; 32];
        secret[..8].copy_from_slice(&start.to_be_bytes());
        Self { addr: addr(host), id, channel: Channel::new(Keyring::new(key), id, start, secret) }
    }

    fn new(host: u8, start: u64) -> Self {
        Self::with_key(host, start, key(7))
    }

    fn seal(&mut self, now: Instant, to: &Self, text: &str) -> Vec<u8> {
        let mut out = vec![0xff; 3];
        self.channel.seal(now, to.addr, text.as_bytes(), &mut out);
        assert!(out.len() <= text.len() + Channel::OVERHEAD_MAX);
        out
    }

    fn open(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &[u8],
    ) -> Result<Option<(NodeId, String)>, Rejected> {
        let mut plaintext = vec![0xff; 3];
        let opened = self.channel.open(now, from, datagram, &mut plaintext);
        if !matches!(opened, Ok(Some(_))) {
            assert_eq!(plaintext, []);
        }
        let text = String::from_utf8(plaintext).unwrap();
        opened.map(|from| from.map(|id| (id, text)))
    }

    fn transmits(&mut self) -> Vec<Datagram> {
        let mut out = vec![0xff; 3];
        let mut all = Vec::new();
        while let Some(to) = self.channel.poll_transmit(&mut out) {
            all.push((to, out.clone()));
        }
        all
    }

    /// The only datagram that waits to go out.
    fn transmit(&mut self) -> Vec<u8> {
        let mut all = self.transmits();
        assert_eq!(all.len(), 1);
        all.remove(0).1
    }
}

fn said(by: &Peer, text: &str) -> Result<Option<(NodeId, String)>, Rejected> {
    Ok(Some((by.id, text.to_owned())))
}

/// Two peers that know each other, both in the short form.
fn introduced(now: Instant) -> (Peer, Peer) {
    let (mut a, mut b) = (Peer::new(1, 11), Peer::new(2, 22));
    let long = a.seal(now, &b, "ping");
    assert_eq!(b.open(now, a.addr, &long), Err(Rejected::FirstContact));
    let challenge = b.transmit();
    assert_eq!(a.open(now, b.addr, &challenge), Ok(None));
    let hello = a.transmit();
    assert_eq!(b.open(now, a.addr, &hello), said(&a, "ping"));
    let hello = b.seal(now, &a, "ack");
    assert_eq!(a.open(now, b.addr, &hello), said(&b, "ack"));
    (a, b)
}
