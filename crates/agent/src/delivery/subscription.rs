//! What a consumer asks for, and how it is to be treated.

use super::Filter;
use super::mode::{From, Health, Mode, Source};
use bruit_model::{Order, Pattern};
use http::HeaderValue;
use std::num::{NonZeroU16, NonZeroU32, NonZeroUsize};
use std::time::Duration;

/// A consumer beside this agent and the items that it is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Names it on this agent: 1 to [`Subscription::NAME_BYTES_MAX`] bytes of `a-z 0-9 . _ -`.
    pub name: String,
    /// The paths that it is for.
    pub pattern: Pattern,
    /// In which form, and by which way, the consumer gets its items.
    pub mode: Mode,
    /// The `Host` of replayed requests whose call named none; else the endpoint's authority.
    pub host: Option<String>,
    /// Which of the items on these paths.
    pub filter: Filter,
    /// Whether the items of one origin are delivered one after the other, in the order in which
    /// it accepted them. A topic that asks for it has it in any case.
    pub order: Order,
    /// From when on.
    pub from: From,
    /// Whether, and how, the consumer is asked if it is well.
    pub health: Option<Health>,
    /// Who made it.
    pub source: Source,
    /// How attempts are made and when they end.
    pub policy: Policy,
}

/// How items are tried, and how many wait.
///
/// No default below has a published source; each is a guess.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The longest an attempt takes, from the connection to the last byte of the answer.
    /// Default: 10 s. Must be above zero.
    pub timeout: Duration,
    /// How many attempts are made at most. Default: no limit, [`Policy::retry_for`] ends them.
    pub attempts_max: Option<NonZeroU32>,
    /// No attempt is planned for later than this after the first one. Default: 5 min. An item
    /// whose next attempt was put off, since the circuit was open, has that one all the same.
    pub retry_for: Duration,
    /// The largest wait before the second attempt; it doubles with each one. Default: 100 ms.
    pub backoff_base: Duration,
    /// The largest wait between attempts that the consumer did not ask for. Default: 30 s.
    pub backoff_max: Duration,
    /// The longest `Retry-After` that is obeyed; a longer one counts as this. Default: 60 s.
    pub retry_after_max: Duration,
    /// How many requests are under way at once. Default: 8, at most [`Policy::CONCURRENCY_MAX`].
    pub concurrency: NonZeroU16,
    /// How many attempts begin in a second at most; as many may begin at once. Default: no limit.
    pub rate_per_second: Option<NonZeroU32>,
    /// After how many failed attempts in a row the circuit opens: then one attempt is made at a
    /// time, with growing waits between, until one succeeds. Default: 10. `None`: never.
    pub breaker_failures: Option<NonZeroU32>,
    /// How many items wait at most; what is under way is not among them. Default: 10,000.
    pub queue_items_max: NonZeroUsize,
    /// How many bytes the waiting items hold at most, by `Item::held_bytes` and 300 each for the
    /// waiting itself. Default: 32 MiB.
    pub queue_bytes_max: NonZeroUsize,
}

/// Turns a constant into the `NonZero` that it is; a zero does not compile.
macro_rules! non_zero {
    ($kind:ident, $value:expr) => {
        const { $kind::new($value).expect("the constant is not zero") }
    };
}

impl Policy {
    /// The highest concurrency that a subscription may have.
    pub const CONCURRENCY_MAX: u16 = 256;
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            attempts_max: None,
            retry_for: Duration::from_secs(300),
            backoff_base: Duration::from_millis(100),
            backoff_max: Duration::from_secs(30),
            retry_after_max: Duration::from_secs(60),
            concurrency: non_zero!(NonZeroU16, 8),
            rate_per_second: None,
            breaker_failures: Some(non_zero!(NonZeroU32, 10)),
            queue_items_max: non_zero!(NonZeroUsize, 10_000),
            queue_bytes_max: non_zero!(NonZeroUsize, 32 * 1024 * 1024),
        }
    }
}

/// The subscription was not taken. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// The name is empty, too long, or has other letters.
    #[error(
        "a subscription's name has 1 to {} bytes of a-z 0-9 . _ -",
        Subscription::NAME_BYTES_MAX
    )]
    Name,
    /// The host is empty, too long, or cannot stand in a header.
    #[error("a subscription's host has 1 to {} printable bytes", Subscription::HOST_BYTES_MAX)]
    Host,
    /// The timeout is zero.
    #[error("a subscription's timeout is above zero")]
    Timeout,
    /// The concurrency is over the limit.
    #[error("a subscription's concurrency is at most {}", Policy::CONCURRENCY_MAX)]
    Concurrency,
    /// As many as this agent takes are there. Remove one first.
    #[error("an agent has at most {} subscriptions", super::SUBSCRIPTIONS_MAX)]
    TooMany,
}

impl Subscription {
    /// The longest name, in bytes.
    pub const NAME_BYTES_MAX: usize = 64;
    /// The longest host, in bytes: a name has at most 253 (RFC 1035 2.3.4), a port adds 6.
    pub const HOST_BYTES_MAX: usize = 259;

    /// Whether all that a subscription promises holds.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&self) -> Result<(), SubscribeError> {
        let letter = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
        if !(1..=Self::NAME_BYTES_MAX).contains(&self.name.len()) || !self.name.bytes().all(letter)
        {
            return Err(SubscribeError::Name);
        }
        if let Some(host) = &self.host
            && (!(1..=Self::HOST_BYTES_MAX).contains(&host.len())
                || !host.bytes().all(|byte| byte.is_ascii_graphic())
                || HeaderValue::from_str(host).is_err())
        {
            return Err(SubscribeError::Host);
        }
        if self.policy.timeout.is_zero() {
            return Err(SubscribeError::Timeout);
        }
        if self.policy.concurrency.get() > Policy::CONCURRENCY_MAX {
            return Err(SubscribeError::Concurrency);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Subscription {
        Subscription {
            name: name.to_owned(),
            pattern: Pattern::root(),
            mode: Mode::http("http://h".parse().unwrap()),
            host: None,
            filter: Filter::default(),
            order: Order::None,
            from: From::Now,
            health: None,
            source: Source::Settings,
            policy: Policy::default(),
        }
    }

    #[test]
    fn names_are_checked() {
        for good in ["a", "cache.v2_x-1", &"a".repeat(64)] {
            assert_eq!(named(good).check(), Ok(()), "{good}");
        }
        for bad in ["", "A", "a b", "a/b", "é", "a\n", &"a".repeat(65)] {
            assert_eq!(named(bad).check(), Err(SubscribeError::Name), "{bad}");
        }
    }

    #[test]
    fn hosts_and_policies_are_checked() {
        let mut subscription = named("a");
        for (host, expected) in [
            ("www.example.test:80", Ok(())),
            ("", Err(SubscribeError::Host)),
            ("a\r\nb: c", Err(SubscribeError::Host)),
            ("a b", Err(SubscribeError::Host)),
            (&"a".repeat(260), Err(SubscribeError::Host)),
        ] {
            subscription.host = Some(host.to_owned());
            assert_eq!(subscription.check(), expected, "{host:?}");
        }
        subscription = named("a");
        subscription.policy.timeout = Duration::ZERO;
        assert_eq!(subscription.check(), Err(SubscribeError::Timeout));
        subscription = named("a");
        subscription.policy.concurrency = NonZeroU16::new(257).unwrap();
        assert_eq!(subscription.check(), Err(SubscribeError::Concurrency));
    }
}
