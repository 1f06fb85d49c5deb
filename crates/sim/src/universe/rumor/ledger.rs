//! Who holds what since when, and what it cost.

use crate::universe::everyone::index;
use bruit_engine::Instant;
use bruit_engine::spread::rumor::Spread;
use std::time::Duration;

/// A node that holds nothing of an item.
const LACKS: u8 = 0;
/// The first byte value that means that the item came at this very moment.
const FRESH: u8 = 0x80;
/// Hops are counted up to here.
const HOPS_MAX: u8 = FRESH - 2;

/// How many nodes had first got an item by when, in steps of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    step: Duration,
    /// First receipts in each step since the publication.
    receipts: Vec<u64>,
}

/// So many steps are kept; the last one holds all that comes later.
const STEPS_MAX: usize = 1 << 16;

impl Coverage {
    fn new(step: Duration) -> Self {
        Self { step, receipts: Vec::new() }
    }

    fn add(&mut self, delay: Duration) {
        let step = delay.as_nanos() / self.step.as_nanos().max(1);
        let step = usize::try_from(step).unwrap_or(usize::MAX).min(STEPS_MAX - 1);
        if step >= self.receipts.len() {
            self.receipts.resize(step + 1, 0);
        }
        self.receipts[step] += 1;
    }

    /// The width of a step.
    pub fn step(&self) -> Duration {
        self.step
    }

    /// First receipts in each step since the publication, the origin not counted.
    pub fn receipts(&self) -> &[u64] {
        &self.receipts
    }

    /// The end of the step by which at least `ppm` in a million of those that ever got it had
    /// it; `None` if nobody did.
    pub fn quantile(&self, ppm: u64) -> Option<Duration> {
        let all: u64 = self.receipts.iter().sum();
        let wanted = (u128::from(all) * u128::from(ppm)).div_ceil(1_000_000).max(1);
        let mut got = 0_u128;
        let place = self.receipts.iter().position(|count| {
            got += u128::from(*count);
            got >= wanted
        })?;
        Some(self.step.saturating_mul(u32::try_from(place + 1).unwrap_or(u32::MAX)))
    }
}

/// What is known of one item.
#[derive(Clone, Debug)]
pub struct Spreading {
    /// How it is spread.
    pub spread: Spread,
    /// When it was published.
    pub published: Instant,
    /// How many nodes hold it.
    pub holders: u64,
    /// When a node last got it that had lacked it.
    pub last: Instant,
    /// How many hops it took to the node that is farthest, and at most 126.
    pub hops_last: u8,
    /// Copies sent, asked for or not.
    pub copies: u64,
    /// First receipts over time.
    pub coverage: Coverage,
    /// 0 where it is lacking, else hops + 1, and [`FRESH`] set if it came at this moment.
    hops: Vec<u8>,
}

impl Spreading {
    /// The hops of all first receipts together, each counted up to 126.
    pub fn hops_sum(&self) -> u64 {
        let held = self.hops.iter().map(|hops| hops & !FRESH).filter(|hops| *hops != LACKS);
        held.map(|hops| u64::from(hops - 1)).sum()
    }
}

/// All items, and who holds them.
#[derive(Clone, Debug)]
pub struct Ledger {
    items: Vec<Spreading>,
    step: Duration,
    /// Whether copies that reach a node at one moment are all news to it.
    simultaneous_are_news: bool,
    /// What came at the moment `fresh_at`.
    fresh: Vec<(u32, u32)>,
    fresh_at: Instant,
}

impl Ledger {
    /// Empty; coverage is counted in steps of this width.
    pub fn new(step: Duration) -> Self {
        Self {
            items: Vec::new(),
            step,
            simultaneous_are_news: false,
            fresh: Vec::new(),
            fresh_at: Instant::ZERO,
        }
    }

    /// Two copies that reach a node in one cycle are both news to it, as in table 1 of Demers et
    /// al. 1987.
    #[must_use]
    pub fn with_simultaneous_news(mut self) -> Self {
        self.simultaneous_are_news = true;
        self
    }

    /// All items, in the order of their numbers.
    pub fn items(&self) -> &[Spreading] {
        &self.items
    }

    /// One item.
    ///
    /// # Panics
    /// If no item of this number was published.
    pub fn item(&self, key: u32) -> &Spreading {
        &self.items[index(key)]
    }

    /// Whether a node holds an item.
    pub fn holds(&self, node: u32, key: u32) -> bool {
        self.items[index(key)].hops[index(node)] != LACKS
    }

    pub(super) fn open(&mut self, now: Instant, nodes: u32, spread: Spread) -> u32 {
        let key = u32::try_from(self.items.len()).expect("fewer than 2³² items");
        self.items.push(Spreading {
            spread,
            published: now,
            holders: 0,
            last: now,
            hops_last: 0,
            copies: 0,
            coverage: Coverage::new(self.step),
            hops: vec![LACKS; index(nodes)],
        });
        key
    }

    /// The origin has it.
    pub(super) fn publish(&mut self, node: u32, key: u32) {
        let item = &mut self.items[index(key)];
        item.hops[index(node)] = 1;
        item.holders += 1;
    }

    /// A copy arrives; whether the node knew the item before.
    pub(super) fn receive(&mut self, now: Instant, node: u32, key: u32, hop: u8) -> bool {
        let item = &mut self.items[index(key)];
        let place = &mut item.hops[index(node)];
        if *place != LACKS {
            return !self.simultaneous_are_news || now != self.fresh_at || *place < FRESH;
        }
        *place = hop.min(HOPS_MAX) + 1;
        item.holders += 1;
        item.last = now;
        item.hops_last = item.hops_last.max(hop.min(HOPS_MAX));
        item.coverage.add(now.since(item.published));
        if self.simultaneous_are_news {
            *place |= FRESH;
            self.note_fresh(now, node, key);
        }
        false
    }

    fn note_fresh(&mut self, now: Instant, node: u32, key: u32) {
        if now != self.fresh_at {
            for (node, key) in self.fresh.drain(..) {
                self.items[index(key)].hops[index(node)] &= !FRESH;
            }
            self.fresh_at = now;
        }
        self.fresh.push((node, key));
    }

    /// A copy is sent; how many hops from the origin its receiver is.
    pub(super) fn send(&mut self, node: u32, key: u32) -> u8 {
        let item = &mut self.items[index(key)];
        item.copies += 1;
        // The byte is the hops of this node and one.
        item.hops[index(node)] & !FRESH
    }
}
