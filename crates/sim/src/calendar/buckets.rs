//! The days that are not today.

use super::entry::Entry;

/// How many levels of buckets there are, a byte of the time each.
pub(super) const LEVELS: usize = 8;
const BUCKETS: usize = 256;
/// Emptied arrays that are kept for reuse, and how large they may be.
const SPARES_MAX: usize = 64;
const SPARE_ENTRIES_MAX: usize = 1024;

/// The last nanosecond of the bucket of this level that holds `nanos`.
pub(super) fn last_of(level: usize, nanos: u64) -> u64 {
    nanos | ((1_u64 << (8 * level)) - 1)
}

/// 256 buckets of one width.
#[derive(Debug)]
struct Level<P> {
    buckets: Vec<Vec<Entry<P>>>,
    /// A bit for each bucket that is not empty.
    filled: [u64; BUCKETS / 64],
}

impl<P> Level<P> {
    fn first(&self) -> Option<usize> {
        let word = self.filled.iter().position(|word| *word != 0)?;
        let bit = usize::try_from(self.filled[word].trailing_zeros()).expect("at most 64");
        Some(word * 64 + bit)
    }
}

/// Entries after today, by level. Those of a level share all higher bytes with the end of today,
/// and their byte of that level is greater.
#[derive(Debug)]
pub(super) struct Buckets<P> {
    /// Levels are made when the first entry comes.
    levels: [Option<Box<Level<P>>>; LEVELS],
    spares: Vec<Vec<Entry<P>>>,
}

impl<P> Default for Buckets<P> {
    fn default() -> Self {
        Self { levels: [const { None }; LEVELS], spares: Vec::new() }
    }
}

impl<P> Buckets<P> {
    /// Adds an entry that is after `today_last`.
    pub(super) fn put(&mut self, today_last: u64, entry: Entry<P>) {
        let differing = 63 - (entry.nanos ^ today_last).leading_zeros();
        self.put_at(usize::try_from(differing / 8).expect("at most 7"), entry);
    }

    fn put_at(&mut self, level: usize, entry: Entry<P>) {
        let place = usize::try_from((entry.nanos >> (8 * level)) & 0xff).expect("a byte");
        let on = self.levels[level].get_or_insert_with(|| {
            let buckets = std::iter::repeat_with(Vec::new).take(BUCKETS).collect();
            Box::new(Level { buckets, filled: [0; BUCKETS / 64] })
        });
        let bucket = &mut on.buckets[place];
        if bucket.is_empty() {
            on.filled[place / 64] |= 1 << (place % 64);
            if bucket.capacity() == 0 {
                *bucket = self.spares.pop().unwrap_or_default();
            }
        }
        bucket.push(entry);
    }

    /// Takes the first bucket that is not empty, and its level.
    pub(super) fn take_first(&mut self) -> Option<(usize, Vec<Entry<P>>)> {
        for (number, level) in self.levels.iter_mut().enumerate() {
            let Some(level) = level else { continue };
            if let Some(place) = level.first() {
                level.filled[place / 64] &= !(1 << (place % 64));
                return Some((number, std::mem::take(&mut level.buckets[place])));
            }
        }
        None
    }

    /// Puts the entries of a bucket of this level one level lower.
    pub(super) fn split(&mut self, level: usize, mut bucket: Vec<Entry<P>>) {
        for entry in bucket.drain(..) {
            self.put_at(level - 1, entry);
        }
        self.give_back(bucket);
    }

    /// Keeps an emptied array for the next bucket.
    pub(super) fn give_back(&mut self, bucket: Vec<Entry<P>>) {
        if self.spares.len() < SPARES_MAX && bucket.capacity() <= SPARE_ENTRIES_MAX {
            self.spares.push(bucket);
        }
    }

    /// Drops what `keep` refuses; how many entries are left.
    pub(super) fn retain(&mut self, keep: impl Fn(&Entry<P>) -> bool) -> usize {
        let mut left = 0;
        for level in self.levels.iter_mut().flatten() {
            for (place, bucket) in level.buckets.iter_mut().enumerate() {
                bucket.retain(&keep);
                bucket.shrink_to(bucket.len() * 2);
                left += bucket.len();
                if bucket.is_empty() {
                    level.filled[place / 64] &= !(1 << (place % 64));
                }
            }
        }
        left
    }
}
