//! The randomised round robin (SWIM section 4.3).

use crate::Rng;

/// A shuffled list of the members to probe. Each is probed once per pass, so a member is probed
/// by each other one at least every `2n − 1` periods.
#[derive(Clone, Debug)]
pub(super) struct ProbeOrder<I> {
    ids: Vec<I>,
    next: usize,
}

impl<I: Clone + PartialEq> ProbeOrder<I> {
    /// An empty list.
    pub(super) fn new() -> Self {
        Self { ids: Vec::new(), next: 0 }
    }

    /// Puts a member at a random place.
    pub(super) fn insert(&mut self, rng: &mut Rng, id: I) {
        let place = rng.index(self.ids.len() + 1);
        self.ids.insert(place, id);
        if place < self.next {
            self.next += 1;
        }
    }

    /// Takes a member out.
    pub(super) fn remove(&mut self, id: &I) {
        if let Some(place) = self.ids.iter().position(|other| other == id) {
            self.ids.remove(place);
            if place < self.next {
                self.next -= 1;
            }
        }
    }

    /// Whose turn it is; shuffles when all have had theirs.
    pub(super) fn advance(&mut self, rng: &mut Rng) -> Option<I> {
        if self.next >= self.ids.len() {
            rng.shuffle(&mut self.ids);
            self.next = 0;
        }
        let id = self.ids.get(self.next)?.clone();
        self.next += 1;
        Some(id)
    }
}
