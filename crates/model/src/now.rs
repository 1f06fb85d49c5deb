//! The two times a driver gives.

use bruit_engine::Instant;

/// Nanoseconds since 1970-01-01 UTC, as the host's clock has it: it may jump.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixNanos(pub u64);

impl UnixNanos {
    /// Whole milliseconds since 1970-01-01 UTC.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000_000
    }
}

/// What time it is: both clocks, read by the driver at the same moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Monotonic: for deadlines and durations.
    pub mono: Instant,
    /// Wall clock: for time stamps that others see. Never for deadlines.
    pub unix: UnixNanos,
}
