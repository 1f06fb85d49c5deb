//! SWIM at engine scale: [`bruit_engine::membership::swim::Swim`] on every node.
//!
//! Every member knows every other from the start, so memory grows with the square of the group.
//! Full states are not exchanged: a proposal to do so ([`Event::Reconnect`]) is counted and goes
//! no further.

use super::machine::{Call, Kind, Machine};
use super::{Settings, Universe};
use bruit_engine::membership::swim::message::{Message, Update};
use bruit_engine::membership::swim::{Event, Incarnation, Out, Params, State, Swim};
use bruit_engine::{Instant, Outbox};

/// Sends that wait in one call at most.
const SENDS_MAX: usize = 1 << 16;
/// Room for updates beside a message, and what one takes: a datagram of 1,400 bytes, and a
/// record of a name and an address.
const ROOM_BYTES: usize = 1200;
const UPDATE_BYTES: usize = 60;

/// A message and the updates beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// What is said.
    pub message: Message<u32>,
    /// What travels with it.
    pub updates: Vec<Update<u32, ()>>,
}

/// A change of state as one member saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When.
    pub at: Instant,
    /// By whom.
    pub by: u32,
    /// Whose state changed.
    pub id: u32,
    /// To what.
    pub state: State,
}

/// What all members share.
#[derive(Debug)]
pub struct Members {
    /// Every change of state that a member saw.
    pub seen: Vec<Seen>,
    /// Proposals to exchange full states.
    pub reconnects: u64,
    out: Out<u32, ()>,
}

/// A member.
#[derive(Debug)]
pub struct SwimNode {
    swim: Swim<u32, ()>,
}

/// A universe of SWIM members.
pub type SwimUniverse = Universe<SwimNode>;

/// A group in which every member knows every other.
///
/// # Panics
/// If there are no nodes, or the parameters do not pass [`Params::validate`].
pub fn universe(seed: u64, nodes: u32, settings: Settings, params: &Params) -> SwimUniverse {
    let shared = Members { seen: Vec::new(), reconnects: 0, out: Outbox::new(SENDS_MAX) };
    let make = |node, rng| {
        let mut swim = Swim::new(params.clone(), node, (), rng, Instant::ZERO);
        let mut out = Outbox::new(SENDS_MAX);
        let first = Incarnation(1);
        let others = (0..nodes).filter(|other| *other != node);
        let all = others.map(|id| Update::Alive { id, incarnation: first, record: () });
        swim.merge(Instant::ZERO, &node, all, &mut out);
        SwimNode { swim }
    };
    Universe::new(seed, nodes, settings, shared, make)
}

impl SwimNode {
    /// The engine.
    pub fn swim(&self) -> &Swim<u32, ()> {
        &self.swim
    }
}

impl Machine for SwimNode {
    type Message = Packet;
    type Shared = Members;

    fn handle_message(&mut self, call: &mut Call<'_, Self>, from: u32, packet: Packet) {
        for update in packet.updates {
            self.swim.handle_update(call.now, &from, update, &mut call.shared.out);
        }
        self.swim.handle_message(call.now, &from, packet.message, &mut call.shared.out);
        self.drain(call);
    }

    fn handle_timeout(&mut self, call: &mut Call<'_, Self>) {
        self.swim.handle_timeout(call.now, &mut call.shared.out);
        self.drain(call);
    }

    fn next_timeout(&self) -> Option<Instant> {
        self.swim.next_timeout()
    }

    fn touch(&self, _: u32, _: Option<&Packet>, _: &Members) -> u64 {
        self.swim.next_timeout().map_or(0, Instant::as_nanos)
    }

    fn kind(_: &Packet) -> Kind {
        Kind::Exchange
    }

    fn fingerprint(packet: &Packet) -> u64 {
        let (kind, seq, target) = match &packet.message {
            Message::Ping { seq, target } => (1, seq.0, *target),
            Message::PingReq { seq, target, .. } => (2, seq.0, *target),
            Message::Ack { seq } => (3, seq.0, 0),
            Message::Nack { seq } => (4, seq.0, 0),
            Message::Gossip => (5, 0, 0),
        };
        let updates = packet.updates.iter().fold(0_u64, |hash, update| {
            let (state, incarnation) = match update {
                Update::Alive { incarnation, .. } => (1, incarnation.0),
                Update::Suspect { incarnation, .. } => (2, incarnation.0),
                Update::Failed { incarnation, .. } => (3, incarnation.0),
                Update::Left { incarnation, .. } => (4, incarnation.0),
            };
            let word = u64::from(*update.subject()) << 32 | incarnation << 3 | state;
            (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95)
        });
        kind << 60 ^ u64::from(seq) << 28 ^ u64::from(target) ^ updates
    }
}

impl SwimNode {
    /// Hands on what the engine sent, with updates beside it, and keeps what it told.
    fn drain(&mut self, call: &mut Call<'_, Self>) {
        while let Some(send) = call.shared.out.pop_send() {
            let swim = &mut self.swim;
            let mut updates = Vec::new();
            let is_gossip = send.message == Message::Gossip;
            if is_gossip || swim.params().piggyback_on_probes {
                let cost = &mut |_: &Update<u32, ()>| UPDATE_BYTES;
                swim.fill_updates(call.now, &send.to, ROOM_BYTES, cost, &mut updates);
            } else if matches!(send.message, Message::Ping { .. }) {
                updates.extend(swim.buddy_update(&send.to));
            }
            if !is_gossip || !updates.is_empty() {
                call.send(send.to, Packet { message: send.message, updates });
            }
        }
        while let Some(event) = call.shared.out.pop_event() {
            match event {
                Event::Changed { id, .. } => {
                    let state = self.swim.get(&id).map(|member| member.state);
                    let (at, by) = (call.now, call.me);
                    call.shared.seen.extend(state.map(|state| Seen { at, by, id, state }));
                }
                Event::Reconnect { .. } => call.shared.reconnects += 1,
                Event::Updated { .. }
                | Event::Reaped { .. }
                | Event::Refuted { .. }
                | Event::LeaveSpread => {}
            }
        }
    }
}
