//! At most so many a second.

use bruit_engine::Instant;
use std::time::Duration;

/// Counts in whole seconds of the driver's clock.
#[derive(Clone, Debug)]
pub(super) struct PerSecond {
    max: u32,
    since: Instant,
    used: u32,
}

impl PerSecond {
    pub(super) const fn new(max: u32) -> Self {
        Self { max, since: Instant::ZERO, used: 0 }
    }

    /// Whether one more is allowed; if so, it is counted.
    pub(super) fn allow(&mut self, now: Instant) -> bool {
        if now.since(self.since) >= Duration::from_secs(1) {
            (self.since, self.used) = (now, 0);
        }
        let allowed = self.used < self.max;
        self.used += u32::from(allowed);
        allowed
    }
}
