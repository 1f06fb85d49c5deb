//! Values of every record for the laws of the codec, from a seed.

use super::msgpack::Pairs;
use bytes::Bytes;

/// `SplitMix64` (Steele, Lea, Flood 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A number of a random width.
    fn number(&mut self) -> u64 {
        let shift = self.below(64);
        self.next() >> shift
    }
}

/// A random value of a type.
pub(crate) trait Sample {
    fn sample(random: &mut Random) -> Self;
}

macro_rules! numbers {
    ($($type:ty),*) => {$(
        impl Sample for $type {
            #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap,
                reason = "any bits will do")]
            fn sample(random: &mut Random) -> Self {
                random.number() as Self
            }
        }
    )*};
}

numbers!(u8, u16, u32, u64, i32, i64);

impl Sample for bool {
    fn sample(random: &mut Random) -> Self {
        random.below(2) == 1
    }
}

impl Sample for f64 {
    fn sample(random: &mut Random) -> Self {
        f64::from(u32::sample(random)) / 7.0
    }
}

impl Sample for String {
    fn sample(random: &mut Random) -> Self {
        let length = random.below(40);
        (0..length).map(|_| ['a', 'é', '-', '0'][usize::from(u8::sample(random) % 4)]).collect()
    }
}

impl Sample for Bytes {
    /// Of at most 16 bytes, which every limit allows.
    fn sample(random: &mut Random) -> Self {
        let length = random.below(17);
        (0..length).map(|_| u8::sample(random)).collect()
    }
}

impl<T: Sample> Sample for Option<T> {
    fn sample(random: &mut Random) -> Self {
        bool::sample(random).then(|| T::sample(random))
    }
}

impl<T: Sample> Sample for Vec<T> {
    fn sample(random: &mut Random) -> Self {
        let count = random.below(20);
        (0..count).map(|_| T::sample(random)).collect()
    }
}

impl<T: Sample> Sample for Pairs<T> {
    fn sample(random: &mut Random) -> Self {
        let count = random.below(20);
        (0..count).map(|_| (String::sample(random), T::sample(random))).collect()
    }
}
