//! Medians, percentiles and ratios.

use serde::Serialize;

/// What a set of measured values comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Summary {
    /// How many there are.
    pub(crate) count: usize,
    /// The smallest.
    pub(crate) min: f64,
    /// The middle one.
    pub(crate) p50: f64,
    /// The smallest that at least 99 % do not exceed.
    pub(crate) p99: f64,
    /// The largest.
    pub(crate) max: f64,
}

impl Summary {
    /// Of these values; `None` if there are none.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        Some(Self {
            count: sorted.len(),
            min: *sorted.first()?,
            p50: percentile(&sorted, 50)?,
            p99: percentile(&sorted, 99)?,
            max: *sorted.last()?,
        })
    }
}

/// The nearest-rank percentile of sorted values.
fn percentile(sorted: &[f64], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// The nearest-rank median; `None` if there are no values.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    Summary::of(values).map(|summary| summary.p50)
}

/// `value` of each repetition by that of the same repetition of the baseline.
pub(crate) fn ratios(values: &[f64], baseline: &[f64]) -> Option<Summary> {
    let ratios: Vec<f64> =
        values.iter().zip(baseline).filter(|(_, b)| **b > 0.0).map(|(a, b)| a / b).collect();
    Summary::of(&ratios)
}

/// Numbers that look random and repeat from run to run: `SplitMix64` (Steele, Lea, Flood 2014).
#[derive(Debug)]
pub(crate) struct Draw(u64);

impl Draw {
    /// A sequence of its own for each seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `limit`; 0 if `limit` is 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let limit = u64::try_from(limit).unwrap_or(u64::MAX).max(1);
        usize::try_from(mixed % limit).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        let summary = Summary::of(&values).unwrap();
        assert_eq!(summary, Summary { count: 100, min: 1.0, p50: 50.0, p99: 99.0, max: 100.0 });
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0]), Some(1.0));
        assert_eq!(Summary::of(&[]), None);
    }

    #[test]
    fn ratios_are_taken_repetition_by_repetition() {
        let ratios = ratios(&[1.0, 3.0, 5.0], &[2.0, 3.0, 0.0]).unwrap();
        assert_eq!((ratios.count, ratios.min, ratios.max), (2, 0.5, 1.0));
    }

    #[test]
    fn draws_repeat_and_stay_below_the_limit() {
        let draw = |seed| {
            let mut draw = Draw::new(seed);
            (0..100).map(|_| draw.below(7)).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert!(draw(1).iter().all(|number| *number < 7));
        assert_eq!(Draw::new(1).below(0), 0);
    }
}
