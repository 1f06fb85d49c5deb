//! How long things take, counted in fixed buckets.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The upper bounds of the buckets, in seconds; what is longer is in none of them but counted.
/// The client libraries of Prometheus have the same by default.
pub(crate) const BOUNDS: [f64; 11] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Counts durations; many threads may do so at once.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    /// How many are in each bucket and in none before it; the last ones are beyond all bounds.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    sum_nanos: AtomicU64,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Counted {
    /// As in the histogram.
    pub(crate) buckets: [u64; BOUNDS.len() + 1],
    /// All durations together, in seconds.
    pub(crate) sum_seconds: f64,
}

impl Histogram {
    /// Counts one.
    pub(crate) fn observe(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let place = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        self.buckets[place].fetch_add(1, Ordering::Relaxed);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.sum_nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// What was counted so far.
    pub(crate) fn counted(&self) -> Counted {
        let mut counted = Counted::default();
        for (to, from) in counted.buckets.iter_mut().zip(&self.buckets) {
            *to = from.load(Ordering::Relaxed);
        }
        let sum = Duration::from_nanos(self.sum_nanos.load(Ordering::Relaxed));
        counted.sum_seconds = sum.as_secs_f64();
        counted
    }
}

impl Counted {
    /// Adds what another counted.
    pub(crate) fn add(&mut self, other: &Self) {
        for (to, from) in self.buckets.iter_mut().zip(&other.buckets) {
            *to += from;
        }
        self.sum_seconds += other.sum_seconds;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_in_its_bucket() {
        let histogram = Histogram::default();
        for millis in [0, 5, 6, 10_000, 10_001, 60_000] {
            histogram.observe(Duration::from_millis(millis));
        }
        let mut counted = histogram.counted();
        assert_eq!(counted.buckets, [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
        assert!((counted.sum_seconds - 80.012).abs() < 1e-9, "{}", counted.sum_seconds);
        counted.add(&counted.clone());
        assert_eq!(counted.buckets[0], 4);
    }
}
