//! How hosts are connected: delays and faults.

use crate::HostId;
use bruit_engine::{Instant, Rng};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What happens to what travels from one host to another.
///
/// Datagrams keep their order but for those that [`Link::reorder_ppm`] picks. On streams a loss
/// is a delay, and nothing is duplicated or reordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The shortest way, one direction. Default 0.5 ms (guess: one data centre).
    pub latency_min: Duration,
    /// The longest way; between the two, all are equally probable. Default 2 ms (guess).
    pub latency_max: Duration,
    /// How many in a million are lost. Default 0.
    pub loss_ppm: u32,
    /// How many in a million come twice. Default 0.
    pub duplicate_ppm: u32,
    /// How many in a million are held back, so that later ones may overtake. Default 0.
    pub reorder_ppm: u32,
    /// For how long at most such a one is held back. Default 20 ms (guess).
    pub reorder_max: Duration,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            latency_min: Duration::from_micros(500),
            latency_max: Duration::from_millis(2),
            loss_ppm: 0,
            duplicate_ppm: 0,
            reorder_ppm: 0,
            reorder_max: Duration::from_millis(20),
        }
    }
}

/// What becomes of a datagram.
#[derive(Debug)]
pub(crate) struct Fate {
    /// Its place in the order of sending.
    pub(crate) number: u64,
    /// When it arrives; `None` if it is lost.
    pub(crate) at: Option<Instant>,
    /// When its copy arrives, if there is one.
    pub(crate) copy_at: Option<Instant>,
}

#[derive(Debug, Default)]
struct Direction {
    sent: u64,
    newest_delivered: u64,
    /// No earlier than this does the next in order arrive.
    floor: Instant,
}

/// All links. One generator for each kind of decision, and one draw of each for every datagram,
/// so that one fault more does not shift the others.
#[derive(Debug)]
pub(crate) struct Links {
    default: Link,
    own: BTreeMap<(HostId, HostId), Link>,
    blocked: BTreeSet<(HostId, HostId)>,
    directions: BTreeMap<(HostId, HostId), Direction>,
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
            default,
            own: BTreeMap::new(),
            blocked: BTreeSet::new(),
            directions: BTreeMap::new(),
            latency: rng.fork("latency"),
            loss: rng.fork("loss"),
            duplicate: rng.fork("duplicate"),
            reorder: rng.fork("reorder"),
            stream: rng.fork("stream"),
        }
    }

    pub(crate) fn set_all(&mut self, link: Link) {
        self.default = link;
        self.own.clear();
    }

    pub(crate) fn set(&mut self, from: HostId, to: HostId, link: Link) {
        self.own.insert((from, to), link);
    }

    pub(crate) fn block(&mut self, from: HostId, to: HostId) {
        if from != to {
            self.blocked.insert((from, to));
        }
    }

    pub(crate) fn unblock_all(&mut self) {
        self.blocked.clear();
    }

    pub(crate) fn is_blocked(&self, from: HostId, to: HostId) -> bool {
        self.blocked.contains(&(from, to))
    }

    fn link(&self, from: HostId, to: HostId) -> Link {
        self.own.get(&(from, to)).copied().unwrap_or(self.default)
    }

    /// Decides on a datagram that is sent now.
    pub(crate) fn carry(&mut self, now: Instant, from: HostId, to: HostId) -> Fate {
        let link = self.link(from, to);
        let way = between(&mut self.latency, link);
        let lost = self.loss.chance(link.loss_ppm.into(), MILLION);
        let twice = self.duplicate.chance(link.duplicate_ppm.into(), MILLION);
        let copy_way = between(&mut self.duplicate, link);
        let held = self.reorder.chance(link.reorder_ppm.into(), MILLION);
        let extra = self.reorder.duration_below(link.reorder_max);
        let direction = self.directions.entry((from, to)).or_default();
        direction.sent += 1;
        let number = direction.sent;
        let at = if held {
            now + way + extra
        } else {
            direction.floor = direction.floor.max(now + way);
            direction.floor
        };
        let copy_at = (twice && !lost).then(|| at + copy_way);
        Fate { number, at: (!lost).then_some(at), copy_at }
    }

    /// Notes that a datagram arrived; true if a later one was before it.
    pub(crate) fn is_overtaken(&mut self, from: HostId, to: HostId, number: u64) -> bool {
        let direction = self.directions.entry((from, to)).or_default();
        let overtaken = number < direction.newest_delivered;
        direction.newest_delivered = direction.newest_delivered.max(number);
        overtaken
    }

    /// How long a part of a stream travels, and how often it was sent again.
    pub(crate) fn stream_way(&mut self, from: HostId, to: HostId) -> (Duration, u32) {
        let link = self.link(from, to);
        let mut way = between(&mut self.stream, link);
        let mut losses = 0;
        while losses < LOSSES_MAX && self.stream.chance(link.loss_ppm.into(), MILLION) {
            way += RETRANSMIT * (1 << losses);
            losses += 1;
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

fn between(rng: &mut Rng, link: Link) -> Duration {
    let spread = link.latency_max.saturating_sub(link.latency_min);
    link.latency_min + rng.duration_below(spread + Duration::from_nanos(1))
}
