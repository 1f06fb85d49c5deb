//! All links of a net, and the generators that decide what they do.

use super::Link;
use super::cuts::Cuts;
use super::directions::Directions;
use super::routes::{Prepared, Routes};
use crate::HostId;
use bruit_engine::{Instant, Rng};
use std::time::Duration;

/// What becomes of a datagram.
#[derive(Debug)]
pub(crate) struct Fate {
    /// Its place in the order of sending.
    pub(crate) number: u64,
    /// When it arrives; `None` if it is lost.
    pub(crate) at: Option<Instant>,
    /// When its copy arrives, if there is one.
    pub(crate) copy_at: Option<Instant>,
    /// It was lost because the link's queue was full.
    pub(crate) is_dropped: bool,
}

/// All links. One generator for each kind of decision, and one draw of each for every datagram,
/// so that one fault more does not shift the others.
#[derive(Debug)]
pub(crate) struct Links {
    pub(super) routes: Routes,
    pub(super) cuts: Cuts,
    directions: Directions,
    latency: Rng,
    loss: Rng,
    duplicate: Rng,
    reorder: Rng,
    stream: Rng,
}

/// How long a lost part of a stream takes to be sent again, doubled for each further loss.
/// Source: Linux `include/net/tcp.h`, `TCP_RTO_MIN` (200 ms).
const RETRANSMIT: Duration = Duration::from_millis(200);
/// A part is lost at most so often in a row; a partition is what loses all. Guess.
const LOSSES_MAX: u32 = 6;
const MILLION: u64 = 1_000_000;

impl Links {
    pub(crate) fn new(default: Link, rng: &mut Rng) -> Self {
        Self {
            routes: Routes::new(default),
            cuts: Cuts::default(),
            directions: Directions::default(),
            latency: rng.fork("latency"),
            loss: rng.fork("loss"),
            duplicate: rng.fork("duplicate"),
            reorder: rng.fork("reorder"),
            stream: rng.fork("stream"),
        }
    }

    pub(crate) fn is_blocked(&self, from: HostId, to: HostId) -> bool {
        self.cuts.block(from, to)
    }

    /// Decides on a datagram of `len` bytes, headers included, that is sent now.
    pub(crate) fn carry(&mut self, now: Instant, from: HostId, to: HostId, len: usize) -> Fate {
        let Prepared { link, latency } = self.routes.find(from, to);
        let way = latency.draw(self.latency.next_u64());
        let loss_bits = self.loss.next_u64();
        let twice = self.duplicate.chance(link.duplicate_ppm.into(), MILLION);
        let copy_way = latency.draw(self.duplicate.next_u64());
        let held = self.reorder.chance(link.reorder_ppm.into(), MILLION);
        let extra = self.reorder.duration_below(link.reorder_max);
        let direction = self.directions.get(now, from, to);
        let lost = link.loss.takes(&mut direction.is_bad, loss_bits);
        direction.sent += 1;
        let number = direction.sent;
        let Some(sent_at) = direction.queue(now, link, len, false) else {
            return Fate { number, at: None, copy_at: None, is_dropped: true };
        };
        let at = if held {
            sent_at + way + extra
        } else {
            direction.floor = direction.floor.max(sent_at + way);
            direction.floor
        };
        let copy_at = (twice && !lost).then(|| at + copy_way);
        if !lost {
            direction.last_at = direction.last_at.max(copy_at.unwrap_or(at));
        }
        Fate { number, at: (!lost).then_some(at), copy_at, is_dropped: false }
    }

    /// Notes that a datagram arrived; true if a later one was before it.
    pub(crate) fn is_overtaken(
        &mut self,
        now: Instant,
        from: HostId,
        to: HostId,
        number: u64,
    ) -> bool {
        let direction = self.directions.get(now, from, to);
        let overtaken = number < direction.newest_delivered;
        direction.newest_delivered = direction.newest_delivered.max(number);
        overtaken
    }

    /// How long `len` bytes of a stream travel that are sent now, and how often they were sent
    /// again.
    pub(crate) fn stream_way(
        &mut self,
        now: Instant,
        from: HostId,
        to: HostId,
        len: usize,
    ) -> (Duration, u32) {
        let Prepared { link, latency } = self.routes.find(from, to);
        let mut way = latency.draw(self.stream.next_u64());
        let mut losses = 0;
        // TCP spaces what it sends again, so that bursts do not matter: their mean does.
        while losses < LOSSES_MAX && self.stream.chance(link.loss.ppm().into(), MILLION) {
            way += RETRANSMIT * (1 << losses);
            losses += 1;
        }
        if link.bandwidth.is_some() {
            let sent_at = self.directions.get(now, from, to).queue(now, link, len, true);
            way += sent_at.unwrap_or(now).since(now);
        }
        (way, losses)
    }

    /// Where a stream cuts `len` bytes: anywhere, as a real one does.
    pub(crate) fn stream_cut(&mut self, len: usize) -> usize {
        if self.stream.chance(1, 2) { self.stream.index(len) } else { 0 }
    }

    /// Whether two parts of a stream that are both there are read at once.
    pub(crate) fn stream_joins(&mut self) -> bool {
        self.stream.chance(1, 2)
    }
}

#[cfg(test)]
impl Links {
    /// How many directions are remembered.
    pub(super) fn remembered(&self) -> usize {
        self.directions.len()
    }
}
