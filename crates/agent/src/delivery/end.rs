//! What follows from how an attempt ended.

use super::backoff;
use super::effect::Effect;
use super::entry::Entry;
use super::hub::Hub;
use super::outcome::{AttemptNote, FailReason, Outcome, Report};
use super::state::State;
use super::status::PauseReason;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The status of a delivery whose mode knows none.
pub(super) const TAKEN: u16 = 200;

/// What an attempt means for its item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Done.
    Delivered,
    /// To be tried again.
    Retry,
    /// The consumer is gone: the subscription pauses.
    Gone,
    /// A dead letter.
    Refused,
}

impl Verdict {
    /// 2xx is done; 408, 425, 429 and 5xx are tried again; 410 pauses; all else is refused, a
    /// redirect too, since it is not followed.
    pub(super) const fn of(status: u16) -> Self {
        match status {
            200..=299 => Self::Delivered,
            408 | 425 | 429 | 500..=599 => Self::Retry,
            410 => Self::Gone,
            _ => Self::Refused,
        }
    }
}

/// How an attempt ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// What follows.
    pub(super) verdict: Verdict,
    /// What the consumer answered, if it did.
    pub(super) status: Option<u16>,
    /// How long it asks to be left alone.
    pub(super) retry_after: Option<Duration>,
    /// What went wrong, in words.
    pub(super) error: Option<String>,
    /// When the attempt began, by the wall clock.
    pub(super) at_unix_millis: u64,
    /// How long it took.
    pub(super) took: Duration,
}

impl Ended {
    /// The consumer did not answer.
    pub(super) fn failed(error: String) -> Self {
        Self {
            verdict: Verdict::Retry,
            status: None,
            retry_after: None,
            error: Some(error),
            at_unix_millis: 0,
            took: Duration::ZERO,
        }
    }

    /// It can never take the item.
    pub(super) fn refused(error: String) -> Self {
        Self { verdict: Verdict::Refused, ..Self::failed(error) }
    }

    /// It answered.
    pub(super) fn answered(status: u16, retry_after: Option<Duration>) -> Self {
        let verdict = Verdict::of(status);
        let error = (verdict != Verdict::Delivered).then(|| format!("answered {status}"));
        Self { verdict, status: Some(status), retry_after, error, ..Self::failed(String::new()) }
    }
}

/// Whether the place of a delivery is free at once, or when the journal has kept its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Freed,
    /// [`State::free`] must follow.
    Held,
}

impl State {
    /// Takes note of how an attempt ended.
    pub(super) fn end(
        &mut self,
        hub: &Hub,
        mut entry: Box<Entry>,
        ended: Ended,
        effects: &mut Vec<Effect>,
    ) -> Place {
        let now = Instant::now();
        entry.attempts = entry.attempts.saturating_add(1);
        entry.attempts_counted = entry.attempts_counted.saturating_add(1);
        let Ended { verdict, status, retry_after, error, at_unix_millis, took } = ended;
        if status.is_some() {
            entry.last_status = status;
            self.last_status = status;
        }
        let short = error.as_deref().map(|error| short(error).to_owned());
        entry.note(AttemptNote { status, error: short, at_unix_millis, took });
        if error.is_some() {
            self.last_error.clone_from(&error);
        }
        match verdict {
            Verdict::Retry => {
                let policy = &self.subscription.policy;
                self.breaker.fail(now, entry.is_probe, policy, retry_after);
            }
            Verdict::Delivered | Verdict::Gone | Verdict::Refused => {
                self.breaker.succeed();
            }
        }
        let place = match verdict {
            Verdict::Delivered => {
                self.delivered(*entry, now, effects);
                Place::Held
            }
            Verdict::Refused => {
                self.fail(hub, *entry, FailReason::Refused, error, effects);
                Place::Held
            }
            Verdict::Gone => self.gone(hub, entry, now, effects),
            Verdict::Retry => {
                let due = self.next_attempt(hub, &entry, now, retry_after);
                self.retry(hub, entry, due, error, effects)
            }
        };
        self.notice(now, effects);
        place
    }

