//! Items that were announced and are on their way.

use super::Limits;
use crate::MemberId;
use crate::few::FewMap;
use std::collections::VecDeque;
use std::fmt::Debug;

/// Who announced an item that is being fetched. The first is the one that was asked last; the
/// others follow in the order in which they are to be asked.
#[derive(Clone, Debug)]
struct Pending<I> {
    announcers: VecDeque<I>,
    attempts: u32,
}

/// What an announcement led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Announced {
    /// The announcer is to be asked for it.
    Ask,
    /// It is being fetched from another one, or was noted before.
    Noted,
    /// Too much is being fetched.
    Shed,
}

/// What follows a fetch that was not answered in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Retry<I> {
    /// This one is to be asked.
    Ask(I),
    /// No attempt is left; this one was asked last.
    Abandon(I),
}

/// The fetches under way, by item.
#[derive(Clone, Debug)]
pub(super) struct Fetches<I, K> {
    pending: FewMap<K, Pending<I>>,
}

impl<I: MemberId, K: Clone + Ord + Debug> Fetches<I, K> {
    pub(super) fn new() -> Self {
        Self { pending: FewMap::new() }
    }

    /// Takes note that `from` has `key`, which is not known here.
    pub(super) fn on_announced(&mut self, key: &K, from: &I, limits: &Limits) -> Announced {
        if let Some(pending) = self.pending.get_mut(key) {
            let has_room = pending.announcers.len() < limits.announcers_max;
            if has_room && !pending.announcers.contains(from) {
                pending.announcers.push_back(from.clone());
            }
            return Announced::Noted;
        }
        if self.pending.len() >= limits.fetches_max {
            return Announced::Shed;
        }
        let pending = Pending { announcers: VecDeque::from([from.clone()]), attempts: 1 };
        self.pending.insert(key.clone(), pending);
        Announced::Ask
    }

    /// The peer that was asked for `key` has not sent it in time: whose turn is it?
    pub(super) fn on_timeout(&mut self, key: &K, limits: &Limits) -> Option<Retry<I>> {
        let pending = self.pending.get_mut(key)?;
        if pending.attempts >= limits.fetch_attempts_max.get() {
            let last = pending.announcers.front()?.clone();
            self.pending.remove(key);
            return Some(Retry::Abandon(last));
        }
        pending.attempts += 1;
        pending.announcers.rotate_left(1);
        Some(Retry::Ask(pending.announcers.front()?.clone()))
    }

    /// Ends the fetch of `key`; false if there was none.
    pub(super) fn clear(&mut self, key: &K) -> bool {
        self.pending.remove(key).is_some()
    }

    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }
}
