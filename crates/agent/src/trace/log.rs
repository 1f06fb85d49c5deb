//! What became of the items that came here, as far as it is remembered.

use crate::delivery::{AttemptNote, Outcome, Report};
use bruit_model::{Item, ItemId, Path};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How many items are remembered; the oldest go first.
const ITEMS_MAX: usize = 10_000;
/// How many bytes they hold, about. Guess.
const BYTES_MAX: usize = 8 * 1024 * 1024;
/// How many subscriptions of an item are remembered; more are counted. Guess.
const DELIVERIES_MAX: usize = 64;
/// How many attempts of a delivery are remembered: the last. Guess.
pub(super) const TRIES_MAX: usize = 8;
/// The longest text of an error or a reason, in bytes. Guess.
pub(super) const TEXT_BYTES_MAX: usize = 160;

/// One attempt to deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Try {
    /// What the consumer answered, if it did.
    pub(crate) status: Option<u16>,
    /// What went wrong if it did not, in words; else empty.
    pub(crate) error: Box<str>,
    /// When it began, after the item was offered here.
    pub(crate) at: Duration,
    /// How long it took.
    pub(crate) took: Duration,
}

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It has not: it waits, also for its next attempt.
    Queued,
    /// It has not: an attempt is under way.
    InFlight,
    /// The consumer took it.
    Delivered,
    /// It was given up.
    Failed,
}

impl Ended {
    /// The word for it, in the API.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::InFlight => "in_flight",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// One local delivery of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// To which subscription.
    pub(crate) subscription: Arc<str>,
    /// How far it is.
    pub(crate) ended: Ended,
    /// What the consumer answered last, if it did.
    pub(crate) status: Option<u16>,
    /// How many attempts were made.
    pub(crate) attempts: u32,
    /// From the offer to the end; `None` before that.
    pub(crate) after: Option<Duration>,
    /// Why it failed, in words; else empty.
    pub(crate) reason: Box<str>,
    /// The last attempts, in order.
    pub(crate) tries: Vec<Try>,
}

impl Delivery {
    fn queued(subscription: Arc<str>) -> Self {
        Self {
            subscription,
            ended: Ended::Queued,
            status: None,
            attempts: 0,
            after: None,
            reason: Box::default(),
            tries: Vec::new(),
        }
    }

    fn bytes(&self) -> usize {
        let tries: usize = self.tries.iter().map(|each| 64 + each.error.len()).sum();
        128 + self.reason.len() + tries
    }
}

/// An item's deliveries here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offered {
    /// When the item was offered to the subscriptions, nanoseconds since 1970-01-01 UTC.
    pub(crate) unix_nanos: u64,
    /// Where it belongs.
    pub(crate) path: Path,
    /// When its origin accepted it, milliseconds since 1970-01-01 UTC.
    pub(crate) accepted_unix_millis: u64,
    /// The length of its payload.
    pub(crate) payload_bytes: usize,
    /// Whether all its subscriptions are known: ends may be told before the item is.
    is_whole: bool,
    /// By the name of the subscription.
    pub(crate) deliveries: Vec<Delivery>,
    /// How many more subscriptions there were.
    pub(crate) left_out: usize,
}

impl Offered {
    fn new(item: &Item) -> Self {
        Self {
            unix_nanos: unix_nanos(),
            path: item.path.clone(),
            accepted_unix_millis: item.time.unix_millis(),
            payload_bytes: item.payload.len(),
            is_whole: false,
            deliveries: Vec::new(),
            left_out: 0,
        }
    }

    fn bytes(&self) -> usize {
        256 + self.path.as_str().len() + self.deliveries.iter().map(Delivery::bytes).sum::<usize>()
    }

    /// The delivery to a subscription, new if need be; `None` if there is no room.
    fn delivery(&mut self, name: &Arc<str>) -> Option<&mut Delivery> {
        let place = match self.deliveries.binary_search_by(|each| each.subscription.cmp(name)) {
            Ok(place) => place,
            Err(_) if self.deliveries.len() >= DELIVERIES_MAX => {
                self.left_out += 1;
                return None;
            }
            Err(place) => {
                self.deliveries.insert(place, Delivery::queued(Arc::clone(name)));
                place
            }
        };
        self.deliveries.get_mut(place)
    }
}

/// The log. Bounded by count and by bytes; what is forgotten is counted.
#[derive(Debug)]
pub(crate) struct TraceLog {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    items: BTreeMap<ItemId, Offered>,
    /// In the order in which they came.
    order: VecDeque<ItemId>,
    bytes: usize,
    forgotten: u64,
    /// All items offered later are remembered, nanoseconds since 1970-01-01 UTC.
    since: u64,
}

