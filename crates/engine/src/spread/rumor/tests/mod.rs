//! Tests of the rumor engine.

mod cluster;
mod exact;
mod fetching;
mod reach;

use super::message::{Message, Send};
use super::*;
use crate::{FullView, Instant, Outbox, Rng};
use std::num::NonZeroU8;

type Engine = Rumor<u32, u32>;

fn at_ms(ms: u64) -> Instant {
    Instant::from_nanos(ms * 1_000_000)
}

fn non_zero(value: u8) -> NonZeroU8 {
    NonZeroU8::new(value).unwrap()
}

fn spread(style: Style, fanout: u8, stop: StopRule) -> Spread {
    Spread { style, fanout_count: non_zero(fanout), stop, period: Duration::from_millis(100) }
}

fn rounds(count: u8) -> StopRule {
    StopRule::Rounds(non_zero(count))
}

fn counter(k: u8, feedback: bool) -> StopRule {
    StopRule::Counter { k: non_zero(k), feedback }
}

fn coin(k: u8, feedback: bool) -> StopRule {
    StopRule::Coin { k: non_zero(k), feedback }
}

fn engine(seed: u64) -> Engine {
    Rumor::new(Limits::default(), Rng::from_seed(seed))
}

fn outbox() -> Out<u32, u32> {
    Outbox::new(100_000)
}

fn sends(out: &mut Out<u32, u32>) -> Vec<Send<u32, u32>> {
    std::iter::from_fn(|| out.pop_send()).collect()
}

fn events(out: &mut Out<u32, u32>) -> Vec<Event<u32, u32>> {
    std::iter::from_fn(|| out.pop_event()).collect()
}

fn push(to: u32, key: u32, rounds_left: u8, wants_feedback: bool) -> Send<u32, u32> {
    Send { to, message: Message::Push { key, rounds_left, wants_feedback } }
}

fn announce(to: u32, keys: &[u32]) -> Send<u32, u32> {
    Send { to, message: Message::Announce { keys: keys.to_vec() } }
}

fn fetch(to: u32, keys: &[u32]) -> Send<u32, u32> {
    Send { to, message: Message::Fetch { keys: keys.to_vec() } }
}

fn arrival(from: &u32, key: u32, spread: Spread, rounds_left: u8) -> Arrival<'_, u32, u32> {
    Arrival { from, key, spread, rounds_left, wants_feedback: false, known: false }
}

/// `sends`, in the order of the receivers.
fn sorted(mut sends: Vec<Send<u32, u32>>) -> Vec<Send<u32, u32>> {
    sends.sort_by_key(|send| send.to);
    sends
}

fn cooled(key: u32, why: Cooled) -> Event<u32, u32> {
    Event::Cooled { key, why }
}
