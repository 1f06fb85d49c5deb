//! Cutting what a peer lacks to a budget.

use super::message::{DigestEntry, Entry, NodeDelta};
use super::state::{Held, NodeState};
use crate::Rng;

/// In which order nodes share a budget that does not hold everything.
///
/// Source: van Renesse et al. 2008, section 3.2. In the paper's experiments depth keeps both the
/// number of stale mappings and the largest staleness lowest overall.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The node with the most news first, all its news, then the next ("scuttle-depth").
    #[default]
    Depth,
    /// The oldest entry of news of every node, then the second of every node, and so on
    /// ("scuttle-breadth").
    Breadth,
}

/// What a delta costs in the caller's encoding, in bytes or whatever the budget counts.
pub trait DeltaCost<I> {
    /// All of a delta but its entries. It may depend on any field and on the number of entries,
    /// and must not fall when an entry is added at the end.
    fn node(&self, delta: &NodeDelta<I>) -> usize;
    /// One entry.
    fn entry(&self, entry: &Entry) -> usize;
}

/// One node of which a peer lacks something.
pub(super) struct News<'a, I> {
    id: &'a I,
    state: &'a NodeState,
    from_version: u64,
    purged_version: u64,
}

impl<'a, I: Clone> News<'a, I> {
    /// What the holder of `theirs` lacks of `state` and may be told of it; none if nothing.
    pub(super) fn new(id: &'a I, state: &'a NodeState, theirs: &DigestEntry<I>) -> Option<Self> {
        let (known, purged) = if theirs.generation == state.generation() {
            if theirs.max_version >= state.max_version() {
                return None;
            }
            (theirs.max_version, theirs.purged_version)
        } else if theirs.generation < state.generation() {
            (0, 0)
        } else {
            return None;
        };
        let ours = state.purged_version();
        // A key whose deletion they have purged may be live here: invariant B would break.
        if state.max_version().max(ours) < purged {
            return None;
        }
        // A deletion that is purged here may be above what they know: start over.
        let from_version = if known < ours && purged < ours { 0 } else { known };
        Some(Self { id, state, from_version, purged_version: ours.max(purged) })
    }

    fn delta(&self) -> NodeDelta<I> {
        NodeDelta {
            id: self.id.clone(),
            generation: self.state.generation(),
            from_version: self.from_version,
            purged_version: self.purged_version,
            entries: Vec::new(),
            max_version: self.state.max_version(),
        }
    }
}

/// A delta in the making.
struct Draft<'a, I> {
    delta: NodeDelta<I>,
    /// What is to come, in version order.
    left: std::vec::IntoIter<&'a Held>,
    max_version: u64,
    /// Of the entries alone, and of the whole as it counts against the budget.
    entries_cost: usize,
    cost: usize,
    /// Something is in it: entries, or the news that there are none.
    is_used: bool,
}

impl<'a, I: Clone> Draft<'a, I> {
    fn new(news: &News<'a, I>) -> Self {
        Self {
            delta: news.delta(),
            left: news.state.after(news.from_version).into_iter(),
            max_version: news.state.max_version(),
            entries_cost: 0,
            cost: 0,
            is_used: false,
        }
    }

    /// Takes the next entry in, if the whole then costs at most `room` more than now. False: the
    /// draft is complete, or cut here.
    fn grow(&mut self, room: &mut usize, cost: &dyn DeltaCost<I>) -> bool {
        let before = self.delta.max_version;
        let mut entries_cost = self.entries_cost;
        let next = self.left.next();
        match next {
            Some(held) => {
                let entry = held.to_entry();
                entries_cost += cost.entry(&entry);
                let is_last = self.left.as_slice().is_empty();
                self.delta.max_version = if is_last { self.max_version } else { entry.version };
                self.delta.entries.push(entry);
            }
            None if self.is_used => return false,
            None => self.delta.max_version = self.max_version,
        }
        let total = entries_cost.saturating_add(cost.node(&self.delta));
        let added = total.saturating_sub(self.cost);
        if added > *room {
            if next.is_some() {
                self.delta.entries.pop();
            }
            self.delta.max_version = before;
            self.left = Vec::new().into_iter();
            return false;
        }
        *room -= added;
        (self.entries_cost, self.cost, self.is_used) = (entries_cost, total, true);
        true
    }
}

/// The news in `order`, cut to `budget`.
pub(super) fn pack<I: Clone>(
    mut news: Vec<News<'_, I>>,
    order: Order,
    budget: usize,
    cost: &dyn DeltaCost<I>,
    rng: &mut Rng,
) -> Vec<NodeDelta<I>> {
    rng.shuffle(&mut news);
    match order {
        Order::Depth => depth(news, budget, cost),
        Order::Breadth => breadth(&news, budget, cost, rng),
    }
}

/// `news` is in random order, which the sort keeps among equals.
fn depth<I: Clone>(
    mut news: Vec<News<'_, I>>,
    budget: usize,
    cost: &dyn DeltaCost<I>,
) -> Vec<NodeDelta<I>> {
    news.sort_by_cached_key(|one| std::cmp::Reverse(one.state.count_after(one.from_version)));
    let mut room = budget;
    let mut deltas = Vec::new();
    for one in &news {
        if room == 0 {
            break;
        }
        let mut draft = Draft::new(one);
        while draft.grow(&mut room, cost) {}
        if draft.is_used {
            deltas.push(draft.delta);
        }
    }
    deltas
}

fn breadth<I: Clone>(
    news: &[News<'_, I>],
    budget: usize,
    cost: &dyn DeltaCost<I>,
    rng: &mut Rng,
) -> Vec<NodeDelta<I>> {
    let mut room = budget;
    let mut drafts: Vec<Draft<'_, I>> = news.iter().map(Draft::new).collect();
    let mut open: Vec<usize> = (0..drafts.len()).collect();
    while !open.is_empty() && room > 0 {
        rng.shuffle(&mut open);
        open.retain(|&index| drafts[index].grow(&mut room, cost));
    }
    drafts.into_iter().filter(|draft| draft.is_used).map(|draft| draft.delta).collect()
}
