//! Datagrams: sent, carried or not, and delivered.

use super::KEPT_MAX;
use super::host::Waiting;
use super::queue::{Action, Datagram};
use crate::{HostId, Net, Recorded};
use bruit_model::Transmit;
use bytes::Bytes;

/// The largest payload of UDP over IPv4: 65,535 less 28 bytes of headers (RFC 768, RFC 791).
const DATAGRAM_BYTES_MAX: usize = 65_507;
/// IPv4 and UDP headers.
const DATAGRAM_HEADER_BYTES: usize = 28;
/// Datagrams under way to one host at most. Guess.
const IN_FLIGHT_MAX: usize = 65_536;
/// Datagrams that wait for a paused process at most. Guess: Linux's default receive buffer
/// (`net.core.rmem_default`, 208 KiB) full of small datagrams, each accounted as about 768 bytes.
pub(super) const WAITING_MAX: usize = 256;

impl Net {
    pub(crate) fn transmit(&mut self, host: HostId, transmit: Transmit, buffer: &[u8]) {
        match transmit.segment_size {
            Some(size) => {
                assert!(size > 0, "{host} sends segments of no size");
                buffer.chunks(size).for_each(|bytes| self.send(host, transmit, bytes));
            }
            None => self.send(host, transmit, buffer),
        }
    }

    fn send(&mut self, host: HostId, transmit: Transmit, bytes: &[u8]) {
        let at = self.now;
        let on = &mut self.hosts[host.index()];
        let from = on.addrs.get(usize::from(transmit.on.0));
        let from = *from.expect("a node names only sockets that the host has");
        on.stats.datagrams_sent += 1;
        on.stats.datagram_bytes_sent += (bytes.len() + DATAGRAM_HEADER_BYTES) as u64;
        let bytes = Bytes::copy_from_slice(bytes);
        match &mut on.records {
            Some(records) if records.len() < KEPT_MAX => {
                records.push(Recorded { at, from, to: transmit.to, bytes: bytes.clone() });
            }
            Some(_) => on.stats.records_shed += 1,
            None => {}
        }
        if bytes.len() > DATAGRAM_BYTES_MAX {
            on.stats.datagrams_oversized += 1;
            return;
        }
        let Some(&(to, on)) = self.by_addr.get(&transmit.to) else {
            self.hosts[host.index()].stats.datagrams_unroutable += 1;
            return;
        };
        let (sender, number, copy) = (Some(host), 0, false);
        self.carry(host, Datagram { sender, from, to, on, bytes, number, copy });
    }

    fn carry(&mut self, host: HostId, datagram: Datagram) {
        let to = datagram.to;
        let len = datagram.bytes.len() + DATAGRAM_HEADER_BYTES;
        let fate = self.links.carry(self.now, host, to, len);
        let blocked = self.links.is_blocked(host, to);
        let full = self.hosts[to.index()].in_flight >= IN_FLIGHT_MAX;
        let stats = &mut self.hosts[host.index()].stats;
        match fate.at {
            _ if blocked => stats.datagrams_blocked += 1,
            None if fate.is_dropped => stats.datagrams_dropped += 1,
            None => stats.datagrams_lost += 1,
            Some(_) if full => stats.datagrams_overflowed += 1,
            Some(at) => {
                if let Some(at) = fate.copy_at {
                    stats.datagrams_duplicated += 1;
                    let bytes = datagram.bytes.clone();
                    let copy = Datagram { copy: true, number: fate.number, bytes, ..datagram };
                    self.queue.schedule(at, Action::Datagram(copy));
                    self.hosts[to.index()].in_flight += 1;
                }
                let original = Datagram { number: fate.number, ..datagram };
                self.queue.schedule(at, Action::Datagram(original));
                self.hosts[to.index()].in_flight += 1;
            }
        }
    }

    pub(crate) fn arrive(&mut self, datagram: Datagram) {
        let to = datagram.to;
        self.hosts[to.index()].in_flight -= 1;
        if let Some(sender) = datagram.sender {
            if self.links.is_blocked(sender, to) {
                self.hosts[sender.index()].stats.datagrams_blocked += 1;
                return;
            }
            let overtaken = self.links.is_overtaken(self.now, sender, to, datagram.number);
            self.hosts[to.index()].stats.datagrams_reordered +=
                u64::from(overtaken && !datagram.copy);
        }
        let on = &mut self.hosts[to.index()];
        if on.node.is_none() {
            on.stats.datagrams_to_dead += 1;
            return;
        }
        match &mut on.stall {
            None => self.take_in(to, Waiting::Datagram(datagram)),
            Some(stall) => {
                let is_datagram = |waiting: &&Waiting| matches!(waiting, Waiting::Datagram(_));
                if stall.waiting.iter().filter(is_datagram).count() < WAITING_MAX {
                    stall.waiting.push_back(Waiting::Datagram(datagram));
                } else {
                    on.stats.datagrams_shed += 1;
                }
            }
        }
    }

    pub(crate) fn hand_datagram(&mut self, datagram: &Datagram) {
        let Datagram { sender, from, to, on, ref bytes, .. } = *datagram;
        let sender = sender.map_or(u64::MAX, |host| host.0.into());
        self.trace.note(self.now, to, "datagram", sender, bytes);
        let stats = &mut self.hosts[to.index()].stats;
        stats.datagrams_delivered += 1;
        stats.inputs += 1;
        stats.datagram_bytes_delivered += (bytes.len() + DATAGRAM_HEADER_BYTES) as u64;
        let taken = self.with_node(to, |node, now| node.handle_datagram(now, on, from, bytes));
        if let Err(reason) = taken {
            let host = &mut self.hosts[to.index()];
            host.stats.datagrams_rejected += 1;
            *host.rejected.entry(reason).or_default() += 1;
        }
    }
}
