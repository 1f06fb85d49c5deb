//! What a net remembers of each direction, while it matters: a direction with nothing under way is
//! as one never used, and is forgotten. So what is kept grows with what is under way, not with
//! the pairs of hosts.

use super::Link;
use crate::HostId;
use bruit_engine::Instant;
use std::collections::BTreeMap;
use std::time::Duration;

/// One direction between two hosts.
#[derive(Debug, Default)]
pub(super) struct Direction {
    pub(super) sent: u64,
    pub(super) newest_delivered: u64,
    /// No earlier than this does the next in order arrive.
    pub(super) floor: Instant,
    /// The last of what is under way arrives then.
    pub(super) last_at: Instant,
    /// The bandwidth is used up until then.
    free_at: Instant,
    /// In a burst of losses.
    pub(super) is_bad: bool,
}

impl Direction {
    fn is_idle(&self, now: Instant) -> bool {
        !self.is_bad && self.floor < now && self.last_at < now && self.free_at < now
    }

    /// Puts `len` bytes through the bandwidth: when the last of them has been sent. `None` if the
    /// queue is full, which does not stop what `waits`.
    pub(super) fn queue(
        &mut self,
        now: Instant,
        link: &Link,
        len: usize,
        waits: bool,
    ) -> Option<Instant> {
        let Some(per_second) = link.bandwidth else { return Some(now) };
        let nanos = |bytes: u64| {
            let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(per_second);
            Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
        };
        let backlog = self.free_at.since(now);
        let has_room = backlog + nanos(len as u64) <= nanos(link.queue_bytes_max.into());
        if !waits && !backlog.is_zero() && !has_room {
            return None;
        }
        self.free_at = now + backlog + nanos(len as u64);
        Some(self.free_at)
    }
}

/// The directions from one host.
#[derive(Debug)]
struct From {
    to: BTreeMap<HostId, Direction>,
    /// When there are so many, the idle ones are forgotten.
    sweep_at: usize,
}

/// So many directions of one host are kept without looking which are idle. Guess.
const SWEEP_MIN: usize = 16;

impl Default for From {
    fn default() -> Self {
        Self { to: BTreeMap::new(), sweep_at: SWEEP_MIN }
    }
}

/// All directions that are remembered, by sender.
#[derive(Debug, Default)]
pub(super) struct Directions(Vec<From>);

impl Directions {
    pub(super) fn get(&mut self, now: Instant, from: HostId, to: HostId) -> &mut Direction {
        if self.0.len() <= from.index() {
            self.0.resize_with(from.index() + 1, From::default);
        }
        let from = &mut self.0[from.index()];
        if from.to.len() >= from.sweep_at {
            from.to.retain(|_, direction| !direction.is_idle(now));
            from.sweep_at = SWEEP_MIN.max(2 * from.to.len());
        }
        from.to.entry(to).or_default()
    }

    /// How many are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|from| from.to.len()).sum()
    }
}
