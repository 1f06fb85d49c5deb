//! The one random generator of all engines.

/// A portable generator (Philox 2×64, 10 rounds): the same seed gives the same numbers on every
/// platform and in every version. Each engine owns a fork, so that a new draw in one does not
/// shift another.
///
/// It is counter-based: the numbers of a seed are a keyed bijection of 0, 1, 2, …, so two forks
/// never walk the same sequence, and the state is 24 bytes, which matters where a million
/// engines run side by side. It passes `BigCrush`; it is not for secrets.
///
/// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011,
/// section 3.3; its test vectors are in the tests.
#[derive(Clone, Debug)]
pub struct Rng {
    key: u64,
    /// Numbers drawn so far: two for each block.
    drawn: u64,
    /// The second number of the last block.
    second: u64,
}

/// The multiplier of Philox 2×64.
const MULTIPLIER: u64 = 0xd2b7_4407_b1ce_6e93;
/// What the key grows by in each round: the golden ratio.
const KEY_STEP: u64 = 0x9e37_79b9_7f4a_7c15;
const ROUNDS: u32 = 10;

/// The block of a counter under a key.
fn philox(mut counter: [u64; 2], mut key: u64) -> [u64; 2] {
    for _ in 0..ROUNDS {
        let product = u128::from(counter[0]) * u128::from(MULTIPLIER);
        let high = u64::try_from(product >> 64).expect("the upper half of 128 bits");
        let low = counter[0].wrapping_mul(MULTIPLIER);
        counter = [high ^ key ^ counter[1], low];
        key = key.wrapping_add(KEY_STEP);
    }
    counter
}

impl Rng {
    /// A generator for `seed`.
    pub fn from_seed(seed: u64) -> Self {
        Self { key: seed, drawn: 0, second: 0 }
    }

    /// An independent generator for the part named `label`; draws one number from `self`.
    pub fn fork(&mut self, label: &str) -> Self {
        let seed = label.bytes().fold(self.next_u64(), |hash, byte| mix(hash ^ u64::from(byte)));
        Self::from_seed(seed)
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        let is_second = self.drawn % 2 == 1;
        self.drawn = self.drawn.wrapping_add(1);
        if is_second {
            return self.second;
        }
        let [first, second] = philox([self.drawn / 2, 0], self.key);
        self.second = second;
        first
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
        let mut rng = Rng::from_seed(0);
        assert_eq!(rng.next_u64(), 0xca00_a045_9843_d731);
        assert_eq!(rng.next_u64(), 0x66c2_4222_c9a8_45b5);
        assert_ne!(rng.next_u64(), Rng::from_seed(1).next_u64());
    }

    /// The known answers that come with the authors' Random123 1.14 (`kat_vectors`).
    #[test]
    fn philox_gives_the_known_answers() {
        let all = u64::MAX;
        assert_eq!(philox([0, 0], 0), [0xca00_a045_9843_d731, 0x66c2_4222_c9a8_45b5]);
        assert_eq!(philox([all, all], all), [0x65b0_21d6_0cd8_310f, 0x4d02_f322_2f86_df20]);
        let pi = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344];
        let answer = [0x0a5e_742c_2997_341c, 0xb0f8_83d3_8000_de5d];
        assert_eq!(philox(pi, 0xa409_3822_299f_31d0), answer);
    }

    #[test]
    fn each_number_of_a_block_is_given_once() {
        let mut rng = Rng::from_seed(9);
        for block in 0..5 {
            let [first, second] = philox([block, 0], 9);
            assert_eq!([rng.next_u64(), rng.next_u64()], [first, second]);
        }
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
