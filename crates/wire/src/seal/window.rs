//! Which counters of a run have been seen.

/// A replay window of 256 counters up to the highest seen (RFC 4303 section 3.4.3 with more than
/// its 64: a sender has one counter for all whom it writes to, so that between two datagrams to
/// the same receiver it may have gone on by as many as it has peers).
#[derive(Clone, Debug)]
pub(super) struct Window {
    highest: u64,
    /// Bit n of the whole: whether `highest - n` was seen.
    seen: [u64; WORDS],
}

const WORDS: usize = 4;
const BITS: u64 = 64 * WORDS as u64;

impl Window {
    /// A window that begins with `counter`: it, and all before it, count as seen.
    pub(super) const fn starting_at(counter: u64) -> Self {
        Self { highest: counter, seen: [u64::MAX; WORDS] }
    }

    /// Whether `counter` was seen, or is too old to tell.
    pub(super) fn is_seen(&self, counter: u64) -> bool {
        match self.highest.checked_sub(counter) {
            None => false,
            Some(age) => match place(age) {
                None => true,
                Some((word, bit)) => self.seen[word] & bit != 0,
            },
        }
    }

    /// Notes `counter`; call it for authentic datagrams only.
    pub(super) fn note(&mut self, counter: u64) {
        if let Some(ahead) = counter.checked_sub(self.highest) {
            self.shift(ahead);
            self.highest = counter;
        }
        if let Some((word, bit)) = place(self.highest - counter) {
            self.seen[word] |= bit;
        }
    }

    fn shift(&mut self, by: u64) {
        let words = usize::try_from(by / 64).unwrap_or(WORDS).min(WORDS);
        self.seen.copy_within(..WORDS - words, words);
        self.seen[..words].fill(0);
        let bits = by % 64;
        if bits > 0 {
            for word in (0..WORDS).rev() {
                let carried = if word > 0 { self.seen[word - 1] >> (64 - bits) } else { 0 };
                self.seen[word] = self.seen[word] << bits | carried;
            }
        }
    }
}

fn place(age: u64) -> Option<(usize, u64)> {
    let word = usize::try_from(age / 64).ok()?;
    (age < BITS).then_some((word, 1 << (age % 64)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn all_up_to_the_first_counter_is_seen() {
        let window = Window::starting_at(1000);
        assert!(window.is_seen(0) && window.is_seen(999) && window.is_seen(1000));
        assert!(!window.is_seen(1001));
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_set(
            steps in prop::collection::vec((0_u64..600, any::<bool>()), 1..200),
        ) {
            let mut window = Window::starting_at(50);
            let mut seen: BTreeSet<u64> = (0..=50).collect();
            let mut highest = 50;
            for (step, forward) in steps {
                let ahead = highest + step % 300;
                let counter = if forward { ahead } else { highest.saturating_sub(step) };
                let expected = seen.contains(&counter) || highest.saturating_sub(counter) >= BITS;
                prop_assert_eq!(window.is_seen(counter), expected, "{} of {}", counter, highest);
                if !expected {
                    window.note(counter);
                    seen.insert(counter);
                    highest = highest.max(counter);
                }
            }
        }
    }
}
