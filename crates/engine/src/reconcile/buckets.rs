//! Finding out cheaply where two sets differ.
//!
//! Every element of a set falls into one of [`BUCKET_COUNT`] buckets by the hash of its id; a
//! bucket is the wrapping sum of the hashes of its elements. Sums do not depend on the order of
//! insertion and are kept up to date by one addition and one subtraction per change. Two members
//! compare first one hash of all sums ([`Buckets::summary`]), then, if those differ, the sums, and
//! then list only the elements of the buckets that differ.
//!
//! The hashes are well mixed, not resistant to an adversary: whoever may choose elements can make
//! two different sets look equal. Those who exchange them share the key of the group, and the harm
//! is a repair that does not happen.

use crate::rng::mix;

/// How many buckets there are: 64 sums of 8 bytes are 512 bytes, well within one datagram, and
/// one bit mask in a `u64` names any subset. Guess.
pub const BUCKET_COUNT: usize = 64;

/// The sums of one set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buckets {
    sums: [u64; BUCKET_COUNT],
}

impl Default for Buckets {
    fn default() -> Self {
        Self { sums: [0; BUCKET_COUNT] }
    }
}

impl Buckets {
    /// The bucket of an element: the top six bits of the hash of its id, `0..BUCKET_COUNT`.
    pub fn bucket_of(id_hash: u64) -> usize {
        usize::try_from(id_hash >> 58).expect("six bits fit in a usize")
    }

    /// Counts an element in.
    pub fn add(&mut self, id_hash: u64, element_hash: u64) {
        let sum = &mut self.sums[Self::bucket_of(id_hash)];
        *sum = sum.wrapping_add(element_hash);
    }

    /// Counts an element out; the hashes must be those it was added with.
    pub fn remove(&mut self, id_hash: u64, element_hash: u64) {
        let sum = &mut self.sums[Self::bucket_of(id_hash)];
        *sum = sum.wrapping_sub(element_hash);
    }

    /// Sets the sums of the buckets of the bit mask `buckets` to that of an empty set.
    pub fn clear(&mut self, buckets: u64) {
        for (bucket, sum) in self.sums.iter_mut().enumerate() {
            *sum = if buckets >> bucket & 1 == 1 { 0 } else { *sum };
        }
    }

    /// One hash of all sums; 0 if every sum is zero, as in an empty set.
    pub fn summary(&self) -> u64 {
        if self.sums.iter().all(|&sum| sum == 0) { 0 } else { hash_words(&self.sums) }
    }

    /// The sums, by bucket.
    pub fn sums(&self) -> &[u64; BUCKET_COUNT] {
        &self.sums
    }

    /// The buckets whose sums differ: bit `i` (of value 2ⁱ) stands for bucket `i`.
    pub fn differing(&self, other: &[u64; BUCKET_COUNT]) -> u64 {
        let pairs = self.sums.iter().zip(other).enumerate();
        pairs.fold(0, |mask, (bucket, (ours, theirs))| mask | u64::from(ours != theirs) << bucket)
    }
}

/// A portable, well-mixed hash of a sequence of words; order and length count.
///
/// `h ← mix(h ⊕ word)` for each word from `h = 0`, then `mix(h ⊕ count)`, with the finaliser of
/// `SplitMix64` as `mix`. Not resistant to an adversary, see the module's text.
pub fn hash_words(words: &[u64]) -> u64 {
    hash_all(words.iter().copied())
}

/// [`hash_words`] of words that are not in one slice.
pub(crate) fn hash_all(words: impl IntoIterator<Item = u64>) -> u64 {
    let (hash, count) =
        words.into_iter().fold((0_u64, 0_u64), |(hash, count), word| (mix(hash ^ word), count + 1));
    mix(hash ^ count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rng;

    #[test]
    fn the_hash_is_pinned_and_minds_order_and_length() {
        assert_eq!(hash_words(&[]), 0xe220_a839_7b1d_cdaf);
        assert_eq!(hash_words(&[1, 2, 3]), 0x4621_364d_d0a6_6f0f);
        let all = [hash_words(&[]), hash_words(&[0]), hash_words(&[0, 0]), hash_words(&[0, 1])];
        let more = [hash_words(&[1, 0]), hash_words(&[1]), hash_words(&[1, 1])];
        let mut distinct: Vec<u64> = all.into_iter().chain(more).collect();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), 7);
    }

    #[test]
    fn each_input_bit_changes_about_half_of_the_hash() {
        let base = hash_words(&[17, 99]);
        for bit in 0..128 {
            let mut words = [17_u64, 99];
            words[bit / 64] ^= 1 << (bit % 64);
            let flipped = (hash_words(&words) ^ base).count_ones();
            assert!((14..=50).contains(&flipped), "bit {bit} flips {flipped}");
        }
    }

    #[test]
    fn the_top_six_bits_choose_the_bucket() {
        assert_eq!(Buckets::bucket_of(0), 0);
        assert_eq!(Buckets::bucket_of((1 << 58) - 1), 0);
        assert_eq!(Buckets::bucket_of(1 << 58), 1);
        assert_eq!(Buckets::bucket_of(u64::MAX), 63);
    }

    #[test]
    fn order_does_not_matter_and_removal_undoes() {
        let mut rng = Rng::from_seed(1);
        let elements: Vec<(u64, u64)> =
            (0..200).map(|_| (rng.next_u64(), rng.next_u64())).collect();
        let (mut up, mut down) = (Buckets::default(), Buckets::default());
        elements.iter().for_each(|&(id, element)| up.add(id, element));
        elements.iter().rev().for_each(|&(id, element)| down.add(id, element));
        assert_eq!(up, down);
        assert_ne!(up.summary(), 0);
        elements.iter().for_each(|&(id, element)| up.remove(id, element));
        assert_eq!((up.summary(), &up), (0, &Buckets::default()));
        down.clear(!(1 << 7));
        assert_eq!(down.differing(up.sums()), u64::from(down.sums()[7] != 0) << 7);
        down.clear(1 << 7);
        assert_eq!(down, up);
    }

    #[test]
    fn exactly_the_buckets_that_differ_are_named() {
        let (mut a, mut b) = (Buckets::default(), Buckets::default());
        a.add(0, 5);
        b.add(0, 5);
        assert_eq!(a.differing(b.sums()), 0);
        a.add(3 << 58, 7);
        b.add(u64::MAX, 7);
        assert_eq!(a.differing(b.sums()), 1 << 3 | 1 << 63);
        assert_eq!(b.differing(a.sums()), 1 << 3 | 1 << 63);
        assert_ne!(a.summary(), b.summary());
    }
}
