//! Choosing peers without a member list.

use bruit_engine::{PeerSampler, Rng};

/// All nodes but one.
#[derive(Clone, Copy, Debug)]
pub struct Everyone {
    /// The one.
    pub me: u32,
    /// How many there are, it included.
    pub nodes: u32,
}

impl PeerSampler<u32> for Everyone {
    fn peer_count(&self) -> usize {
        index(self.nodes.saturating_sub(1))
    }

    fn sample(&mut self, rng: &mut Rng, count: usize, exclude: &[u32], into: &mut Vec<u32>) {
        let start = into.len();
        if count.saturating_mul(3) >= index(self.nodes) {
            self.all(exclude, into);
            rng.shuffle(&mut into[start..]);
            into.truncate(start.saturating_add(count));
            return;
        }
        // Few out of many: redraw on a collision. The bound ends the loop when nearly all peers
        // are excluded; then fewer are returned.
        let mut draws_left = 10 * count + 10;
        while into.len() - start < count && draws_left > 0 {
            draws_left -= 1;
            let drawn = rng.below(u64::from(self.nodes));
            let peer = u32::try_from(drawn).expect("below a number of 32 bits");
            if peer != self.me && !exclude.contains(&peer) && !into[start..].contains(&peer) {
                into.push(peer);
            }
        }
    }

    fn all(&mut self, exclude: &[u32], into: &mut Vec<u32>) {
        let peers = (0..self.nodes).filter(|peer| *peer != self.me);
        into.extend(peers.filter(|peer| !exclude.contains(peer)));
    }
}

/// Neighbours that are fixed: a random regular graph without loops or double edges.
#[derive(Clone, Debug)]
pub struct Overlay {
    degree: usize,
    /// The neighbours of all nodes, one after another.
    neighbours: Vec<u32>,
}

impl Overlay {
    /// A random graph in which each of `nodes` has `degree` neighbours.
    ///
    /// The configuration model: `degree` stubs for each node, matched at random; what gives a
    /// loop or a double edge is swapped with random other edges until none is left.
    ///
    /// # Panics
    /// If there is no such graph: `nodes × degree` is odd, or `degree` is not below `nodes`.
    pub fn regular(nodes: u32, degree: u32, rng: &mut Rng) -> Self {
        assert!(degree < nodes, "a node has fewer neighbours than there are nodes");
        assert!(u64::from(nodes) * u64::from(degree) % 2 == 0, "an edge has two ends");
        let mut stubs: Vec<u32> =
            (0..nodes).flat_map(|node| (0..degree).map(move |_| node)).collect();
        rng.shuffle(&mut stubs);
        let mut edges: Vec<(u32, u32)> =
            stubs.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
        let degree = index(degree);
        let mut adjacent: Vec<Vec<u32>> = vec![Vec::with_capacity(degree); index(nodes)];
        for &(a, b) in &edges {
            adjacent[index(a)].push(b);
            adjacent[index(b)].push(a);
        }
        while let Some(bad) = edges.iter().position(|&(a, b)| !is_simple(&adjacent, a, b)) {
            for one in bad..edges.len() {
                while !is_simple(&adjacent, edges[one].0, edges[one].1) {
                    swap(&mut edges, &mut adjacent, one, rng);
                }
            }
        }
        Self { degree, neighbours: adjacent.into_iter().flatten().collect() }
    }

    /// How many neighbours each node has.
    pub fn degree(&self) -> usize {
        self.degree
    }

    /// The neighbours of a node.
    pub fn of(&self, node: u32) -> &[u32] {
        let start = index(node) * self.degree;
        &self.neighbours[start..start + self.degree]
    }
}

/// Whether the edge is neither a loop nor double.
fn is_simple(adjacent: &[Vec<u32>], a: u32, b: u32) -> bool {
    a != b && adjacent[index(a)].iter().filter(|other| **other == b).count() == 1
}

/// Exchanges the second ends of an edge and a random other one.
fn swap(edges: &mut [(u32, u32)], adjacent: &mut [Vec<u32>], one: usize, rng: &mut Rng) {
    let other = rng.index(edges.len());
    if other == one {
        return;
    }
    let ((a, b), (c, d)) = (edges[one], edges[other]);
    for (node, old, new) in [(a, b, d), (b, a, c), (c, d, b), (d, c, a)] {
        let place = adjacent[index(node)].iter().position(|end| *end == old);
        adjacent[index(node)][place.expect("an edge is known at both ends")] = new;
    }
    edges[one] = (a, d);
    edges[other] = (c, b);
}

pub(super) fn index(node: u32) -> usize {
    usize::try_from(node).expect("nodes are held in a Vec")
}
