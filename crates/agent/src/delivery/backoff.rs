//! How long to wait before an item is tried again.

use super::Policy;
use std::time::{Duration, SystemTime};

/// The largest wait after `attempts` attempts (1 or more):
/// `min(backoff_max, backoff_base × 2^(attempts − 1))`.
pub(super) fn ceiling(policy: &Policy, attempts: u32) -> Duration {
    let factor = 2_u32.checked_pow(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
    policy.backoff_base.saturating_mul(factor).min(policy.backoff_max)
}

/// The wait after `attempts` attempts: uniform in `0..=ceiling` ("full jitter"), and no less
/// than what the consumer asked for, up to the policy's limit. `below` draws a duration that is
/// less than its argument.
///
/// Source: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
pub(super) fn delay(
    policy: &Policy,
    attempts: u32,
    retry_after: Option<Duration>,
    below: impl FnOnce(Duration) -> Duration,
) -> Duration {
    let bound = ceiling(policy, attempts).saturating_add(Duration::from_nanos(1));
    let asked = retry_after.unwrap_or_default().min(policy.retry_after_max);
    below(bound).max(asked)
}

/// What a `Retry-After` asks for: a number of seconds, or a date (RFC 9110 10.2.3). `None` if
/// it is neither; zero if the date is past.
pub(super) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bruit_engine::Rng;

    #[test]
    fn the_ceiling_doubles_up_to_its_limit() {
        let policy = Policy::default();
        let millis: Vec<u128> =
            (1..=11).map(|attempts| ceiling(&policy, attempts).as_millis()).collect();
        assert_eq!(millis, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
        assert_eq!(ceiling(&policy, 0), policy.backoff_base);
        assert_eq!(ceiling(&policy, u32::MAX), policy.backoff_max);
    }

    #[test]
    fn jitter_covers_the_whole_range_and_no_more() {
        let policy = Policy::default();
        let mut rng = Rng::from_seed(1);
        let mut fifths = [0; 5];
        for _ in 0..1000 {
            let wait = delay(&policy, 1, None, |bound| rng.duration_below(bound));
            assert!(wait <= policy.backoff_base, "{wait:?}");
            fifths[usize::try_from(wait.as_millis() / 20).unwrap().min(4)] += 1;
        }
        assert!(fifths.iter().all(|&count| (120..280).contains(&count)), "{fifths:?}");
    }

    #[test]
    fn what_the_consumer_asks_for_is_the_least_up_to_the_limit() {
        let policy = Policy::default();
        let mut rng = Rng::from_seed(1);
        let mut asked = |secs| {
            let asked = Some(Duration::from_secs(secs));
            delay(&policy, 1, asked, |bound| rng.duration_below(bound))
        };
        assert_eq!(asked(5), Duration::from_secs(5));
        assert_eq!(asked(61), Duration::from_secs(60));
        assert!(asked(0) <= policy.backoff_base);
    }

    #[test]
    fn both_forms_of_retry_after_are_read() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (text, expected) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10)),
            ("Sunday, 06-Nov-94 08:49:47 GMT", Some(10)),
            ("Sun Nov  6 08:49:47 1994", Some(10)),
            ("Sun, 06 Nov 1994 08:49:07 GMT", Some(0)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
        ] {
            assert_eq!(retry_after(text, now), expected.map(Duration::from_secs), "{text}");
        }
    }
}
