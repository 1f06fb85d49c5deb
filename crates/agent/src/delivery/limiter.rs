//! How many attempts begin in a second.
//!
//! A token bucket that holds one second's worth, in integers: the generic cell rate algorithm
//! (ITU-T I.371) as a leaking bucket. Its unit is a billionth of an attempt, so that in a
//! nanosecond exactly as many units leak as attempts are allowed in a second, and no rate is
//! rounded.

use std::num::NonZeroU32;
use std::time::Duration;
use tokio::time::Instant;

/// The units of one attempt.
const ATTEMPT: u64 = 1_000_000_000;

/// Says when the next attempt may begin.
#[derive(Clone, Debug)]
pub(super) struct Limiter {
    per_second: u64,
    /// What the attempts so far have filled and what has not leaked yet: at most one second's
    /// worth.
    level: u64,
    /// When that was so.
    at: Option<Instant>,
}

impl Limiter {
    /// Allows `per_second` attempts at once, and as many in each second from then on.
    pub(super) fn new(per_second: NonZeroU32) -> Self {
        Self { per_second: per_second.get().into(), level: 0, at: None }
    }

    /// Counts an attempt that begins `now`.
    ///
    /// # Errors
    /// None may begin; nothing is counted. The earliest time at which one may.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Instant> {
        let at = self.at.get_or_insert(now);
        let nanos = u64::try_from(now.saturating_duration_since(*at).as_nanos());
        let leaked = nanos.unwrap_or(u64::MAX).saturating_mul(self.per_second);
        self.level = self.level.saturating_sub(leaked);
        // A clock that went back leaks nothing, and nothing twice.
        *at = now.max(*at);
        // At most (2^32 - 1) * 10^9 + 10^9, below 2^63.
        let over = (self.level + ATTEMPT).saturating_sub(self.per_second * ATTEMPT);
        if over > 0 {
            return Err(*at + Duration::from_nanos(over.div_ceil(self.per_second)));
        }
        self.level += ATTEMPT;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(per_second: u32) -> Limiter {
        Limiter::new(NonZeroU32::new(per_second).unwrap())
    }

    /// How many attempts of as many as wanted begin up to `until`, each as early as it may.
    fn begun(limiter: &mut Limiter, from: Instant, until: Instant) -> Vec<u128> {
        let mut now = from;
        let mut begun = Vec::new();
        while now <= until {
            match limiter.take(now) {
                Ok(()) => begun.push(now.duration_since(from).as_nanos()),
                Err(when) => {
                    assert!(when > now, "there is progress");
                    now = when;
                }
            }
        }
        begun
    }

    #[test]
    fn a_second_s_worth_at_once_and_then_evenly() {
        let start = Instant::now();
        let expected = [0, 0, 0, 0, 250_000_000, 500_000_000, 750_000_000, 1_000_000_000];
        assert_eq!(begun(&mut limiter(4), start, start + Duration::from_secs(1)), expected);
    }

    #[test]
    fn rates_that_do_not_divide_a_second_are_exact() {
        let start = Instant::now();
        let expected = [0, 0, 0, 333_333_334, 666_666_667, 1_000_000_000, 1_333_333_334];
        assert_eq!(begun(&mut limiter(3), start, start + Duration::from_millis(1400)), expected);
        for rate in [1, 7, 997] {
            let hour = start + Duration::from_secs(3600);
            let count = begun(&mut limiter(rate), start, hour).len();
            assert_eq!(count, usize::try_from(rate * 3601).unwrap(), "{rate}");
        }
    }

    #[test]
    fn a_rest_refills_no_more_than_a_second_s_worth() {
        let start = Instant::now();
        let mut limiter = limiter(2);
        assert_eq!(limiter.take(start), Ok(()));
        let later = start + Duration::from_secs(86_400 * 365 * 100);
        assert_eq!(limiter.take(later), Ok(()));
        assert_eq!(limiter.take(later), Ok(()));
        assert_eq!(limiter.take(later), Err(later + Duration::from_millis(500)));
        let early = later + Duration::from_millis(499);
        assert_eq!(limiter.take(early), Err(later + Duration::from_millis(500)));
        assert_eq!(limiter.take(later + Duration::from_millis(500)), Ok(()));
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let mut limiter = limiter(1);
        assert_eq!(limiter.take(start + second), Ok(()));
        assert_eq!(limiter.take(start), Err(start + second * 2));
        assert_eq!(limiter.take(start + second), Err(start + second * 2));
        assert_eq!(limiter.take(start + second * 2), Ok(()));
    }

    #[test]
    fn the_highest_rate_does_not_overflow() {
        let start = Instant::now();
        let mut limiter = limiter(u32::MAX);
        limiter.level = u64::from(u32::MAX - 1) * ATTEMPT;
        limiter.at = Some(start);
        assert_eq!(limiter.take(start), Ok(()));
        assert_eq!(limiter.take(start), Err(start + Duration::from_nanos(1)));
    }
}
