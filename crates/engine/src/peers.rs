//! Choosing whom to talk to.

use crate::{MemberId, Rng};

/// Gives random peers. A spread engine holds no member list: a full view, a partial view or the
/// simulator's universe stands behind this.
pub trait PeerSampler<I> {
    /// How many peers there are to choose from, this node not counted.
    fn peer_count(&self) -> usize;

    /// Appends up to `count` distinct peers, uniformly chosen, none of which is in `exclude`.
    fn sample(&mut self, rng: &mut Rng, count: usize, exclude: &[I], into: &mut Vec<I>);

    /// Appends every peer that is not in `exclude`, in a reproducible order.
    fn all(&mut self, exclude: &[I], into: &mut Vec<I>);
}

/// A [`PeerSampler`] over a slice of known peers.
#[derive(Clone, Copy, Debug)]
pub struct FullView<'a, I>(pub &'a [I]);

impl<I: MemberId> PeerSampler<I> for FullView<'_, I> {
    fn peer_count(&self) -> usize {
        self.0.len()
    }

    fn sample(&mut self, rng: &mut Rng, count: usize, exclude: &[I], into: &mut Vec<I>) {
        let start = into.len();
        let wanted = count.min(self.0.len());
        if wanted * 3 >= self.0.len() {
            let mut all: Vec<I> =
                self.0.iter().filter(|peer| !exclude.contains(peer)).cloned().collect();
            rng.shuffle(&mut all);
            all.truncate(count);
            into.append(&mut all);
            return;
        }
        // Few out of many: redraw on a collision. The bound ends the loop when nearly all peers
        // are excluded; then fewer are returned.
        let mut draws_left = 10 * wanted + 10;
        while into.len() - start < wanted && draws_left > 0 {
            draws_left -= 1;
            let peer = &self.0[rng.index(self.0.len())];
            if !exclude.contains(peer) && !into[start..].contains(peer) {
                into.push(peer.clone());
            }
        }
    }

    fn all(&mut self, exclude: &[I], into: &mut Vec<I>) {
        into.extend(self.0.iter().filter(|peer| !exclude.contains(peer)).cloned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_distinct_and_respect_the_exclusion() {
        let peers: Vec<u32> = (0..50).collect();
        let mut rng = Rng::from_seed(1);
        for count in [0, 1, 3, 20, 49, 60] {
            let mut chosen = Vec::new();
            FullView(&peers).sample(&mut rng, count, &[7], &mut chosen);
            assert_eq!(chosen.len(), count.min(49));
            assert!(!chosen.contains(&7));
            chosen.sort_unstable();
            chosen.dedup();
            assert_eq!(chosen.len(), count.min(49));
        }
    }
}
