//! Messages from other members: questions to answer, pings to make for them, answers to ours.

use super::message::{Message, Send};
use super::{Out, Seq, Swim, Timer};
use crate::{Instant, MemberId};
use std::fmt;

/// A ping made for another member.
#[derive(Clone, Debug)]
pub(super) struct Relay<I> {
    asker: I,
    asker_seq: Seq,
}

/// Most pings for others at once. 1,024 (guess): at most three per live member and period are
/// expected, one on average.
const RELAYS_MAX: usize = 1024;

impl<I: MemberId, R: Clone + Eq + fmt::Debug> Swim<I, R> {
    /// Takes in a message. The updates beside it go to [`Swim::handle_update`], best before.
    pub fn handle_message(
        &mut self,
        now: Instant,
        from: &I,
        message: Message<I>,
        out: &mut Out<I, R>,
    ) {
        match message {
            Message::Ping { seq, target } => self.on_ping(from, seq, &target, out),
            Message::PingReq { seq, target, wants_nack } => {
                self.on_ping_req(now, from, (seq, target), wants_nack, out);
            }
            Message::Ack { seq } => self.on_ack(now, from, seq, out),
            Message::Nack { seq } => self.on_nack(from, seq),
            Message::Gossip => {}
        }
    }

    fn on_ping(&mut self, from: &I, seq: Seq, target: &I, out: &mut Out<I, R>) {
        if *target == self.me {
            out.send(Send { to: from.clone(), message: Message::Ack { seq } });
        } else {
            self.stats.pings_misdirected += 1;
        }
    }

    fn on_ping_req(
        &mut self,
        now: Instant,
        from: &I,
        (asker_seq, target): (Seq, I),
        wants_nack: bool,
        out: &mut Out<I, R>,
    ) {
        if target == self.me {
            out.send(Send { to: from.clone(), message: Message::Ack { seq: asker_seq } });
            return;
        }
        let has_room = self.relays.len() < RELAYS_MAX;
        if !has_room {
            self.stats.relays_shed += 1;
        }
        if !has_room || !self.members.contains_key(&target) {
            if wants_nack {
                out.send(Send { to: from.clone(), message: Message::Nack { seq: asker_seq } });
            }
            return;
        }
        let seq = self.fresh_seq();
        self.relays.insert(seq, Relay { asker: from.clone(), asker_seq });
        out.send(Send { to: target.clone(), message: Message::Ping { seq, target } });
        if wants_nack {
            self.timers.set(Timer::Nack(seq), now + self.params.nack_after);
        }
        self.timers.set(Timer::RelayEnd(seq), now + self.params.probe_interval);
    }

    pub(super) fn on_nack_due(&mut self, seq: Seq, out: &mut Out<I, R>) {
        if let Some(relay) = self.relays.get(&seq) {
            let message = Message::Nack { seq: relay.asker_seq };
            out.send(Send { to: relay.asker.clone(), message });
        }
    }

    fn on_ack(&mut self, now: Instant, from: &I, seq: Seq, out: &mut Out<I, R>) {
        if let Some(probe) = self.probes.remove(&seq) {
            self.on_probe_answered(now, from, seq, &probe);
        } else if let Some(relay) = self.relays.remove(&seq) {
            self.timers.cancel(&Timer::Nack(seq));
            self.timers.cancel(&Timer::RelayEnd(seq));
            let message = Message::Ack { seq: relay.asker_seq };
            out.send(Send { to: relay.asker, message });
        } else {
            self.stats.answers_unexpected += 1;
        }
    }

    fn on_nack(&mut self, from: &I, seq: Seq) {
        match self.probes.get_mut(&seq) {
            Some(probe) => probe.silent.retain(|helper| helper != from),
            None => self.stats.answers_unexpected += 1,
        }
    }
}
