//! Quantiles of whole numbers.

use serde::{Deserialize, Serialize};

/// The smallest value that at least `ppm` parts in a million of all are at most (nearest rank).
/// `sorted` is in ascending order; `None` if it is empty.
pub fn quantile<T: Copy>(sorted: &[T], ppm: u64) -> Option<T> {
    let len = sorted.len() as u128;
    let rank = (len * u128::from(ppm.min(1_000_000))).div_ceil(1_000_000);
    let index = usize::try_from(rank.saturating_sub(1)).expect("at most the length");
    sorted.get(index).copied()
}

/// Some quantiles of one measure, in its unit. All zero where there is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantiles {
    /// How many values there are.
    pub count: u64,
    /// The smallest.
    pub min: u64,
    /// The median.
    pub p50: u64,
    /// Nine in ten are at most this.
    pub p90: u64,
    /// 99 in a hundred are at most this.
    pub p99: u64,
    /// The largest.
    pub max: u64,
}

impl Quantiles {
    /// Of these values, in any order.
    pub fn of(values: impl IntoIterator<Item = u64>) -> Self {
        let mut sorted: Vec<u64> = values.into_iter().collect();
        sorted.sort_unstable();
        let at = |ppm| quantile(&sorted, ppm).unwrap_or_default();
        Self {
            count: sorted.len() as u64,
            min: at(0),
            p50: at(500_000),
            p90: at(900_000),
            p99: at(990_000),
            max: at(1_000_000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_the_nearest() {
        let sorted: Vec<u64> = (1..=100).collect();
        for (ppm, expected) in [(0, 1), (1, 1), (500_000, 50), (505_000, 51), (990_000, 99)] {
            assert_eq!(quantile(&sorted, ppm), Some(expected), "{ppm}");
        }
        assert_eq!(quantile(&sorted, 1_000_000), Some(100));
        assert_eq!(quantile::<u64>(&[], 500_000), None);
    }

    #[test]
    fn nothing_has_quantiles_of_zero() {
        assert_eq!(Quantiles::of([]), Quantiles::default());
        let one = Quantiles::of([7]);
        assert_eq!((one.count, one.min, one.p50, one.max), (1, 7, 7, 7));
    }
}
