//! The network of a universe.

use bruit_engine::Rng;
use std::time::Duration;

/// One in so many.
const MILLION: u64 = 1_000_000;

/// How messages of one kind travel between any two nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// The shortest time.
    pub latency_min: Duration,
    /// The longest time; between the two, all are equally probable.
    pub latency_max: Duration,
    /// How many in a million are lost.
    pub loss_ppm: u32,
}

impl Way {
    /// Always so long, without loss.
    pub const fn constant(latency: Duration) -> Self {
        Self { latency_min: latency, latency_max: latency, loss_ppm: 0 }
    }

    /// Between these, without loss.
    pub const fn uniform(latency_min: Duration, latency_max: Duration) -> Self {
        Self { latency_min, latency_max, loss_ppm: 0 }
    }

    /// The same, with so many in a million lost.
    #[must_use]
    pub const fn with_loss(self, loss_ppm: u32) -> Self {
        Self { loss_ppm, ..self }
    }
}

/// The network, and how timers are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How travels what nobody asked for. Default: 10 to 50 ms, the links of the broadcast
    /// comparisons with iroh-gossip's simulator.
    pub unasked: Way,
    /// How questions, answers and announcements travel. Default: as `unasked`.
    pub exchange: Way,
    /// Timers are called only at multiples of this. Default: when they are due.
    pub align: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self::over(Way::uniform(Duration::from_millis(10), Duration::from_millis(50)))
    }
}

impl Settings {
    /// Everything by one way.
    pub fn over(way: Way) -> Self {
        Self { unasked: way, exchange: way, align: None }
    }

    /// The papers' synchronous cycles for push: in each, the copies sent in the last one arrive,
    /// then the feedback, then the timers are called.
    pub fn push_cycles(period: Duration) -> Self {
        let unasked = Way::constant(period);
        Self { unasked, exchange: Way::constant(Duration::ZERO), align: Some(period) }
    }

    /// The papers' synchronous cycles for pull and push-pull: in each, all timers are called, then
    /// all requests pass, then all announcements, fetches and copies, a nanosecond apart. What is
    /// pushed arrives in the next.
    pub fn pull_cycles(period: Duration) -> Self {
        let unasked = Way::constant(period);
        Self { unasked, exchange: Way::constant(Duration::from_nanos(1)), align: Some(period) }
    }
}

/// One way, with the generators that decide on it.
#[derive(Debug)]
pub(super) struct Carrier {
    shortest: u64,
    /// How many nanoseconds the latency varies over, both ends included.
    width: u64,
    loss_ppm: u64,
    latency: Rng,
    loss: Rng,
}

impl Carrier {
    pub(super) fn new(way: Way, rng: &mut Rng) -> Self {
        let shortest = nanos(way.latency_min);
        let width = nanos(way.latency_max).saturating_sub(shortest).saturating_add(1);
        let loss_ppm = u64::from(way.loss_ppm);
        Self { shortest, width, loss_ppm, latency: rng.fork("latency"), loss: rng.fork("loss") }
    }

    /// How many nanoseconds a message takes; `None` if it is lost.
    pub(super) fn carry(&mut self) -> Option<u64> {
        if self.loss_ppm > 0 && self.loss.chance(self.loss_ppm, MILLION) {
            return None;
        }
        let extra = if self.width > 1 { self.latency.below(self.width) } else { 0 };
        Some(self.shortest.saturating_add(extra))
    }
}

/// Nanoseconds, at most 584 years.
pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
