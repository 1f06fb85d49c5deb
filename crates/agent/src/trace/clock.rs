//! How far the clock of another agent differs from ours.
//!
//! One exchange tells: a question left here at `sent`, the answer came at `received`, and the
//! other clock read `remote` in between. Taken that it did so in the middle, the other clock is
//! ahead by `remote - (sent + received) / 2`, and wrong by at most half of the time that the
//! exchange took, whatever way the answer went. Source: RFC 5905 (NTP 4), section 8, with the
//! other side's two stamps taken as one.

/// How far another clock is ahead of ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offset {
    /// Nanoseconds ahead; negative is behind.
    pub(crate) nanos: i64,
    /// By how many nanoseconds that may be wrong, in both directions.
    pub(crate) error_nanos: u64,
}

impl Offset {
    /// From one exchange, all in nanoseconds since 1970-01-01 UTC. A clock of ours that was set
    /// back in between counts as an exchange that took no time.
    pub(crate) fn measure(sent: u64, received: u64, remote: u64) -> Self {
        let half = received.saturating_sub(sent) / 2;
        let middle = sent.saturating_add(half);
        Self { nanos: difference(remote, middle), error_nanos: half }
    }

    /// What is to be taken off the other clock. An offset within its own error cannot be told
    /// from none, and correcting by it would make synchronised clocks worse: then it is 0.
    pub(crate) fn correction(self) -> i64 {
        if self.nanos.unsigned_abs() <= self.error_nanos { 0 } else { self.nanos }
    }
}

/// `a - b`, saturating.
pub(crate) fn difference(a: u64, b: u64) -> i64 {
    i64::try_from(i128::from(a) - i128::from(b)).unwrap_or(if a > b { i64::MAX } else { i64::MIN })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_the_exchange_is_when_the_other_clock_was_read() {
        let ahead = Offset::measure(1_000, 3_000, 1_002_000);
        assert_eq!(ahead, Offset { nanos: 1_000_000, error_nanos: 1_000 });
        assert_eq!(ahead.correction(), 1_000_000);
        let behind = Offset::measure(10_000, 12_000, 1_000);
        assert_eq!(behind, Offset { nanos: -10_000, error_nanos: 1_000 });
        assert_eq!(behind.correction(), -10_000);
    }

    #[test]
    fn an_offset_within_its_error_is_not_corrected() {
        let early = Offset::measure(1_000, 3_000, 1_000);
        assert_eq!((early.nanos, early.error_nanos, early.correction()), (-1_000, 1_000, 0));
        assert_eq!(Offset::measure(1_000, 3_000, 999).correction(), -1_001);
    }

    #[test]
    fn clocks_that_jump_and_hostile_stamps_do_not_overflow() {
        assert_eq!(Offset::measure(5_000, 1_000, 5_000), Offset { nanos: 0, error_nanos: 0 });
        assert_eq!(Offset::measure(0, 0, u64::MAX).nanos, i64::MAX);
        assert_eq!(Offset::measure(u64::MAX, u64::MAX, 0).nanos, i64::MIN);
        assert_eq!(Offset::measure(u64::MAX, u64::MAX, 0).correction(), i64::MIN);
    }
}
