//! Frames on their way into datagrams.

use bruit_model::NodeId;
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

/// The most bytes that wait for the driver: beyond it the newest is shed and counted, and
/// anti-entropy brings it later.
const QUEUED_BYTES_MAX: usize = 8 << 20;

/// Frames by destination, in the order in which destinations asked to be served. Frames for one
/// destination share datagrams.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    queues: BTreeMap<SocketAddr, Queue>,
    ready: VecDeque<SocketAddr>,
    queued_bytes: usize,
    pub(crate) shed_count: u64,
}

#[derive(Debug, Default)]
struct Queue {
    to: Option<NodeId>,
    frames: VecDeque<Bytes>,
}

/// Where the next datagram goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Next {
    pub(crate) addr: SocketAddr,
    pub(crate) to: Option<NodeId>,
}

impl Outgoing {
    /// Queues `frame` for `addr`. An empty frame asks for a datagram of updates alone.
    pub(crate) fn push(&mut self, addr: SocketAddr, to: Option<NodeId>, frame: Bytes) {
        if self.queued_bytes + frame.len() > QUEUED_BYTES_MAX {
            self.shed_count += 1;
            return;
        }
        self.queued_bytes += frame.len();
        let queue = self.queues.entry(addr).or_insert_with(|| {
            self.ready.push_back(addr);
            Queue::default()
        });
        queue.to = to.or(queue.to);
        if !frame.is_empty() {
            queue.frames.push_back(frame);
        }
    }

    /// Appends the frames of the next datagram to `plaintext`, at most `budget` bytes.
    pub(crate) fn pack(&mut self, budget: usize, plaintext: &mut Vec<u8>) -> Option<Next> {
        let addr = self.ready.pop_front()?;
        let queue = self.queues.get_mut(&addr)?;
        while let Some(frame) = queue.frames.front() {
            if !plaintext.is_empty() && plaintext.len() + frame.len() > budget {
                break;
            }
            plaintext.extend_from_slice(frame);
            self.queued_bytes -= frame.len();
            queue.frames.pop_front();
        }
        let next = Next { addr, to: queue.to };
        if queue.frames.is_empty() {
            self.queues.remove(&addr);
        } else {
            self.ready.push_back(addr);
        }
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_for_one_destination_share_datagrams_up_to_the_budget() {
        let (a, b) = ("10.0.0.1:1".parse().unwrap(), "10.0.0.2:1".parse().unwrap());
        let mut outgoing = Outgoing::default();
        outgoing.push(a, None, Bytes::from_static(b"aaaa"));
        outgoing.push(b, None, Bytes::from_static(b"bb"));
        outgoing.push(a, None, Bytes::from_static(b"cccc"));
        outgoing.push(a, None, Bytes::from_static(b"dddd"));
        let mut packed = Vec::new();
        let mut plaintext = Vec::new();
        while let Some(next) = outgoing.pack(9, &mut plaintext) {
            packed.push((next.addr, String::from_utf8(plaintext.clone()).unwrap()));
            plaintext.clear();
        }
        let expected = [(a, "aaaacccc".into()), (b, "bb".into()), (a, "dddd".into())];
        assert_eq!(packed, expected);
        assert_eq!(outgoing.queued_bytes, 0);
    }

    #[test]
    fn what_exceeds_the_bound_is_shed_and_counted() {
        let mut outgoing = Outgoing::default();
        let addr = "10.0.0.1:1".parse().unwrap();
        let half = Bytes::from(vec![0; QUEUED_BYTES_MAX / 2]);
        for _ in 0..3 {
            outgoing.push(addr, None, half.clone());
        }
        assert_eq!(outgoing.shed_count, 1);
    }
}
