//! How the hosts of a net are connected: what a test or a scenario sets.

use super::CutId;
use crate::{HostId, Link, Net};

impl Net {
    /// Connects all hosts by `link`, from here on, also those with a link of their own, and all
    /// zones.
    ///
    /// All of these panic on a link that does not pass [`Link::validate`].
    pub fn set_links(&mut self, link: Link) {
        self.links.routes.set_all(link);
    }

    /// Connects these two by `link`, both ways, from here on.
    pub fn set_link(&mut self, a: HostId, b: HostId, link: Link) {
        self.set_link_one_way(a, b, link);
        self.set_link_one_way(b, a, link);
    }

    /// What travels from one to the other takes `link`, from here on.
    pub fn set_link_one_way(&mut self, from: HostId, to: HostId, link: Link) {
        self.links.routes.set(from, to, link);
    }

    /// What comes to this host takes `link`, whoever sends it, unless the pair has a link of its
    /// own; `None` ends that.
    pub fn set_ingress(&mut self, to: HostId, link: Option<Link>) {
        self.links.routes.set_ingress(to, link);
    }

    /// What this host sends takes `link`, unless the pair or the receiver has one of its own;
    /// `None` ends that.
    pub fn set_egress(&mut self, from: HostId, link: Option<Link>) {
        self.links.routes.set_egress(from, link);
    }

    /// Puts the host into a zone; all are in zone 0 at first.
    pub fn set_zone(&mut self, host: HostId, zone: u16) {
        self.links.routes.set_zone(host, zone);
    }

    /// The host's zone.
    pub fn zone(&self, host: HostId) -> u16 {
        self.links.routes.zone(host)
    }

    /// Connects these two zones by `link`, both ways, from here on; `a` and `b` may be the same.
    /// Zones without a link are connected by the one for all.
    pub fn set_zone_link(&mut self, a: u16, b: u16, link: Link) {
        self.links.routes.set_zone_link(a, b, link);
        self.links.routes.set_zone_link(b, a, link);
    }

    /// The link that what `from` sends to `to` takes.
    pub fn link(&self, from: HostId, to: HostId) -> &Link {
        &self.links.routes.find(from, to).link
    }

    /// Cuts these off from those, both ways, what is under way included.
    pub fn partition(&mut self, these: &[HostId], those: &[HostId]) {
        self.cut(these, those);
        self.cut(those, these);
    }

    /// Lets nothing pass from `from` to `to`; the other way stays open. A host always reaches
    /// itself.
    pub fn one_way(&mut self, from: HostId, to: HostId) {
        self.cut(&[from], &[to]);
    }

    /// Lets nothing pass from these to those, what is under way included, until it is mended.
    pub fn cut(&mut self, from: &[HostId], to: &[HostId]) -> CutId {
        self.links.cuts.cut(from, to)
    }

    /// Ends one cut; one that has ended stays so.
    pub fn mend(&mut self, cut: CutId) {
        if self.links.cuts.mend(cut) {
            self.unstall_streams();
        }
    }

    /// Ends all partitions.
    pub fn heal(&mut self) {
        self.links.cuts.clear();
        self.unstall_streams();
    }

    /// Whether a cut stops what `from` sends to `to`.
    pub fn is_cut(&self, from: HostId, to: HostId) -> bool {
        self.links.is_blocked(from, to)
    }
}
