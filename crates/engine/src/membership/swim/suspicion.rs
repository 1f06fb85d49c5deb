//! One running suspicion (SWIM section 4.2, Lifeguard, LHA-Suspicion).

use super::formula::Bounds;
use crate::Instant;
use std::time::Duration;

/// Who accuses a suspect, and until when it may refute.
#[derive(Clone, Debug)]
pub(super) struct Suspicion<I> {
    /// The first accuser first; at most `confirmations + 1`.
    pub(super) accusers: Vec<I>,
    /// Whether the last ping before declaring the suspect failed is under way.
    pub(super) is_verifying: bool,
    /// Whether it got more time because this node was called late.
    pub(super) is_extended: bool,
    bounds: Bounds,
    started: Instant,
    not_before: Instant,
    grace: Duration,
}

impl<I: PartialEq> Suspicion<I> {
    /// Begins with its first accuser. `grace` is added to the timeout, to let others go first.
    pub(super) fn new(now: Instant, accuser: I, bounds: Bounds, grace: Duration) -> Self {
        Self {
            accusers: vec![accuser],
            is_verifying: false,
            is_extended: false,
            bounds,
            started: now,
            not_before: now,
            grace,
        }
    }

    /// Adds an accuser; false if it is known, or there are enough.
    pub(super) fn confirm(&mut self, accuser: I) -> bool {
        let is_new =
            self.accusers.len() <= self.bounds.confirmations && !self.accusers.contains(&accuser);
        if is_new {
            self.accusers.push(accuser);
        }
        is_new
    }

    /// This node goes first too.
    pub(super) fn drop_grace(&mut self) {
        self.grace = Duration::ZERO;
    }

    /// The suspect answered: it gets another `min` to refute.
    pub(super) fn reprieve(&mut self, now: Instant) {
        self.is_verifying = false;
        self.not_before = now + self.bounds.min;
    }

    /// When the suspect counts as failed.
    pub(super) fn deadline(&self) -> Instant {
        let timeout = self.bounds.timeout(self.accusers.len() - 1);
        (self.started + timeout).max(self.not_before) + self.grace
    }
}