    fn delivered(&mut self, entry: Entry, now: Instant, effects: &mut Vec<Effect>) {
        self.counters.delivered += 1;
        let after = now.saturating_duration_since(entry.accepted);
        let Entry { item, last_status, attempts, notes, .. } = entry;
        let status = last_status.unwrap_or_default();
        let report = Report {
            subscription: Arc::clone(&self.name),
            item,
            outcome: Outcome::Delivered { status, attempts, after },
            attempts_made: notes,
        };
        effects.push(Effect::Ended { report, dead: None, is_kept: !self.closed });
    }

    fn gone(
        &mut self,
        hub: &Hub,
        entry: Box<Entry>,
        now: Instant,
        effects: &mut Vec<Effect>,
    ) -> Place {
        if self.paused.is_none() && !self.closed {
            self.paused = Some(PauseReason::Gone);
            let endpoint = &self.subscription.mode;
            tracing::warn!(subscription = %self.name, %endpoint, "paused: {}", PauseReason::Gone);
            effects.push(Effect::Paused(self.paused));
        }
        self.put_back(hub, entry, now, effects);
        Place::Freed
    }

    /// When an item that failed is to be tried again; `None` if it is not.
    fn next_attempt(
        &self,
        hub: &Hub,
        entry: &Entry,
        now: Instant,
        retry_after: Option<Duration>,
    ) -> Option<Instant> {
        let policy = &self.subscription.policy;
        let counted = entry.attempts_counted;
        if policy.attempts_max.is_some_and(|max| counted >= max.get()) {
            return None;
        }
        let jitter = |bound| hub.duration_below(bound);
        let due = now + backoff::delay(policy, counted, retry_after, jitter);
        let used = due.saturating_duration_since(entry.first_attempt.unwrap_or(now));
        (used <= policy.retry_for).then_some(due)
    }

    fn retry(
        &mut self,
        hub: &Hub,
        entry: Box<Entry>,
        due: Option<Instant>,
        error: Option<String>,
        effects: &mut Vec<Effect>,
    ) -> Place {
        match due {
            None if !self.closed => {
                self.fail(hub, *entry, FailReason::GaveUp, error, effects);
                Place::Held
            }
            Some(_) | None => {
                self.counters.retried += u64::from(!self.closed);
                self.put_back(hub, entry, due.unwrap_or_else(Instant::now), effects);
                Place::Freed
            }
        }
    }

    /// Lets an entry wait again whose attempt is over, or did not happen.
    pub(super) fn put_back(
        &mut self,
        hub: &Hub,
        entry: Box<Entry>,
        due: Instant,
        effects: &mut Vec<Effect>,
    ) {
        if self.closed {
            let place = Occupied::by(&entry);
            self.fail(hub, *entry, FailReason::Unsubscribed, None, effects);
            self.free(hub, place);
            return;
        }
        self.under_way.remove(&entry.number);
        hub.landed();
        self.queue.put_back(entry, due);
        self.shed(hub, effects);
    }

    /// Frees the place of a delivery that has ended.
    pub(super) fn free(&mut self, hub: &Hub, place: Occupied) {
        self.under_way.remove(&place.number);
        hub.landed();
        if let Some(run) = place.run {
            self.queue.free(run);
        }
    }
}

/// Whose place is to be freed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Occupied {
    number: u64,
    run: Option<super::fifo::Run>,
}

impl Occupied {
    pub(super) fn by(entry: &Entry) -> Self {
        Self { number: entry.number, run: entry.chained.map(|at| at.run) }
    }
}

/// The beginning of an error, no longer than is remembered of it.
fn short(error: &str) -> &str {
    let mut end = error.len().min(AttemptNote::ERROR_BYTES_MAX);
    while !error.is_char_boundary(end) {
        end -= 1;
    }
    &error[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_verdict() {
        for status in 100..1000 {
            let expected = match status {
                200..=299 => Verdict::Delivered,
                408 | 425 | 429 => Verdict::Retry,
                410 => Verdict::Gone,
                500..=599 => Verdict::Retry,
                _ => Verdict::Refused,
            };
            assert_eq!(Verdict::of(status), expected, "{status}");
        }
    }

    #[test]
    fn long_errors_are_cut_between_letters() {
        assert_eq!(short("short"), "short");
        let long = format!("{}é and more", "x".repeat(AttemptNote::ERROR_BYTES_MAX - 1));
        assert_eq!(short(&long), "x".repeat(AttemptNote::ERROR_BYTES_MAX - 1));
    }
}
