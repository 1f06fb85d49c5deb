//! How late the loop runs, measured on wake-ups that happen anyway.

use bruit_model::Instant;
use std::time::Duration;

/// Lag below this is not reported to the node.
///
/// *Lag* is the longer of two: how long after its deadline a timer was handled, and how long the
/// loop took for one batch of inputs (other inputs wait meanwhile). tokio's timers count whole
/// milliseconds, so that lag of 1 to 2 ms is ordinary. Source: guess; a hundredth of the probe
/// interval of 1 s.
pub const LAG_REPORTED_MIN: Duration = Duration::from_millis(10);

/// Reports are at least this far apart. Source: guess; a report for each probe interval of 1 s.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// The longest lag since the last report.
#[derive(Debug, Default)]
pub(crate) struct LagMeter {
    max: Duration,
    reported_at: Option<Instant>,
}

impl LagMeter {
    /// Takes a measurement in.
    pub(crate) fn measured(&mut self, lag: Duration) {
        self.max = self.max.max(lag);
    }

    /// The longest since the last report.
    pub(crate) const fn max(&self) -> Duration {
        self.max
    }

    /// What is to be reported now, if anything; it starts anew then.
    pub(crate) fn report(&mut self, now: Instant) -> Option<Duration> {
        let early = self.reported_at.is_some_and(|at| now.since(at) < REPORT_INTERVAL);
        if early || self.max <= LAG_REPORTED_MIN {
            return None;
        }
        self.reported_at = Some(now);
        Some(std::mem::take(&mut self.max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_is_reported_at_most_once_a_second() {
        let at = |millis| Instant::ZERO + Duration::from_millis(millis);
        let lag = Duration::from_millis;
        let mut meter = LagMeter::default();
        meter.measured(lag(10));
        assert_eq!(meter.report(at(0)), None);
        meter.measured(lag(11));
        assert_eq!(meter.report(at(5)), Some(lag(11)));
        meter.measured(lag(30));
        meter.measured(lag(20));
        assert_eq!(meter.report(at(1004)), None);
        assert_eq!(meter.report(at(1005)), Some(lag(30)));
        assert_eq!(meter.report(at(9000)), None);
    }
}
