//! The two clocks.

use bruit_model::{Instant, Now, UnixNanos};
use std::time::SystemTime;

/// Reads the host's clocks, which nothing else in this crate does. A copy has the same origin.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: std::time::Instant,
}

impl Clock {
    /// A clock whose origin is this moment.
    #[expect(clippy::new_without_default, reason = "reading a clock is no default")]
    pub fn new() -> Self {
        Self { origin: std::time::Instant::now() }
    }

    /// Both times. A wall clock before 1970 reads as 1970.
    pub fn now(&self) -> Now {
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Now { mono: self.mono(), unix: UnixNanos(nanos(unix)) }
    }

    /// The monotonic time alone.
    pub(crate) fn mono(&self) -> Instant {
        Instant::from_nanos(nanos(self.origin.elapsed()))
    }

    /// `at` as tokio counts it; `None` if that is beyond its range: never.
    pub(crate) fn deadline(&self, at: Instant) -> Option<tokio::time::Instant> {
        let after = std::time::Duration::from_nanos(at.as_nanos());
        (at != Instant::FAR_FUTURE)
            .then(|| self.origin.checked_add(after))
            .flatten()
            .map(tokio::time::Instant::from_std)
    }
}

fn nanos(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn copies_share_an_origin_and_deadlines_are_on_it() {
        let clock = Clock::new();
        let copy = clock;
        let earlier = clock.now();
        let later = copy.now();
        assert!(later.mono >= earlier.mono);
        assert!(earlier.unix.as_millis() > 1_700_000_000_000);
        let second = Instant::ZERO + Duration::from_secs(1);
        let origin = tokio::time::Instant::from_std(clock.origin);
        assert_eq!(copy.deadline(second), Some(origin + Duration::from_secs(1)));
        assert_eq!(copy.deadline(Instant::FAR_FUTURE), None);
    }
}
