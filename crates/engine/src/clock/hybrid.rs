//! Hybrid logical clock: one number that orders events as a Lamport clock does and stays near
//! the wall clock.
//!
//! The upper 48 bits are milliseconds since 1970-01-01 UTC, the lower 16 count the events within
//! a millisecond. A time that is given out is above every time given out or witnessed before,
//! whatever the wall clock does. When the counter of a millisecond is used up, the addition carries
//! into the milliseconds: the clock runs ahead of the wall clock for a while, and stays in order.
//!
//! A remote clock that is far ahead would pull everyone along. So a remote time that is more than
//! `max_ahead` ahead of the local *wall clock* is not adopted, and counted.
//!
//! Source: Kulkarni, Demirbas, Madappa, Avva, Leone, "Logical physical clocks", OPODIS 2014,
//! figure 5 (the algorithm; `l` and `c` are packed here into one number, section 6 of the paper).

use std::time::Duration;

/// Bits of the counter within a millisecond.
const COUNTER_BITS: u32 = 16;
/// The last millisecond that 48 bits can tell, in the year 10889.
const UNIX_MILLIS_MAX: u64 = u64::MAX >> COUNTER_BITS;

/// The default of how far ahead of the wall clock a remote time may be: one minute (guess; hosts
/// that keep time by NTP differ by far less).
pub const MAX_AHEAD_DEFAULT: Duration = Duration::from_secs(60);

/// A remote time was more than `max_ahead` ahead of the local wall clock. The clock has not
/// adopted it; the remedy is to set the clock of one of the two hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a remote clock is {ahead_millis} ms ahead")]
#[non_exhaustive]
pub struct TooFarAhead {
    /// By how much the remote time is ahead of the local wall clock.
    pub ahead_millis: u64,
}

/// The clock of one node.
#[derive(Clone, Debug)]
pub struct HybridClock {
    last: u64,
    max_ahead_millis: u64,
    refused_count: u64,
}

impl Default for HybridClock {
    fn default() -> Self {
        Self::new(MAX_AHEAD_DEFAULT)
    }
}

impl HybridClock {
    /// A clock that adopts remote times up to `max_ahead` ahead of the wall clock.
    pub fn new(max_ahead: Duration) -> Self {
        let max_ahead_millis = u64::try_from(max_ahead.as_millis()).unwrap_or(u64::MAX);
        Self { last: 0, max_ahead_millis, refused_count: 0 }
    }

    /// The time of a new local event: above all earlier ones. `unix_millis` is the wall clock,
    /// cut to 48 bits' range.
    ///
    /// `max(last + 1, wall clock)`. At the very end of the range (year 10889) it stands still.
    pub fn tick(&mut self, unix_millis: u64) -> u64 {
        let wall = unix_millis.min(UNIX_MILLIS_MAX) << COUNTER_BITS;
        self.last = self.last.saturating_add(1).max(wall);
        self.last
    }

    /// The time at which an event of time `remote` is received: above `remote` and all earlier
    /// ones.
    ///
    /// # Errors
    /// [`TooFarAhead`]: `remote` is not adopted and counted; the clock is as before.
    pub fn witness(&mut self, unix_millis: u64, remote: u64) -> Result<u64, TooFarAhead> {
        let ahead_millis =
            (remote >> COUNTER_BITS).saturating_sub(unix_millis.min(UNIX_MILLIS_MAX));
        if ahead_millis > self.max_ahead_millis {
            self.refused_count += 1;
            return Err(TooFarAhead { ahead_millis });
        }
        self.last = self.last.max(remote);
        Ok(self.tick(unix_millis))
    }

    /// The last time given out; 0 if none was.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// How many remote times were not adopted.
    pub fn refused_count(&self) -> u64 {
        self.refused_count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rng;

    const fn at(millis: u64, counter: u64) -> u64 {
        millis << 16 | counter
    }

    #[test]
    fn it_follows_the_wall_clock_and_counts_within_a_millisecond() {
        let mut clock = HybridClock::default();
        assert_eq!(clock.tick(100), at(100, 0));
        assert_eq!(clock.tick(100), at(100, 1));
        assert_eq!(clock.tick(101), at(101, 0));
        assert_eq!(clock.last(), at(101, 0));
    }

    #[test]
    fn it_goes_on_when_the_wall_clock_jumps_back() {
        let mut clock = HybridClock::default();
        clock.tick(5_000);
        assert_eq!(clock.tick(10), at(5_000, 1));
        assert_eq!(clock.tick(0), at(5_000, 2));
        assert_eq!(clock.tick(5_001), at(5_001, 0));
    }

    #[test]
    fn a_full_counter_carries_into_the_milliseconds() {
        let mut clock = HybridClock::default();
        assert_eq!(clock.witness(7, at(7, 0xfffe)), Ok(at(7, 0xffff)));
        assert_eq!(clock.tick(7), at(8, 0));
        assert_eq!(clock.tick(8), at(8, 1));
    }

    #[test]
    fn what_is_received_comes_before_its_receipt() {
        let mut clock = HybridClock::default();
        assert_eq!(clock.witness(100, at(400, 3)), Ok(at(400, 4)));
        assert_eq!(clock.witness(100, at(50, 9)), Ok(at(400, 5)));
        assert_eq!(clock.witness(900, at(400, 5)), Ok(at(900, 0)));
    }

    #[test]
    fn a_time_too_far_ahead_is_refused_and_counted() {
        let mut clock = HybridClock::default();
        clock.tick(1_000);
        assert_eq!(clock.witness(1_000, at(61_000, 0)), Ok(at(61_000, 1)));
        let refused = Err(TooFarAhead { ahead_millis: 60_001 });
        assert_eq!(clock.witness(1_000, at(61_001, 0)), refused);
        assert_eq!((clock.refused_count(), clock.last()), (1, at(61_000, 1)));
        assert!(clock.witness(1_000, u64::MAX).is_err());
        // The bound is on the wall clock, so witnessed times cannot creep ahead step by step.
        assert!(clock.witness(1_000, at(61_500, 0)).is_err());
        assert_eq!(clock.tick(1_000), at(61_000, 2));
    }

    #[test]
    fn the_end_of_the_range_saturates() {
        let mut clock = HybridClock::default();
        assert_eq!(clock.tick(u64::MAX), at(UNIX_MILLIS_MAX, 0));
        assert_eq!(clock.witness(u64::MAX, u64::MAX), Ok(u64::MAX));
        assert_eq!(clock.tick(0), u64::MAX);
    }

    #[test]
    fn it_never_repeats_whatever_it_is_told() {
        let mut rng = Rng::from_seed(4);
        let mut clock = HybridClock::new(Duration::from_millis(50));
        let mut last = 0;
        for _ in 0..20_000 {
            let wall = rng.below(1_000);
            let time = if rng.chance(1, 2) {
                clock.tick(wall)
            } else {
                let remote = at(rng.below(1_200), rng.below(0x1_0000));
                match clock.witness(wall, remote) {
                    Ok(time) => {
                        assert!(time > remote);
                        time
                    }
                    Err(TooFarAhead { ahead_millis }) => {
                        assert_eq!(ahead_millis, (remote >> 16) - wall);
                        continue;
                    }
                }
            };
            assert!(time > last);
            last = time;
        }
        assert!(clock.refused_count() > 1_000);
    }
}
