//! The one random generator of all engines.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng};

/// A portable generator (`ChaCha8`): the same seed gives the same numbers on every platform and
/// in every version. Each engine owns a fork, so that a new draw in one does not shift another.
#[derive(Clone, Debug)]
pub struct Rng(ChaCha8Rng);

impl Rng {
    /// A generator for `seed`.
    pub fn from_seed(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// An independent generator for the part named `label`; draws one number from `self`.
    pub fn fork(&mut self, label: &str) -> Self {
        let seed = label.bytes().fold(self.next_u64(), |hash, byte| mix(hash ^ u64::from(byte)));
        Self::from_seed(seed)
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number in `0..bound`, by multiplication (bias below 2⁻³² for bounds below 2³²); 0 if
    /// `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next_u64()) * u128::from(bound);
        u64::try_from(wide >> 64).expect("a product of two u64, shifted by 64, fits in u64")
    }

    /// An index in `0..len`; 0 if `len` is 0.
    pub fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).expect("the result is below a usize")
    }

    /// True with probability `numerator / denominator`.
    pub fn chance(&mut self, numerator: u64, denominator: u64) -> bool {
        self.below(denominator) < numerator
    }

    /// Shuffles in place (Fisher-Yates).
    pub fn shuffle<T>(&mut self, slice: &mut [T]) {
        for last in (1..slice.len()).rev() {
            let other = self.index(last + 1);
            slice.swap(last, other);
        }
    }

    /// A duration in `0..bound`.
    pub fn duration_below(&mut self, bound: std::time::Duration) -> std::time::Duration {
        let nanos = u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX);
        std::time::Duration::from_nanos(self.below(nanos))
    }
}

/// The finaliser of `SplitMix64`: a bijection on 64 bits that spreads every input bit.
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
pub(crate) fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_pinned() {
        let mut rng = Rng::from_seed(1);
        let first = rng.next_u64();
        assert_eq!(first, Rng::from_seed(1).next_u64());
        assert_ne!(first, Rng::from_seed(2).next_u64());
    }

    #[test]
    fn forks_are_independent_of_later_draws() {
        let mut a = Rng::from_seed(7);
        let mut b = Rng::from_seed(7);
        let mut fork_a = a.fork("probe");
        let mut fork_b = b.fork("probe");
        b.next_u64();
        assert_eq!(fork_a.next_u64(), fork_b.next_u64());
        assert_ne!(a.fork("x").next_u64(), b.fork("x").next_u64());
    }

    #[test]
    fn below_covers_its_range_and_no_more() {
        let mut rng = Rng::from_seed(3);
        let mut seen = [0_u32; 5];
        for _ in 0..5000 {
            seen[rng.index(5)] += 1;
        }
        assert!(seen.iter().all(|&count| (800..1200).contains(&count)), "{seen:?}");
        assert_eq!(rng.below(0), 0);
    }
}
