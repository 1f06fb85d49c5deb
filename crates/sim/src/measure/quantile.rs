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

/// As [`quantile`], of `total` values of which `counts` has those that are there, as (value, how
/// often) in ascending order; the others are larger than all of these. `None` for one of them.
pub(crate) fn quantile_of_counts(counts: &[(u64, u64)], total: u64, ppm: u64) -> Option<u64> {
    let rank = (u128::from(total) * u128::from(ppm.min(1_000_000))).div_ceil(1_000_000).max(1);
    let mut passed = 0_u128;
    let found = counts.iter().find(|(_, count)| {
        passed += u128::from(*count);
        passed >= rank
    });
    found.map(|(value, _)| *value).filter(|_| total > 0)
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

    /// Of values with how often each is there, in ascending order.
    pub(crate) fn of_counts(counts: &[(u64, u64)]) -> Self {
        let count = counts.iter().map(|(_, count)| count).sum();
        let at = |ppm| quantile_of_counts(counts, count, ppm).unwrap_or_default();
        Self {
            count,
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
    fn counted_values_have_the_same_quantiles() {
        let counts = [(0, 1), (3, 4), (8, 2), (9, 93)];
        let each = counts.iter().flat_map(|(value, count)| {
            std::iter::repeat_n(*value, usize::try_from(*count).unwrap())
        });
        assert_eq!(Quantiles::of_counts(&counts), Quantiles::of(each));
        assert_eq!(Quantiles::of_counts(&[]), Quantiles::default());
        // Of 200, a hundred are not there.
        let at = |ppm| quantile_of_counts(&counts, 200, ppm);
        assert_eq!((at(0), at(500_000), at(505_000)), (Some(0), Some(9), None));
    }

    #[test]
    fn nothing_has_quantiles_of_zero() {
        assert_eq!(Quantiles::of([]), Quantiles::default());
        let one = Quantiles::of([7]);
        assert_eq!((one.count, one.min, one.p50, one.max), (1, 7, 7, 7));
    }
}
