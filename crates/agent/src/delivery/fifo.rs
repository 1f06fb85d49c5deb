//! The order among the items of one origin.
//!
//! Items of one run of an origin form a chain. Only the first of a chain may be tried, and only
//! while no other of it is under way; the next follows when it has ended, whether it was
//! delivered or not. Pure: it holds numbers, not items.

use bruit_model::{ItemId, NodeId};
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;

/// A run of an origin.
pub(super) type Run = (NodeId, u64);

/// An item's place in the chain of its origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chained {
    /// The run.
    pub(super) run: Run,
    /// The item's number in that run.
    pub(super) seq: u64,
    /// The item before it in its topic, if it has not come, and until when it is waited for.
    pub(super) gap: Option<Gap>,
}

/// An item that has not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    /// Its number in the run.
    pub(super) seq: u64,
    /// Until when it is waited for.
    pub(super) until: Instant,
}

impl Chained {
    /// The place of an item that waits for no other to come.
    pub(super) fn new(id: ItemId) -> Self {
        Self { run: (id.origin, id.start), seq: id.seq, gap: None }
    }
}

/// The chains of one queue.
#[derive(Debug, Default)]
pub(super) struct Chains {
    by_run: BTreeMap<Run, Chain>,
}

#[derive(Debug, Default)]
struct Chain {
    /// What waits: number in the run, number in the queue.
    waiting: BTreeSet<(u64, u64)>,
    /// One of it is under way.
    is_busy: bool,
}

/// What a change of a chain means for the times at which entries are tried.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Turn {
    /// This entry is first, and may be tried when it is due.
    pub(super) may: Option<u64>,
    /// This entry was first and is not any longer.
    pub(super) may_not: Option<u64>,
}

impl Chains {
    /// An entry waits.
    pub(super) fn insert(&mut self, at: Chained, number: u64) -> Turn {
        let chain = self.by_run.entry(at.run).or_default();
        let was_first = chain.first();
        chain.waiting.insert((at.seq, number));
        if chain.is_busy || chain.first() != Some(number) {
            return Turn::default();
        }
        Turn { may: Some(number), may_not: was_first }
    }

    /// An entry does not wait any longer. `is_taken`: it is under way.
    pub(super) fn remove(&mut self, at: Chained, number: u64, is_taken: bool) -> Turn {
        let Some(chain) = self.by_run.get_mut(&at.run) else { return Turn::default() };
        let was_first = !chain.is_busy && chain.first() == Some(number);
        chain.waiting.remove(&(at.seq, number));
        if is_taken {
            chain.is_busy = true;
            return Turn::default();
        }
        let may = if was_first { chain.first() } else { None };
        self.forget_if_empty(at.run);
        Turn { may, may_not: None }
    }

    /// The entry of this run that was under way is not any longer.
    pub(super) fn free(&mut self, run: Run) -> Turn {
        let Some(chain) = self.by_run.get_mut(&run) else { return Turn::default() };
        chain.is_busy = false;
        let may = chain.first();
        self.forget_if_empty(run);
        Turn { may, may_not: None }
    }

    /// The entries of this run that come after `seq`, in order.
    pub(super) fn after(&self, run: Run, seq: u64) -> impl Iterator<Item = u64> + '_ {
        let chain = self.by_run.get(&run).into_iter();
        chain.flat_map(move |chain| chain.waiting.range((seq, u64::MAX)..).map(|&(_, at)| at))
    }

    /// Whether this entry is first of its chain and none of it is under way.
    pub(super) fn may_go(&self, at: Chained, number: u64) -> bool {
        let chain = self.by_run.get(&at.run);
        chain.is_some_and(|chain| !chain.is_busy && chain.first() == Some(number))
    }

    /// Nothing waits any longer; what is under way stays so.
    pub(super) fn clear_waiting(&mut self) {
        self.by_run.retain(|_, chain| {
            chain.waiting.clear();
            chain.is_busy
        });
    }

    fn forget_if_empty(&mut self, run: Run) {
        if self.by_run.get(&run).is_some_and(|chain| !chain.is_busy && chain.waiting.is_empty()) {
            self.by_run.remove(&run);
        }
    }
}

impl Chain {
    fn first(&self) -> Option<u64> {
        self.waiting.first().map(|&(_, number)| number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seq: u64) -> Chained {
        Chained { run: (NodeId([1; 16]), 1), seq, gap: None }
    }

    fn may(number: u64) -> Turn {
        Turn { may: Some(number), may_not: None }
    }

    #[test]
    fn one_after_the_other_in_the_order_of_the_origin() {
        let mut chains = Chains::default();
        assert_eq!(chains.insert(at(5), 10), may(10));
        assert_eq!(chains.insert(at(7), 11), Turn::default());
        assert_eq!(chains.insert(at(4), 12), Turn { may: Some(12), may_not: Some(10) });
        assert_eq!(chains.remove(at(4), 12, true), Turn::default());
        assert_eq!(chains.insert(at(3), 13), Turn::default(), "one is under way");
        assert!(!chains.may_go(at(3), 13));
        assert_eq!(chains.free(at(4).run), may(13));
        assert_eq!(chains.remove(at(5), 10, false), Turn::default(), "it was not first");
        assert_eq!(chains.remove(at(3), 13, false), may(11));
        assert_eq!(chains.remove(at(7), 11, true), Turn::default());
        assert_eq!(chains.free(at(7).run), Turn::default());
        assert!(chains.by_run.is_empty());
    }

    #[test]
    fn runs_do_not_wait_for_each_other() {
        let mut chains = Chains::default();
        let other = Chained { run: (NodeId([1; 16]), 2), ..at(1) };
        assert_eq!(chains.insert(at(1), 1), may(1));
        assert_eq!(chains.insert(other, 2), may(2));
        chains.remove(at(1), 1, true);
        assert!(chains.may_go(other, 2));
    }

    #[test]
    fn an_item_that_is_offered_twice_goes_twice() {
        let mut chains = Chains::default();
        assert_eq!(chains.insert(at(1), 1), may(1));
        assert_eq!(chains.insert(at(1), 2), Turn::default());
        chains.remove(at(1), 1, true);
        assert_eq!(chains.free(at(1).run), may(2));
    }
}
