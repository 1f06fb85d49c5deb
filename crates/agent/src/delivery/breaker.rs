//! The circuit breaker of one subscription.
//!
//! ```text
//!            so many failures in a row              any success
//!  closed ------------------------------> open -------------------> closed
//!                                         |  ^
//!                    after the wait: one  |  | it failed: the wait doubles
//!                                         v  |
//!                                         probe
//! ```
//!
//! While it is open, what is not tried keeps its attempts and its time; so a consumer that is
//! away costs one attempt now and then and not the whole queue. Source: Nygard, "Release It!",
//! 2007, 5.2; that any success closes it, without a half-open count, suits one consumer.
//! Pure: time is an argument.

use super::{Policy, backoff};
use std::time::Duration;
use tokio::time::Instant;

/// Counts failures in a row, and says when one attempt may be made.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    /// How many waits there were, this one included.
    waits: u32,
    until: Instant,
}

/// Whether an attempt may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Allowed {
    /// As any other.
    Yes,
    /// As the only one.
    Probe,
    /// Not before then.
    At(Instant),
    /// Not while another is under way.
    No,
}

impl Breaker {
    /// Whether an attempt may begin while `under_way` others are made.
    pub(super) fn allows(&self, now: Instant, under_way: usize) -> Allowed {
        match &self.open {
            None => Allowed::Yes,
            Some(_) if under_way > 0 => Allowed::No,
            Some(open) if open.until > now => Allowed::At(open.until),
            Some(_) => Allowed::Probe,
        }
    }

    /// The consumer answered, and not that it cannot; whether that closed the circuit.
    pub(super) fn succeed(&mut self) -> bool {
        self.failures = 0;
        self.open.take().is_some()
    }

    /// An attempt failed; whether that opened the circuit. Of those that fail while it is open
    /// only a probe's failure counts: the others had begun before.
    pub(super) fn fail(
        &mut self,
        now: Instant,
        is_probe: bool,
        policy: &Policy,
        retry_after: Option<Duration>,
    ) -> bool {
        self.failures = self.failures.saturating_add(1);
        let waits = match &self.open {
            None if policy.breaker_failures.is_none_or(|max| self.failures < max.get()) => {
                return false;
            }
            None => 1,
            Some(_) if !is_probe => return false,
            Some(open) => open.waits.saturating_add(1),
        };
        let asked = retry_after.unwrap_or_default().min(policy.retry_after_max);
        let wait = backoff::ceiling(policy, waits).max(asked);
        self.open.replace(Open { waits, until: now + wait }).is_none()
    }

    /// How many attempts failed in a row, if the circuit is open.
    pub(super) fn open_after(&self) -> Option<u32> {
        self.open.as_ref().map(|_| self.failures)
    }

    /// Whether nothing counts against the consumer; what it did before does not either.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    fn policy(breaker_failures: Option<u32>) -> Policy {
        let breaker_failures = breaker_failures.map(|failures| NonZeroU32::new(failures).unwrap());
        let backoff_max = Duration::from_millis(700);
        Policy { breaker_failures, backoff_max, ..Policy::default() }
    }

    fn after(now: Instant, millis: u64) -> Instant {
        now + Duration::from_millis(millis)
    }

    #[test]
    fn so_many_failures_in_a_row_open_it_and_one_success_closes_it() {
        let (now, policy) = (Instant::now(), policy(Some(3)));
        let mut breaker = Breaker::default();
        let opened: Vec<bool> = (0..2).map(|_| breaker.fail(now, false, &policy, None)).collect();
        assert_eq!(opened, [false, false]);
        assert!(!breaker.succeed());
        let opened: Vec<bool> = (0..4).map(|_| breaker.fail(now, false, &policy, None)).collect();
        assert_eq!(opened, [false, false, true, false]);
        assert_eq!(breaker.open_after(), Some(4));
        assert_eq!(breaker.allows(now, 1), Allowed::No);
        assert_eq!(breaker.allows(now, 0), Allowed::At(after(now, 100)));
        assert_eq!(breaker.allows(after(now, 100), 0), Allowed::Probe);
        assert_eq!(breaker.allows(after(now, 100), 1), Allowed::No);
        assert!(breaker.succeed());
        assert_eq!(breaker.allows(now, 7), Allowed::Yes);
        assert_eq!(breaker.open_after(), None);
    }

    #[test]
    fn the_waits_double_with_each_failed_probe_up_to_the_limit() {
        let (mut now, policy) = (Instant::now(), policy(Some(1)));
        let mut breaker = Breaker::default();
        breaker.fail(now, false, &policy, None);
        let mut waits = Vec::new();
        for _ in 0..5 {
            let Allowed::At(until) = breaker.allows(now, 0) else { panic!("{breaker:?}") };
            waits.push(until.duration_since(now).as_millis());
            now = until;
            assert!(!breaker.fail(now, true, &policy, None));
        }
        assert_eq!(waits, [100, 200, 400, 700, 700]);
    }

    #[test]
    fn failures_of_what_had_begun_before_do_not_prolong_the_wait() {
        let (now, policy) = (Instant::now(), policy(Some(1)));
        let mut breaker = Breaker::default();
        breaker.fail(now, false, &policy, None);
        breaker.fail(after(now, 90), false, &policy, None);
        assert_eq!(breaker.allows(after(now, 90), 0), Allowed::At(after(now, 100)));
    }

    #[test]
    fn what_the_consumer_asks_for_is_the_least_wait_up_to_the_limit() {
        let (now, policy) = (Instant::now(), policy(Some(1)));
        for (asked, waited) in [(5, 5), (61, 60)] {
            let mut breaker = Breaker::default();
            breaker.fail(now, false, &policy, Some(Duration::from_secs(asked)));
            let until = now + Duration::from_secs(waited);
            assert_eq!(breaker.allows(now, 0), Allowed::At(until));
        }
    }

    #[test]
    fn without_a_limit_it_never_opens() {
        let (now, policy) = (Instant::now(), policy(None));
        let mut breaker = Breaker::default();
        assert!((0..10_000).all(|_| !breaker.fail(now, false, &policy, None)));
        assert_eq!(breaker.allows(now, 8), Allowed::Yes);
    }
}