impl Default for TraceLog {
    fn default() -> Self {
        Self {
            inner: Mutex::new(Inner {
                items: BTreeMap::new(),
                order: VecDeque::new(),
                bytes: 0,
                forgotten: 0,
                since: unix_nanos(),
            }),
        }
    }
}

impl TraceLog {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An item came, and was handed to these subscriptions.
    pub(crate) fn offered(&self, item: &Item, subscriptions: &[Arc<str>]) {
        self.lock().change(item, |offered| {
            offered.is_whole = true;
            for name in subscriptions {
                offered.delivery(name);
            }
        });
    }

    /// A delivery ended; whether all of the item have, as far as is known. It may be told before
    /// the item is.
    pub(crate) fn ended(&self, report: &Report) -> bool {
        self.lock().change(&report.item, |offered| {
            let since = offered.unix_nanos;
            if let Some(delivery) = offered.delivery(&report.subscription) {
                end(delivery, since, report);
            }
            let has_ended =
                |each: &Delivery| matches!(each.ended, Ended::Delivered | Ended::Failed);
            offered.is_whole && offered.left_out == 0 && offered.deliveries.iter().all(has_ended)
        })
    }

    /// What is remembered of an item.
    pub(crate) fn get(&self, item: &ItemId) -> Option<Offered> {
        self.lock().items.get(item).cloned()
    }

    /// The item with this printable id, if it is remembered.
    pub(crate) fn find(&self, printable: &str) -> Option<ItemId> {
        let (label, seq) = printable.split_once('-')?;
        let seq: u64 = seq.parse().ok()?;
        let inner = self.lock();
        let mut at = inner.items.keys().next().copied();
        // One step for each run remembered, not for each item.
        while let Some(item) = at {
            let wanted = ItemId { seq, ..item };
            if wanted.run_label() == label && inner.items.contains_key(&wanted) {
                return Some(wanted);
            }
            let after = std::ops::Bound::Excluded(ItemId { seq: u64::MAX, ..item });
            let mut beyond = inner.items.range((after, std::ops::Bound::Unbounded));
            at = beyond.next().map(|(item, _)| *item);
        }
        None
    }

    /// From when on all items are remembered, nanoseconds since 1970-01-01 UTC.
    pub(crate) fn since(&self) -> u64 {
        self.lock().since
    }

    /// How many items are remembered, and how many were forgotten.
    pub(crate) fn counts(&self) -> (usize, u64) {
        let inner = self.lock();
        (inner.items.len(), inner.forgotten)
    }
}

impl Inner {
    /// Changes what is remembered of an item, and forgets the oldest beyond the bounds.
    fn change<R>(&mut self, item: &Item, change: impl FnOnce(&mut Offered) -> R) -> R {
        let known = self.items.get(&item.id).map(Offered::bytes);
        if known.is_none() {
            self.order.push_back(item.id);
        }
        let offered = self.items.entry(item.id).or_insert_with(|| Offered::new(item));
        let result = change(offered);
        self.bytes = self.bytes + offered.bytes() - known.unwrap_or(0);
        while self.items.len() > ITEMS_MAX || self.bytes > BYTES_MAX {
            let Some(oldest) = self.order.pop_front() else { break };
            if let Some(offered) = self.items.remove(&oldest) {
                self.bytes -= offered.bytes();
                self.since = self.since.max(offered.unix_nanos);
                self.forgotten += 1;
            }
        }
        result
    }
}

fn end(delivery: &mut Delivery, since: u64, report: &Report) {
    let (ended, status, attempts, after, reason) = match report.outcome {
        Outcome::Delivered { status, attempts, after } => {
            (Ended::Delivered, Some(status), attempts, after, None)
        }
        Outcome::Failed { reason, status, attempts } => {
            let after = Duration::from_nanos(unix_nanos().saturating_sub(since));
            (Ended::Failed, status, attempts, after, Some(reason.to_string()))
        }
    };
    delivery.ended = ended;
    delivery.status = status;
    delivery.attempts = attempts;
    delivery.after = Some(after);
    let skipped = report.attempts_made.len().saturating_sub(TRIES_MAX);
    let last = report.attempts_made.iter().skip(skipped);
    delivery.tries = last.map(|note| attempt(note, since)).collect();
    delivery.reason = cut(&reason.unwrap_or_default(), TEXT_BYTES_MAX).into();
}

fn attempt(note: &AttemptNote, since: u64) -> Try {
    let at = note.at_unix_millis.saturating_mul(1_000_000).saturating_sub(since);
    let error = note.error.as_deref().filter(|_| note.status.is_none()).unwrap_or_default();
    Try {
        status: note.status,
        error: cut(error, TEXT_BYTES_MAX).into(),
        at: Duration::from_nanos(at),
        took: note.took,
    }
}

/// As much of a text as fits into so many bytes.
pub(crate) fn cut(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The wall clock, nanoseconds since 1970-01-01 UTC.
pub(crate) fn unix_nanos() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
