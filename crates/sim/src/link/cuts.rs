//! Ways that are blocked: partitions, of one direction or both.
//!
//! A cut names two sets of hosts as bit sets, so that halves of 10⁴ hosts cost a few kilobytes
//! instead of 5 × 10⁷ pairs.

use crate::HostId;

/// Names a cut, for [`crate::Net::mend`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CutId(u64);

#[derive(Debug, Default, PartialEq, Eq)]
struct Set(Vec<u64>);

impl Set {
    fn of(hosts: &[HostId]) -> Self {
        let mut words = Vec::new();
        for host in hosts {
            let word = host.index() / 64;
            if words.len() <= word {
                words.resize(word + 1, 0);
            }
            words[word] |= 1 << (host.index() % 64);
        }
        Self(words)
    }

    fn has(&self, host: HostId) -> bool {
        self.0.get(host.index() / 64).is_some_and(|word| word >> (host.index() % 64) & 1 == 1)
    }
}

#[derive(Debug)]
struct Cut {
    id: CutId,
    from: Set,
    to: Set,
}

/// All cuts that stand.
#[derive(Debug, Default)]
pub(super) struct Cuts {
    cuts: Vec<Cut>,
    count: u64,
}

impl Cuts {
    /// Blocks what `from` send to `to`. The same cut twice is two.
    pub(super) fn cut(&mut self, from: &[HostId], to: &[HostId]) -> CutId {
        self.count += 1;
        let id = CutId(self.count);
        self.cuts.push(Cut { id, from: Set::of(from), to: Set::of(to) });
        id
    }

    /// Ends one cut; false if it has ended.
    pub(super) fn mend(&mut self, id: CutId) -> bool {
        let before = self.cuts.len();
        self.cuts.retain(|cut| cut.id != id);
        self.cuts.len() < before
    }

    pub(super) fn clear(&mut self) {
        self.cuts.clear();
    }

    /// Whether a cut blocks this way. A host always reaches itself.
    pub(super) fn block(&self, from: HostId, to: HostId) -> bool {
        from != to && self.cuts.iter().any(|cut| cut.from.has(from) && cut.to.has(to))
    }
}
