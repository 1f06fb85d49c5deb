//! A small network of machines: latency, loss, stalls, partitions, in virtual time.

use super::super::message::{Message, Update};
use super::*;
use std::collections::BTreeMap;

#[derive(Debug)]
struct Packet {
    from: u32,
    to: u32,
    message: Message<u32>,
    updates: Vec<Update<u32, &'static str>>,
}

/// A change of state as one member saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) at: Instant,
    pub(super) by: u32,
    pub(super) id: u32,
    pub(super) state: State,
}

pub(super) struct Cluster {
    pub(super) nodes: Vec<Node>,
    pub(super) now: Instant,
    pub(super) loss_ppm: u64,
    /// Packets pass only within one side.
    pub(super) sides: Vec<u8>,
    pub(super) seen: Vec<Seen>,
    pub(super) others: Vec<(u32, Event<u32, &'static str>)>,
    /// Packets sent, by kind: ping, ping request, ack, nack, gossip.
    pub(super) packets: [u64; 5],
    /// Hash of all packets delivered so far, if wanted.
    pub(super) digest: Option<u64>,
    outs: Vec<Sink>,
    down: Vec<bool>,
    stalled_until: Vec<Instant>,
    wire: BTreeMap<(Instant, u64), Packet>,
    packet_count: u64,
    rng: Rng,
}

impl Cluster {
    /// `n` members that know each other.
    pub(super) fn new(params: &Params, n: u32, seed: u64) -> Self {
        let mut rng = Rng::from_seed(seed);
        let mut nodes: Vec<Node> = (0..n)
            .map(|id| Swim::new(params.clone(), id, "record", rng.fork("node"), Instant::ZERO))
            .collect();
        let mut outs: Vec<Sink> = (0..n).map(|_| Outbox::new(10_000)).collect();
        let everyone: Vec<_> = (0..n).map(|id| alive(id, 1)).collect();
        for (swim, out) in nodes.iter_mut().zip(&mut outs) {
            swim.merge(Instant::ZERO, &0, everyone.clone(), out);
            events(out);
        }
        let len = nodes.len();
        Self {
            nodes,
            now: Instant::ZERO,
            loss_ppm: 0,
            sides: vec![0; len],
            seen: Vec::new(),
            others: Vec::new(),
            packets: [0; 5],
            digest: None,
            outs,
            down: vec![false; len],
            stalled_until: vec![Instant::ZERO; len],
            wire: BTreeMap::new(),
            packet_count: 0,
            rng,
        }
    }

    pub(super) fn kill(&mut self, id: u32) {
        self.down[id as usize] = true;
    }

    /// The member neither reads nor fires timers for so long; packets wait for it.
    pub(super) fn stall(&mut self, id: u32, time: Duration) {
        self.stalled_until[id as usize] = self.now + time;
    }

    pub(super) fn call(&mut self, id: u32, f: impl FnOnce(&mut Node, Instant, &mut Sink)) {
        let index = id as usize;
        f(&mut self.nodes[index], self.now, &mut self.outs[index]);
        self.drain(id);
    }

    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let timer = (0..self.nodes.len())
                .filter(|&index| !self.down[index])
                .filter_map(|index| {
                    let due = self.nodes[index].next_timeout()?;
                    Some((due.max(self.stalled_until[index]).max(self.now), index))
                })
                .min();
            let packet = self.wire.first_key_value().map(|((at, _), _)| *at);
            let next = timer.map(|(at, _)| at).into_iter().chain(packet).min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = next;
            if let Some((_, index)) = timer.filter(|(at, _)| *at == next) {
                let now = self.now;
                self.nodes[index].handle_timeout(now, &mut self.outs[index]);
                self.drain(u32::try_from(index).unwrap());
            } else if let Some((_, packet)) = self.wire.pop_first() {
                self.deliver(packet);
            }
        }
        self.now = end;
    }

    fn deliver(&mut self, packet: Packet) {
        let index = packet.to as usize;
        if self.down[index] {
            return;
        }
        if self.stalled_until[index] > self.now {
            self.packet_count += 1;
            self.wire.insert((self.stalled_until[index], self.packet_count), packet);
            return;
        }
        if let Some(digest) = &mut self.digest {
            for byte in format!("{:?}{packet:?}", self.now).bytes() {
                *digest = crate::rng::mix(*digest ^ u64::from(byte));
            }
        }
        let (swim, out) = (&mut self.nodes[index], &mut self.outs[index]);
        for update in packet.updates {
            swim.handle_update(self.now, &packet.from, update, out);
        }
        swim.handle_message(self.now, &packet.from, packet.message, out);
        self.drain(packet.to);
    }

    fn drain(&mut self, id: u32) {
        let index = id as usize;
        while let Some(send) = self.outs[index].pop_send() {
            let swim = &mut self.nodes[index];
            let mut updates = Vec::new();
            let is_gossip = send.message == Message::Gossip;
            if is_gossip || swim.params().piggyback_on_probes {
                swim.fill_updates(self.now, &send.to, 1200, &mut |_| 60, &mut updates);
            } else if matches!(send.message, Message::Ping { .. }) {
                updates.extend(swim.buddy_update(&send.to));
            }
            if is_gossip && updates.is_empty() {
                continue;
            }
            self.transmit(Packet { from: id, to: send.to, message: send.message, updates });
        }
        while let Some(event) = self.outs[index].pop_event() {
            match event {
                Event::Changed { id: subject, .. } => {
                    let state = self.nodes[index].get(&subject).unwrap().state;
                    self.seen.push(Seen { at: self.now, by: id, id: subject, state });
                }
                Event::Reconnect { id: other } => self.exchange(id, other),
                Event::Updated { .. }
                | Event::Reaped { .. }
                | Event::Refuted { .. }
                | Event::LeaveSpread => self.others.push((id, event)),
            }
        }
    }

    fn transmit(&mut self, packet: Packet) {
        let kind = match packet.message {
            Message::Ping { .. } => 0,
            Message::PingReq { .. } => 1,
            Message::Ack { .. } => 2,
            Message::Nack { .. } => 3,
            Message::Gossip => 4,
        };
        self.packets[kind] += 1;
        let is_lost = self.rng.chance(self.loss_ppm, 1_000_000)
            || self.sides[packet.from as usize] != self.sides[packet.to as usize];
        let delay = MS / 2 + self.rng.duration_below(MS);
        if !is_lost {
            self.packet_count += 1;
            self.wire.insert((self.now + delay, self.packet_count), packet);
        }
    }

    /// A full-state exchange, as the caller of the machine would run over a stream.
    pub(super) fn exchange(&mut self, a: u32, b: u32) {
        let (one, two) = (a as usize, b as usize);
        if self.down[two] || self.sides[one] != self.sides[two] {
            return;
        }
        let from_a: Vec<_> = self.nodes[one].full_state().collect();
        let from_b: Vec<_> = self.nodes[two].full_state().collect();
        self.call(b, |swim, now, out| swim.merge(now, &a, from_a, out));
        self.call(a, |swim, now, out| swim.merge(now, &b, from_b, out));
    }

    /// What every running member but `id` holds of `id`.
    pub(super) fn views_of(&self, id: u32) -> Vec<State> {
        (0..self.nodes.len())
            .filter(|&index| !self.down[index] && index != id as usize)
            .map(|index| self.nodes[index].get(&id).unwrap().state)
            .collect()
    }

    pub(super) fn count_seen(&self, state: State) -> usize {
        self.seen.iter().filter(|seen| seen.state == state).count()
    }
}
