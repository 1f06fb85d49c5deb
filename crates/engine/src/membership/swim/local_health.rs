//! Local health: how far this node trusts itself (Lifeguard, LHA-Probe).

use crate::Instant;
use std::num::NonZeroU8;
use std::time::Duration;

/// A score in `0..max`; 0 is healthy. A node that gets no answers, not even the nacks it asked
/// for, that has to refute, or that runs late, is likely itself the cause, so it probes slower
/// and waits longer.
#[derive(Clone, Debug)]
pub(super) struct LocalHealth {
    score: u8,
    max: NonZeroU8,
    lag_window: Duration,
    lag_window_end: Option<Instant>,
    lag_charged: u64,
}

impl LocalHealth {
    /// A healthy node. Lag is charged once per `lag_window`.
    pub(super) fn new(max: NonZeroU8, lag_window: Duration) -> Self {
        Self { score: 0, max, lag_window, lag_window_end: None, lag_charged: 0 }
    }

    /// The score.
    pub(super) fn score(&self) -> u8 {
        self.score
    }

    /// `duration × (score + 1)`.
    pub(super) fn scale(&self, duration: Duration) -> Duration {
        duration * (u32::from(self.score) + 1)
    }

    /// A probe was answered.
    pub(super) fn improve(&mut self) {
        self.score = self.score.saturating_sub(1);
    }

    /// Something speaks against this node.
    pub(super) fn worsen(&mut self, by: u64) {
        let by = u8::try_from(by).unwrap_or(u8::MAX);
        self.score = self.score.saturating_add(by).min(self.max.get() - 1);
    }

    /// The driver ran `lag` late: one point per whole `unit`. Within one window only what exceeds
    /// the points already charged counts, so that one stall, measured by many timers, is one.
    pub(super) fn note_lag(&mut self, now: Instant, lag: Duration, unit: Duration) {
        let points = u64::try_from(lag.as_nanos() / unit.as_nanos().max(1)).unwrap_or(u64::MAX);
        if points == 0 {
            return;
        }
        if self.lag_window_end.is_none_or(|end| now >= end) {
            self.lag_window_end = Some(now + self.lag_window);
            self.lag_charged = 0;
        }
        self.worsen(points.saturating_sub(self.lag_charged));
        self.lag_charged = self.lag_charged.max(points);
    }
}
